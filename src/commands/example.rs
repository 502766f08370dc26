//! The example of `sandbox --example`: a manifest, its videos, and what to type next.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::fs::FsError;
use crate::output::Printer;
use crate::settings::Environment;
use crate::text;

/// A small real video, made with ffmpeg (see `crates/video-probe/fixtures/make.sh`).
pub(super) const VIDEO: &[u8] = include_bytes!("demo.mp4");

const MANIFEST: &str = "videos_to_upload.json";

/// What a user would write, for videos that are there.
const TEXT: &str = r#"// A rehearsal: three posts for the offline TikTok of `tiktok-up sandbox`. Change them as you like;
// what is posted already is skipped.
[
  {
    "user_id": "my-account",                  // the alias that the login gave
    "video_path": "videos/two-cats.mp4",      // relative to this file
    "description": "Two cats, one box",
    "tags": ["cats", "boxes"],                // caption: Two cats, one box #cats #boxes
    "privacy_level": "SELF_ONLY",
  },
  {
    "id": "two-dogs",                         // your own name for the post; it is made once
    "user_id": "my-account",
    "video_path": "videos/two-dogs.mp4",
    "description": "Two dogs, no box",
    "privacy_level": "SELF_ONLY",
  },
  {
    "user_id": "my-account",
    "video_path": "videos/three-birds.mp4",
    "mode": "draft",                          // waits in the inbox, to be finished in the app
  },
]
"#;

/// The videos of the manifest: the same small one, made different ones, and of different sizes, by a box that players
/// skip.
const VIDEOS: [&str; 3] = ["videos/two-cats.mp4", "videos/two-dogs.mp4", "videos/three-birds.mp4"];

/// Where it is.
pub(super) struct Example {
    folder: PathBuf,
    /// Tokens and journal of this rehearsal: not among the real ones, nor among those of an earlier one, of
    /// which a new sandbox knows nothing.
    home: PathBuf,
    /// Files that were there before, with other content.
    kept: Vec<PathBuf>,
}

impl Example {
    /// Writes what is not there yet.
    pub(super) fn write(folder: &Path) -> Result<Self, FsError> {
        let folder = std::path::absolute(folder).map_err(io_error("find", folder))?;
        let mut kept = Vec::new();
        put(&folder.join(MANIFEST), TEXT.as_bytes(), &mut kept)?;
        for (name, more) in VIDEOS.into_iter().zip(0..) {
            put(&folder.join(name), &video(name, more), &mut kept)?;
        }
        let home = unused_home(&folder);
        Ok(Self { folder, home, kept })
    }

    /// The manifest.
    pub(super) fn manifest(&self) -> PathBuf {
        self.folder.join(MANIFEST)
    }

    /// Where tokens and journal of the rehearsal go.
    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    /// The line that makes commands use [`Self::home`].
    pub(super) fn export(&self) -> String {
        format!("export TIKTOK_UP_HOME={}", text::quoted(&self.home))
    }

    /// Tells where it is, and what to type next, to be pasted into another shell.
    pub(super) fn report(&self, printer: &Printer, env: &Environment<'_>) {
        for path in &self.kept {
            printer.note(format!("{} was there before, and is left as it is", path.display()));
        }
        printer.talk(format!("the example is in {}", self.folder.display()));
        printer.talk("paste the `export` lines into another shell, and then:");
        printer.talk("");
        let (program, manifest) = (program(env), text::quoted(&self.manifest()));
        for command in [
            "login --alias my-account".to_owned(),
            format!("upload --dry-run {manifest}"),
            format!("upload {manifest}"),
            "status --all".to_owned(),
        ] {
            printer.talk(format!("  {program} {command}"));
        }
        printer.talk("");
    }
}

/// `home`, or `home-2` and so on if there has been a rehearsal before.
fn unused_home(folder: &Path) -> PathBuf {
    let names = (2_u32..).map(|number| format!("home-{number}"));
    let mut homes = std::iter::once("home".to_owned()).chain(names).map(|name| folder.join(name));
    homes.find(|home| fs::symlink_metadata(home).is_err()).unwrap_or_else(|| folder.join("home"))
}

fn video(name: &str, more: u32) -> Vec<u8> {
    let mut video = VIDEO.to_vec();
    let text = format!("{name}{}", " ".repeat(more as usize));
    let length = u32::try_from(text.len() + 8).unwrap_or_default();
    video.extend(length.to_be_bytes());
    video.extend(b"free");
    video.extend(text.as_bytes());
    video
}

/// Writes a new file; one that is there is left alone, whatever it is.
fn put(path: &Path, content: &[u8], kept: &mut Vec<PathBuf>) -> Result<(), FsError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(io_error("create the folder", folder))?;
    }
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if fs::read(path).ok().as_deref() != Some(content) {
                kept.push(path.to_owned());
            }
            return Ok(());
        }
        Err(error) => return Err(io_error("create", path)(error)),
    };
    file.write_all(content).map_err(|error| {
        // Half a file would be left as it is the next time.
        _ = fs::remove_file(path);
        io_error("write", path)(error)
    })
}

fn io_error(operation: &'static str, path: &Path) -> impl Fn(io::Error) -> FsError {
    let path = path.to_owned();
    move |source| FsError::Io { operation, path: path.clone(), source }
}

/// How a shell calls this program: by its name, if it finds one of that name.
fn program(env: &Environment<'_>) -> String {
    let name = "tiktok-up";
    let path = env("PATH").unwrap_or_default();
    let is_there = std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    let here = std::env::current_exe().ok().filter(|_| !is_there);
    here.map_or_else(|| name.to_owned(), |here| text::quoted(&here))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest;
    use crate::model::Defaults;

    #[test]
    fn the_manifest_is_one_of_its_videos() {
        let (manifest, faults) =
            manifest::examine(TEXT.as_bytes(), Path::new("/there"), &Defaults::default());
        assert!(faults.is_empty(), "{faults:?}");
        let files = manifest.entries.iter().map(|entry| entry.post.source.file().unwrap().shown());
        let videos = VIDEOS.map(|name| Path::new("/there").join(name));
        assert_eq!(files.collect::<Vec<_>>(), videos);
    }

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        assert_eq!(text::quoted(Path::new("/a/b-c.json")), "/a/b-c.json");
        assert_eq!(text::quoted(Path::new("/it's $here")), r"'/it'\''s $here'");
    }
}
