//! Runs one command and says what it took. A process of its own for each measurement: the kernel counts the
//! peak memory of a child from that of the process which started it, and this one has next to none.

#![allow(unsafe_code, reason = "std does not tell what a child took")]

use std::ffi::OsString;
use std::mem::MaybeUninit;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

/// What a command took, of the machine and of its user's time.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Taken {
    /// Its exit code.
    pub(crate) exit: i32,
    /// From its start to its end, in seconds.
    pub(crate) wall: f64,
    /// User and system time, in seconds.
    pub(crate) cpu: f64,
    /// The most memory that it had at a time, in KiB.
    pub(crate) peak: u64,
}

/// Runs a command to its end and writes [`Taken`] into `report`.
pub(crate) fn run(report: &Path, command: &[OsString]) -> anyhow::Result<()> {
    let [program, args @ ..] = command else { bail!("no command") };
    let begun = Instant::now();
    let status = Command::new(program)
        .args(args)
        .status()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let wall = begun.elapsed().as_secs_f64();
    let (cpu, peak) = of_children()?;
    let taken = Taken { exit: status.code().unwrap_or(-1), wall, cpu, peak };
    Ok(std::fs::write(report, serde_json::to_vec(&taken)?)?)
}

/// User and system time in seconds, and peak memory in KiB, of the children that have ended.
fn of_children() -> anyhow::Result<(f64, u64)> {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the structure is this function's, and whole whatever the call leaves out.
    let usage = unsafe {
        if libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()) != 0 {
            return Err(std::io::Error::last_os_error().into());
        }
        usage.assume_init()
    };
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    let peak = u64::try_from(usage.ru_maxrss)?;
    Ok((seconds(usage.ru_utime) + seconds(usage.ru_stime), peak))
}
