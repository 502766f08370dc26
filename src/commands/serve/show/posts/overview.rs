//! What matters now.

use super::known::{name_of, state_words, tone};
use super::listed::{Listed, Place, listed};
use crate::commands::serve::console::Console;
use crate::commands::serve::show::accounts::health;
use crate::commands::serve::show::{T, can_edit, frame, when};
use crate::console::access::Visitor;
use crate::console::pages::{OverviewPage, Part, PartLine};

/// What matters now.
pub(crate) async fn overview(console: &Console, visitor: &Visitor) -> OverviewPage {
    let (listed, unread) = listed(console).await;
    let line = |Listed { post, word, .. }: &Listed| {
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
    let of = |title: &'static str, empty, places: &[Place]| {
        let lines = listed.iter().filter(|post| places.contains(&post.place));
        Part { title, empty, lines: lines.map(line).collect() }
    };
    let mut parts = vec![
        of(T.needs_you, T.needs_you_none, &[Place::NeedsYou]),
        of(T.under_way, T.under_way_none, &[Place::UnderWay]),
        of(T.next, T.next_none, &[Place::Next, Place::Waits]),
    ];
    let accounts = console.accounts().await;
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
