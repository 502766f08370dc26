//! What `--version` says, and more of it with `--verbose`.

use std::ffi::OsString;

use clap::CommandFactory as _;
use clap::error::ErrorKind;

use super::Cli;

/// Replaces the version that was asked for by one with all that is known of the build, if `--verbose` asks
/// for that. clap answers `--version` where it comes upon it, and has not read the rest by then.
pub(super) fn told(error: clap::Error, args: &[OsString]) -> clap::Error {
    if error.kind() != ErrorKind::DisplayVersion || !is_verbose(args) {
        return error;
    }
    let command = Cli::command().version(in_full());
    command.try_get_matches_from(args).err().unwrap_or(error)
}

/// Whether `--verbose` or `-v` stands there, also in a word with other letters, such as `-vV`.
fn is_verbose(args: &[OsString]) -> bool {
    let words = args.iter().skip(1).filter_map(|arg| arg.to_str()).take_while(|arg| *arg != "--");
    words.into_iter().any(|word| match word.strip_prefix('-') {
        Some("-verbose") => true,
        Some(letters) => !letters.starts_with('-') && letters.contains('v'),
        None => false,
    })
}

/// The version, and below it a line for each thing that tells one build from another.
fn in_full() -> String {
    format!(
        "{}\ncommit: {}\ntarget: {}\nprofile: {}\nfeatures: {}\nrustc: {}",
        env!("CARGO_PKG_VERSION"),
        env!("TIKTOK_UP_BUILD_COMMIT"),
        env!("TIKTOK_UP_BUILD_TARGET"),
        env!("TIKTOK_UP_BUILD_PROFILE"),
        env!("TIKTOK_UP_BUILD_FEATURES"),
        env!("TIKTOK_UP_BUILD_RUSTC"),
    )
}
