//! Runs the executable under ptrace and lets one of its system calls fail, or kills it there.
//!
//! As `strace --inject` does, but counted over all threads together and from `main` on: there `when=N`
//! means the n-th call of each thread, and so hits the dynamic loader first.
#![expect(unsafe_code, reason = "ptrace has no safe wrapper")]

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};
use std::mem::zeroed;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::ptr::null_mut;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use libc::{c_int, c_long, pid_t, user_regs_struct};

use crate::world::Ran;

/// A file whose path could not be read.
pub(crate) const UNKNOWN: &str = "a file";

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// It fails with this error, and is not made.
    Fail(c_int),
    /// The process is killed before it.
    Kill,
}

/// Which calls something happens to.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    /// The one at this place among those that can fail, from 0.
    At(usize, Act),
    /// Each one that this is true of: it fails with this error. Threads may make their calls in any order.
    Each(fn(&Call) -> bool, c_int),
}

/// A call that can be made to fail.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    /// What it is about, as far as that is known.
    pub(crate) about: String,
    /// How often its thread had made such a call by then, as strace counts them.
    pub(crate) nth: u64,
    /// The errors that it can really give.
    pub(crate) errors: &'static [c_int],
}

impl Call {
    /// The argument of strace that comes closest to this fault.
    pub(crate) fn strace(&self, act: Act) -> String {
        let what = match act {
            Act::Fail(error) => format!("error={}", errno_name(error)),
            Act::Kill => "signal=KILL".to_owned(),
        };
        format!("--inject={}:{what}:when={}", self.name, self.nth)
    }
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Traced {
    pub(crate) ran: Ran,
    /// The signal that ended it.
    pub(crate) signal: Option<c_int>,
    /// It did not end by itself within the limit.
    pub(crate) hung: bool,
    /// The calls that can be made to fail, in their order.
    pub(crate) calls: Vec<Call>,
    /// What was done to which of them, the last one.
    pub(crate) hit: Option<(Call, Act)>,
}

/// Runs a command with a fault. `listen` gets every line of its standard error.
pub(crate) fn trace(
    mut command: Command,
    fault: Option<Fault>,
    limit: Duration,
    listen: impl Fn(&str) + Send + 'static,
) -> io::Result<Traced> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    // SAFETY: the child makes one system call and nothing else before it becomes another program.
    unsafe {
        command.pre_exec(|| match libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        })
    };
    let mut child = command.spawn()?;
    let pid = pid_t::try_from(child.id()).unwrap();
    let (mut stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let out = thread::spawn(move || {
        let mut said = String::new();
        stdout.read_to_string(&mut said).map(|_| said)
    });
    let err = thread::spawn(move || {
        let mut said = String::new();
        for line in io::BufRead::lines(io::BufReader::new(stderr)) {
            let line = line.unwrap();
            listen(&line);
            said += &line;
            said.push('\n');
        }
        said
    });
    let (over, watched) = channel::<()>();
    let watchdog = thread::spawn(move || {
        let late = watched.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
        if late {
            kill(pid);
        }
        late
    });
    let mut tracer = Tracer { pid, fault, ..Tracer::new() };
    let ended = tracer.follow();
    drop(over);
    let hung = watchdog.join().unwrap();
    let (code, signal) = ended?;
    let (stdout, stderr) = (out.join().unwrap()?, err.join().unwrap());
    let ran = Ran { code, stdout, stderr }.heard();
    Ok(Traced { ran, signal, hung, calls: tracer.calls, hit: tracer.hit })
}

struct Tracer {
    pid: pid_t,
    fault: Option<Fault>,
    /// `main` has begun.
    begun: bool,
    /// Threads, and what each does.
    threads: HashMap<pid_t, Thread>,
    /// Descriptors of internet sockets: others only connect the program with itself.
    sockets: HashSet<u64>,
    /// Descriptors of files, and their paths.
    files: HashMap<u64, String>,
    calls: Vec<Call>,
    hit: Option<(Call, Act)>,
}

#[derive(Default)]
struct Thread {
    within: Option<Within>,
    counts: HashMap<c_long, u64>,
}

/// The call that a thread is in.
struct Within {
    number: c_long,
    first: u64,
    second: u64,
    /// The error that it is to end with.
    error: Option<c_int>,
    /// What it opens.
    path: Option<String>,
}

impl Tracer {
    fn new() -> Self {
        Self {
            pid: 0,
            fault: None,
            begun: false,
            threads: HashMap::new(),
            sockets: HashSet::new(),
            files: HashMap::new(),
            calls: Vec::new(),
            hit: None,
        }
    }

    /// Follows all threads to the end of the process: its exit code, or the signal that ended it.
    fn follow(&mut self) -> io::Result<(Option<i32>, Option<c_int>)> {
        let options =
            libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACECLONE | libc::PTRACE_O_EXITKILL;
        loop {
            let mut status = 0;
            // SAFETY: it writes the status alone.
            let tid =
                unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL | libc::__WNOTHREAD) };
            if tid < 0 {
                return Err(io::Error::last_os_error());
            }
            if libc::WIFEXITED(status) || libc::WIFSIGNALED(status) {
                self.threads.remove(&tid);
                if tid == self.pid {
                    return Ok(if libc::WIFEXITED(status) {
                        (Some(libc::WEXITSTATUS(status)), None)
                    } else {
                        (None, Some(libc::WTERMSIG(status)))
                    });
                }
                continue;
            }
            let stop = libc::WSTOPSIG(status);
            let new = !self.threads.contains_key(&tid);
            let mut deliver = 0;
            if new {
                self.threads.insert(tid, Thread::default());
                if tid == self.pid {
                    let options = usize::try_from(options).unwrap();
                    // SAFETY: no memory is involved.
                    unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, tid, 0, options) };
                }
            } else if stop == libc::SIGTRAP | 0x80 {
                self.at_call(tid);
            } else if status >> 16 == 0 {
                deliver = stop;
            }
            // A thread that was killed meanwhile is told of by the next wait.
            // SAFETY: no memory is involved.
            unsafe { libc::ptrace(libc::PTRACE_SYSCALL, tid, 0, c_long::from(deliver)) };
        }
    }

    /// A thread enters a system call, or leaves it.
    fn at_call(&mut self, tid: pid_t) {
        // SAFETY: all bits zero are registers, which the call writes.
        let mut registers: user_regs_struct = unsafe { zeroed() };
        // SAFETY: the thread is stopped, and the pointer is to the structure that is asked for.
        let read = unsafe {
            libc::ptrace(libc::PTRACE_GETREGS, tid, null_mut::<u8>(), &raw mut registers)
        };
        if read != 0 {
            return;
        }
        let thread = self.threads.entry(tid).or_default();
        if let Some(within) = thread.within.take() {
            if let Some(error) = within.error {
                registers.rax = i64::from(-error).cast_unsigned();
                set_registers(tid, &registers);
            } else if registers.rax.cast_signed() >= 0 {
                self.opened(&within, registers.rax);
            }
            return;
        }
        let number = registers.orig_rax.cast_signed();
        let count = thread.counts.entry(number).or_default();
        *count += 1;
        let nth = *count;
        self.begun |= number == libc::SYS_prctl
            && registers.rdi == u64::try_from(libc::PR_SET_DUMPABLE).unwrap();
        let error = self.counted(tid, number, &registers, nth).and_then(|call| self.strike(call));
        if error.is_some() {
            // No call has this number, so none is made.
            registers.orig_rax = u64::MAX;
            set_registers(tid, &registers);
        }
        let path = match number {
            libc::SYS_openat => text(tid, registers.rsi),
            libc::SYS_open => text(tid, registers.rdi),
            _ => None,
        };
        // The memory of a process that is not dumpable is for root alone, too.
        let opens = matches!(number, libc::SYS_openat | libc::SYS_open);
        let path = path.or_else(|| opens.then(|| UNKNOWN.to_owned()));
        let (first, second) = (registers.rdi, registers.rsi);
        if number == libc::SYS_close {
            self.files.remove(&first);
            self.sockets.remove(&first);
        }
        let thread = self.threads.entry(tid).or_default();
        thread.within = Some(Within { number, first, second, error, path });
    }

    /// Learns what a descriptor is that a call gave.
    fn opened(&mut self, call: &Within, fd: u64) {
        let argument = |given: u64| c_int::try_from(given).unwrap_or(-1);
        let inet = matches!(argument(call.first), libc::AF_INET | libc::AF_INET6);
        match call.number {
            libc::SYS_socket if inet => _ = self.sockets.insert(fd),
            libc::SYS_accept4 => _ = self.sockets.insert(fd),
            libc::SYS_fcntl
                if matches!(argument(call.second), libc::F_DUPFD | libc::F_DUPFD_CLOEXEC) =>
            {
                if let Some(path) = self.files.get(&call.first) {
                    self.files.insert(fd, path.clone());
                }
            }
            _ => {
                if let Some(path) = &call.path {
                    self.files.insert(fd, path.clone());
                }
            }
        }
    }

    /// Counts a call, and does to it what is planned: the error that it is to end with.
    fn strike(&mut self, call: Call) -> Option<c_int> {
        let at = self.calls.len();
        self.calls.push(call.clone());
        let act = match self.fault? {
            Fault::At(planned, act) if planned == at => act,
            Fault::Each(is_one, error) if is_one(&call) => Act::Fail(error),
            Fault::At(..) | Fault::Each(..) => return None,
        };
        // Threads may change places; the error is one that fits all the same.
        let act = match act {
            Act::Fail(error) if !call.errors.contains(&error) => {
                call.errors.first().map_or(Act::Kill, |error| Act::Fail(*error))
            }
            act => act,
        };
        self.hit = Some((call, act));
        match act {
            Act::Fail(error) => Some(error),
            Act::Kill => {
                kill(self.pid);
                None
            }
        }
    }

    fn counted(
        &self,
        tid: pid_t,
        number: c_long,
        registers: &user_regs_struct,
        nth: u64,
    ) -> Option<Call> {
        if !self.begun {
            return None;
        }
        let fd = registers.rdi;
        let is_socket = || self.sockets.contains(&fd);
        let file = || self.files.get(&fd).cloned();
        let flags = registers.r10;
        let (name, errors): (_, &[c_int]) = match number {
            libc::SYS_openat => ("openat", &[libc::EIO, libc::EMFILE]),
            libc::SYS_open => ("open", &[libc::EIO, libc::EMFILE]),
            libc::SYS_read if is_socket() => ("read", &[libc::ECONNRESET]),
            libc::SYS_read => ("read", &[libc::EIO]),
            libc::SYS_pread64 => ("pread64", &[libc::EIO]),
            libc::SYS_write if is_socket() => ("write", &[libc::ECONNRESET]),
            libc::SYS_write => ("write", &[libc::ENOSPC, libc::EIO]),
            libc::SYS_pwrite64 => ("pwrite64", &[libc::ENOSPC, libc::EIO]),
            libc::SYS_fsync => ("fsync", &[libc::EIO]),
            libc::SYS_fdatasync => ("fdatasync", &[libc::EIO]),
            libc::SYS_ftruncate => ("ftruncate", &[libc::EIO]),
            libc::SYS_fallocate => ("fallocate", &[libc::ENOSPC]),
            libc::SYS_rename => ("rename", &[libc::EIO, libc::ENOSPC]),
            libc::SYS_renameat2 => ("renameat2", &[libc::EIO]),
            libc::SYS_linkat => ("linkat", &[libc::EIO]),
            libc::SYS_unlink => ("unlink", &[libc::EIO]),
            libc::SYS_unlinkat => ("unlinkat", &[libc::EIO]),
            libc::SYS_mkdir => ("mkdir", &[libc::ENOSPC]),
            libc::SYS_chmod => ("chmod", &[libc::EIO]),
            libc::SYS_fchmod => ("fchmod", &[libc::EIO]),
            libc::SYS_fchown => ("fchown", &[libc::EIO]),
            libc::SYS_readlink => ("readlink", &[libc::EIO]),
            libc::SYS_access => ("access", &[libc::EIO]),
            libc::SYS_flock => ("flock", &[libc::ENOLCK]),
            libc::SYS_fcntl => ("fcntl", &[libc::ENOLCK]),
            libc::SYS_getdents64 => ("getdents64", &[libc::EIO]),
            libc::SYS_statx => ("statx", &[libc::EIO]),
            libc::SYS_newfstatat => ("newfstatat", &[libc::EIO]),
            libc::SYS_fstat => ("fstat", &[libc::EIO]),
            libc::SYS_stat => ("stat", &[libc::EIO]),
            libc::SYS_lstat => ("lstat", &[libc::EIO]),
            libc::SYS_mmap => ("mmap", &[libc::ENOMEM]),
            libc::SYS_clone3 => ("clone3", &[libc::EAGAIN]),
            libc::SYS_eventfd2 => ("eventfd2", &[libc::EMFILE]),
            libc::SYS_epoll_create1 => ("epoll_create1", &[libc::EMFILE]),
            libc::SYS_epoll_ctl => ("epoll_ctl", &[libc::ENOMEM]),
            libc::SYS_setsockopt => ("setsockopt", &[libc::ENOMEM]),
            libc::SYS_socket => ("socket", &[libc::EMFILE]),
            libc::SYS_bind => ("bind", &[libc::EADDRINUSE]),
            libc::SYS_listen => ("listen", &[libc::EADDRINUSE]),
            libc::SYS_accept4 => ("accept4", &[libc::EMFILE]),
            libc::SYS_connect => ("connect", &[libc::ECONNREFUSED]),
            libc::SYS_sendto => ("sendto", &[libc::ECONNRESET]),
            libc::SYS_writev => ("writev", &[libc::ECONNRESET]),
            libc::SYS_recvfrom => ("recvfrom", &[libc::ECONNRESET]),
            _ => return None,
        };
        // Pipes and event descriptors of its own give no such errors, and the memory of an allocation
        // that fails ends any program.
        let counts = match name {
            "read" | "write" => fd <= 2 || is_socket() || file().is_some(),
            "sendto" | "writev" | "recvfrom" => is_socket(),
            "socket" => matches!(c_int::try_from(fd), Ok(libc::AF_INET | libc::AF_INET6)),
            "fcntl" => {
                let command = c_int::try_from(registers.rsi).unwrap_or_default();
                matches!(command, libc::F_SETLK | libc::F_SETLKW | libc::F_OFD_SETLK)
            }
            "mmap" => {
                let anonymous = u64::try_from(libc::MAP_ANONYMOUS).unwrap();
                let stack = u64::try_from(libc::MAP_STACK).unwrap();
                flags & anonymous == 0 || flags & stack != 0
            }
            _ => true,
        };
        let about = match name {
            _ if is_socket() && name != "socket" => Some("socket".to_owned()),
            // Without a path it is about the descriptor itself.
            "openat" | "newfstatat" | "statx" | "unlinkat" => {
                text(tid, registers.rsi).filter(|path| !path.is_empty()).or_else(file)
            }
            "rename" | "unlink" | "stat" | "lstat" | "open" | "mkdir" | "readlink" | "access" => {
                text(tid, fd)
            }
            "read" | "write" | "pread64" | "pwrite64" | "fsync" | "fdatasync" | "ftruncate"
            | "flock" | "fcntl" => file(),
            _ => None,
        };
        counts.then(|| Call { name, about: about.unwrap_or_default(), nth, errors })
    }
}

/// A text in the memory of a thread that is stopped.
fn text(tid: pid_t, at: u64) -> Option<String> {
    let mut bytes = Vec::new();
    while bytes.len() < 256 {
        let address = at + bytes.len() as u64;
        // SAFETY: it only reads the memory of the other process.
        let word = unsafe { libc::ptrace(libc::PTRACE_PEEKDATA, tid, address, null_mut::<u8>()) };
        let word = word.to_ne_bytes();
        match word.iter().position(|byte| *byte == 0) {
            None => bytes.extend(word),
            Some(end) => {
                bytes.extend(&word[..end]);
                return Some(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }
    None
}

fn set_registers(tid: pid_t, registers: &user_regs_struct) {
    // SAFETY: the thread is stopped, and the pointer is to the structure that is asked for.
    unsafe { libc::ptrace(libc::PTRACE_SETREGS, tid, null_mut::<u8>(), &raw const *registers) };
}

fn kill(pid: pid_t) {
    // SAFETY: no memory is involved.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}

fn errno_name(error: c_int) -> &'static str {
    match error {
        libc::EIO => "EIO",
        libc::ENOSPC => "ENOSPC",
        libc::EMFILE => "EMFILE",
        libc::ENOMEM => "ENOMEM",
        libc::EAGAIN => "EAGAIN",
        libc::ENOLCK => "ENOLCK",
        libc::ECONNRESET => "ECONNRESET",
        libc::ECONNREFUSED => "ECONNREFUSED",
        libc::EADDRINUSE => "EADDRINUSE",
        _ => "EINVAL",
    }
}
