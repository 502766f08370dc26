//! What `doctor` found.

use super::{T, can_edit, frame};
use crate::commands::serve::console::Console;
use crate::commands::serve::read::Check;
use crate::console::access::Visitor;
use crate::console::pages::{DoctorPage, FindingLine};

/// What `doctor` found when it was asked last.
pub(crate) fn doctor(console: &Console, visitor: &Visitor) -> DoctorPage {
    let mut found = console.checks.found();
    // What is to be done comes first.
    found.sort_by_key(|found| (found.ok, found.hint.is_none()));
    let findings = found.into_iter().map(|found: Check| FindingLine {
        word: match (found.ok, &found.hint) {
            (false, _) => T.doctor_bad,
            (true, Some(_)) => T.doctor_todo,
            (true, None) => T.doctor_ok,
        },
        tone: match (found.ok, &found.hint) {
            (false, _) => "bad",
            (true, Some(_)) => "warn",
            (true, None) => "good",
        },
        check: found.what,
        message: found.message,
        hint: found.hint,
    });
    DoctorPage {
        t: T,
        frame: frame(console, visitor, "/doctor", T.doctor),
        can_run: can_edit(visitor),
        findings: findings.collect(),
    }
}
