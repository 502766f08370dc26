//! Commands under measurement.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::run::Taken;

/// A command to be measured.
#[derive(Debug)]
pub(crate) struct Measured {
    program: PathBuf,
    args: Vec<OsString>,
    envs: Vec<(OsString, OsString)>,
    dir: PathBuf,
}

impl Measured {
    /// A program that is run in a directory.
    pub(crate) fn new(program: impl Into<PathBuf>, dir: &Path) -> Self {
        Self { program: program.into(), args: Vec::new(), envs: Vec::new(), dir: dir.to_owned() }
    }

    /// With these arguments after those that it has.
    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// With an option and its value.
    pub(crate) fn arg_pair(self, name: &str, value: &Path) -> Self {
        self.args([name]).args([value])
    }

    /// With a variable of the environment.
    pub(crate) fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.envs.push((name.into(), value.into()));
        self
    }

    /// Runs it. What it prints is kept from the terminal.
    pub(crate) fn run(&self) -> anyhow::Result<Taken> {
        let report = tempfile::NamedTempFile::new()?;
        let me = std::env::current_exe()?;
        let output = Command::new(me)
            .arg("run")
            .arg(report.path())
            .arg("--")
            .arg(&self.program)
            .args(&self.args)
            .envs(self.envs.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .output()?;
        let taken = std::fs::read(report.path())?;
        let said = || {
            let (out, err) = (&output.stdout, &output.stderr);
            format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
        };
        let taken: Taken = serde_json::from_slice(&taken).with_context(said)?;
        anyhow::ensure!(
            taken.exit == 0,
            "{} ended with {}:\n{}",
            self.program.display(),
            taken.exit,
            said()
        );
        Ok(taken)
    }
}
