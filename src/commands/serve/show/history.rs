//! What was posted, and when.

use super::known::{known_accounts, made, name_of, state_words};
use super::{T, frame, when};
use crate::cli::HistoryArgs;
use crate::commands::serve::console::Console;
use crate::commands::serve::read::HistoryPost;
use crate::commands::serve::web::forms::HistoryQuery;
use crate::commands::{Context, history as history_command};
use crate::console::access::Visitor;
use crate::console::pages::{Cell, Filter, Level, Link, TablePage};

/// What was posted, and when.
pub(crate) async fn history(
    console: &Console,
    visitor: &Visitor,
    query: &HistoryQuery,
) -> TablePage {
    let account = Some(query.account.clone()).filter(|name| !name.is_empty());
    let made = made(console, account).await;
    let accounts = known_accounts(console).await;
    let is_shown = |post: &&HistoryPost| query.state.is_empty() || post.state == query.state;
    let rows = made.iter().filter(is_shown).map(|post| {
        let number =
            Cell { href: Some(format!("/posts/{}", post.post)), ..Cell::of(name_of(&post.video)) };
        let url = post.url.clone();
        let page = Cell {
            is_outside: true,
            ..Cell { href: url.clone(), ..Cell::of(url.map(|_| T.open_post).unwrap_or_default()) }
        };
        let count =
            |count: Option<u64>| Cell::of(count.map(|it| it.to_string()).unwrap_or_default());
        vec![
            Cell::of(when(post.posted_at).words),
            number,
            Cell::of(post.account_name()),
            Cell::of(state_words(&post.state)),
            page,
            count(post.views),
            count(post.likes),
        ]
    });
    let level =
        |value: &str, words: &str| Level { value: value.to_owned(), words: words.to_owned() };
    TablePage {
        t: T,
        frame: frame(console, visitor, "/history", T.history),
        filters: vec![
            Filter {
                name: "account",
                words: T.account,
                chosen: query.account.clone(),
                choices: accounts.iter().map(|it| level(&it.open_id, &it.name())).collect(),
            },
            Filter {
                name: "state",
                words: T.state,
                chosen: query.state.clone(),
                choices: ["published", "inbox"].map(|it| level(it, state_words(it))).into(),
            },
        ],
        downloads: vec![
            Link { href: "/history.csv".into(), words: T.csv.into() },
            Link { href: "/history.json".into(), words: T.json.into() },
        ],
        columns: vec![T.posted_at, T.video, T.account, T.state, T.url, T.views, T.likes],
        rows: rows.collect(),
        empty: T.history_none,
        empty_help: T.history_none_help,
    }
}

/// The same as a file.
pub(crate) async fn history_file(console: &Console, as_csv: bool) -> String {
    let args = HistoryArgs { csv: as_csv, ..HistoryArgs::default() };
    if as_csv {
        return console
            .printed(|context| async move { history_command::run(&context, &args).await })
            .await;
    }
    let run = |context: Context| async move { history_command::run(&context, &args).await };
    let events = console.ask(run).await.events;
    let lines = events.iter().map(ToString::to_string);
    lines.flat_map(|line| [line, "\n".to_owned()]).collect()
}
