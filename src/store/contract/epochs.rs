//! Whoever lost an account to somebody else records nothing more of it, and does not have to know that it did.

use super::*;

/// What an account's posts are, each with its attempts.
type Content = Vec<(RecordedPost, Vec<Attempt>)>;

async fn content(journal: &dyn Journal) -> Content {
    let mut content = Vec::new();
    for post in journal.all().await.unwrap() {
        let attempts = journal.attempts(post.number).await.unwrap();
        content.push((post, attempts));
    }
    content
}

#[track_caller]
fn taken_over<T: fmt::Debug>(outcome: Result<T, StoreError>) {
    let error = refused(outcome, ErrorKind::Temporary);
    assert!(matches!(&error, JournalError::TakenOver { account } if account == "ana"), "{error}");
    assert_eq!(error.problem().code, ErrorCode::AccountTakenOver);
}

pub(super) async fn each_take_over_begins_an_epoch_like_no_other(new: New<'_>) {
    let home = Home::new(new);
    let mut last = Epoch::NONE;
    assert_eq!(home.open().await.epoch("ana").await.unwrap(), last);
    for _ in 0..5 {
        let epoch = home.open().await.take_over("ana").await.unwrap();
        assert!(epoch > last, "{epoch:?} after {last:?}");
        assert_eq!(home.open().await.epoch("ana").await.unwrap(), epoch);
        last = epoch;
    }
    // A database that lost them gives others all the same.
    let other = Home::new(new).open().await.take_over("ana").await.unwrap();
    assert_ne!(home.open().await.take_over("ben").await.unwrap(), other);
}

/// Each of the writes, by one that has been at work when another process took the account over.
pub(super) async fn who_was_taken_over_records_nothing(new: New<'_>) {
    let home = Home::new(new);
    let slow = home.open().await;
    let mine = slow.take_over("ana").await.unwrap();
    let open = slow.post_for(&entry(1, 10), mine).await.unwrap();
    let begun = slow.begin_attempt(open.number, mine).await.unwrap();
    let waiting = slow.post_for(&entry(2, 20), mine).await.unwrap();
    let twin = slow.post_for(&entry(3, 30), mine).await.unwrap();

    let theirs = home.open().await.take_over("ana").await.unwrap();
    let before = content(&*slow).await;
    taken_over(slow.advance(&begun, OPEN, &accepted(), mine).await);
    taken_over(slow.advance(&begun, Phase::Lost, &NO_FACTS, mine).await);
    taken_over(slow.begin_attempt(waiting.number, mine).await);
    taken_over(slow.same_as(twin.number, waiting.number, mine).await);
    // One that is new, one that is known, and one from which something would be learned.
    taken_over(slow.post_for(&entry(4, 40), mine).await);
    taken_over(slow.post_for(&entry(2, 20), mine).await);
    taken_over(slow.post_for(&entry(2, 20).id("monday").hashed("b"), mine).await);
    assert_eq!(content(&*home.open().await).await, before, "nothing of it is there");
    assert_eq!(slow.calls_within("ana", CallKind::Init, DAY).await.unwrap(), 1, "no init counts");
    assert_eq!(slow.find(&entry(4, 40)).await.unwrap(), None, "and reading is free");

    // From every phase in which something may be on its way.
    let quick = home.open().await;
    let mut attempt = quick.advance(&begun, OPEN, &accepted(), theirs).await.unwrap();
    let stored = Phase::Open { stored: 1 };
    for to in [stored, INTENT, Phase::Uploaded, Phase::Unresolved, Phase::Published] {
        taken_over(slow.advance(&attempt, to, &NO_FACTS, mine).await);
        attempt = quick.advance(&attempt, to, &NO_FACTS, theirs).await.unwrap();
    }
    // Nor does it come back to life with its own next step.
    let again = slow.take_over("ana").await.unwrap();
    taken_over(quick.begin_attempt(waiting.number, theirs).await);
    taken_over(slow.begin_attempt(waiting.number, mine).await);
    slow.begin_attempt(waiting.number, again).await.unwrap();
}

pub(super) async fn of_eight_that_take_over_at_once_the_last_one_records(new: New<'_>) {
    let home = Home::new(new);
    let mut taken = Vec::new();
    for _ in 0..8 {
        let journal = home.open().await;
        taken.push(async move { journal.take_over("ana").await.unwrap() });
    }
    let taken = at_once(taken).await;
    let mut recorded = Vec::new();
    for mine in &taken {
        let journal = home.open().await;
        if journal.post_for(&entry(1, 10), *mine).await.is_ok() {
            recorded.push(*mine);
        }
    }
    assert_eq!(recorded, [*taken.iter().max().unwrap()], "{taken:?}");
}

pub(super) async fn a_person_who_settles_a_post_takes_its_account_over(new: New<'_>) {
    let home = Home::new(new);
    let slow = home.open().await;
    let mine = slow.take_over("ana").await.unwrap();
    let post = slow.post_for(&pull("https://example.com/a.mp4"), mine).await.unwrap();
    let begun = slow.begin_attempt(post.number, mine).await.unwrap();
    let unknown = slow.advance(&begun, Phase::Unresolved, &NO_FACTS, mine).await.unwrap();
    // What is refused, or stands so already, takes nothing over.
    refused(home.open().await.resolve(PostNumber(9), true).await, ErrorKind::Input);
    let waiting = slow.post_for(&entry(1, 10), mine).await.unwrap();
    home.open().await.resolve(waiting.number, false).await.unwrap();
    slow.post_for(&entry(2, 20), mine).await.unwrap();

    home.open().await.resolve(post.number, false).await.unwrap();
    taken_over(slow.advance(&unknown, Phase::Published, &NO_FACTS, mine).await);
    taken_over(slow.begin_attempt(post.number, mine).await);
    taken_over(slow.begin_attempt(waiting.number, mine).await);
    let resolved = home.open().await.post(post.number).await.unwrap();
    assert_eq!(resolved.phase(), Some(Phase::Abandoned));
    home.open().await.resolve(waiting.number, true).await.unwrap();
    let epoch = home.open().await.epoch("ana").await.unwrap();
    let again = home.open().await.resolve(waiting.number, true).await.unwrap();
    assert_eq!(again.phase(), Some(Phase::Published));
    assert_eq!(home.open().await.epoch("ana").await.unwrap(), epoch, "said twice");
}

pub(super) async fn accounts_do_not_take_over_each_other(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let ana = journal.take_over("ana").await.unwrap();
    let ben = journal.take_over("ben").await.unwrap();
    let post = journal.post_for(&entry(1, 10), ana).await.unwrap();
    home.open().await.take_over("ben").await.unwrap();
    let begun = journal.begin_attempt(post.number, ana).await.unwrap();
    journal.advance(&begun, OPEN, &accepted(), ana).await.unwrap();
    // Another one's is none.
    taken_over(journal.post_for(&entry(2, 20), ben).await);
    let error = refused(journal.post_for(&entry(2, 20).of("ben"), ben).await, ErrorKind::Temporary);
    assert!(matches!(&error, JournalError::TakenOver { account } if account == "ben"), "{error}");
}

/// `status` records what TikTok says beside a run, and does not take the account from it.
pub(super) async fn who_looks_on_records_until_somebody_takes_over(new: New<'_>) {
    let home = Home::new(new);
    let looks = home.open().await;
    // Nobody has taken it over, as in a journal of an older version.
    let none = looks.epoch("ana").await.unwrap();
    assert_eq!(none, Epoch::NONE);
    let post = looks.post_for(&entry(1, 10), none).await.unwrap();

    let works = home.open().await;
    let mine = works.take_over("ana").await.unwrap();
    taken_over(looks.begin_attempt(post.number, none).await);
    let begun = works.begin_attempt(post.number, mine).await.unwrap();
    let seen = looks.epoch("ana").await.unwrap();
    let open = looks.advance(&begun, OPEN, &accepted(), seen).await.unwrap();
    let intent = works.advance(&open, INTENT, &NO_FACTS, mine).await.unwrap();
    home.open().await.take_over("ana").await.unwrap();
    taken_over(looks.advance(&intent, Phase::Published, &NO_FACTS, seen).await);
}

/// What TikTok was asked counts for all, also by one that was taken over.
pub(super) async fn calls_and_quotas_are_noted_by_whoever_made_them(new: New<'_>) {
    let home = Home::new(new);
    let slow = home.open().await;
    slow.take_over("ana").await.unwrap();
    let quick = home.open().await;
    quick.take_over("ana").await.unwrap();
    slow.note_call("ana", CallKind::Status).await.unwrap();
    assert_eq!(slow.take_slot("ana", CallKind::Status, 30, DAY).await.unwrap(), None);
    let until = Timestamp::now() + SignedDuration::from_hours(1);
    slow.set_quota_full("ana", QuotaKind::Posts, until).await.unwrap();
    assert_eq!(quick.calls_within("ana", CallKind::Status, DAY).await.unwrap(), 2);
    assert!(quick.quota_full_until("ana", QuotaKind::Posts).await.unwrap().is_some());
}

const DAY: std::time::Duration = std::time::Duration::from_hours(24);
