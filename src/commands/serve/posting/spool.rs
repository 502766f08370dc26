//! Takes the file of a post from a browser: piece after piece at the place where the last one ended, so that a connection
//! that breaks costs one piece; or all of it by a form, for browsers without scripts.

use std::io;
use std::path::Path;

use axum::body::Body;
use futures_util::StreamExt as _;
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt as _;

use super::draft::{Draft, DraftSource, Drafts};

/// A file of a form.
pub(crate) type Part<'a> = axum::extract::multipart::Field<'a>;

/// Why a piece of a file was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpoolError {
    #[error("this post has no file that a browser sends")]
    NotSent,
    #[error("the file is larger than it was said to be")]
    TooLong,
    /// The browser is to ask how much is there, and to go on from there.
    #[error("{there} bytes are there, and the piece begins at {offset}")]
    Elsewhere { there: u64, offset: u64 },
    #[error("another piece of it is being taken")]
    Busy,
    #[error("the connection broke off")]
    BrokenOff,
    #[error("the file cannot be kept")]
    Io(#[from] io::Error),
}

/// Takes a piece that begins at an offset; how much of the file is there then, in bytes. What came before a connection
/// broke off is kept.
pub(crate) async fn take(
    drafts: &Drafts,
    draft: &Draft,
    offset: u64,
    body: Body,
) -> Result<u64, SpoolError> {
    let (DraftSource::Upload { size, .. }, Some(path)) = (&draft.source, drafts.file(draft)) else {
        return Err(SpoolError::NotSent);
    };
    let _alone = drafts.write(&draft.id).ok_or(SpoolError::Busy)?;
    let mut file = open(&path).await?;
    let mut there = file.metadata().await?.len();
    if there != offset {
        return Err(SpoolError::Elsewhere { there, offset });
    }
    let mut pieces = body.into_data_stream();
    let mut broke_off = false;
    while let Some(piece) = pieces.next().await {
        let Ok(piece) = piece else {
            broke_off = true;
            break;
        };
        if there + piece.len() as u64 > *size {
            return Err(SpoolError::TooLong);
        }
        file.write_all(&piece).await?;
        there += piece.len() as u64;
    }
    file.flush().await?;
    if there == *size {
        // From here on it is what is posted.
        file.sync_all().await?;
    }
    if broke_off { Err(SpoolError::BrokenOff) } else { Ok(there) }
}

/// Takes all of a file that a form sends; its size in bytes.
pub(crate) async fn take_part(
    drafts: &Drafts,
    draft: &Draft,
    part: &mut Part<'_>,
) -> Result<u64, SpoolError> {
    let (DraftSource::Upload { size, .. }, Some(path)) = (&draft.source, drafts.file(draft)) else {
        return Err(SpoolError::NotSent);
    };
    let _alone = drafts.write(&draft.id).ok_or(SpoolError::Busy)?;
    let mut file = open(&path).await?;
    let mut there = 0;
    while let Some(piece) = part.chunk().await.map_err(|_| SpoolError::BrokenOff)? {
        there += piece.len() as u64;
        if there > *size {
            return Err(SpoolError::TooLong);
        }
        file.write_all(&piece).await?;
    }
    file.flush().await?;
    file.sync_all().await?;
    Ok(there)
}

/// A private file that is written at its end.
async fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path).await
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use jiff::Timestamp;

    use super::*;

    fn piece(bytes: &'static [u8]) -> Body {
        Body::from(Bytes::from_static(bytes))
    }

    #[tokio::test]
    async fn pieces_follow_one_another_whatever_breaks() {
        let dir = tempfile::tempdir().unwrap();
        let drafts = Drafts::open(dir.path()).unwrap();
        let source = DraftSource::Upload { name: "a.mp4".into(), size: 6 };
        let draft = drafts.begin("a".into(), source, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(take(&drafts, &draft, 0, piece(b"ab")).await.unwrap(), 2);
        let again = take(&drafts, &draft, 0, piece(b"ab")).await;
        assert!(matches!(again, Err(SpoolError::Elsewhere { there: 2, offset: 0 })));
        let breaks = [Ok::<_, io::Error>(Bytes::from_static(b"cd")), Err(io::Error::other("gone"))];
        let body = Body::from_stream(futures_util::stream::iter(breaks));
        assert!(matches!(take(&drafts, &draft, 2, body).await, Err(SpoolError::BrokenOff)));
        assert_eq!(drafts.received(&draft), 4);
        assert!(matches!(take(&drafts, &draft, 4, piece(b"efg")).await, Err(SpoolError::TooLong)));
        assert_eq!(take(&drafts, &draft, 4, piece(b"ef")).await.unwrap(), 6);
        let path = drafts.file(&draft).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"abcdef");
        let mode = std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        let alone = drafts.write(&draft.id);
        assert!(matches!(take(&drafts, &draft, 6, piece(b"")).await, Err(SpoolError::Busy)));
        drop(alone);
        assert_eq!(take(&drafts, &draft, 6, piece(b"")).await.unwrap(), 6);
        let url = DraftSource::Url { url: "https://a.example/v.mp4".into(), is_sent: false };
        let other = drafts.begin("a".into(), url, Timestamp::UNIX_EPOCH).unwrap();
        assert!(matches!(take(&drafts, &other, 0, piece(b"")).await, Err(SpoolError::NotSent)));
    }
}
