//! The command line: clap types and help, no logic.
