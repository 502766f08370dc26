//! A post.

use jiff::Timestamp;

use super::known::{hint_beside_buttons, name_of, state_words, tone};
use super::listed::{Listed, listed};
use crate::cli::StatusArgs;
use crate::commands::serve::composing;
use crate::commands::serve::console::Console;
use crate::commands::serve::posting::draft::{DraftSource, is_id};
use crate::commands::serve::read::{Stage, StatusPost};
use crate::commands::serve::show::compose::level_words;
use crate::commands::serve::show::{T, can_edit, frame, when};
use crate::commands::{Context, status};
use crate::console::access::Visitor;
use crate::console::pages::{Choice, Fact, PostPage};
use crate::model::profile_page;

/// A post, by its number.
pub(crate) async fn post(console: &Console, visitor: &Visitor, number: u32) -> Option<PostPage> {
    let args = StatusArgs { post: Some(number.to_string()), ..StatusArgs::default() };
    let run = |context: Context| async move { status::look(&context, &args).await };
    let mut post: StatusPost = console.ask(run).await.all("status").pop()?;
    // What waits stands here as it does in the queue.
    let (waiting, _) = listed(console).await;
    let waiting = waiting.into_iter().find(|waiting| waiting.post.post == Some(number));
    // What was asked for, if it was composed here.
    let id = post.id.clone().filter(|id| is_id(id));
    let record = id.as_deref().and_then(|id| console.posting.drafts.record(id).ok().flatten());
    let is_draft = record.as_ref().is_some_and(|record| record.published_at.is_none());
    let is_gone = id.is_some() && waiting.is_none() && post.stage() == Stage::Waiting;
    let (state, tone, choice) = match waiting {
        Some(Listed { post: known, word, choice, .. }) => {
            (post.message, post.hint) = (known.message, known.hint);
            post.publish_at = known.publish_at;
            (state_words(&word), tone(&word), choice)
        }
        None if is_gone && is_draft => (T.draft_word, "calm", None),
        None if is_gone => (T.gone_word, "calm", None),
        None => (state_words(&post.state), tone(&post.state), None),
    };
    let is_unknown = post.state == "unresolved";
    // Where somebody is to look.
    let handle = if is_unknown {
        let (creator, _) = composing::creator(console, &post.open_id).await;
        creator.ok().flatten().map(|creator| creator.username)
    } else {
        None
    };
    let is_photo =
        record.as_ref().is_some_and(|record| matches!(record.source, DraftSource::Photos { .. }));
    // What is being typed was asked for by nobody.
    let form = record.filter(|_| !is_draft).map(|record| record.form).unwrap_or_default();
    let mut facts = Vec::new();
    let mut fact = |what, is: Option<String>| facts.extend(is.map(|is| Fact { what, is }));
    fact(T.account, Some(post.account_name()));
    fact(T.video, Some(post.video.clone()));
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    fact(T.photo_title, some(form.title.clone()));
    fact(T.caption, some(form.caption.clone()).filter(|_| !form.is_draft() || is_photo));
    fact(T.privacy, some(level_words(&form.privacy_level)).filter(|_| !form.is_draft()));
    fact(T.how, Some(if post.mode == "draft" { T.mode_draft } else { T.mode_direct }.to_owned()));
    fact(T.manifest, post.manifest.clone());
    fact(T.scheduled_for, post.publish_at.map(|at| when(at).words));
    fact(T.not_before, post.not_before.map(|at| when(at).words));
    fact(T.created, post.created_at.map(|at| when(at).words));
    fact(T.last_change, post.updated_at.map(|at| when(at).words));
    fact(T.publish_id, post.publish_id.clone());
    let attempts = post.history.iter().flatten().map(|attempt| {
        let time = |at: Option<Timestamp>| at.map(|at| when(at).words).unwrap_or_default();
        vec![
            attempt.attempt.to_string(),
            attempt.state.replace('_', " "),
            time(attempt.created_at),
            time(attempt.updated_at),
            attempt.publish_id.clone().unwrap_or_default(),
            attempt.message.clone().unwrap_or_default(),
            attempt.log_id.clone().unwrap_or_default(),
        ]
    });
    let is_url = post.video.starts_with("https://") || post.video.starts_with("http://");
    Some(PostPage {
        t: T,
        frame: frame(console, visitor, "/queue", &format!("{} {number}", T.post_title)),
        can_change: can_edit(visitor),
        number,
        name: name_of(&post.video),
        id: post.id.clone(),
        state: state.to_owned(),
        tone,
        message: if post.state == "inbox" {
            Some(T.inbox_help.to_owned())
        } else {
            post.message.clone()
        },
        hint: match choice {
            None if id.is_none() => post.hint.clone(),
            _ => hint_beside_buttons(post.hint.as_deref()),
        },
        is_unknown,
        is_in_queue: choice.is_some_and(|choice| choice != Choice::Settle),
        is_pull: is_url && !post.is_final && post.publish_id.is_some(),
        profile: handle.and_then(|handle| profile_page(&handle)).map(String::from),
        draft: id.filter(|_| is_gone && is_draft).map(|id| format!("/compose/{id}")),
        attempts: attempts.collect(),
        facts,
    })
}
