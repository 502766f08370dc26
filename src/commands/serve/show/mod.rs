//! Gathers what the pages show, each page in a file.

mod accounts;
mod ask;
mod compose;
mod doctor;
mod guidelines;
mod login;
mod posts;
mod said;
mod settings;
mod settings_form;
mod start;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::console::Console;
use crate::clock;
use crate::console::access::{Role, Visitor};
use crate::console::pages::{ENGLISH, Frame, Message, NavLink, Tone, When, Who};

pub(super) use self::accounts::accounts;
pub(super) use self::ask::{Danger, ask};
pub(super) use self::compose::compose;
pub(super) use self::doctor::doctor;
pub(super) use self::guidelines::guidelines;
pub(super) use self::login::login;
pub(super) use self::posts::{
    calendar, history, history_csv, history_json, numbers, overview, post, queue, state_words, tone,
};
pub(super) use self::said::{callback, not_found, refused, sign_in, told};
pub(super) use self::settings::settings;
pub(super) use self::settings_form::{Refusal, settings_form};
pub(super) use self::start::{Declined, start};

const T: &crate::console::pages::Words = &ENGLISH;

/// The pages of the navigation, with what each takes.
const PLACES: [(&str, &str, Role); 9] = [
    ("/", T.overview, Role::Viewer),
    ("/compose", T.compose, Role::Editor),
    ("/queue", T.queue, Role::Viewer),
    ("/calendar", T.calendar, Role::Viewer),
    ("/history", T.history, Role::Viewer),
    ("/accounts", T.accounts, Role::Viewer),
    ("/doctor", T.doctor, Role::Viewer),
    ("/settings", T.settings, Role::Owner),
    ("/guidelines", T.guidelines, Role::Viewer),
];

fn frame(console: &Console, visitor: &Visitor, here: &str, title: &str) -> Frame {
    let places = PLACES.into_iter().filter(|(_, _, role)| visitor.role >= *role);
    let link = |(href, words, _)| NavLink { href, words, is_here: href == here };
    let flashes = console.flashes.take(visitor.csrf.expose()).into_iter();
    // Whoever cannot change settings can tell somebody who can.
    let trouble = console.posting.trouble().map(|failed| Message {
        tone: Tone::Bad,
        text: failed.message.lines().collect::<Vec<_>>().join("; "),
        hint: Some(T.settings_of_before.to_owned()),
    });
    Frame {
        title: title.to_owned(),
        visitor: Some(Who {
            name: visitor.name.clone(),
            role: visitor.role.name(),
            csrf: visitor.csrf.expose().to_owned(),
        }),
        links: places.map(link).collect(),
        flashes: flashes
            .map(|it| Message { tone: it.tone, text: it.message, hint: it.hint })
            .chain(trouble)
            .collect(),
        refresh: None,
        zone: zone_name(),
    }
}

fn bare(title: &str) -> Frame {
    Frame { title: title.to_owned(), ..Frame::default() }
}

fn can_edit(visitor: &Visitor) -> bool {
    visitor.role >= Role::Editor
}

fn when(at: Timestamp) -> When {
    When::of(at, clock::zone())
}

fn zone_name() -> String {
    name_of_zone(clock::zone(), Timestamp::now())
}

/// What people call a zone. One that a rule or a bare file gives has no name but the letters that it has at the time.
fn name_of_zone(zone: &TimeZone, at: Timestamp) -> String {
    if let Some(name) = zone.iana_name() {
        return name.trim_start_matches("Etc/").to_owned();
    }
    let now = zone.to_offset_info(at);
    let (letters, offset) = (now.abbreviation(), now.offset().to_string());
    if letters.starts_with(['+', '-']) { offset } else { format!("{letters} ({offset})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_without_a_name_is_told_by_its_letters_and_offset() {
        let winter = "2026-01-15T12:00:00Z".parse().unwrap();
        let name = |zone: &str| name_of_zone(&TimeZone::posix(zone).unwrap(), winter);
        assert_eq!(name("CET-1CEST,M3.5.0,M10.5.0/3"), "CET (+01)");
        assert_eq!(name("<+0530>-5:30"), "+05:30");
        assert_eq!(name_of_zone(&TimeZone::UTC, winter), "UTC");
    }
}
