//! `videos`: an account's public videos with their numbers.

use serde_json::json;
use tiktok_open::{MAX_VIDEOS, PublicVideo};

use crate::cli::VideosArgs;
use crate::commands::accounts::{has_scope, with_token};
use crate::commands::{Context, about};
use crate::exit::Exit;
use crate::model::Account;
use crate::output::{Failure, Table, moment};

/// The scope that lists of videos take.
pub(super) const LIST: &str = "video.list";

/// The most characters of a title in the table.
const TITLE: usize = 40;

/// Runs the command.
pub(super) async fn run(context: &Context, args: &VideosArgs) -> Result<Exit, Failure> {
    let account = with_token(context, args.account.as_deref()).await?;
    has_scope(&account, LIST)?;
    let (mut left, mut cursor) = (args.limit, None);
    let mut table = Table::new(&["ID", "POSTED", "VIEWS", "LIKES", "COMMENTS", "SHARES", "TITLE"]);
    let mut rows = 0;
    loop {
        let asked = context.client.video_list(&account.access_token, cursor, left.min(MAX_VIDEOS));
        let page = tokio::select! {
            biased;
            signal = context.shutdown.requested() => return Ok(signal.exit()),
            page = asked => page?,
        };
        for video in page.videos.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
            left = left.saturating_sub(1);
            rows += 1;
            if context.printer.is_json() {
                context.printer.json(&event(&account, &video));
            } else {
                table.row(row(&video));
            }
        }
        cursor = page.next;
        if cursor.is_none() || left == 0 {
            break;
        }
    }
    if !context.printer.is_json() {
        if rows > 0 {
            context.printer.table(&table);
        } else {
            context.printer.note(format!("{} has no public videos", account.name()));
        }
    }
    Ok(Exit::Done)
}

fn row(video: &PublicVideo) -> [String; 7] {
    let number = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |it| it.to_string());
    let mut title: String = video.title.chars().take(TITLE).collect();
    if video.title.chars().count() > TITLE {
        title.push('…');
    }
    [
        video.id.clone(),
        video.created.map_or_else(|| "-".to_owned(), moment),
        number(video.views),
        number(video.likes),
        number(video.comments),
        number(video.shares),
        title,
    ]
}

fn event(account: &Account, video: &PublicVideo) -> serde_json::Value {
    about(
        account,
        json!({
            "event": "video",
            "id": video.id,
            "url": video.url,
            "title": video.title,
            "created_at": video.created,
            "seconds": video.seconds,
            "views": video.views,
            "likes": video.likes,
            "comments": video.comments,
            "shares": video.shares,
        }),
    )
}
