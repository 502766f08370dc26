//! What TikTok's list of public videos tells of posts whose outcome is unknown: whether one of them has the caption,
//! and was made when the post would have been. It settles nothing: another program may have posted the same, and what
//! only its creator can see is not listed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tiktok_open::{MAX_VIDEOS, PublicVideo, VideoPage};

use super::Questions;
use crate::commands::stores::Stores;
use crate::commands::videos::LIST;
use crate::commands::{Context, at_rest};
use crate::model::account::Accounts;
use crate::model::{Mode, Phase, PostNumber, RecordedPost};
use crate::output::{Failure, moment};
use crate::settings::Encrypt;
use crate::store::Journal;
use crate::text;

/// How long after its init a post may appear.
const WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// How far two clocks that tell whole seconds may be apart.
const SLACK: SignedDuration = SignedDuration::from_secs(2);

/// So long is what TikTok lists of a caption, in units of UTF-16
/// (<https://developers.tiktok.com/doc/tiktok-api-v2-video-object>); one less where a character has two.
const LISTED: usize = 149;

/// What is known of some posts, by their numbers.
pub(super) type AllEvidence = HashMap<PostNumber, Evidence>;

/// What TikTok's list tells of a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Evidence {
    /// The video with its caption, if there is one.
    found: Option<Found>,
    /// How many public videos of that time were looked at.
    looked_at: usize,
    /// How many were not, as they are known to be other posts of this journal.
    of_others: usize,
    /// Whether they were all that there are.
    complete: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    id: String,
    url: Option<String>,
    at: Timestamp,
    /// Other posts of which it may be the video as well.
    others: Vec<PostNumber>,
}

/// A post to look for.
struct Wanted {
    number: PostNumber,
    caption: String,
    from: Timestamp,
    to: Timestamp,
}

/// Looks for the posts among these whose outcome is unknown. One call for each of their accounts; whatever keeps it
/// from being made, there is no evidence then.
pub(super) async fn look(
    context: &Context,
    store: &Stores,
    journal: &Arc<dyn Journal>,
    questions: &mut Option<Questions>,
    accounts: &Accounts,
    posts: &[RecordedPost],
) -> Result<AllEvidence, Failure> {
    let mut wanted: BTreeMap<&str, Vec<&RecordedPost>> = BTreeMap::new();
    for post in posts.iter().filter(|post| is_looked_for(post)) {
        let account = accounts.get(&post.account).filter(|account| !account.is_exported());
        if account.is_some_and(|account| account.scopes.has(LIST)) {
            wanted.entry(&post.account).or_default().push(post);
        }
    }
    if wanted.is_empty() || (questions.is_none() && is_typed(context)) {
        return Ok(AllEvidence::new());
    }
    let questions = match questions {
        Some(questions) => questions,
        None => questions.insert(Questions::begin(context, store, journal).await?),
    };
    let found = look_for(context, questions, journal, wanted).await;
    // Also after an error: a refresh that has begun must reach the disk before the program ends.
    questions.tokens.flush().await;
    found
}

async fn look_for(
    context: &Context,
    questions: &Questions,
    journal: &Arc<dyn Journal>,
    wanted: BTreeMap<&str, Vec<&RecordedPost>>,
) -> Result<AllEvidence, Failure> {
    let mut all = AllEvidence::new();
    let mut made: Option<HashSet<String>> = None;
    for (account, posts) in wanted {
        context.printer.step("asking TikTok for the public videos");
        let asked = videos(context, questions, account, &posts);
        let page = tokio::select! {
            biased;
            _ = context.shutdown.requested() => break,
            page = asked => page,
        };
        let Some((page, wanted)) = page else { continue };
        // What is known to be the video of another post is none of these.
        if made.is_none() && !page.videos.is_empty() {
            let posts = journal.all().await?.into_iter().filter_map(|post| post.last);
            let ids = posts.flat_map(|last| last.post_ids).map(|id| id.to_string());
            made = Some(ids.collect());
        }
        all.extend(judge(&page, &wanted, made.as_ref().unwrap_or(&HashSet::new())));
    }
    Ok(all)
}

/// Whether the outcome of a post is unknown, and the list may tell of it.
fn is_looked_for(post: &RecordedPost) -> bool {
    let has_caption = post.caption.as_deref().is_some_and(|caption| !plain(caption).is_empty());
    post.phase() == Some(Phase::Unresolved) && post.mode == Mode::Direct && has_caption
}

/// Whether somebody would have to type a passphrase, which a list is not worth.
fn is_typed(context: &Context) -> bool {
    // In a database as well: whoever sets it types for every store.
    let by_setting = || context.settings.encrypt.as_ref().is_some_and(Encrypt::is_typed);
    match &context.settings.database {
        Some(_) => by_setting(),
        None => at_rest::where_secrets_rest(context).is_ok_and(|rest| rest.is_typed()),
    }
}

/// The public videos up to the end of the time in which the last of these posts may have appeared, and what to look
/// for among them by TikTok's clock.
async fn videos(
    context: &Context,
    questions: &Questions,
    account: &str,
    posts: &[&RecordedPost],
) -> Option<(VideoPage, Vec<Wanted>)> {
    let token = questions.tokens.access_token(account).await.ok()?.access_token;
    let last = posts.iter().filter_map(|post| post.last.as_ref()).map(|it| it.created_at).max()?;
    let end = last.checked_add(WITHIN + SLACK).ok()?;
    let now = context.client.server_now().unwrap_or_else(|| context.settings.clock.now());
    let before = (end < now).then(|| end.as_millisecond());
    let page = context.client.video_list(&token, before, MAX_VIDEOS).await.ok()?;
    let skew = context.client.clock_skew().unwrap_or_default();
    let wanted = posts.iter().filter_map(|post| {
        let begun = post.last.as_ref()?.created_at.checked_add(skew).ok()?;
        Some(Wanted {
            number: post.number,
            caption: plain(post.caption.as_deref()?),
            from: begun.checked_sub(SLACK).ok()?,
            to: begun.checked_add(WITHIN).ok()?,
        })
    });
    Some((page, wanted.collect()))
}

/// What a page of videos tells of each post. `made`: the videos that are known to be other posts.
fn judge(page: &VideoPage, wanted: &[Wanted], made: &HashSet<String>) -> AllEvidence {
    let oldest = page.videos.iter().filter_map(|video| video.created).min();
    let judge = |post: &Wanted| {
        let is_in_time =
            |video: &&PublicVideo| video.created.is_some_and(|at| post.from <= at && at <= post.to);
        let in_time = page.videos.iter().filter(is_in_time);
        let (of_others, in_time): (Vec<_>, Vec<_>) =
            in_time.partition(|video| made.contains(&video.id));
        let is_it = |video: &&&PublicVideo| has_caption(&video.title, &post.caption);
        let found = in_time.iter().find(is_it).and_then(|video| {
            let alike = wanted.iter().filter(|other| other.number != post.number);
            let alike = alike.filter(|other| other.caption == post.caption);
            Some(Found {
                id: video.id.clone(),
                url: video.url.clone(),
                at: video.created?,
                others: alike.map(|other| other.number).collect(),
            })
        });
        let complete = page.next.is_none() || oldest.is_some_and(|oldest| oldest < post.from);
        let (looked_at, of_others) = (in_time.len(), of_others.len());
        (post.number, Evidence { found, looked_at, of_others, complete })
    };
    wanted.iter().map(judge).collect()
}

/// A caption without what TikTok may change of it: its white space.
fn plain(caption: &str) -> String {
    caption.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a video is listed with a caption, of which TikTok may have cut off the end.
fn has_caption(listed: &str, caption: &str) -> bool {
    let is_cut = listed.encode_utf16().count() >= LISTED;
    let listed = plain(listed);
    listed == caption || (is_cut && caption.starts_with(&listed))
}

impl Evidence {
    /// It in words, with what it rests on.
    pub(super) fn words(&self) -> String {
        let Some(Found { url, at, others, .. }) = &self.found else {
            return self.words_for_none();
        };
        let url = url.as_deref().map(|url| format!(", {}", text::plain(url))).unwrap_or_default();
        let numbers: Vec<_> = others.iter().map(ToString::to_string).collect();
        let probably = match others.as_slice() {
            [] => "it was probably posted".to_owned(),
            _ => format!("it, or post {} with the same, was probably posted", numbers.join(" or ")),
        };
        format!("TikTok lists a video with this caption, made at {}{url}: {probably}", moment(*at))
    }

    /// That none of the videos is it.
    fn words_for_none(&self) -> String {
        let hour = "of the hour after it was begun";
        let videos = |count: usize| text::count(count as u64, "public video");
        let looked_at = match self.looked_at {
            0 => format!("TikTok lists no public video {hour}"),
            1 if self.complete => format!("the one public video {hour} has another caption"),
            count if self.complete => format!("none of {} {hour} has this caption", videos(count)),
            // Those that came after them fill the page.
            count => format!("none of the last {} {hour} has this caption", videos(count)),
        };
        let more = if self.complete { "" } else { ", and there are more" };
        let of_others = match self.of_others {
            0 => String::new(),
            count => format!(" (besides {} of other posts here)", videos(count)),
        };
        format!("{looked_at}{of_others}{more}; one that only you can see is not listed")
    }

    /// It as `--json` tells of it.
    pub(super) fn event(&self) -> serde_json::Value {
        let found = self.found.as_ref();
        json!({
            "video": found.map(|found| &found.id),
            "url": found.and_then(|found| found.url.as_ref()),
            "made_at": found.map(|found| found.at),
            "others": found.map(|it| it.others.iter().map(|it| it.0).collect::<Vec<_>>()).unwrap_or_default(),
            "looked_at": self.looked_at,
            "of_others": self.of_others,
            "complete": self.complete,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caption_is_known_again_cut_off_and_with_other_white_space() {
        let long = plain(&"a word and another ".repeat(20));
        let listed: String = long.chars().take(150).collect();
        assert!(has_caption("hello  #world\n", "hello #world"));
        assert!(has_caption(&listed, &long));
        assert!(!has_caption(&listed, "a word and another"));
        // What is shorter was not cut.
        assert!(!has_caption("a word", &long));
        assert!(!has_caption("", "hello"));
        let emoji = "😀".repeat(100);
        let listed: String = emoji.chars().take(75).collect();
        assert!(has_caption(&listed, &emoji));
    }
}
