//! The door.

use std::process::ExitCode;

fn main() -> ExitCode {
    tiktok_up::run(std::env::args_os()).code().into()
}
