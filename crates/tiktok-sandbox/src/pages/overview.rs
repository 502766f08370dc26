//! `/_sandbox/`: the clock, posts with their bytes, accounts, and what was asked.

use jiff::Timestamp;

use super::html::{Html, Page};
use crate::log::LogEntry;
use crate::state::World;
use crate::view::{self, AccountView, GrantView, PostView, StateView};

/// Requests on the page; the log file and `/_sandbox/requests` hold them all.
const REQUESTS: usize = 60;

pub(super) fn page(world: &World, key: &str) -> Page {
    let state = view::view(world);
    let main = Html::default();
    let main = head(main.raw("<main>"), &state, key);
    let main = main.raw("<h2>Posts</h2>");
    let main = main.raw("<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Posts\">");
    let main = posts(main, &state.posts);
    let main = main.raw("</div><h2>Accounts</h2><div class=\"grid\">");
    let main = main.each(&state.accounts, |html, view| {
        let grants: Vec<_> = state.grants.iter().filter(|grant| is_of(grant, view)).collect();
        account(html, view, &grants, key)
    });
    let main = main.raw("</div><h2>Requests</h2>");
    let main =
        main.raw("<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Requests\">");
    let main = requests(main, world.log.entries().rev().take(REQUESTS)).raw("</div></main>");
    Page { title: "Sandbox", main, forms: None }
}

fn is_of(grant: &GrantView, view: &AccountView) -> bool {
    grant.account.trim_start_matches('@') == view.account.handle
}

fn head(html: Html, state: &StateView, key: &str) -> Html {
    html.raw("<div class=\"head\"><div><h1>Overview</h1><p class=\"soft\">It is ")
        .text(state.now.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
        .with((state.ahead_seconds > 0).then_some(state.ahead_seconds), |html, seconds| {
            html.raw(", put forward by ").text(length(seconds))
        })
        .raw(". <a href=\"/_sandbox/\">Reload</a> <a href=\"/_sandbox/phone\">Scan a QR code</a></p></div>")
        .raw("<form class=\"row\" method=\"post\" action=\"/_sandbox/do\">")
        .raw("<input type=\"hidden\" name=\"key\" value=\"")
        .text(key)
        .raw("\"><button class=\"quiet\" name=\"button\" value=\"hour\">+1 hour</button>")
        .raw("<button class=\"quiet\" name=\"button\" value=\"day\">+1 day</button></form></div>")
}

fn posts(html: Html, posts: &[PostView]) -> Html {
    if posts.is_empty() {
        return html.raw("<p class=\"empty\">Nothing was posted yet.</p>");
    }
    html.raw("<table><thead><tr><th>When</th><th>Account</th><th>Post</th><th>Bytes</th>")
        .raw("<th>Status</th></tr></thead>")
        .each(posts.iter().rev(), post)
        .raw("</table>")
}

fn post(html: Html, post: &PostView) -> Html {
    let privacy = serde_json::to_value(post.privacy).ok();
    let html = html
        .raw("<tr><td class=\"tight\">")
        .text(clock(post.created))
        .raw("</td><td>")
        .text(&post.account)
        .raw("</td><td>")
        .text(if post.title.is_empty() { "(no caption)" } else { &post.title })
        .raw("<br><small>")
        .text(post.kind)
        .with(privacy.as_ref().and_then(|level| level.as_str()), |html, level| {
            html.raw(", ").text(level)
        })
        .raw("<br><span class=\"mono\">")
        .text(&post.publish_id)
        .raw("</span>")
        .with(post.note.as_ref(), |html, note| html.raw("<br>").text(note))
        .raw("</small></td><td class=\"tight\">");
    let html = bytes(html, post).raw("</td><td>");
    let class = match post.status.as_str() {
        "PUBLISH_COMPLETE" | "SEND_TO_USER_INBOX" => "<span class=\"pill good\">",
        "FAILED" => "<span class=\"pill bad\">",
        _ => "<span class=\"pill busy\">",
    };
    html.raw(class)
        .text(&post.status)
        .raw("</span>")
        .with(post.fail_reason.as_ref(), |html, reason| {
            html.raw("<br><small>").text(reason).raw("</small>")
        })
        .each(&post.post_ids, |html, id| {
            html.raw("<br><small class=\"mono\">").show(*id).raw("</small>")
        })
        .raw("</td></tr>")
}

/// A size in bytes as people read it: `512 B`, `4.2 MB`, `1.00 GB` (decimal).
fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one or two decimal places are shown")]
    let value = bytes as f64;
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", value / 1e6),
        _ => format!("{:.2} GB", value / 1e9),
    }
}

fn bytes(html: Html, post: &PostView) -> Html {
    if post.size == 0 {
        return html.text(post.urls.len().to_string()).raw(" pictures");
    }
    html.raw("<progress max=\"")
        .show(post.size)
        .raw("\" value=\"")
        .show(post.received)
        .raw("\"></progress><br><small>")
        .text(size(post.received))
        .raw(" of ")
        .text(size(post.size))
        .with(post.total_chunk_count, |html, count| {
            html.raw(" in ").show(count).raw(if count == 1 { " chunk" } else { " chunks" })
        })
        .with(post.sha256.as_ref(), |html, hash| {
            html.raw("<br><span class=\"mono\" title=\"")
                .text(hash)
                .raw("\">SHA-256 ")
                .text(&hash[..12])
                .raw("…</span>")
        })
        .raw("</small>")
}

fn account(html: Html, view: &AccountView, grants: &[&GrantView], key: &str) -> Html {
    let account = &view.account;
    let html = html
        .raw("<section class=\"card\" id=\"")
        .text(&account.handle)
        .raw("\"><h3><img alt=\"\" src=\"/_sandbox/avatar/")
        .text(&account.handle)
        .raw("\"><span>")
        .text(&account.display_name)
        .raw(" <small>@")
        .text(&account.handle)
        .raw("</small></span></h3><p>")
        .raw(if account.private { "Private" } else { "Public" })
        .raw(if account.comment_disabled { ", comments off" } else { "" })
        .raw(if account.banned { ", <strong class=\"bad\">banned</strong>" } else { "" })
        .raw(", videos up to ")
        .show(account.max_video_post_duration_sec)
        .raw(" s</p><p><code>")
        .text(&view.open_id)
        .raw("</code></p>");
    if grants.is_empty() {
        return html.raw("<p class=\"soft\">No app has access.</p></section>");
    }
    html.each(grants, |html, grant| {
        html.raw("<p class=\"soft\">")
            .text(grant.scopes.join(", "))
            .raw("<br>access ")
            .text(grant.access_ends.map_or("has ended".to_owned(), |ends| format!("until {}", clock(ends))))
            .raw(", refresh until ")
            .text(grant.refresh_ends.strftime("%Y-%m-%d").to_string())
            .raw("</p>")
    })
    .raw("<form method=\"post\" action=\"/_sandbox/do\"><input type=\"hidden\" name=\"key\" value=\"")
    .text(key)
    .raw("\"><input type=\"hidden\" name=\"account\" value=\"")
    .text(&account.handle)
    .raw("\"><p class=\"row\"><button class=\"quiet\" name=\"button\" value=\"remove\">")
    .raw("Remove the app</button></p></form></section>")
}

fn requests<'a>(html: Html, entries: impl Iterator<Item = &'a LogEntry>) -> Html {
    html.raw("<table><thead><tr><th>When</th><th>Endpoint</th><th>Account</th><th>Answer</th>")
        .raw("<th>Note</th></tr></thead>")
        .each(entries, |html, entry| {
            let class = match entry.status {
                Some(200..=399) if entry.code.is_none() => "<span class=\"good\">",
                _ => "<span class=\"bad\">",
            };
            html.raw("<tr><td class=\"tight\">")
                .text(clock(entry.time))
                .raw("</td><td>")
                .text(&entry.endpoint)
                .raw("<br><small class=\"mono\">")
                .text(&entry.method)
                .raw(" ")
                .text(&entry.path)
                .raw("</small></td><td>")
                .text(entry.account.as_deref().unwrap_or_default())
                .raw("</td><td>")
                .raw(class)
                .text(entry.status.map_or("no answer".to_owned(), |status| status.to_string()))
                .raw("</span><br><small>")
                .text(entry.code.as_deref().unwrap_or_default())
                .raw("</small></td><td><small>")
                .text(entry.message.as_deref().unwrap_or_default())
                .raw(if entry.message.is_some() && entry.note.is_some() { "<br>" } else { "" })
                .text(entry.note.as_deref().unwrap_or_default())
                .raw("</small></td></tr>")
        })
        .raw("</table>")
}

fn clock(time: Timestamp) -> String {
    time.strftime("%H:%M:%S").to_string()
}

/// Whole hours and minutes.
fn length(seconds: i64) -> String {
    format!("{} h {} min", seconds / 3600, seconds / 60 % 60)
}
