//! How many pages of a session are told of what happens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// So many pages of one session are told what happens, so that nobody takes all connections of the console.
const EACH: usize = 8;

/// The pages that are told what happens, by session.
#[derive(Debug, Default)]
pub(crate) struct Streams(Arc<Mutex<HashMap<String, usize>>>);

/// One of them, for as long as it is open.
#[derive(Debug)]
pub(super) struct OpenStream {
    session: String,
    all: Arc<Mutex<HashMap<String, usize>>>,
}

impl Streams {
    /// One more, unless the session has enough of them.
    pub(super) fn open(&self, session: &str) -> Option<OpenStream> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(session.to_owned()).or_default();
        if *count >= EACH {
            return None;
        }
        *count += 1;
        Some(OpenStream { session: session.to_owned(), all: Arc::clone(&self.0) })
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.session) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.session);
            }
        }
    }
}
