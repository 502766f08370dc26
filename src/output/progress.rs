//! Progress in words: one line per change of state.

use crate::engine::{Note, Progress, QuotaLeft, WaitReason, Warning};
use crate::output::span::{moment, span};
use crate::text::{count, plain, quoted, size};
use crate::timing::Timing;

/// A long upload tells of its chunks in so many steps.
const STEPS: u64 = 10;

/// What a change is called; `None` for what only a bar can show.
pub(super) fn words(progress: &Progress, every_chunk: bool) -> Option<String> {
    Some(match progress {
        Progress::Creator { nickname } => format!("posting as {nickname}"),
        Progress::Sending { size: all, stored: 0, chunks } => {
            format!("sending {} in {}", size(*all), count(*chunks, "chunk"))
        }
        Progress::Sending { size: all, stored, .. } => {
            format!("going on at {} of {}", size(*stored), size(*all))
        }
        Progress::ChunkStored { chunk, of } if every_chunk || is_step(*chunk, *of) => {
            format!("chunk {chunk} of {of} stored")
        }
        Progress::Position { .. } | Progress::ChunkStored { .. } => return None,
        Progress::Retrying { why, attempt, of, wait } => {
            format!("{why}; try {attempt} of {of} in {}", span(*wait))
        }
        Progress::Waiting { why, wait } => {
            format!("{}; waiting {}", wait_words(why), span(*wait))
        }
        Progress::Processing => "TikTok is processing it".to_owned(),
        Progress::Note(note) => note_words(note),
        Progress::Warning(warning) | Progress::Early(warning) => warning_words(warning),
    })
}

fn wait_words(why: &WaitReason) -> String {
    match why {
        WaitReason::Quota { limit } => format!("TikTok allows {limit} of these calls a minute"),
        WaitReason::SlowDown => "TikTok asks to slow down".to_owned(),
        WaitReason::InitUnclear { came } => {
            format!("{came}; nothing can have been posted by that, so the init is sent again")
        }
        WaitReason::Proof => "making sure that the last chunk never arrived".to_owned(),
        WaitReason::FinalAnswer => {
            "TikTok's answer to the last chunk decides; a second signal leaves at once".to_owned()
        }
    }
}

pub(super) fn note_words(note: &Note) -> String {
    match note {
        Note::FileReplaced => "the file is another one now; starting over".to_owned(),
        Note::SettingsChanged => "its settings were changed; starting over".to_owned(),
        Note::TryingOnceMore { why } => format!("{why}; trying it once more"),
        Note::UploadAbandoned => {
            "TikTok takes no more of the upload that was begun; starting over".to_owned()
        }
        Note::NoStatusYet { why } => format!("no status yet: {why}"),
        Note::IdUnknownYet => "TikTok does not know the publish_id yet; asking again".to_owned(),
        Note::AnotherVideo { post } => {
            format!(
                "another video than post {post}, which lay there before: it is a post of its own"
            )
        }
        Note::FinishingRepost => "finishing a repost that an earlier run was asked for".to_owned(),
    }
}

pub(super) fn warning_words(warning: &Warning) -> String {
    match warning {
        Warning::SettingsChangedTooLate => {
            "its settings were changed too late: TikTok has it with those of before".to_owned()
        }
        Warning::NotPosted { post, id: None } => format!(
            "post {post} was not posted, and another video lies where its own did: that is a post of its own. To \
             have both, name the first one where it lies now"
        ),
        Warning::NotPosted { post, id: Some(id) } => format!(
            "post {post} was not posted, and its `id` \"{}\" stands for another video now, which is posted instead",
            plain(id)
        ),
        Warning::LinkToNothing { post, target } => format!(
            "it is a symbolic link to {}, which is not there; post {post} was made of what it led to before. If another \
             video is meant, put it there",
            quoted(target)
        ),
        Warning::SeveralPosts { ids } => {
            let ids = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            format!("TikTok made several posts of it: {ids}")
        }
        Warning::SlowLink { takes, life } => format!(
            "at this speed the upload takes {:.0} minutes, and TikTok gives it {:.0}",
            takes.as_secs_f64() / 60.0,
            life.as_secs_f64() / 60.0
        ),
        Warning::SameContent { post, label, id, own, is_open: true } => format!(
            "the same content as {label} (post {post}, `id` \"{}\"), of which it is not known yet whether it was posted: \
             this one goes all the same, as its `id` \"{}\" is another one",
            plain(id),
            plain(own)
        ),
        Warning::SameContent { post, label, id, own, is_open: false } => format!(
            "the same content as {label} (post {post}, `id` \"{}\"): it is posted once more, as its \
             `id` \"{}\" is another one",
            plain(id),
            plain(own)
        ),
        Warning::SameContentHere { first, id, own } => format!(
            "the same content as post {} of this manifest (`id` \"{}\"): it is posted once more, as its \
             `id` \"{}\" is another one",
            first + 1,
            plain(id),
            plain(own)
        ),
        Warning::TooLong { lasts, limit } => format!(
            "the video lasts {:.1} s, and this creator may post up to {} s; it is sent all the same",
            lasts.as_secs_f64(),
            limit.as_secs()
        ),
        Warning::FarAhead { at, wait } => {
            let days = u64::try_from(wait.as_hours() / 24).unwrap_or_default();
            let ahead = match days {
                0..730 => count(days, "day"),
                _ => count(days * 4 / (4 * 365 + 1), "year"),
            };
            format!("its `publish_at` is {ahead} ahead ({}); it waits until then", moment(*at))
        }
        Warning::Doubt { what } | Warning::LeftToApp { what } => what.clone(),
        Warning::GoneAndChanged { post } => format!(
            "there is no such file; post {post} was made of one that lay there, with other settings. If another \
             video is meant, put it there"
        ),
        Warning::SameAddress { post } => format!(
            "same address, other query, as post {post}; give it an `id`, so that it is known \
             whatever its address becomes"
        ),
    }
}

/// That files are watched which may still be written.
pub(crate) fn watching(files: usize, timing: &Timing) -> String {
    format!(
        "{} changed within the last {} s, and it cannot be told whether they are finished: watching \
         until they have been still for {} s",
        count(u64::try_from(files).unwrap_or(u64::MAX), "file"),
        timing.recent.as_secs(),
        timing.still.as_secs(),
    )
}

/// What TikTok's limits leave to an account.
pub(super) fn quota(left: &QuotaLeft) -> String {
    if let (false, Some(until)) = (left.has_room, left.full_until) {
        let until = moment(until);
        return format!(
            "{}: TikTok's limit of 24 hours is full; it is asked again from {until} on",
            left.account
        );
    }
    let mut words = vec![format!(
        "{}: {} of {} posts may be begun within the coming minute",
        left.account, left.inits, left.inits_a_minute
    )];
    words.extend(left.drafts.map(|drafts| {
        format!("the inbox has room for {drafts} of {} drafts a day", left.drafts_a_day)
    }));
    words.push(match left.full_until {
        Some(until) if !left.waiting.is_empty() => {
            let posts: Vec<_> = left.waiting.iter().map(|at| (at + 1).to_string()).collect();
            let (posts, wait) = match posts.as_slice() {
                [one] => (format!("post {one}"), "waits"),
                several => (format!("posts {}", several.join(", ")), "wait"),
            };
            format!(
                "this manifest has more drafts than that: {posts} {wait}, for now until {}",
                moment(until)
            )
        }
        Some(until) => {
            format!(
                "for the rest TikTok's limit of 24 hours is full; it is asked again from {} on",
                moment(until)
            )
        }
        None => "no limit of 24 hours is known to be full".to_owned(),
    });
    words.join("; ")
}

/// Whether this chunk is the first one to complete another tenth.
fn is_step(chunk: u32, of: u32) -> bool {
    let tenths = |n: u32| u64::from(n) * STEPS / u64::from(of.max(1));
    tenths(chunk) > tenths(chunk.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn lines(of: u32, every_chunk: bool) -> usize {
        let stored = (1..=of).map(|chunk| Progress::ChunkStored { chunk, of });
        stored.filter(|progress| words(progress, every_chunk).is_some()).count()
    }

    #[test]
    fn a_long_upload_tells_of_its_chunks_ten_times() {
        assert_eq!(lines(1, false), 1);
        assert_eq!(lines(7, false), 7);
        assert_eq!(lines(10, false), 10);
        assert_eq!(lines(999, false), 10);
        assert_eq!(lines(999, true), 999);
    }

    #[test]
    fn a_resumed_upload_says_where_it_goes_on() {
        let progress = Progress::Sending { size: 96_000_000, stored: 64_000_000, chunks: 3 };
        assert_eq!(words(&progress, false).unwrap(), "going on at 64.0 MB of 96.0 MB");
    }

    #[test]
    fn a_retry_says_why_and_when() {
        let progress = Progress::Retrying {
            why: "connection reset".into(),
            attempt: 2,
            of: 6,
            wait: Duration::from_secs(2),
        };
        assert_eq!(words(&progress, false).unwrap(), "connection reset; try 2 of 6 in 2s");
    }
}
