//! Days with their posts.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::known::{made, name_of, state_words, tone};
use super::listed::listed;
use crate::clock;
use crate::commands::serve::console::Console;
use crate::commands::serve::show::{T, can_edit, frame};
use crate::commands::serve::web::forms::CalendarQuery;
use crate::console::access::Visitor;
use crate::console::pages::{CalendarPage, Day, DayPost, Message};

/// So many posts of a day are shown in a month, what needs somebody first; its week shows all of them.
const SHOWN: usize = 4;

/// Days with their posts.
pub(crate) async fn calendar(
    console: &Console,
    visitor: &Visitor,
    query: &CalendarQuery,
) -> CalendarPage {
    let zone = clock::zone();
    let now = console.context().settings.clock.now();
    let today = now.to_zoned(zone.clone()).date();
    let at: Date = query.at.parse().unwrap_or(today);
    let is_week = query.view == "week";
    let monday =
        |day: Date| day.saturating_sub((i64::from(day.weekday().to_monday_zero_offset())).days());
    let (first, count, before, after) = if is_week {
        let first = monday(at);
        (first, 7, first.saturating_sub(7.days()), first.saturating_add(7.days()))
    } else {
        let month = at.first_of_month();
        let first = monday(month);
        let last = month.last_of_month();
        let weeks = (monday(last) - first).get_days() / 7 + 1;
        (first, weeks * 7, month.saturating_sub(1.month()), month.saturating_add(1.month()))
    };
    let (posts, unread) = calendar_posts(console, zone).await;
    let days = (0..count).map(|nth| {
        let date = first.saturating_add(nth.days());
        let own = posts.iter().filter(|(day, _)| *day == date);
        let mut own: Vec<DayPost> = own.map(|(_, post)| post()).collect();
        let more = if is_week { 0 } else { own.len().saturating_sub(SHOWN) };
        if more > 0 {
            own.sort_by_key(|post| post.tone != "bad");
            own.truncate(SHOWN);
        }
        Day {
            date: date.to_string(),
            number: date.day(),
            words: date.strftime("%A, %-d %B").to_string(),
            is_today: date == today,
            is_outside: !is_week && date.month() != at.month(),
            posts: own,
            more,
        }
    });
    let title = if is_week { week(first) } else { at.strftime("%B %Y").to_string() };
    let mut frame = frame(console, visitor, "/calendar", &title);
    frame.flashes.extend(unread);
    CalendarPage {
        t: T,
        frame,
        can_change: can_edit(visitor),
        view: if is_week { "week" } else { "month" },
        at: at.to_string(),
        before: before.to_string(),
        after: after.to_string(),
        days: days.collect(),
    }
}

/// From its first day to its last.
fn week(first: Date) -> String {
    let last = first.saturating_add(6.days());
    let begin = match (first.year() == last.year(), first.month() == last.month()) {
        (true, true) => "%-d",
        (true, false) => "%-d %B",
        (false, _) => "%-d %B %Y",
    };
    format!("{} – {}", first.strftime(begin), last.strftime("%-d %B %Y"))
}

type DayPostOf = Box<dyn Fn() -> DayPost + Send + Sync>;

/// What was posted, and what is to be, by day and time; and why some of it cannot be read.
async fn calendar_posts(
    console: &Console,
    zone: &TimeZone,
) -> (Vec<(Date, DayPostOf)>, Vec<Message>) {
    let mut all: Vec<(Timestamp, DayPostOf)> = Vec::new();
    let mut add = |at: Timestamp, name: &str, number: Option<u32>, account: &str, state: &str| {
        let time = at.to_zoned(zone.clone()).strftime("%H:%M").to_string();
        let (name, account) = (name_of(name), account.to_owned());
        let (state, tone) = (state_words(state), tone(state));
        let post = move || DayPost {
            time: time.clone(),
            name: name.clone(),
            href: number.map_or_else(|| "/queue".to_owned(), |number| format!("/posts/{number}")),
            account: account.clone(),
            state: state.to_owned(),
            tone,
        };
        all.push((at, Box::new(post)));
    };
    for post in made(console, None).await {
        add(post.posted_at, &post.video, Some(post.post), &post.account_name(), &post.state);
    }
    let (listed, unread) = listed(console).await;
    for listed in listed {
        let post = &listed.post;
        if let Some(at) = post.publish_at.or(post.not_before).or(post.updated_at) {
            add(at, &post.video, post.post, &post.account_name(), &listed.word);
        }
    }
    all.sort_by_key(|(at, _)| *at);
    let of_days = all.into_iter().map(|(at, post)| (at.to_zoned(zone.clone()).date(), post));
    (of_days.collect(), unread)
}
