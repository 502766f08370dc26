//! `history`: what was posted, and when.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use tiktok_open::{MAX_VIDEOS, PublicVideo};

use crate::cli::{HistoryArgs, Since};
use crate::commands::accounts::{has_scope, with_token};
use crate::commands::videos::LIST;
use crate::commands::{Context, about_post, journal};
use crate::exit::Exit;
use crate::model::account::Accounts;
use crate::model::{Phase, PostNumber, PostState, RecordedPost};
use crate::output::{Failure, Table, csv, moment};
use crate::signals::Signal;
use crate::store::Journal;

/// Posts that are read at once.
const PAGE: u32 = 1000;

/// The columns of the CSV form, which are fields of the JSON form.
const COLUMNS: [&str; 14] = [
    "posted_at",
    "post",
    "account",
    "open_id",
    "video",
    "id",
    "mode",
    "state",
    "post_ids",
    "url",
    "views",
    "likes",
    "comments",
    "shares",
];

/// A post that was made.
struct Made {
    post: RecordedPost,
    at: Timestamp,
    state: PostState,
    video: Option<PublicVideo>,
}

/// A post as `history --json` tells of it; its account is added.
#[derive(Debug, Serialize)]
struct HistoryEvent<'a> {
    event: &'static str,
    /// Its number.
    post: u32,
    /// When this machine learned that it was posted, or put into the inbox.
    posted_at: Timestamp,
    video: &'a str,
    id: Option<&'a str>,
    mode: &'a str,
    /// `published` or `inbox`.
    state: &'a str,
    publish_id: Option<&'a str>,
    post_ids: Vec<String>,
    /// With `--numbers`, of what is public.
    cover: Option<&'a str>,
    url: Option<&'a str>,
    views: Option<u64>,
    likes: Option<u64>,
    comments: Option<u64>,
    shares: Option<u64>,
}

/// Runs the command.
pub(super) async fn run(context: &Context, args: &HistoryArgs) -> Result<Exit, Failure> {
    tell(context, args, |_| true).await
}

/// Tells of these posts alone, by their numbers, with what TikTok says of them.
pub(super) async fn with_numbers(
    context: &Context,
    posts: &BTreeSet<u32>,
) -> Result<Exit, Failure> {
    let args = HistoryArgs { numbers: true, ..HistoryArgs::default() };
    tell(context, &args, |made| posts.contains(&made.post.number.0)).await
}

async fn tell(
    context: &Context,
    args: &HistoryArgs,
    is_wanted: impl Fn(&Made) -> bool,
) -> Result<Exit, Failure> {
    let Some((store, journal)) = journal::existing(context).await? else {
        if let Some(name) = args.account.as_deref()
            && let Some(store) = context.existing_store().await?
        {
            store.shared.accounts().find(Some(name)).await?;
        }
        context.printer.note("nothing was posted from here");
        return Ok(Exit::Done);
    };
    let accounts = store.shared.accounts().all().await.unwrap_or_default();
    let since =
        args.since.map(|since| beginning(since, context.settings.clock.now())).transpose()?;
    let mut made = made(journal.as_ref(), &accounts, args.account.as_deref(), since).await?;
    if made.is_empty()
        && let Some(name) = &args.account
    {
        // Of an account that is not there, nothing was posted either.
        store.shared.accounts().find(Some(name)).await?;
    }
    made.retain(is_wanted);
    if args.numbers
        && let Some(signal) = add_numbers(context, &mut made).await?
    {
        return Ok(signal.exit());
    }
    made.sort_by_key(|made| std::cmp::Reverse((made.at, made.post.number)));
    let printer = &context.printer;
    if printer.is_json() {
        for made in &made {
            let event = serde_json::to_value(event(made)).unwrap_or_default();
            printer.json(&about_post(&accounts, &made.post, event));
        }
    } else if args.csv {
        printer.page(&csv(&COLUMNS, made.iter().map(|made| cells(&accounts, made))));
    } else if made.is_empty() {
        printer.note("nothing was posted");
    } else {
        printer.table(&table(&accounts, &made, args.numbers));
    }
    Ok(Exit::Done)
}

/// When a time that was written begins.
fn beginning(since: Since, now: Timestamp) -> Result<Timestamp, Failure> {
    let begins = match since {
        Since::Moment(at) => Ok(at),
        Since::Ago(ago) => now.checked_sub(ago),
        Since::Day(day) => day.to_zoned(TimeZone::system()).map(|day| day.timestamp()),
    };
    begins.map_err(|error| Failure::usage(format!("`--since` is out of reach: {error}")))
}

/// The posts that were made since then, of an account or of all.
async fn made(
    journal: &dyn Journal,
    accounts: &Accounts,
    account: Option<&str>,
    since: Option<Timestamp>,
) -> Result<Vec<Made>, Failure> {
    let open_id = account.and_then(|name| accounts.find(Some(name)).ok());
    let open_id = open_id.map(|account| account.open_id.as_str()).or(account);
    // One that is logged out is called as it was.
    let is_of = |post: &RecordedPost| {
        account.is_none()
            || Some(post.account.as_str()) == open_id
            || (accounts.get(&post.account).is_none() && post.username.as_deref() == account)
    };
    let (mut all, mut last) = (Vec::new(), PostNumber(0));
    loop {
        let page = journal.after(last, PAGE).await?;
        let Some(end) = page.last() else { return Ok(all) };
        last = end.number;
        let made = page.into_iter().filter(is_of).filter_map(Made::of);
        all.extend(made.filter(|made| since.is_none_or(|since| made.at >= since)));
    }
}

impl Made {
    /// `None`: it was not made.
    fn of(post: RecordedPost) -> Option<Self> {
        let last = post.last.as_ref()?;
        let state = match last.phase {
            Phase::Published => PostState::Published,
            Phase::Inboxed => PostState::Inbox,
            _ => return None,
        };
        let at = last.updated_at;
        Some(Self { post, at, state, video: None })
    }

    fn ids(&self) -> &[u64] {
        self.post.last.as_ref().map(|last| last.post_ids.as_slice()).unwrap_or_default()
    }

    fn count(&self, of: impl Fn(&PublicVideo) -> Option<u64>) -> Option<u64> {
        self.video.as_ref().and_then(of)
    }
}

/// Asks TikTok for what is public of the posts. A signal ends it.
async fn add_numbers(context: &Context, made: &mut [Made]) -> Result<Option<Signal>, Failure> {
    let mut of_accounts: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for made in made.iter().filter(|made| !made.ids().is_empty()) {
        of_accounts.entry(made.post.account.clone()).or_default().extend(made.ids());
    }
    let mut found = HashMap::new();
    for (open_id, ids) in of_accounts {
        let account = with_token(context, Some(&open_id)).await?;
        has_scope(&account, LIST)?;
        for ids in ids.chunks(MAX_VIDEOS as usize) {
            let asked = tokio::select! {
                biased;
                signal = context.shutdown.requested() => return Ok(Some(signal)),
                asked = context.client.videos(&account.access_token, ids) => asked?,
            };
            found.extend(asked.into_iter().map(|video| (video.id.clone(), video)));
        }
    }
    for made in made {
        made.video = made.ids().iter().find_map(|id| found.get(&id.to_string())).cloned();
    }
    Ok(None)
}

fn event(made: &Made) -> HistoryEvent<'_> {
    HistoryEvent {
        event: "history",
        post: made.post.number.0,
        posted_at: made.at,
        video: &made.post.label,
        id: made.post.id.as_deref(),
        mode: made.post.mode.as_str(),
        state: made.state.as_str(),
        publish_id: made.post.last.as_ref().and_then(|last| last.publish_id.as_deref()),
        post_ids: made.ids().iter().map(ToString::to_string).collect(),
        cover: made.video.as_ref().and_then(|video| video.cover.as_deref()),
        url: made.video.as_ref().and_then(|video| video.url.as_deref()),
        views: made.count(|video| video.views),
        likes: made.count(|video| video.likes),
        comments: made.count(|video| video.comments),
        shares: made.count(|video| video.shares),
    }
}

/// What an account is called today, or was when the post was made.
fn name_of<'a>(accounts: &'a Accounts, post: &'a RecordedPost) -> &'a str {
    let known = accounts.get(&post.account).map(crate::model::Account::name);
    known.or(post.username.as_deref()).unwrap_or(&post.account)
}

fn cells(accounts: &Accounts, made: &Made) -> [String; COLUMNS.len()] {
    let count = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
    let url = made.video.as_ref().and_then(|video| video.url.clone());
    let ids: Vec<_> = made.ids().iter().map(ToString::to_string).collect();
    [
        made.at.to_string(),
        made.post.number.to_string(),
        name_of(accounts, &made.post).to_owned(),
        made.post.account.clone(),
        made.post.label.clone(),
        made.post.id.clone().unwrap_or_default(),
        made.post.mode.as_str().to_owned(),
        made.state.as_str().to_owned(),
        ids.join(" "),
        url.unwrap_or_default(),
        count(made.count(|video| video.views)),
        count(made.count(|video| video.likes)),
        count(made.count(|video| video.comments)),
        count(made.count(|video| video.shares)),
    ]
}

fn table(accounts: &Accounts, all: &[Made], numbers: bool) -> Table {
    let heading: &[&str] = if numbers {
        &["POSTED", "POST", "ACCOUNT", "VIDEO", "STATE", "VIEWS", "LIKES", "URL"]
    } else {
        &["POSTED", "POST", "ACCOUNT", "VIDEO", "STATE"]
    };
    let mut table = Table::new(heading).cutting(&[2, 3]);
    for made in all {
        let count = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |it| it.to_string());
        let mut row = vec![
            moment(made.at),
            made.post.number.to_string(),
            name_of(accounts, &made.post).to_owned(),
            made.post.label.clone(),
            made.state.as_str().to_owned(),
        ];
        if numbers {
            let url = made.video.as_ref().and_then(|video| video.url.clone());
            row.push(count(made.count(|video| video.views)));
            row.push(count(made.count(|video| video.likes)));
            row.push(url.unwrap_or_else(|| "-".to_owned()));
        }
        table.row(row);
    }
    table
}
