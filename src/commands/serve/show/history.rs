//! What was posted, and when.

use serde_json::Value;

use super::known::{name_of, state_words, tone};
use super::{T, can_edit, frame, when};
use crate::cli::HistoryArgs;
use crate::commands::serve::answer::{Answer, Failed};
use crate::commands::serve::console::Console;
use crate::commands::serve::read::HistoryPost;
use crate::commands::serve::web::forms::HistoryQuery;
use crate::commands::{Context, history as history_command};
use crate::console::access::Visitor;
use crate::console::pages::{Fact, Filter, HistoryPage, Level, Link, MadePost, grouped};

/// What was posted, and when.
pub(crate) async fn history(
    console: &Console,
    visitor: &Visitor,
    query: &HistoryQuery,
) -> HistoryPage {
    let mut with_numbers = !query.numbers.is_empty();
    let mut answer = asked(console, query, with_numbers).await;
    let mut no_numbers = None;
    if let (true, Some(failed)) = (with_numbers, answer.failed) {
        let hint = failed.hint.map(|hint| format!(". {hint}")).unwrap_or_default();
        no_numbers = Some(format!("{} {}{hint}", T.numbers_refused, failed.message));
        with_numbers = false;
        answer = asked(console, query, false).await;
    }
    let posts: Vec<HistoryPost> = answer.events.iter().filter_map(|it| read(it, query)).collect();
    let accounts = console.accounts().await;
    let level =
        |value: &str, words: &str| Level { value: value.to_owned(), words: words.to_owned() };
    let filter = |name, words, chosen: &str, choices| Filter {
        name,
        words,
        chosen: chosen.to_owned(),
        choices,
    };
    let of_accounts = accounts.iter().map(|it| level(&it.open_id, &it.name())).collect();
    let states = ["published", "inbox"].map(|it| level(it, state_words(it))).into();
    HistoryPage {
        t: T,
        frame: frame(console, visitor, "/history", T.history),
        can_change: can_edit(visitor),
        filters: vec![
            filter("account", T.account, &query.account, of_accounts),
            filter("state", T.state, &query.state, states),
        ],
        is_filtered: !query.account.is_empty() || !query.state.is_empty(),
        with_numbers,
        no_numbers,
        downloads: [("/history.csv", T.csv), ("/history.json", T.json)]
            .map(|(path, words)| Link {
                href: with_query(path, query, with_numbers),
                words: words.to_owned(),
            })
            .into(),
        sums: if with_numbers && !posts.is_empty() { sums(&posts) } else { Vec::new() },
        posts: posts.into_iter().map(made).collect(),
    }
}

/// What `history` tells.
async fn asked(console: &Console, query: &HistoryQuery, numbers: bool) -> Answer {
    let account = Some(query.account.clone()).filter(|name| !name.is_empty());
    let args = HistoryArgs { account, numbers, ..HistoryArgs::default() };
    let run = |context: Context| async move { history_command::run(&context, &args).await };
    console.ask(run).await
}

/// A post, if it is one that is asked for.
fn read(event: &Value, query: &HistoryQuery) -> Option<HistoryPost> {
    let is_shown = event["event"] == "history"
        && (query.state.is_empty() || event["state"] == query.state.as_str());
    is_shown.then(|| serde_json::from_value(event.clone()).ok())?
}

fn made(post: HistoryPost) -> MadePost {
    MadePost {
        number: post.post,
        name: name_of(&post.video),
        account: post.account_name(),
        at: when(post.posted_at),
        state: state_words(&post.state),
        tone: tone(&post.state),
        cover: post.cover,
        url: post.url,
        views: post.views,
        likes: post.likes,
        comments: post.comments,
        shares: post.shares,
    }
}

/// All of them together.
fn sums(posts: &[HistoryPost]) -> Vec<Fact> {
    let sum = |what, of: fn(&HistoryPost) -> Option<u64>| Fact {
        what,
        is: grouped(posts.iter().filter_map(of).fold(0, u64::saturating_add)),
    };
    vec![
        Fact { what: T.posts, is: posts.len().to_string() },
        sum(T.views, |post| post.views),
        sum(T.likes, |post| post.likes),
        sum(T.comments, |post| post.comments),
        sum(T.shares, |post| post.shares),
    ]
}

/// The address of a file with what the page shows: whoever reads it has the states of all posts in it.
fn with_query(path: &str, query: &HistoryQuery, with_numbers: bool) -> String {
    let numbers = if with_numbers { "yes" } else { "" };
    let fields = [("account", query.account.as_str()), ("numbers", numbers)];
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(fields.into_iter().filter(|(_, value)| !value.is_empty()));
    let text = text.finish();
    if text.is_empty() { path.to_owned() } else { format!("{path}?{text}") }
}

/// The same as a file of JSON lines.
pub(crate) async fn history_json(
    console: &Console,
    query: &HistoryQuery,
) -> Result<String, Failed> {
    let mut answer = asked(console, query, !query.numbers.is_empty()).await;
    if let Some(failed) = answer.failed.take() {
        return Err(failed);
    }
    Ok(answer.of("history").flat_map(|event| [event.to_string(), "\n".to_owned()]).collect())
}

/// The same as CSV.
pub(crate) async fn history_csv(console: &Console, query: &HistoryQuery) -> Result<String, Failed> {
    let account = Some(query.account.clone()).filter(|name| !name.is_empty());
    let numbers = !query.numbers.is_empty();
    let args = HistoryArgs { account, numbers, csv: true, ..HistoryArgs::default() };
    console.printed(|context| async move { history_command::run(&context, &args).await }).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_numbers_that_the_page_has() {
        let query = HistoryQuery {
            account: "a b".into(),
            numbers: "yes".into(),
            ..HistoryQuery::default()
        };
        assert_eq!(with_query("/a", &query, true), "/a?account=a+b&numbers=yes");
        assert_eq!(with_query("/a", &query, false), "/a?account=a+b");
        assert_eq!(with_query("/a", &HistoryQuery::default(), false), "/a");
    }
}
