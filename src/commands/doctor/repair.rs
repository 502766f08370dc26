//! `doctor --repair-journal`: saves what can be saved of a damaged journal.

use std::path::Path;

use serde_json::json;

use crate::commands::Context;
use crate::exit::Exit;
use crate::model::PostNumber;
use crate::output::{Failure, Printer};
use crate::store::local::{Repair, Repaired, SqliteJournal};
use crate::text;

/// Saves what can be saved of a damaged journal.
pub(super) fn repair(context: &Context) -> Result<Exit, Failure> {
    let printer = &context.printer;
    let state = &context.settings.home.state;
    let outcome = SqliteJournal::repair(state, context.settings.clock)?;
    if printer.is_json() {
        printer.json(&event(&outcome));
    }
    match outcome {
        Repair::Nothing => printer.note("there is no journal to repair, and none was set aside"),
        Repair::Sound => {
            printer.note("the journal is sound; nothing was changed");
            if let Some(aside) = SqliteJournal::set_aside_in(state)? {
                printer.warn(format!(
                    "`{}` still lies there, and nothing is posted until it has another name: give it \
                     one if the journal in place is the right one",
                    aside.display()
                ));
            }
        }
        Repair::Hopeless(at) => {
            let message = format!("no post can be read of the journal `{}`", at.display());
            let failure = Failure::usage(message).hint(
                "nothing was changed. Restore the journal from a good copy; or look at the profile, \
                 take out of the manifest what is posted, give the damaged journal another name \
                 without deleting it, and run `tiktok-up upload --new-journal ...` once",
            );
            return Err(Failure { exit: Exit::Local, ..failure });
        }
        Repair::Done(repaired) => say(printer, &repaired),
    }
    Ok(Exit::Done)
}

fn say(printer: &Printer, repaired: &Repaired) {
    let kept: Vec<_> = repaired.kept.iter().map(|dir| format!("`{}`", dir.display())).collect();
    printer.note(format!(
        "{} saved; the damaged files are kept in {}",
        text::count(repaired.posts, "post"),
        kept.join(" and ")
    ));
    if repaired.whole {
        printer.note("nothing is missing: `upload` goes on as before");
        return;
    }
    let missing = match repaired.missing.as_slice() {
        [] => "posts may be missing".to_owned(),
        missing => format!("missing: {}, and others may be", numbers(missing)),
    };
    printer.warn(format!(
        "{missing}: what the journal does not know would be posted again. Look at the profile, take \
         out of the manifest what is posted, then run `tiktok-up upload --new-journal ...` once"
    ));
    if !repaired.unresolved.is_empty() {
        printer.warn(format!(
            "nobody knows any more what became of {}: look at the profile, then run `tiktok-up \
             resolve POST --posted` or `--not-posted` for each",
            numbers(&repaired.unresolved)
        ));
    }
}

/// `post 3, posts 5 to 9`.
fn numbers(posts: &[PostNumber]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for post in posts {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(post.0) => *last = post.0,
            _ => runs.push((post.0, post.0)),
        }
    }
    let runs = runs.into_iter().map(|(first, last)| {
        if first == last { format!("post {first}") } else { format!("posts {first} to {last}") }
    });
    runs.collect::<Vec<_>>().join(", ")
}

fn event(outcome: &Repair) -> serde_json::Value {
    let list = |posts: &[PostNumber]| posts.iter().map(|post| post.0).collect::<Vec<_>>();
    let shown = |path: &Path| path.display().to_string();
    match outcome {
        Repair::Nothing => json!({ "event": "repair", "outcome": "nothing" }),
        Repair::Sound => json!({ "event": "repair", "outcome": "sound" }),
        Repair::Hopeless(at) => {
            json!({ "event": "repair", "outcome": "hopeless", "journal": shown(at) })
        }
        Repair::Done(repaired) => json!({
            "event": "repair",
            "outcome": if repaired.whole { "whole" } else { "in_part" },
            "posts": repaired.posts,
            "missing": list(&repaired.missing),
            "unresolved": list(&repaired.unresolved),
            "kept": repaired.kept.iter().map(|dir| shown(dir)).collect::<Vec<_>>(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posts_that_follow_each_other_are_told_as_one_range() {
        let posts = |numbers: &[u32]| numbers.iter().copied().map(PostNumber).collect::<Vec<_>>();
        assert_eq!(numbers(&posts(&[3])), "post 3");
        assert_eq!(numbers(&posts(&[1, 2, 3, 7, 9, 10])), "posts 1 to 3, post 7, posts 9 to 10");
    }
}
