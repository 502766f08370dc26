//! Slots: times of the week that posts are spread over, and which post has which.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use super::file::FileIdentity;

/// What a `publish_at` begins with that names a slot.
pub(crate) const NEXT: &str = "next:";

/// How long after its time a booking is kept that its manifest did not ask for again.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How far ahead a free time is looked for, in days.
const FAR: i32 = 731;

/// The days as config.toml names them, by three letters or more.
pub(crate) const DAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// `[slots.NAME]` of config.toml: times of day on days of the week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// The days. Empty: every day.
    pub(crate) days: Vec<Weekday>,
    /// The times of day, in their order.
    pub(crate) times: Vec<Time>,
    /// Where these are times of day.
    pub(crate) zone: TimeZone,
    /// A post is made up to so much later, the same each time it is asked.
    pub(crate) jitter: SignedDuration,
}

/// A time that a post has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Booking {
    /// `open_id` of its account.
    pub(crate) account: String,
    /// What the post goes by in its account: see [`Wanted::post`].
    pub(crate) post: String,
    /// The name of the slot.
    pub(crate) slot: String,
    /// The time of the slot, without jitter.
    pub(crate) at: Timestamp,
    /// The manifest that asked for it.
    pub(crate) manifest: String,
    /// The file, as it was then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<FileIdentity>,
    /// The address, as [`Wanted::address`] has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<String>,
}

/// A post that asks for the next free time of a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// `open_id` of its account.
    pub(crate) account: String,
    /// What it goes by, whichever its slot is: mode, and its `id`, else its file or address.
    pub(crate) post: String,
    /// The name of the slot.
    pub(crate) slot: String,
    /// Its file, if it has one.
    pub(crate) file: Option<FileIdentity>,
    /// What its address or addresses go by, if it has any.
    pub(crate) address: Option<String>,
    /// When the last post was made of what it goes by, if one was: a booking of before was that one's.
    pub(crate) made: Option<Timestamp>,
}

impl Slot {
    /// Its times after a moment, the first one first.
    fn after(&self, after: Timestamp) -> impl Iterator<Item = Timestamp> {
        let first = self.zone.to_datetime(after).date();
        let dates = (0..FAR).map_while(move |days| first.checked_add(days.days()).ok());
        let is_day = |day: Weekday| self.days.is_empty() || self.days.contains(&day);
        dates
            .filter(move |date| is_day(date.weekday()))
            .flat_map(|date| self.times.iter().map(move |time| date.to_datetime(*time)))
            // What the clocks leave out in spring is an hour later.
            .filter_map(|at| self.zone.to_timestamp(at).ok())
            .filter(move |at| *at > after)
    }

    /// Whether a moment is one of its times.
    fn has(&self, at: Timestamp) -> bool {
        // Where the clocks go forward the times of a day are not in order.
        let day = self.times.len() + 1;
        at.checked_sub(SignedDuration::from_nanos(1))
            .is_ok_and(|before| self.after(before).take(day).any(|time| time == at))
    }

    /// When a post of an account is made that has one of its times.
    fn with_jitter(&self, account: &str, at: Timestamp) -> Timestamp {
        let seconds = self.jitter.as_secs().unsigned_abs();
        if seconds == 0 {
            return at;
        }
        let hash = blake3::hash(format!("{account} {}", at.as_second()).as_bytes());
        let number =
            hash.as_bytes().iter().take(8).fold(0, |all, byte| all << 8 | u64::from(*byte));
        let later = SignedDuration::from_secs(i64::try_from(number % seconds).unwrap_or(0));
        at.checked_add(later).unwrap_or(at)
    }
}

/// Gives each of a manifest's posts its time: the one that it has, else the next one that no other post of its
/// account has. `taken`: times that posts of accounts name themselves. `None`: its slot has none within two years, or
/// there is no such slot.
///
/// What the manifest asked for before and names no more is free again.
pub(crate) fn book(
    bookings: &mut Vec<Booking>,
    slots: &BTreeMap<String, Slot>,
    manifest: &str,
    wanted: &[Wanted],
    taken: &BTreeSet<(String, Timestamp)>,
    now: Timestamp,
) -> Vec<Option<Timestamp>> {
    let key = |account: &str, post: &str| (account.to_owned(), post.to_owned());
    let named: BTreeSet<_> = wanted.iter().map(|it| key(&it.account, &it.post)).collect();
    // With `--account` or `--draft` the same manifest is another account's, or of another mode.
    let kind = |account: &str, post: &str| {
        let mode = post.split(' ').next().unwrap_or_default();
        (account.to_owned(), mode.to_owned())
    };
    let kinds: BTreeSet<_> = wanted.iter().map(|it| kind(&it.account, &it.post)).collect();
    let mut known: BTreeMap<_, _> =
        std::mem::take(bookings).into_iter().map(|it| (key(&it.account, &it.post), it)).collect();
    let is_its =
        |it: &Booking| it.manifest == manifest && kinds.contains(&kind(&it.account, &it.post));
    let is_left = |key: &_, it: &Booking| is_its(it) && !named.contains(key);
    let mut left: Vec<_> =
        known.extract_if(.., |key, it| is_left(key, it)).map(|(_, it)| it).collect();
    left.sort_by_key(|it| it.at);
    known.retain(|key, it| named.contains(key) || now.duration_since(it.at) < KEPT);
    for post in wanted {
        // A file that is renamed, or an entry that is given an `id`, is the same post.
        let key = key(&post.account, &post.post);
        let is_it = |it: &Booking| {
            kind(&it.account, &it.post) == kind(&post.account, &post.post) && post.is_of_content(it)
        };
        if !known.contains_key(&key)
            && let Some(at) = left.iter().position(is_it)
        {
            known.insert(key, Booking { post: post.post.clone(), ..left.remove(at) });
        }
    }
    for post in wanted {
        let key = key(&post.account, &post.post);
        let keeps = |slot| known.get(&key).is_some_and(|it| post.still_has(it, slot, now));
        // What a post gives up another one may have.
        if !slots.get(&post.slot).is_some_and(keeps) {
            known.remove(&key);
        }
    }
    let mut taken = taken.clone();
    taken.extend(known.values().map(|it| (it.account.clone(), it.at)));
    let mut given = Vec::with_capacity(wanted.len());
    for post in wanted {
        let Some(slot) = slots.get(&post.slot) else {
            given.push(None);
            continue;
        };
        let key = key(&post.account, &post.post);
        let at = match known.get(&key) {
            Some(booking) => Some(booking.at),
            None => slot.after(now).find(|at| !taken.contains(&(post.account.clone(), *at))),
        };
        if let Some(at) = at {
            taken.insert((post.account.clone(), at));
            let file = known.get(&key).map_or(post.file, |booking| booking.file);
            let Wanted { account, post, slot, address, .. } = post.clone();
            let manifest = manifest.to_owned();
            known.insert(key, Booking { account, post, slot, at, manifest, file, address });
        }
        given.push(at.map(|at| slot.with_jitter(&post.account, at)));
    }
    bookings.extend(known.into_values());
    given
}

impl Wanted {
    /// Whether it is surely made of what a booking was made for, whatever both go by.
    fn is_of_content(&self, booking: &Booking) -> bool {
        let files = booking.file.as_ref().zip(self.file.as_ref());
        let addresses = booking.address.as_ref().zip(self.address.as_ref());
        files.is_some_and(|(then, now)| now.is_surely_same(then))
            || addresses.is_some_and(|(then, now)| then == now)
    }

    /// Whether a post keeps the time that it was given.
    fn still_has(&self, booking: &Booking, slot: &Slot, now: Timestamp) -> bool {
        let files = booking.file.as_ref().zip(self.file.as_ref());
        let is_replaced = files.is_some_and(|(then, now)| now.is_surely_other(then));
        // One whose time has come is made at once, also of a video that was mended; another one that follows a post
        // has a time of its own.
        let is_used = self.made.is_some_and(|made| made >= booking.at);
        let is_right =
            if booking.at > now { slot.has(booking.at) } else { !(is_replaced && is_used) };
        booking.slot == self.slot && is_right
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;
    use proptest::prelude::*;

    use super::*;

    fn slot(days: &[Weekday], times: &[Time]) -> Slot {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        Slot { days: days.to_vec(), times: times.to_vec(), zone, jitter: SignedDuration::ZERO }
    }

    fn slots() -> BTreeMap<String, Slot> {
        let evening =
            slot(&[Weekday::Monday, Weekday::Friday], &[time(9, 0, 0, 0), time(18, 30, 0, 0)]);
        BTreeMap::from([("evening".to_owned(), evening)])
    }

    fn wanted(account: &str, post: &str) -> Wanted {
        let slot = "evening".to_owned();
        let (account, post) = (account.to_owned(), format!("direct {post}"));
        Wanted { account, post, slot, file: None, address: None, made: None }
    }

    /// A Thursday.
    fn now() -> Timestamp {
        "2026-11-26T12:00:00Z".parse().unwrap()
    }

    fn shown(given: &[Option<Timestamp>]) -> Vec<String> {
        given.iter().map(|at| at.map_or_else(String::new, |at| at.to_string())).collect()
    }

    #[test]
    fn each_post_of_an_account_has_the_next_free_time_and_keeps_it() {
        let (mut bookings, slots, none) = (Vec::new(), slots(), BTreeSet::new());
        let two = [wanted("ada", "1"), wanted("ada", "2"), wanted("bea", "1")];
        let given = book(&mut bookings, &slots, "m", &two, &none, now());
        let friday = ["2026-11-27T08:00:00Z", "2026-11-27T17:30:00Z", "2026-11-27T08:00:00Z"];
        assert_eq!(shown(&given), friday);
        // Another manifest takes none of them, nor what a post names itself.
        let monday = BTreeSet::from([("ada".to_owned(), "2026-11-30T08:00:00Z".parse().unwrap())]);
        let other = book(&mut bookings, &slots, "n", &[wanted("ada", "3")], &monday, now());
        assert_eq!(shown(&other), ["2026-11-30T17:30:00Z"]);
        // In another order, and after the first time.
        let later = "2026-11-27T12:00:00Z".parse().unwrap();
        let turned = [wanted("ada", "2"), wanted("ada", "1")];
        let given = book(&mut bookings, &slots, "m", &turned, &none, later);
        assert_eq!(shown(&given), ["2026-11-27T17:30:00Z", "2026-11-27T08:00:00Z"]);
        // What the manifest does not name any more is free.
        let new = [wanted("ada", "1"), wanted("ada", "4")];
        let given = book(&mut bookings, &slots, "m", &new, &none, later);
        assert_eq!(shown(&given), ["2026-11-27T08:00:00Z", "2026-11-27T17:30:00Z"]);
    }

    #[test]
    fn another_slot_other_times_and_another_video_have_another_time() {
        let (mut bookings, mut slots, none) = (Vec::new(), slots(), BTreeSet::new());
        let file = |size| FileIdentity { device: 1, inode: 1, size, mtime: 1, ctime: 1 };
        let mut post = [Wanted { file: Some(file(1)), ..wanted("ada", "1") }];
        let mut given = |slots: &_, post: &_, now: &str| {
            shown(&book(&mut bookings, slots, "m", post, &none, now.parse().unwrap())).concat()
        };
        assert_eq!(given(&slots, &post, "2026-11-26T12:00:00Z"), "2026-11-27T08:00:00Z");
        // A video that waits may be mended.
        post[0].file = Some(file(2));
        assert_eq!(given(&slots, &post, "2026-11-26T12:00:00Z"), "2026-11-27T08:00:00Z");
        slots.insert("evening".to_owned(), slot(&[], &[time(20, 0, 0, 0)]));
        assert_eq!(given(&slots, &post, "2026-11-26T12:00:00Z"), "2026-11-26T19:00:00Z");
        // Its time has come.
        assert_eq!(given(&slots, &post, "2026-11-26T23:00:00Z"), "2026-11-26T19:00:00Z");
        post[0].file = Some(file(3));
        assert_eq!(given(&slots, &post, "2026-11-26T23:00:00Z"), "2026-11-26T19:00:00Z");
        // It was made, and this is the next one.
        post[0].made = Some("2026-11-26T20:00:00Z".parse().unwrap());
        assert_eq!(given(&slots, &post, "2026-11-26T23:00:00Z"), "2026-11-27T19:00:00Z");
        slots.insert("noon".to_owned(), slot(&[], &[time(12, 0, 0, 0)]));
        post[0].slot = "noon".to_owned();
        assert_eq!(given(&slots, &post, "2026-11-26T23:00:00Z"), "2026-11-27T11:00:00Z");
        post[0].slot = "gone".to_owned();
        assert_eq!(given(&slots, &post, "2026-11-26T23:00:00Z"), "");
    }

    #[test]
    fn what_posts_give_up_is_free_for_them_all_and_another_mode_keeps_its_own() {
        let (mut bookings, mut slots, none) = (Vec::new(), slots(), BTreeSet::new());
        let mut posts = [wanted("ada", "1"), wanted("ada", "2")];
        let given = book(&mut bookings, &slots, "m", &posts, &none, now());
        // Under another name it has the same times.
        slots.insert("late".to_owned(), slots["evening"].clone());
        for post in &mut posts {
            post.slot = "late".to_owned();
        }
        assert_eq!(book(&mut bookings, &slots, "m", &posts, &none, now()), given);
        let draft = [Wanted { post: "draft 1".to_owned(), ..wanted("ada", "1") }];
        book(&mut bookings, &slots, "m", &draft, &none, now());
        assert_eq!(book(&mut bookings, &slots, "m", &posts, &none, now()), given);
        // What its manifest did not ask for again is forgotten after a while.
        let later = now() + SignedDuration::from_hours(100 * 24);
        book(&mut bookings, &slots, "n", &[wanted("bea", "1")], &none, later);
        assert_eq!(bookings.len(), 1, "{bookings:#?}");
    }

    #[test]
    fn the_times_of_a_day_on_which_the_clocks_go_forward_are_all_of_the_slot() {
        let night = slot(&[], &[time(2, 30, 0, 0), time(3, 0, 0, 0)]);
        let after = "2026-03-28T12:00:00Z".parse().unwrap();
        for at in night.after(after).take(4) {
            assert!(night.has(at), "{at}");
        }
    }

    #[test]
    fn an_hour_that_the_clocks_leave_out_or_repeat_is_one_time() {
        let night = slot(&[], &[time(2, 30, 0, 0)]);
        for (after, times) in [
            ("2026-03-28T12:00:00Z", ["2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"]),
            ("2026-10-24T12:00:00Z", ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),
        ] {
            let found = night.after(after.parse().unwrap()).take(2);
            assert_eq!(found.map(|at| at.to_string()).collect::<Vec<_>>(), times);
        }
    }

    proptest! {
        #[test]
        fn no_two_posts_of_an_account_have_one_time(
            days in prop::collection::btree_set(0_usize..7, 0..7),
            hours in prop::collection::btree_set(0_i8..24, 1..4),
            jitter in 0_i64..3600,
            asked in prop::collection::vec((0_u8..3, 0_u8..40, 0_u8..2), 0..60),
        ) {
            let days: Vec<_> = days.into_iter().map(|day| DAYS[day].1).collect();
            let times: Vec<_> = hours.into_iter().map(|hour| time(hour, 0, 0, 0)).collect();
            let jitter = SignedDuration::from_secs(jitter);
            let slots = BTreeMap::from([("evening".to_owned(), Slot { jitter, ..slot(&days, &times) })]);
            let (mut bookings, none) = (Vec::new(), BTreeSet::new());
            for manifest in 0..2 {
                let asked = asked.iter().filter(|(.., of)| *of == manifest);
                let posts: Vec<_> = asked
                    .map(|(account, post, of)| wanted(&account.to_string(), &format!("{of} {post}")))
                    .collect();
                let name = manifest.to_string();
                let given = book(&mut bookings, &slots, &name, &posts, &none, now());
                prop_assert!(given.iter().all(|at| at.is_some_and(|at| at > now())));
                prop_assert_eq!(&given, &book(&mut bookings, &slots, &name, &posts, &none, now()));
            }
            let all: BTreeSet<_> = bookings.iter().map(|it| (&it.account, it.at)).collect();
            prop_assert_eq!(all.len(), bookings.len());
        }
    }
}
