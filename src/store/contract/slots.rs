//! A time of a slot is one post's, however many ask at once.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::time;
use jiff::tz::TimeZone;

use super::*;
use crate::model::slot::{Slot, Wanted};

/// What a manifest asks for some posts of `ana`: the next times of a slot at noon, long before the first of them.
fn asked(manifest: &str, posts: &[&str]) -> Asked {
    let noon = Slot {
        days: Vec::new(),
        times: vec![time(12, 0, 0, 0)],
        zone: TimeZone::UTC,
        jitter: SignedDuration::ZERO,
    };
    let wanted = posts.iter().map(|post| Wanted {
        account: "ana".to_owned(),
        post: format!("direct {post}"),
        slot: "noon".to_owned(),
        file: None,
        address: None,
        made: None,
    });
    Asked {
        slots: BTreeMap::from([("noon".to_owned(), noon)]),
        manifest: manifest.to_owned(),
        wanted: wanted.collect(),
        taken: BTreeSet::new(),
        now: day(1),
    }
}

/// Midnight of a day of November 2026.
fn day(number: u32) -> Timestamp {
    format!("2026-11-{number:02}T00:00:00Z").parse().unwrap()
}

/// The days of November whose noon was given.
fn days(given: Vec<Option<Timestamp>>) -> Vec<i8> {
    given.into_iter().map(|at| at.unwrap().to_zoned(TimeZone::UTC).day()).collect()
}

pub(super) async fn a_post_keeps_the_time_that_it_was_given(new: New<'_>) {
    let home = Home::new(new);
    let given = home.store().slots().book(asked("m", &["a", "b"])).await.unwrap();
    assert_eq!(days(given), [1, 2]);
    let given = home.store().slots().book(asked("m", &["b", "c", "a"])).await.unwrap();
    assert_eq!(days(given), [2, 3, 1]);
    let given = home.store().slots().book(asked("n", &["d"])).await.unwrap();
    assert_eq!(days(given), [4], "another manifest takes none of them");
    let given = home.store().slots().book(asked("m", &["c", "e"])).await.unwrap();
    assert_eq!(days(given), [3, 1], "what is named no more is free");
}

pub(super) async fn eight_manifests_that_ask_at_once_are_given_eight_times(new: New<'_>) {
    let home = Home::new(new);
    let bookings = (0..8).map(|number| {
        let slots = home.store().slots();
        async move {
            let (manifest, post) = (format!("m{number}"), number.to_string());
            days(slots.book(asked(&manifest, &[&post])).await.unwrap())
        }
    });
    let mut given = at_once(bookings.collect()).await.concat();
    given.sort_unstable();
    assert_eq!(given, [1, 2, 3, 4, 5, 6, 7, 8]);
}

pub(super) async fn looking_at_times_keeps_none(new: New<'_>) {
    let home = Home::new(new);
    let slots = home.store().slots();
    assert_eq!(days(slots.look(asked("m", &["a"])).await.unwrap()), [1]);
    assert_eq!(days(home.store().slots().book(asked("n", &["b"])).await.unwrap()), [1]);
    assert_eq!(days(slots.look(asked("m", &["a"])).await.unwrap()), [2]);
}

pub(super) async fn what_is_made_before_its_time_gives_it_back(new: New<'_>) {
    let home = Home::new(new);
    let slots = home.store().slots();
    slots.book(asked("m", &["a", "b", "c"])).await.unwrap();
    let made = |posts: &[&str]| {
        posts.iter().map(|post| ("ana".to_owned(), format!("direct {post}"))).collect()
    };
    // The first two of them, after the time of the first one.
    slots.free(made(&["a", "b"]), day(2)).await.unwrap();
    let given = home.store().slots().book(asked("n", &["d", "e"])).await.unwrap();
    assert_eq!(days(given), [2, 4]);
}

pub(super) async fn a_booking_that_was_begun_is_kept_though_nobody_waits_for_it(new: New<'_>) {
    let home = Home::new(new);
    let store = home.store();
    let slots = store.slots();
    begin(slots.book(asked("m", &["a"])));
    store.flush().await.unwrap();
    assert_eq!(days(home.store().slots().look(asked("n", &["b"])).await.unwrap()), [2]);
}
