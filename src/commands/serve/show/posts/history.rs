//! What was posted, and when.

use serde_json::Value;

use super::known::{name_of, state_words, tone};
use crate::cli::HistoryArgs;
use crate::commands::serve::answer::{Answer, Failed};
use crate::commands::serve::console::Console;
use crate::commands::serve::read::HistoryPost;
use crate::commands::serve::show::{T, can_edit, frame, when};
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
    let all = asked(console, query, false).await;
    let mut posts: Vec<HistoryPost> = all.events.iter().filter_map(|it| read(it, query)).collect();
    let count = posts.len();
    let pages = Pages::of(count, query);
    posts = posts.into_iter().skip(pages.skipped()).take(EACH).collect();
    let mut with_numbers = !query.numbers.is_empty();
    let mut no_numbers = None;
    if with_numbers && !posts.is_empty() {
        // Of what is not shown TikTok is not asked.
        let shown = posts.iter().map(|post| post.post).collect();
        let run =
            |context: Context| async move { history_command::with_numbers(&context, &shown).await };
        let answer = console.ask(run).await;
        match answer.failed {
            Some(failed) => {
                let hint = failed.hint.map(|hint| format!(". {hint}")).unwrap_or_default();
                no_numbers = Some(format!("{} {}{hint}", T.numbers_refused, failed.message));
                with_numbers = false;
            }
            None => posts = answer.all("history"),
        }
    }
    let page_at = |page| with_query("/history", query, with_numbers, Some(page));
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
                href: with_query(path, query, with_numbers, None),
                words: words.to_owned(),
            })
            .into(),
        sums: if with_numbers && !posts.is_empty() { sums(&posts, count) } else { Vec::new() },
        newer: pages.newer().map(page_at),
        older: pages.older().map(page_at),
        place: pages.place(),
        posts: posts.into_iter().map(made).collect(),
    }
}

/// So many posts are on a page.
const EACH: usize = 100;

/// The pages that posts are on, the newest on the first.
#[derive(Clone, Copy, Debug)]
struct Pages {
    /// How many posts there are.
    count: usize,
    /// The page that is shown, from 1 on.
    at: usize,
}

impl Pages {
    fn of(count: usize, query: &HistoryQuery) -> Self {
        let last = count.div_ceil(EACH).max(1);
        Self { count, at: query.page.parse().unwrap_or(1).clamp(1, last) }
    }

    /// How many newer posts there are than those of this page.
    fn skipped(self) -> usize {
        (self.at - 1) * EACH
    }

    fn newer(self) -> Option<usize> {
        (self.at > 1).then(|| self.at - 1)
    }

    fn older(self) -> Option<usize> {
        (self.at * EACH < self.count).then_some(self.at + 1)
    }

    /// Which posts are shown; nothing where those are all.
    fn place(self) -> Option<String> {
        let (first, last) = (self.skipped() + 1, (self.at * EACH).min(self.count));
        let shown = if first < last { format!("{first}–{last}") } else { last.to_string() };
        let place = format!("{shown} {} {}", T.units, self.count);
        Some(place).filter(|_| self.count > EACH)
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

/// The posts of a page together, of so many.
fn sums(posts: &[HistoryPost], count: usize) -> Vec<Fact> {
    let shown = posts.len();
    let posts_are =
        if shown < count { format!("{shown} {} {count}", T.units) } else { shown.to_string() };
    let sum = |what, of: fn(&HistoryPost) -> Option<u64>| Fact {
        what,
        is: grouped(posts.iter().filter_map(of).fold(0, u64::saturating_add)),
    };
    vec![
        Fact { what: T.posts, is: posts_are },
        sum(T.views, |post| post.views),
        sum(T.likes, |post| post.likes),
        sum(T.comments, |post| post.comments),
        sum(T.shares, |post| post.shares),
    ]
}

/// The address of a page with what this one shows, or of a file: whoever reads that has the states of all posts in it.
fn with_query(path: &str, query: &HistoryQuery, with_numbers: bool, page: Option<usize>) -> String {
    let numbers = if with_numbers { "yes" } else { "" };
    let (state, page) = match page {
        Some(page) => (query.state.as_str(), page.to_string()),
        None => ("", String::new()),
    };
    let fields = [
        ("account", query.account.as_str()),
        ("state", state),
        ("numbers", numbers),
        ("page", page.as_str()),
    ];
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
        let file = |query: &HistoryQuery, numbers| with_query("/a", query, numbers, None);
        assert_eq!(file(&query, true), "/a?account=a+b&numbers=yes");
        assert_eq!(file(&query, false), "/a?account=a+b");
        assert_eq!(file(&HistoryQuery::default(), false), "/a");
        let query = HistoryQuery { state: "inbox".into(), ..query };
        let page = with_query("/a", &query, true, Some(2));
        assert_eq!(page, "/a?account=a+b&state=inbox&numbers=yes&page=2");
    }

    #[test]
    fn pages_begin_with_the_newest_and_end_with_the_oldest() {
        let of = |count, page: &str| {
            let query = HistoryQuery { page: page.into(), ..HistoryQuery::default() };
            let pages = Pages::of(count, &query);
            (pages.skipped(), pages.newer(), pages.older(), pages.place().unwrap_or_default())
        };
        assert_eq!(of(0, ""), (0, None, None, String::new()));
        assert_eq!(of(100, "2"), (0, None, None, String::new()));
        assert_eq!(of(101, "x"), (0, None, Some(2), "1–100 of 101".into()));
        assert_eq!(of(101, "2"), (100, Some(1), None, "101 of 101".into()));
        assert_eq!(of(250, "2"), (100, Some(1), Some(3), "101–200 of 250".into()));
        assert_eq!(of(250, "18446744073709551615"), (200, Some(2), None, "201–250 of 250".into()));
    }
}
