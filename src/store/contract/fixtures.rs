//! Entries, phases and what is recorded with them, for the tests of the journal.

use jiff::Timestamp;

use crate::model::*;
use crate::secret::Secret;

/// A file with a name; the number stands for what makes it another file on disk.
pub(crate) fn file(inode: u64, size: u64) -> LocalFile {
    LocalFile {
        path: format!("/videos/{inode}.mp4").into(),
        identity: FileIdentity {
            device: u64::MAX - 3,
            inode,
            size,
            mtime: 1_700_000_000_123_456_789,
            ctime: 1_700_000_000_987_654_321,
        },
        chunk_size: size,
        chunks: 3,
        fingerprint: None,
    }
}

pub(crate) fn fingerprint(content: &str) -> String {
    blake3::hash(content.as_bytes()).to_hex().to_string()
}

/// An entry for a file.
pub(crate) fn entry(inode: u64, size: u64) -> PostRequest {
    PostRequest {
        account: "ana".to_owned(),
        username: Some("Ana".to_owned()),
        mode: Mode::Direct,
        id: None,
        source: Source::File(file(inode, size)),
        label: format!("{inode}.mp4"),
        settings: "0".repeat(64),
        caption: None,
        publish_at: None,
        repost: false,
    }
}

/// An entry for a URL.
pub(crate) fn pull(url: &str) -> PostRequest {
    PostRequest { source: Source::Url(url.to_owned()), label: "a URL".to_owned(), ..entry(0, 0) }
}

pub(crate) fn photos(urls: &[&str]) -> Source<LocalFile> {
    Source::Photos { urls: urls.iter().map(|url| (*url).to_owned()).collect(), cover_index: 0 }
}

impl PostRequest {
    pub(crate) fn id(mut self, id: &str) -> Self {
        self.id = Some(id.to_owned());
        self
    }

    pub(crate) fn of(mut self, account: &str) -> Self {
        account.clone_into(&mut self.account);
        self
    }

    pub(crate) fn draft(mut self) -> Self {
        self.mode = Mode::Draft;
        self
    }

    pub(crate) fn hashed(mut self, content: &str) -> Self {
        if let Source::File(file) = &mut self.source {
            file.fingerprint = Some(fingerprint(content));
        }
        self
    }

    pub(crate) fn again(mut self) -> Self {
        self.repost = true;
        self
    }
}

pub(crate) const NO_FACTS: AttemptUpdate = AttemptUpdate {
    publish_id: None,
    upload_url: None,
    issued_at: None,
    issued_there: None,
    fingerprint: None,
    post_ids: Vec::new(),
    code: None,
    message: None,
    log_id: None,
};

pub(crate) fn accepted() -> AttemptUpdate {
    AttemptUpdate {
        publish_id: Some("v_pub_1".to_owned()),
        upload_url: Some(Secret::new("https://upload.tiktokapis.com/?canary=Zq3")),
        issued_at: Some(Timestamp::from_millisecond(1_700_000_000_000).unwrap()),
        issued_there: Some(Timestamp::from_millisecond(1_700_000_001_000).unwrap()),
        ..NO_FACTS
    }
}

pub(crate) fn read_as(content: &str) -> AttemptUpdate {
    AttemptUpdate { fingerprint: Some(fingerprint(content)), ..NO_FACTS }
}

pub(crate) const OPEN: Phase = Phase::Open { stored: 0 };
pub(crate) const INTENT: Phase = Phase::FinalIntent { stored: 2 };
pub(crate) const BANNED: Phase = Phase::Failed(Failed::Final);
