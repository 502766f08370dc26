//! Prints what the headers of a video say: `cargo run -p video-probe --example probe FILE`.

use std::error::Error;
use std::fs::File;
use std::io::{Write, stdout};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: probe FILE")?;
    let file = File::open(path)?;
    let len = file.metadata()?.len();
    let found = video_probe::probe(&file, len)?;
    writeln!(stdout(), "{found:#?}")?;
    Ok(())
}
