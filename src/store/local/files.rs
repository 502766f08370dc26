//! What stays with a machine, whatever store it shares with others.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::tokens::RefreshLog;
use crate::encrypt::Key;
use crate::fs;
use crate::store::AccountError;

/// The files of one machine's state directory that no other machine asks for. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct LocalFiles {
    dir: PathBuf,
    key: Option<Arc<Key>>,
}

impl LocalFiles {
    /// Those in a directory, which is made (0700) if it is not there, and must be ours alone.
    pub(crate) fn open(dir: &Path) -> Result<Self, AccountError> {
        Ok(Self { dir: fs::private_dir(dir)?, key: None })
    }

    /// The same with the key of an encrypted store: what is kept here of its tokens is encrypted with it as well.
    #[must_use]
    pub(crate) fn with_key(self, key: Key) -> Self {
        Self { key: Some(Arc::new(key)), ..self }
    }

    /// The log of the refreshes that were made from here.
    pub(crate) fn refresh_log(&self) -> RefreshLog {
        RefreshLog::new(self.dir.clone(), self.key.clone())
    }
}
