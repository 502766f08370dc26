//! A terminal of a given size, with somebody at it.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};

use crate::process::eventually;
use crate::world::World;

/// Both ends of it.
pub(crate) struct Pty {
    person: File,
    program: File,
    shown: RefCell<Vec<u8>>,
}

impl Pty {
    /// A terminal of this size, in cells.
    pub(crate) fn new(columns: u16, rows: u16) -> Self {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&person).unwrap();
        unlockpt(&person).unwrap();
        let flags = fcntl_getfl(&person).unwrap();
        fcntl_setfl(&person, flags | OFlags::NONBLOCK).unwrap();
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&person, size).unwrap();
        let name = ptsname(&person, Vec::new()).unwrap();
        let path = OsStr::from_bytes(name.as_bytes());
        let program = OpenOptions::new().read(true).write(true).open(path).unwrap();
        Self { person: File::from(person), program, shown: RefCell::default() }
    }

    /// The end of a program.
    pub(crate) fn stdio(&self) -> Stdio {
        self.program.try_clone().unwrap().into()
    }

    /// Starts the executable in a world as the one program that this terminal controls.
    pub(crate) fn start(&self, world: &World, args: &[&str]) -> Child {
        let mut command = Command::new("setsid");
        command.args(["--ctty", env!("CARGO_BIN_EXE_tiktok-up")]).args(args);
        let mut command = world.dress(command);
        command.env("TERM", "xterm").stdin(self.stdio()).stdout(self.stdio());
        command.stderr(self.stdio()).spawn().unwrap()
    }

    /// Types this.
    pub(crate) fn types(&self, text: &str) {
        (&self.person).write_all(text.as_bytes()).unwrap();
    }

    /// Whether it shows what is typed.
    pub(crate) fn echoes(&self) -> bool {
        tcgetattr(&self.program).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    /// Lets it show what is typed, as a shell does that takes a stopped job back.
    pub(crate) fn echo(&self) {
        let mut modes = tcgetattr(&self.program).unwrap();
        modes.local_modes.insert(LocalModes::ECHO);
        tcsetattr(&self.program, OptionalActions::Now, &modes).unwrap();
    }

    /// All that it has shown.
    pub(crate) fn shown(&self) -> String {
        let mut shown = self.shown.borrow_mut();
        _ = (&self.person).read_to_end(&mut shown);
        String::from_utf8_lossy(&shown).into_owned()
    }

    /// Waits until it has shown this.
    #[track_caller]
    pub(crate) fn sees(&self, words: &str) {
        eventually(words, || self.shown().contains(words).then_some(()));
    }

    /// Waits for the end of a program on it.
    #[track_caller]
    pub(crate) fn end(&self, mut child: Child) -> ExitStatus {
        let status = eventually("the end", || {
            self.shown();
            child.try_wait().unwrap()
        });
        self.shown();
        status
    }
}
