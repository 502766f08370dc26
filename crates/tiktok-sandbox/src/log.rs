//! The log of requests: what came, from whom, what was answered. No secret and no query string.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;

/// How many entries are kept in memory; the file takes them all.
const KEPT: usize = 20_000;

/// One request and its answer.
#[derive(Clone, Debug, Serialize)]
pub struct LogEntry {
    /// When it came, by the sandbox's clock.
    pub time: Timestamp,
    /// HTTP method.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Name of the endpoint as in fault scripts; `unknown` for what the gateway refused.
    pub endpoint: String,
    /// `@handle` of the account, where it can be told.
    pub account: Option<String>,
    /// Status of the answer; none if the connection ended without one.
    pub status: Option<u16>,
    /// TikTok's error code, if it was refused.
    pub code: Option<String>,
    /// What the error says in words: `error.message`, or `error_description`.
    pub message: Option<String>,
    /// The id in the answer.
    pub log_id: String,
    /// Of a chunk: the post that it belongs to.
    pub publish_id: Option<String>,
    /// Of a chunk: its `Content-Range`.
    pub range: Option<String>,
    /// Bytes of the request's body that arrived.
    pub bytes: u64,
    /// What a person should know.
    pub note: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Log {
    entries: VecDeque<LogEntry>,
    file: Option<File>,
}

impl Log {
    pub(super) fn to_file(file: Option<File>) -> Self {
        Self { entries: VecDeque::new(), file }
    }

    pub(super) fn push(&mut self, entry: LogEntry) {
        if let Some(file) = &mut self.file
            && let Ok(mut line) = serde_json::to_vec(&entry)
        {
            line.push(b'\n');
            // The log is a help and no part of the contract: a full disk must not stop the sandbox.
            let _ = file.write_all(&line);
        }
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    pub(super) fn entries(&self) -> impl DoubleEndedIterator<Item = &LogEntry> {
        self.entries.iter()
    }
}
