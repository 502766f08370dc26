//! What TikTok counts outlives the process.

use std::time::Duration;

use super::*;

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

#[test]
fn a_seventh_init_waits_until_the_first_is_a_minute_old() {
    let home = Home::new();
    let first = home.open().post_for(&entry(1, 10)).unwrap();
    home.open().walk(&first, &[(Phase::Lost, NO_FACTS)]);
    for _ in 0..5 {
        assert_eq!(home.open().next_slot("ana", CallKind::Init, 6, MINUTE).unwrap(), None);
        home.open().note_call("ana", CallKind::Init).unwrap();
    }
    let begun = home.open().post(first.number).unwrap().last.unwrap().created_at;
    let slot = home.open().next_slot("ana", CallKind::Init, 6, MINUTE).unwrap();
    assert_eq!(slot, Some(begun + SignedDuration::from_mins(1)));
    assert_eq!(home.open().calls_within("ana", CallKind::Init, MINUTE).unwrap(), 6);

    for free in [("ben", CallKind::Init), ("ana", CallKind::Status)] {
        assert_eq!(home.open().next_slot(free.0, free.1, 6, MINUTE).unwrap(), None);
    }
    let later = home.open_ahead(SignedDuration::from_secs(61));
    assert_eq!(later.next_slot("ana", CallKind::Init, 6, MINUTE).unwrap(), None);
}

#[test]
fn with_more_calls_than_allowed_the_wait_is_for_enough_of_them() {
    let home = Home::new();
    for seconds in [0, 10, 20] {
        let then = home.open_ahead(SignedDuration::from_secs(seconds));
        then.note_call("ana", CallKind::Status).unwrap();
    }
    let now = home.open_ahead(SignedDuration::from_secs(20));
    let slot = |limit| now.next_slot("ana", CallKind::Status, limit, MINUTE).unwrap().unwrap();
    assert!(slot(3) < slot(2) && slot(2) < slot(1) && slot(1) <= slot(0));
}

#[test]
fn eight_that_take_slots_at_once_take_no_more_than_there_are() {
    let home = Home::new();
    let taken: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let journal = home.open();
                    (0..10)
                        .filter(|_| {
                            let slot = journal.take_slot("ana", CallKind::Status, 30, MINUTE);
                            slot.unwrap().is_none()
                        })
                        .count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(taken, 30);
}

#[test]
fn calls_of_yesterday_or_of_a_clock_that_ran_far_ahead_are_forgotten() {
    let home = Home::new();
    home.open_ahead(SignedDuration::from_hours(400)).note_call("ana", CallKind::Init).unwrap();
    home.open_ahead(SignedDuration::from_hours(-400)).note_call("ana", CallKind::Init).unwrap();
    let journal = home.open();
    journal.note_call("ana", CallKind::Init).unwrap();
    let rows: u32 = journal.db.raw(|connection| {
        connection.query_row("SELECT count(*) FROM calls", [], |row| row.get(0)).unwrap()
    });
    assert_eq!(rows, 1);
}

#[test]
fn a_cap_is_remembered_until_its_time() {
    let home = Home::new();
    let until = home.open().db.now() + SignedDuration::from_hours(3);
    let earlier = until - SignedDuration::from_hours(1);
    home.open().set_cap("ana", QuotaKind::Posts, earlier).unwrap();
    home.open().set_cap("ana", QuotaKind::Posts, until).unwrap();
    assert_eq!(home.open().cap("ana", QuotaKind::Posts).unwrap(), Some(until));
    assert_eq!(home.open().cap("ana", QuotaKind::Drafts).unwrap(), None);
    assert_eq!(home.open().cap("ben", QuotaKind::Posts).unwrap(), None);
    let later = home.open_ahead(SignedDuration::from_hours(4));
    assert_eq!(later.cap("ana", QuotaKind::Posts).unwrap(), None);
}

#[test]
fn the_sixth_draft_in_24_hours_waits_for_the_first() {
    let home = Home::new();
    let journal = home.open();
    for number in 0..5 {
        assert_eq!(journal.next_draft("ana", 5, DAY).unwrap(), None);
        let post = journal.post_for(&entry(number, number + 1).draft()).unwrap();
        journal.walk(&post, &[(OPEN, accepted()), (Phase::Inboxed, NO_FACTS)]);
    }
    assert_eq!(journal.pending_drafts("ana", DAY).unwrap(), 5);
    let first = journal.all().unwrap()[0].last.clone().unwrap().created_at;
    let free = journal.next_draft("ana", 5, DAY).unwrap();
    assert_eq!(free, Some(first + SignedDuration::from_hours(24)));
    let later = home.open_ahead(SignedDuration::from_hours(25));
    assert_eq!(later.next_draft("ana", 5, DAY).unwrap(), None);
}

#[test]
fn drafts_that_were_finished_or_came_to_nothing_are_not_pending() {
    let home = Home::new();
    let journal = home.open();
    for (number, end) in (1..).zip([Phase::Published, BANNED, Phase::Abandoned]) {
        let post = journal.post_for(&entry(number, 10 * number).draft()).unwrap();
        journal.walk(&post, &[(OPEN, accepted()), (end, NO_FACTS)]);
    }
    journal.publish(&entry(7, 70), "direct");
    assert_eq!(journal.pending_drafts("ana", DAY).unwrap(), 0);
}

#[test]
fn inits_of_a_post_are_counted_per_hour() {
    let home = Home::new();
    let hour = Duration::from_hours(1);
    let post = home.open().post_for(&entry(1, 10)).unwrap();
    home.open_ahead(SignedDuration::from_hours(-2)).walk(&post, &[(Phase::Lost, NO_FACTS)]);
    home.open().walk(&post, &[(Phase::Lost, NO_FACTS)]);
    home.open().walk(&post, &[(Phase::Lost, NO_FACTS)]);
    assert_eq!(home.open().inits_of_post_within(post.number, hour).unwrap(), 2);
}
