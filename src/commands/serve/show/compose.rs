//! The form of a post.

use rand::RngExt as _;
use tiktok_open::CreatorInfo;

use super::start::source_name;
use super::{T, frame, zone_name};
use crate::commands::serve::composing::{self, Measured, NotNow, NotNowKind, Unpublished};
use crate::commands::serve::console::Console;
use crate::commands::serve::posting::draft::{Draft, DraftSource};
use crate::console::access::Visitor;
use crate::console::pages::{ComposePage, FieldError, Filled, Interaction, Level, Link, Refusal};
use crate::model::Mode;
use crate::text;

/// The form of a post; after its button was pressed, with why it was not put into the queue. `None`: there is no such
/// draft any more.
pub(crate) async fn compose(
    console: &Console,
    visitor: &Visitor,
    id: &str,
    unpublished: Option<Unpublished>,
) -> Option<ComposePage> {
    let draft = console.posting.drafts.find(id).ok().flatten()?;
    let (creator, account) = composing::creator(console, &draft.account).await;
    let is_photo = matches!(draft.source, DraftSource::Photos { .. });
    let (wrong, not_now) = match unpublished {
        None => (Vec::new(), None),
        Some(Unpublished::Wrong(wrong)) => (wrong, None),
        Some(Unpublished::NotNow(not_now)) => (Vec::new(), Some(not_now)),
        Some(Unpublished::Gone(_)) => return None,
    };
    let (creator, not_now) = match creator {
        Ok(creator) => (creator, not_now),
        Err(now) => (None, Some(now)),
    };
    let media = composing::measure(console, &draft).await;
    let (facts, warnings) = facts(media.as_ref(), creator.as_ref());
    let form = &draft.form;
    let scopes = account.as_ref().map(|account| account.scopes.clone()).unwrap_or_default();
    let has = |mode: Mode| scopes.iter().any(|scope| scope == mode.scope());
    let levels = creator.iter().flat_map(|creator| &creator.privacy_level_options);
    let nickname = match (&creator, &account) {
        (Some(creator), _) => creator.nickname.clone(),
        (None, Some(account)) => {
            account.display_name.clone().unwrap_or_else(|| account.account.clone())
        }
        (None, None) => draft.account.clone(),
    };
    Some(ComposePage {
        t: T,
        frame: frame(console, visitor, "/compose", T.compose),
        id: draft.id.clone(),
        refusal: not_now.map(refusal),
        errors: wrong
            .into_iter()
            .map(|it| FieldError { field: it.field.to_owned(), message: it.message })
            .collect(),
        avatar: creator.as_ref().and_then(|creator| creator.avatar_url.clone()),
        nickname,
        handle: creator.as_ref().map(|it| it.username.clone()).filter(|it| !it.is_empty()),
        is_photo,
        preview: match draft.source {
            DraftSource::Url { is_sent: true, .. } => Some(T.preview_sent),
            DraftSource::Url { .. } => Some(T.preview_pulled),
            _ => None,
        },
        photos: match &draft.source {
            DraftSource::Photos { urls } => urls.clone(),
            _ => Vec::new(),
        },
        source_name: source_name(&draft),
        revision: draft.revision,
        page: format!("{:016x}", rand::rng().random::<u64>()),
        seen: match &media {
            Some(Ok(measured)) => measured.seen.clone(),
            _ => String::new(),
        },
        facts,
        warnings,
        caption_limit: if is_photo { 4000 } else { 2200 },
        levels: levels
            .map(|level| Level { value: level.clone(), words: level_words(level) })
            .collect(),
        interactions: interactions(&draft, creator.as_ref(), is_photo),
        can_direct: has(Mode::Direct),
        can_draft: has(Mode::Draft),
        zone: zone_name(),
        slots: console.slot_names(),
        form: Filled {
            title: form.title.clone(),
            caption: form.caption.clone(),
            privacy_level: form.privacy_level.clone(),
            disclose: form.disclose.is_some(),
            brand_organic: form.brand_organic.is_some(),
            brand_content: form.brand_content.is_some(),
            is_aigc: form.is_aigc.is_some(),
            auto_add_music: form.auto_add_music.is_some(),
            cover_ms: form.cover_ms.clone(),
            is_draft: form.is_draft() || !has(Mode::Direct),
            when: form.when.clone(),
            at: form.at.clone(),
            slot: form.slot.clone(),
        },
    })
}

/// What is said in the place of the form.
fn refusal(not_now: NotNow) -> Refusal {
    let NotNow { kind, failed } = not_now;
    let (title, help) = match kind {
        NotNowKind::Refused => (T.not_now, T.not_now_help),
        NotNowKind::Login => (T.not_now_login, T.not_now_login_help),
        NotNowKind::Unasked => (T.not_now_unasked, T.not_now_help),
    };
    let to_accounts = Link { href: "/accounts".to_owned(), words: T.to_accounts.to_owned() };
    let is_login = kind == NotNowKind::Login;
    let hint = failed.hint.filter(|hint| !is_login && !hint.starts_with("run "));
    let link = Some(to_accounts).filter(|_| is_login);
    Refusal { title, help, text: failed.message, hint, link }
}

pub(super) fn level_words(level: &str) -> String {
    match level {
        "PUBLIC_TO_EVERYONE" => T.privacy_everyone.to_owned(),
        "MUTUAL_FOLLOW_FRIENDS" => T.privacy_friends.to_owned(),
        "FOLLOWER_OF_CREATOR" => T.privacy_followers.to_owned(),
        "SELF_ONLY" => T.privacy_self.to_owned(),
        other => other.to_owned(),
    }
}

fn interactions(draft: &Draft, creator: Option<&CreatorInfo>, is_photo: bool) -> Vec<Interaction> {
    let off = |of: fn(&CreatorInfo) -> bool| creator.is_some_and(of);
    let one = |name, words, given: &Option<String>, is_off| Interaction {
        name,
        words,
        checked: given.is_some(),
        is_off,
    };
    let form = &draft.form;
    let mut all =
        vec![one("allow_comment", T.comment, &form.allow_comment, off(|it| it.comment_disabled))];
    if !is_photo {
        all.push(one("allow_duet", T.duet, &form.allow_duet, off(|it| it.duet_disabled)));
        all.push(one("allow_stitch", T.stitch, &form.allow_stitch, off(|it| it.stitch_disabled)));
    }
    all
}

/// What was measured of a video, and what speaks against it.
fn facts(
    media: Option<&Result<Measured, String>>,
    creator: Option<&CreatorInfo>,
) -> (Vec<String>, Vec<String>) {
    let measured = match media {
        None => return (Vec::new(), Vec::new()),
        Some(Err(why)) => return (Vec::new(), vec![why.clone()]),
        Some(Ok(measured)) => measured,
    };
    let longest = creator.and_then(|creator| creator.max_video_duration);
    let mut parts = vec![text::size(measured.bytes)];
    parts.extend(measured.size.map(|(width, height)| format!("{width} × {height}")));
    parts.extend(measured.duration.map(|duration| match longest {
        Some(longest) => {
            format!("{:.1}\u{a0}s of at most {}\u{a0}s", duration.as_secs_f64(), longest.as_secs())
        }
        None => format!("{:.1}\u{a0}s", duration.as_secs_f64()),
    }));
    (vec![parts.join(" · ")], measured.unread.iter().cloned().collect())
}
