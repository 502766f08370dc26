//! What matters now.

use super::accounts::health;
use super::known::{known_accounts, listed, name_of, part, state_words, tone, word_of};
use super::{T, can_edit, frame, when};
use crate::commands::serve::console::Console;
use crate::commands::serve::read::StatusPost;
use crate::console::access::Visitor;
use crate::console::pages::{OverviewPage, Part, PartLine};

/// What matters now.
pub(crate) async fn overview(console: &Console, visitor: &Visitor) -> OverviewPage {
    let (listed, unread) = listed(console).await;
    let line = |post: &StatusPost| {
        let live =
            post.id.as_deref().and_then(|id| console.posting.live.of(id)).filter(|it| !it.ended);
        let word = live.as_ref().map_or(word_of(post), |live| &live.phase);
        let at = post.publish_at.or(post.not_before).map(|at| when(at).words);
        PartLine {
            id: post.id.clone(),
            name: name_of(&post.video),
            href: post.post.map(|number| format!("/posts/{number}")),
            state: state_words(word).to_owned(),
            tone: tone(word),
            more: std::iter::once(post.account_name()).chain(at).collect::<Vec<_>>().join(" · "),
        }
    };
    let of = |title: &'static str, empty, titles: &[&str]| {
        let lines =
            listed.iter().filter(|(post, _)| part(post).is_some_and(|it| titles.contains(&it)));
        Part { title, empty, lines: lines.map(|(post, _)| line(post)).collect() }
    };
    let mut parts = vec![
        of(T.needs_you, T.needs_you_none, &[T.failed]),
        of(T.under_way, T.under_way_none, &[T.under_way]),
        of(T.next, T.next_none, &[T.next, T.waits]),
    ];
    let accounts = known_accounts(console).await;
    let has_accounts = !accounts.is_empty();
    let sick = accounts.into_iter().filter(|it| it.health != "ok" && it.health != "refresh_due");
    parts[0].lines.extend(sick.map(|account| {
        let (health, tone) = health(&account.health);
        PartLine {
            id: None,
            name: account.name(),
            href: Some("/accounts".to_owned()),
            state: health.to_owned(),
            tone,
            more: account.needs_login.unwrap_or_default(),
        }
    }));
    let mut frame = frame(console, visitor, "/", T.overview);
    frame.flashes.extend(unread);
    OverviewPage { t: T, frame, can_change: can_edit(visitor), has_accounts, parts }
}
