//! Which machine this is, and which of its processes: what the processes of one machine know of each other, and those
//! of others cannot.

use std::fs::{read_link, read_to_string};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::OnceLock;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use crate::fs::{self, Lock, PRIVATE_FILE};
use crate::model::{FileIdentity, LocalFile, PostRequest, RecordedPost, Source};
use crate::store::{JournalError, StoreError};

/// Where a machine keeps its number, among the locks.
const FILE: &str = "locks/machine";

/// How long others are waited for, who make it.
const WAIT: Duration = Duration::from_secs(10);

/// A machine: what has one state directory, with the refresh log and the marks in it.
#[derive(Debug)]
pub(super) struct Machine {
    path: Option<PathBuf>,
    devices: OnceLock<Devices>,
}

impl Machine {
    /// The one of a state directory. `None`: all that keep nothing are one.
    pub(super) fn new(dir: Option<&Path>) -> Self {
        Self { path: dir.map(|dir| dir.join(FILE)), devices: OnceLock::new() }
    }

    /// A number that no other machine has. It is made when it is asked for first.
    pub(super) fn id(&self) -> Result<&str, StoreError> {
        Ok(self.devices()?.machine())
    }

    /// What tells its files from those of others.
    pub(super) fn devices(&self) -> Result<&Devices, StoreError> {
        if let Some(devices) = self.devices.get() {
            return Ok(devices);
        }
        let id = match &self.path {
            Some(path) => kept(path)?,
            None => "none".to_owned(),
        };
        Ok(self.devices.get_or_init(|| Devices::of(&id)))
    }
}

/// What tells the numbers of a machine's devices from those of others: machines have the same, and the inodes, sizes and
/// times of files that were copied may be the same as well.
#[derive(Clone, Debug)]
pub(super) struct Devices {
    machine: String,
    mask: u64,
}

impl Devices {
    /// Those of a machine.
    pub(super) fn of(machine: &str) -> Self {
        let key = blake3::derive_key("tiktok-up device of a machine", machine.as_bytes());
        let (mask, _) = key.split_first_chunk().unwrap_or((&[0; 8], &[]));
        Self { machine: machine.to_owned(), mask: u64::from_le_bytes(*mask) }
    }

    /// The number of the machine.
    pub(super) fn machine(&self) -> &str {
        &self.machine
    }

    /// A file of this machine as all machines know it, and the other way round.
    pub(super) fn swapped(&self, file: FileIdentity) -> FileIdentity {
        FileIdentity { device: file.device ^ self.mask, ..file }
    }

    /// Whether a file is one of a machine: what is read over a network is the same to all of them.
    #[expect(clippy::unused_self, reason = "of the machine that it is")]
    pub(super) fn has(&self, file: &LocalFile) -> bool {
        file.path.is_absolute()
    }

    /// What is asked for here as all machines know it.
    pub(super) fn to_all(&self, new: &PostRequest) -> PostRequest {
        let mut new = new.clone();
        if let Source::File(file) = &mut new.source
            && self.has(file)
        {
            file.identity = self.swapped(file.identity);
        }
        new
    }

    /// What all machines know as this one does: files of its own have their devices' own numbers.
    pub(super) fn to_here(&self, mut post: RecordedPost) -> RecordedPost {
        let elsewhere = post.elsewhere.as_deref().and_then(|it| it.split_once(' '));
        let host = elsewhere.filter(|(machine, _)| *machine != self.machine);
        post.elsewhere = host.map(|(_, host)| host.to_owned());
        if let Some(file) = post.file.as_mut().filter(|file| self.has(file)) {
            file.identity = self.swapped(file.identity);
        }
        post
    }
}

fn made() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// What the file says, which is written if there is none or it says nothing.
fn kept(path: &Path) -> Result<String, StoreError> {
    let read = || -> Result<Option<String>, StoreError> {
        let bytes = fs::read_private(path).map_err(JournalError::from)?;
        let text = bytes.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
        Ok(text.map(|text| text.trim().to_owned()).filter(|text| text.len() == 32))
    };
    if let Some(id) = read()? {
        return Ok(id);
    }
    if let Some(dir) = path.parent() {
        fs::private_dir(dir).map_err(JournalError::from)?;
    }
    let held = Lock::acquire_to_save(&path.with_extension("lock"), WAIT);
    let held = held.map_err(JournalError::from)?;
    if let Some(id) = read()? {
        return Ok(id);
    }
    let id = made();
    fs::clean_temps(path, &held).map_err(JournalError::from)?;
    fs::write_atomic(path, format!("{id}\n").as_bytes(), PRIVATE_FILE)
        .map_err(JournalError::from)?;
    Ok(id)
}

/// A process among all that kernels have ever run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    /// Since which boot of which kernel its pid counts, and in which namespace. Containers of one kernel have pids of
    /// their own, and may have one host name.
    kernel: String,
    pid: u32,
    /// When it started, in ticks since that boot: pids come again.
    started: u64,
}

impl Process {
    /// This one, where the system tells.
    pub(super) fn this() -> Option<Self> {
        let boot = read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let namespace = read_link("/proc/self/ns/pid").ok()?;
        let kernel = format!("{} {}", boot.trim(), namespace.to_str()?);
        Some(Self { kernel, pid: process::id(), started: started("self")? })
    }

    /// As it is kept.
    pub(super) fn text(&self) -> String {
        format!("{} {} {}", self.kernel, self.pid, self.started)
    }

    fn of_text(text: &str) -> Option<Self> {
        let (rest, started) = text.rsplit_once(' ')?;
        let (kernel, pid) = rest.rsplit_once(' ')?;
        Some(Self {
            kernel: kernel.to_owned(),
            pid: pid.parse().ok()?,
            started: started.parse().ok()?,
        })
    }

    /// Whether another one, as it was kept, is certain to have ended. Of other kernels and namespaces nothing is
    /// certain, nor is it of what this process may not look at.
    pub(super) fn knows_gone(&self, other: &str) -> bool {
        let Some(other) = Self::of_text(other).filter(|other| other.kernel == self.kernel) else {
            return false;
        };
        let Some(pid) = i32::try_from(other.pid).ok().and_then(Pid::from_raw) else { return false };
        match test_kill_process(pid) {
            Err(Errno::SRCH) => true,
            // Another one has its pid by now.
            Ok(()) => started(&other.pid.to_string()).is_some_and(|at| at != other.started),
            Err(_) => false,
        }
    }
}

/// When a process started, in ticks since the boot
/// (<https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>, field 22).
fn started(process: &str) -> Option<u64> {
    let stat = read_to_string(format!("/proc/{process}/stat")).ok()?;
    // A name may have spaces and brackets in it.
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_keeps_its_number() {
        let [here, there] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let id = |dir: &Path| Machine::new(Some(dir)).id().unwrap().to_owned();
        let first = id(here.path());
        assert_eq!(id(here.path()), first);
        assert_ne!(id(there.path()), first);
        std::fs::write(here.path().join(FILE), "").unwrap();
        assert_eq!(id(here.path()).len(), 32, "one that was cut off is made anew");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_is_gone_once_it_has_ended_and_not_before() {
        let this = Process::this().unwrap();
        assert_eq!(Process::of_text(&this.text()).as_ref(), Some(&this));
        assert!(!this.knows_gone(&this.text()));
        let mut child = process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id();
        let other = Process { pid, started: started(&pid.to_string()).unwrap(), ..this.clone() };
        assert!(!this.knows_gone(&other.text()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(this.knows_gone(&other.text()));
        // Another container, another boot, or nothing that was ever written.
        let elsewhere = Process { kernel: "another pid:[1]".to_owned(), ..other };
        assert!(!this.knows_gone(&elsewhere.text()));
        assert!(!this.knows_gone("") && !this.knows_gone("a b c"));
        let earlier = Process { started: this.started - 1, ..this.clone() };
        assert!(this.knows_gone(&earlier.text()), "its pid came again");
    }
}
