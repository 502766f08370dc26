//! The QR code of a login as a picture, for as long as the login lasts.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::auth::browser;
use crate::auth::qr::draw::picture;
use crate::cli::LoginArgs;
use crate::fs::{FsError, PRIVATE_FILE, write_atomic};
use crate::output::{Failure, Printer};

/// A file that only the user may read, removed when this is dropped.
pub(super) struct Picture {
    path: PathBuf,
    /// Whether the desktop shows it.
    viewed: bool,
    /// Where it is if the user named no file.
    _folder: Option<TempDir>,
}

impl Picture {
    /// The picture that was asked for, with nothing in it yet: that it can be written is known before TikTok
    /// is asked for a code.
    pub(super) fn of(args: &LoginArgs) -> Result<Option<Self>, Failure> {
        let viewed = args.qr_open;
        if let Some(path) = &args.qr_png {
            claim(path)?;
            return Ok(Some(Self { path: path.clone(), viewed, _folder: None }));
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
        Ok(Some(Self { path: folder.path().join("code.png"), viewed, _folder: Some(folder) }))
    }

    /// Shows this address, in the place of any before.
    pub(super) fn show(&self, url: &str, printer: &Printer) {
        let Some(picture) = picture(url) else { return };
        let path = self.path.display();
        if let Err(error) = write_atomic(&self.path, &picture, PRIVATE_FILE) {
            return printer.warn(format!("cannot write the code to {path}: {error}"));
        }
        printer.note(format!("the code is in {path} until the login ends"));
        if self.viewed {
            let (path, printer) = (self.path.clone(), printer.clone());
            tokio::spawn(async move {
                if !browser::open_file(&path).await {
                    let path = path.display();
                    printer
                        .warn(format!("no picture viewer could be started; the code is in {path}"));
                }
            });
        }
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
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
