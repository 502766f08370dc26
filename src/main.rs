//! The executable: the library's `run`, and its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    tiktok_up::run(std::env::args_os()).code().into()
}
