//! What TikTok counts outlives the process.

use std::time::Duration;

use super::*;

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

pub(super) async fn a_seventh_init_waits_until_the_first_is_a_minute_old(new: New<'_>) {
    let home = Home::new(new);
    let first = home.open().await.recorded(&entry(1, 10)).await.unwrap();
    home.open().await.walk(&first, &[(Phase::Lost, NO_FACTS)]).await;
    for _ in 0..5 {
        assert_eq!(
            home.open().await.next_slot("ana", CallKind::Init, 6, MINUTE).await.unwrap(),
            None
        );
        home.open().await.note_call("ana", CallKind::Init).await.unwrap();
    }
    let begun = home.open().await.post(first.number).await.unwrap().last.unwrap().created_at;
    let slot = home.open().await.next_slot("ana", CallKind::Init, 6, MINUTE).await.unwrap();
    assert_eq!(slot, Some(begun + SignedDuration::from_mins(1)));
    assert_eq!(home.open().await.calls_within("ana", CallKind::Init, MINUTE).await.unwrap(), 6);

    for free in [("ben", CallKind::Init), ("ana", CallKind::Status)] {
        assert_eq!(home.open().await.next_slot(free.0, free.1, 6, MINUTE).await.unwrap(), None);
    }
    let later = home.open_ahead(SignedDuration::from_secs(61)).await;
    assert_eq!(later.next_slot("ana", CallKind::Init, 6, MINUTE).await.unwrap(), None);
}

pub(super) async fn with_more_calls_than_allowed_the_wait_is_for_enough_of_them(new: New<'_>) {
    let home = Home::new(new);
    for seconds in [0, 10, 20] {
        let then = home.open_ahead(SignedDuration::from_secs(seconds)).await;
        then.note_call("ana", CallKind::Status).await.unwrap();
    }
    let now = home.open_ahead(SignedDuration::from_secs(20)).await;
    let mut slots = Vec::new();
    for limit in [3, 2, 1, 0] {
        slots.push(now.next_slot("ana", CallKind::Status, limit, MINUTE).await.unwrap().unwrap());
    }
    assert!(slots[0] < slots[1] && slots[1] < slots[2] && slots[2] <= slots[3]);
}

pub(super) async fn a_full_quota_is_remembered_until_its_time(new: New<'_>) {
    let home = Home::new(new);
    // In the resolution of a record.
    let now = Timestamp::from_millisecond(Timestamp::now().as_millisecond()).unwrap();
    let until = now + SignedDuration::from_hours(3);
    let earlier = until - SignedDuration::from_hours(1);
    home.open().await.set_quota_full("ana", QuotaKind::Posts, earlier).await.unwrap();
    home.open().await.set_quota_full("ana", QuotaKind::Posts, until).await.unwrap();
    assert_eq!(
        home.open().await.quota_full_until("ana", QuotaKind::Posts).await.unwrap(),
        Some(until)
    );
    assert_eq!(home.open().await.quota_full_until("ana", QuotaKind::Drafts).await.unwrap(), None);
    assert_eq!(home.open().await.quota_full_until("ben", QuotaKind::Posts).await.unwrap(), None);
    let later = home.open_ahead(SignedDuration::from_hours(4)).await;
    assert_eq!(later.quota_full_until("ana", QuotaKind::Posts).await.unwrap(), None);
}

pub(super) async fn the_sixth_draft_in_24_hours_waits_for_the_first(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    for number in 0..5 {
        assert_eq!(journal.next_draft("ana", 5, DAY).await.unwrap(), None);
        let post = journal.recorded(&entry(number, number + 1).draft()).await.unwrap();
        journal.walk(&post, &[(OPEN, accepted()), (Phase::Inboxed, NO_FACTS)]).await;
    }
    assert_eq!(journal.pending_drafts("ana", DAY).await.unwrap(), 5);
    let first = journal.all().await.unwrap()[0].last.clone().unwrap().created_at;
    let free = journal.next_draft("ana", 5, DAY).await.unwrap();
    assert_eq!(free, Some(first + SignedDuration::from_hours(24)));
    let later = home.open_ahead(SignedDuration::from_hours(25)).await;
    assert_eq!(later.next_draft("ana", 5, DAY).await.unwrap(), None);
}

pub(super) async fn drafts_that_were_finished_or_came_to_nothing_are_not_pending(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    for (number, end) in (1..).zip([Phase::Published, BANNED, Phase::Abandoned]) {
        let post = journal.recorded(&entry(number, 10 * number).draft()).await.unwrap();
        journal.walk(&post, &[(OPEN, accepted()), (end, NO_FACTS)]).await;
    }
    journal.publish(&entry(7, 70), "direct").await;
    assert_eq!(journal.pending_drafts("ana", DAY).await.unwrap(), 0);
}

pub(super) async fn eight_that_take_slots_at_once_take_no_more_than_there_are(new: New<'_>) {
    let home = Home::new(new);
    let mut takers = Vec::new();
    for _ in 0..8 {
        let journal = home.open().await;
        takers.push(async move {
            let mut taken = 0;
            for _ in 0..10 {
                let slot = journal.take_slot("ana", CallKind::Status, 30, MINUTE).await;
                taken += u32::from(slot.unwrap().is_none());
            }
            taken
        });
    }
    assert_eq!(at_once(takers).await.into_iter().sum::<u32>(), 30);
}
