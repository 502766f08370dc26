//! How values are written down, whatever in.

use crate::model::{CallKind, Mode, QuotaKind, SourceKind};

pub(in crate::store) fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Direct => "direct",
        Mode::Draft => "draft",
    }
}

pub(in crate::store) fn mode(word: &str) -> Option<Mode> {
    Some(match word {
        "direct" => Mode::Direct,
        "draft" => Mode::Draft,
        _ => return None,
    })
}

pub(in crate::store) fn source_word(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::File => "file",
        SourceKind::Url => "url",
        SourceKind::Photos => "photos",
    }
}

pub(in crate::store) fn source(word: &str) -> Option<SourceKind> {
    Some(match word {
        "file" => SourceKind::File,
        "url" => SourceKind::Url,
        "photos" => SourceKind::Photos,
        _ => return None,
    })
}

pub(in crate::store) fn call_word(kind: CallKind) -> &'static str {
    match kind {
        CallKind::Init => "init",
        CallKind::CreatorInfo => "creator-info",
        CallKind::Status => "status",
    }
}

pub(in crate::store) fn cap_word(kind: QuotaKind) -> &'static str {
    match kind {
        QuotaKind::Posts => "posts",
        QuotaKind::Drafts => "drafts",
        QuotaKind::ActiveUsers => "active-users",
    }
}

/// Nanoseconds since 1970 as a column holds them: enough until the year 2262.
pub(in crate::store) fn nanoseconds(time: i128) -> i64 {
    i64::try_from(time).unwrap_or(if time < 0 { i64::MIN } else { i64::MAX })
}

/// Ids exceed what JSON numbers and i64 promise, hence a text: `7512345678901234567 751…`.
pub(in crate::store) fn post_ids_text(ids: &[u64]) -> String {
    ids.iter().map(u64::to_string).collect::<Vec<_>>().join(" ")
}

/// The ids of such a text. `None`: no ids are written like that.
pub(in crate::store) fn post_ids(text: &str) -> Option<Vec<u64>> {
    text.split_whitespace().map(|id| id.parse().ok()).collect()
}
