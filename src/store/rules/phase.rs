//! How a phase is written down: a word, the stored chunks and the kind of failure.

use crate::model::{Failed, Phase};

/// A phase as the columns `phase`, `stored` and `failed` hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Written {
    pub(in crate::store) word: &'static str,
    pub(in crate::store) stored: Option<u32>,
    pub(in crate::store) failed: Option<&'static str>,
}

impl From<Phase> for Written {
    fn from(phase: Phase) -> Self {
        let (word, stored, failed) = match phase {
            Phase::InitIntent => ("init-intent", None, None),
            Phase::Open { stored } => ("open", Some(stored), None),
            Phase::FinalIntent { stored } => ("final-intent", Some(stored), None),
            Phase::Uploaded => ("uploaded", None, None),
            Phase::Rejected => ("rejected", None, None),
            Phase::Lost => ("lost", None, None),
            Phase::Abandoned => ("abandoned", None, None),
            Phase::Failed(Failed::Internal) => ("failed", None, Some("internal")),
            Phase::Failed(Failed::Pull) => ("failed", None, Some("pull")),
            Phase::Failed(Failed::AuthRemoved) => ("failed", None, Some("auth-removed")),
            Phase::Failed(Failed::Final) => ("failed", None, Some("final")),
            Phase::Published => ("published", None, None),
            Phase::Inboxed => ("inboxed", None, None),
            Phase::Unresolved => ("unresolved", None, None),
        };
        Self { word, stored, failed }
    }
}

/// Reads a phase. `None`: no phase is written like that.
pub(in crate::store) fn read(
    word: &str,
    stored: Option<u32>,
    failed: Option<&str>,
) -> Option<Phase> {
    Some(match (word, stored, failed) {
        ("init-intent", None, None) => Phase::InitIntent,
        ("open", Some(stored), None) => Phase::Open { stored },
        ("final-intent", Some(stored), None) => Phase::FinalIntent { stored },
        ("uploaded", None, None) => Phase::Uploaded,
        ("rejected", None, None) => Phase::Rejected,
        ("lost", None, None) => Phase::Lost,
        ("abandoned", None, None) => Phase::Abandoned,
        ("failed", None, Some("internal")) => Phase::Failed(Failed::Internal),
        ("failed", None, Some("pull")) => Phase::Failed(Failed::Pull),
        ("failed", None, Some("auth-removed")) => Phase::Failed(Failed::AuthRemoved),
        ("failed", None, Some("final")) => Phase::Failed(Failed::Final),
        ("published", None, None) => Phase::Published,
        ("inboxed", None, None) => Phase::Inboxed,
        ("unresolved", None, None) => Phase::Unresolved,
        _ => return None,
    })
}

/// Whether an attempt may be recorded as `to` after it was recorded as `from`. What is over stays
/// over, save that a draft in the inbox may be finished and that TikTok's answer settles what was
/// unknown, and nothing returns to its init or to before its final chunk. That a human settles an unresolved post is not a step of this kind.
pub(in crate::store) fn follows(from: Phase, to: Phase) -> bool {
    if from == to {
        return true;
    }
    match from {
        Phase::InitIntent => {
            matches!(to, Phase::Open { .. } | Phase::Rejected | Phase::Lost | Phase::Unresolved)
        }
        Phase::Open { .. } => {
            !matches!(to, Phase::InitIntent | Phase::Rejected | Phase::Lost | Phase::Uploaded)
        }
        Phase::FinalIntent { .. } => {
            !matches!(to, Phase::InitIntent | Phase::Rejected | Phase::Lost | Phase::Open { .. })
        }
        Phase::Uploaded => {
            matches!(to, Phase::Published | Phase::Inboxed | Phase::Failed(_) | Phase::Unresolved)
        }
        Phase::Inboxed => to == Phase::Published,
        Phase::Unresolved => matches!(to, Phase::Published | Phase::Inboxed | Phase::Failed(_)),
        _ => false,
    }
}
