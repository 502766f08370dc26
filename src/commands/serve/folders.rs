//! The folders of this machine whose videos may be chosen: what is in them, and nothing outside.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The ends of the names of videos that TikTok takes.
pub(super) const VIDEOS: [&str; 4] = ["mp4", "m4v", "mov", "webm"];

/// The most entries of a folder that are listed.
const MOST: usize = 2000;

/// What lies in a folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// The folder, its links resolved.
    pub(super) path: PathBuf,
    /// The one that it lies in, unless that may not be looked at.
    pub(super) parent: Option<PathBuf>,
    /// The folders in it, by name.
    pub(super) folders: Vec<PathBuf>,
    /// The videos in it, by name, with their sizes in bytes.
    pub(super) videos: Vec<(PathBuf, u64)>,
    /// Whether there is more than is listed.
    pub(super) has_more: bool,
}

/// Why a path is not shown or taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum FolderError {
    #[error("it does not lie in a folder that `[serve] folders` of config.toml names")]
    Outside,
    #[error("it is no video that TikTok takes: .mp4, .m4v, .mov or .webm")]
    NoVideo,
    #[error("cannot look at it")]
    Io(#[from] io::Error),
}

/// The real place of a path, if it lies in one of the folders: every link and every `..` of it is followed first. What
/// is opened later is this place, not the path that was asked for.
pub(super) fn resolve(path: &Path, folders: &[PathBuf]) -> Result<PathBuf, FolderError> {
    let real = fs::canonicalize(path).map_err(|error| match error.kind() {
        // Whether something lies outside is not told.
        _ if !folders.iter().any(|folder| path.starts_with(folder)) => FolderError::Outside,
        _ => error.into(),
    })?;
    let mut roots = folders.iter().filter_map(|folder| fs::canonicalize(folder).ok());
    if roots.any(|root| real.starts_with(root)) { Ok(real) } else { Err(FolderError::Outside) }
}

/// The real place of a video in one of the folders. What else lies there is nobody's to read or to play.
pub(super) fn resolve_video(path: &Path, folders: &[PathBuf]) -> Result<PathBuf, FolderError> {
    let real = resolve(path, folders)?;
    let is_shown = |path: &Path| is_video(path) && !is_hidden(path);
    if is_shown(path) && is_shown(&real) && fs::metadata(&real)?.is_file() {
        Ok(real)
    } else {
        Err(FolderError::NoVideo)
    }
}

/// What lies in a folder. Blocks.
pub(super) fn list(path: &Path, folders: &[PathBuf]) -> Result<Listing, FolderError> {
    let path = resolve(path, folders)?;
    let parent = path.parent().filter(|parent| resolve(parent, folders).is_ok());
    let mut listing = Listing { parent: parent.map(Path::to_owned), ..Listing::default() };
    for (count, entry) in fs::read_dir(&path)?.enumerate() {
        if count >= MOST {
            listing.has_more = true;
            break;
        }
        let entry = entry?.path();
        // A link that leads out is not listed; nor is what goes away meanwhile.
        let Ok(found) = resolve(&entry, folders).and_then(|real| Ok(fs::metadata(real)?)) else {
            continue;
        };
        if is_hidden(&entry) {
            continue;
        }
        if found.is_dir() {
            listing.folders.push(entry);
        } else if found.is_file() && is_video(&entry) {
            listing.videos.push((entry, found.len()));
        }
    }
    listing.folders.sort();
    listing.videos.sort();
    listing.path = path;
    Ok(listing)
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn is_video(path: &Path) -> bool {
    let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
    VIDEOS.iter().any(|known| known.eq_ignore_ascii_case(end))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::console::pages::ENGLISH;

    #[test]
    fn the_form_for_a_file_takes_what_a_folder_shows() {
        let form = include_str!("../../console/templates/start.html");
        let (_, accepted) = form.split_once(" accept=\"").unwrap();
        let accepted: Vec<_> = accepted.split('"').next().unwrap().split(',').collect();
        for end in VIDEOS {
            let end = format!(".{end}");
            assert!(accepted.contains(&&*end), "{end}");
            for words in [ENGLISH.folder_no_videos, &FolderError::NoVideo.to_string()] {
                assert!(words.contains(&end), "{end}: {words}");
            }
        }
        let ends = accepted.iter().filter(|kind| kind.starts_with('.'));
        assert_eq!(ends.count(), VIDEOS.len());
    }

    #[test]
    fn nothing_outside_of_the_folders_is_shown() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().canonicalize().unwrap();
        let (root, secret) = (home.join("videos"), home.join("secret"));
        for folder in [&root, &secret, &root.join("more"), &home.join("videos-too")] {
            fs::create_dir(folder).unwrap();
        }
        for file in
            [root.join("a.mp4"), root.join("b.TXT"), root.join("more/c.MOV"), secret.join("d.mp4")]
        {
            fs::write(file, "abc").unwrap();
        }
        symlink(&secret, root.join("out")).unwrap();
        symlink(secret.join("d.mp4"), root.join("d.mp4")).unwrap();
        symlink(root.join("more/c.MOV"), root.join("link.mov")).unwrap();
        fs::write(root.join(".hidden.mp4"), "abc").unwrap();
        let folders = [root.clone()];
        let listing = list(&root, &folders).unwrap();
        assert_eq!(listing.parent, None);
        assert_eq!(listing.folders, [root.join("more")]);
        let videos: Vec<_> = listing.videos.iter().map(|(path, _)| path.clone()).collect();
        assert_eq!(videos, [root.join("a.mp4"), root.join("link.mov")]);
        assert_eq!(list(&root.join("more"), &folders).unwrap().parent, Some(root.clone()));
        let outside = |path: PathBuf| matches!(resolve(&path, &folders), Err(FolderError::Outside));
        assert!(outside(root.join("..")));
        assert!(outside(root.join("../secret/d.mp4")));
        assert!(outside(root.join("out")));
        assert!(outside(root.join("d.mp4")));
        assert!(outside(secret.clone()));
        assert!(outside(home.join("videos-too")));
        assert!(outside("/nowhere/at/all".into()));
        assert!(outside("relative".into()));
        assert!(matches!(resolve(&root.join("gone"), &folders), Err(FolderError::Io(_))));
        assert_eq!(resolve(&root.join("link.mov"), &folders).unwrap(), root.join("more/c.MOV"));
        assert!(matches!(list(&root, &[]), Err(FolderError::Outside)));
        let video = |name: &str| resolve_video(&root.join(name), &folders);
        assert_eq!(video("link.mov").unwrap(), root.join("more/c.MOV"));
        fs::create_dir(root.join("folder.mp4")).unwrap();
        symlink(root.join("b.TXT"), root.join("words.mp4")).unwrap();
        for name in ["b.TXT", ".hidden.mp4", "folder.mp4", "words.mp4"] {
            assert!(matches!(video(name), Err(FolderError::NoVideo)), "{name}");
        }
    }
}
