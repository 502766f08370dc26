//! The QR code of a login as a picture, for as long as the login lasts.

use std::convert::Infallible;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError, mpsc};
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::Handle;

use crate::auth::browser;
use crate::auth::qr::draw::picture;
use crate::cli::LoginArgs;
use crate::fs::{FsError, PRIVATE_FILE, write_atomic};
use crate::output::{Failure, Printer};

/// How long the end of a login waits for a disk to take a picture that is being written, so that none is left
/// behind.
const PATIENCE: Duration = Duration::from_secs(1);

/// A file that only the user may read, removed when this is dropped. It is written in a thread of its own, so
/// that a disk that hangs keeps no login from hearing signals.
pub(super) struct Picture {
    path: PathBuf,
    /// Whether the desktop shows it.
    viewed: bool,
    /// What writes it, once there was something to write.
    writer: OnceLock<Option<Writer>>,
    /// Where it is if the user named no file.
    _folder: Option<TempDir>,
}

/// A thread that writes what it is sent, one picture in the place of the other.
struct Writer {
    pictures: mpsc::Sender<Vec<u8>>,
    /// Its other end goes when the thread ends.
    ended: Mutex<mpsc::Receiver<Infallible>>,
}

impl Picture {
    /// The picture that was asked for, with nothing in it yet: that it can be written is known before TikTok
    /// is asked for a code.
    pub(super) fn of(args: &LoginArgs) -> Result<Option<Self>, Failure> {
        let viewed = args.qr_open;
        if let Some(path) = &args.qr_png {
            claim(path)?;
            return Ok(Some(Self {
                path: path.clone(),
                viewed,
                writer: OnceLock::new(),
                _folder: None,
            }));
        }
        if !viewed {
            return Ok(None);
        }
        let folder = tempfile::Builder::new().prefix("tiktok-up-code-").tempdir();
        let folder = folder.map_err(|source| FsError::Io {
            operation: "make a folder in",
            path: std::env::temp_dir(),
            source,
        })?;
        let path = folder.path().join("code.png");
        Ok(Some(Self { path, viewed, writer: OnceLock::new(), _folder: Some(folder) }))
    }

    /// Shows this address, in the place of any before.
    pub(super) fn show(&self, url: &str, printer: &Printer) {
        let Some(picture) = picture(url) else { return };
        let writer = self.writer.get_or_init(|| self.start(printer).ok());
        let sent = writer.as_ref().map(|writer| writer.pictures.send(picture));
        if !matches!(sent, Some(Ok(()))) {
            printer.warn(format!("cannot write the code to {}", self.path.display()));
        }
    }

    fn start(&self, printer: &Printer) -> io::Result<Writer> {
        let (pictures, sent) = mpsc::channel::<Vec<u8>>();
        let (end, ended) = mpsc::channel();
        let (path, viewed) = (self.path.clone(), self.viewed);
        let (printer, runtime) = (printer.clone(), Handle::current());
        let work = move || {
            let _end: mpsc::Sender<Infallible> = end;
            for picture in sent {
                if write(&path, &picture, &printer) && viewed {
                    runtime.spawn(view(path.clone(), printer.clone()));
                }
            }
        };
        std::thread::Builder::new().name("picture".to_owned()).spawn(work)?;
        Ok(Writer { pictures, ended: Mutex::new(ended) })
    }
}

fn write(path: &Path, picture: &[u8], printer: &Printer) -> bool {
    let shown = path.display();
    if let Err(error) = write_atomic(path, picture, PRIVATE_FILE) {
        printer.warn(format!("cannot write the code to {shown}: {error}"));
        return false;
    }
    printer.note(format!("the code is in {shown} until the login ends"));
    true
}

async fn view(path: PathBuf, printer: Printer) {
    if !browser::open_file(&path).await {
        let path = path.display();
        printer.warn(format!("no picture viewer could be started; the code is in {path}"));
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        if let Some(Writer { pictures, ended }) = self.writer.take().flatten() {
            drop(pictures);
            let ended = ended.into_inner().unwrap_or_else(PoisonError::into_inner);
            _ = ended.recv_timeout(PATIENCE);
        }
        // What is in it is of no use any more.
        _ = fs::remove_file(&self.path);
    }
}

/// Makes the file, or takes one that has nothing in it, as `mktemp` makes them.
fn claim(path: &Path) -> Result<(), Failure> {
    let made = OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE).open(path);
    match made {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let is_empty = |found: fs::Metadata| found.is_file() && found.len() == 0;
            if fs::symlink_metadata(path).is_ok_and(is_empty) {
                return Ok(());
            }
            Err(Failure::usage(format!(
                "`{}` is there already, and is not overwritten",
                path.display()
            ))
            .hint("give the picture another name, or remove that file"))
        }
        Err(source) => {
            Err(FsError::Io { operation: "create", path: path.to_owned(), source }.into())
        }
    }
}
