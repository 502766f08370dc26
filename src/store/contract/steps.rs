//! Attempts begin and move under guard.

use super::*;

pub(super) async fn an_attempt_comes_back_as_it_was_recorded(new: New<'_>) {
    let home = Home::new(new);
    let post = home.open().await.recorded(&entry(1, 90)).await.unwrap();
    let attempt = home
        .open()
        .await
        .walk(
            &post,
            &[
                (OPEN, accepted()),
                (Phase::Open { stored: 2 }, NO_FACTS),
                (INTENT, read_as("a")),
                (
                    Phase::Published,
                    AttemptUpdate {
                        post_ids: vec![u64::MAX, 7_512_345_678_901_234_567],
                        log_id: Some("2026".to_owned()),
                        ..NO_FACTS
                    },
                ),
            ],
        )
        .await;
    assert_eq!(attempt.transfer, Transfer::File { chunks: 3 });
    assert_eq!(attempt.publish_id.as_deref(), Some("v_pub_1"));
    assert_eq!(attempt.issued_at, accepted().issued_at);
    assert_eq!(attempt.post_ids, [u64::MAX, 7_512_345_678_901_234_567]);
    assert_eq!(home.open().await.attempts(post.number).await.unwrap(), [attempt]);
}

pub(super) async fn an_attempt_that_moved_on_is_not_changed_by_one_who_does_not_know(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let post = journal.recorded(&entry(1, 90)).await.unwrap();
    let mut stale = journal.walk(&post, &[(OPEN, accepted())]).await;
    let mut attempt = stale.clone();
    journal.step(&mut attempt, Phase::Open { stored: 1 }, &NO_FACTS).await.unwrap();
    let before = stale.clone();
    refused(
        journal.step(&mut stale, Phase::Open { stored: 2 }, &NO_FACTS).await,
        ErrorKind::Temporary,
    );
    assert_eq!(stale, before, "the caller's copy tells what it knew");
    assert_eq!(journal.post(post.number).await.unwrap().phase(), Some(Phase::Open { stored: 1 }));
}

pub(super) async fn i1_no_attempt_begins_while_an_earlier_one_may_become_a_post(new: New<'_>) {
    let alive = [
        vec![],
        vec![(OPEN, accepted())],
        vec![(OPEN, accepted()), (INTENT, NO_FACTS)],
        vec![(OPEN, accepted()), (INTENT, NO_FACTS), (Phase::Uploaded, NO_FACTS)],
        vec![(OPEN, accepted()), (Phase::Published, NO_FACTS)],
        vec![(OPEN, accepted()), (Phase::Inboxed, NO_FACTS)],
        vec![(Phase::Unresolved, NO_FACTS)],
        vec![(OPEN, accepted()), (BANNED, NO_FACTS)],
        vec![(OPEN, accepted()), (Phase::Failed(Failed::AuthRemoved), NO_FACTS)],
    ];
    for phases in alive {
        let home = Home::new(new);
        let journal = home.open().await;
        let post = journal.recorded(&entry(1, 90)).await.unwrap();
        let attempt = journal.walk(&post, &phases).await;
        let error = refused(journal.begun(post.number).await, ErrorKind::Unknown);
        let JournalError::MayBePosted { attempt: 1, phase, .. } = error else { panic!("{error}") };
        assert_eq!(phase, attempt.phase);
    }
}

pub(super) async fn what_is_over_stays_over(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let post = journal.recorded(&entry(1, 90)).await.unwrap();
    let mut attempt =
        journal.walk(&post, &[(OPEN, accepted()), (Phase::Abandoned, NO_FACTS)]).await;
    for to in [Phase::InitIntent, OPEN, INTENT, Phase::Published, Phase::Unresolved] {
        let error = refused(journal.step(&mut attempt, to, &NO_FACTS).await, ErrorKind::Final);
        assert!(matches!(error, JournalError::NoSuchStep { .. }));
    }
}

pub(super) async fn a_draft_in_the_inbox_may_be_finished_later(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let post = journal.recorded(&entry(1, 90).draft()).await.unwrap();
    let mut attempt = journal.walk(&post, &[(OPEN, accepted()), (Phase::Inboxed, NO_FACTS)]).await;
    journal.step(&mut attempt, Phase::Published, &NO_FACTS).await.unwrap();
}

pub(super) async fn ids_that_become_public_later_are_added_to_a_published_post(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let post = journal.publish(&entry(1, 90), "a").await;
    let mut attempt = post.last.unwrap();
    let ids = AttemptUpdate { post_ids: vec![7], ..NO_FACTS };
    journal.step(&mut attempt, Phase::Published, &ids).await.unwrap();
    journal.step(&mut attempt, Phase::Published, &NO_FACTS).await.unwrap();
    assert_eq!(attempt.post_ids, [7]);
}

pub(super) async fn the_url_is_kept_only_while_chunks_may_follow(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let post = journal.recorded(&entry(1, 90)).await.unwrap();
    let mut attempt = journal.walk(&post, &[(OPEN, accepted()), (INTENT, NO_FACTS)]).await;
    assert_eq!(attempt.upload_url, accepted().upload_url);
    journal.step(&mut attempt, Phase::Uploaded, &accepted()).await.unwrap();
    assert_eq!(attempt.upload_url, None, "not even if it is given");
}

pub(super) async fn a_human_settles_what_is_unresolved_and_what_failed_for_good(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let post = journal.recorded(&pull("https://example.com/a.mp4")).await.unwrap();
    let why = AttemptUpdate { message: Some("it is unknown".to_owned()), ..NO_FACTS };
    for end in [Phase::Unresolved, BANNED, Phase::Failed(Failed::AuthRemoved)] {
        let steps = [(OPEN, accepted()), (end, why.clone())];
        let steps = if end == Phase::Unresolved { &steps[1..] } else { &steps[..] };
        journal.walk(&post, steps).await;
        let resolved = journal.resolve(post.number, false).await.unwrap();
        assert_eq!(resolved.phase(), Some(Phase::Abandoned));
        assert!(resolved.may_begin(), "a human said that it was not posted");
        let message = resolved.last.as_ref().unwrap().message.as_deref();
        assert_eq!(message, Some("settled by hand as not posted; before that: it is unknown"));
        let again = journal.resolve(post.number, false).await.unwrap();
        assert_eq!(again, resolved, "said twice, it stands as it stood");
    }
    journal.walk(&post, &[(Phase::Unresolved, NO_FACTS)]).await;
    assert_eq!(journal.resolve(post.number, true).await.unwrap().phase(), Some(Phase::Published));
    let error = refused(journal.resolve(post.number, false).await, ErrorKind::Input);
    assert_eq!(error.to_string(), "post 1 is published: it cannot be settled as not posted");
    refused(journal.resolve(PostNumber(9), true).await, ErrorKind::Input);
}

pub(super) async fn what_a_human_calls_posted_is_never_begun_again(new: New<'_>) {
    let steps = [
        vec![],
        vec![(OPEN, accepted())],
        vec![(OPEN, accepted()), (INTENT, NO_FACTS)],
        vec![(OPEN, accepted()), (INTENT, NO_FACTS), (Phase::Uploaded, NO_FACTS)],
        vec![(OPEN, accepted()), (Phase::Published, NO_FACTS)],
        vec![(OPEN, accepted()), (Phase::Inboxed, NO_FACTS)],
        vec![(OPEN, accepted()), (BANNED, NO_FACTS)],
        vec![(OPEN, accepted()), (Phase::Abandoned, NO_FACTS)],
        vec![(Phase::Rejected, NO_FACTS)],
        vec![(Phase::Lost, NO_FACTS)],
        vec![(Phase::Unresolved, NO_FACTS)],
    ];
    for steps in steps {
        let home = Home::new(new);
        let journal = home.open().await;
        let post = journal.recorded(&entry(1, 90)).await.unwrap();
        let attempt = journal.walk(&post, &steps).await;
        let resolved = journal.resolve(post.number, true).await.unwrap();
        assert_eq!(resolved.phase(), Some(Phase::Published), "{:?}", attempt.phase);
        assert_eq!(resolved.last.as_ref().unwrap().upload_url, None);
        refused(journal.begun(post.number).await, ErrorKind::Unknown);
        let again = journal.resolve(post.number, true).await.unwrap();
        assert_eq!(again, resolved, "said twice, it stands as it stood");
    }
    // Nothing of it was tried: somebody has posted it by hand.
    let home = Home::new(new);
    let journal = home.open().await;
    let post = journal.recorded(&entry(1, 90)).await.unwrap();
    assert_eq!(journal.resolve(post.number, true).await.unwrap().phase(), Some(Phase::Published));
    refused(journal.begun(post.number).await, ErrorKind::Unknown);
    let none = journal.recorded(&entry(2, 80)).await.unwrap();
    assert_eq!(journal.resolve(none.number, false).await.unwrap(), none);
}

pub(super) async fn what_tiktok_works_on_is_not_called_not_posted(new: New<'_>) {
    for steps in [
        vec![(OPEN, accepted())],
        vec![(OPEN, accepted()), (INTENT, NO_FACTS)],
        vec![(OPEN, accepted()), (INTENT, NO_FACTS), (Phase::Uploaded, NO_FACTS)],
        vec![(OPEN, accepted()), (Phase::Inboxed, NO_FACTS)],
    ] {
        let home = Home::new(new);
        let journal = home.open().await;
        let post = journal.recorded(&entry(1, 90)).await.unwrap();
        let attempt = journal.walk(&post, &steps).await;
        let error = refused(journal.resolve(post.number, false).await, ErrorKind::Input);
        assert!(matches!(error, JournalError::NotSettled { .. }), "{error}");
        assert_eq!(journal.attempts(post.number).await.unwrap(), [attempt]);
    }
}

pub(super) async fn unfinished_posts_are_those_under_way_and_those_for_a_human(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let planned = journal.recorded(&entry(1, 10)).await.unwrap();
    let open = journal.recorded(&entry(2, 20)).await.unwrap();
    journal.walk(&open, &[(Phase::Lost, NO_FACTS)]).await;
    journal.walk(&open, &[(OPEN, accepted())]).await;
    let unresolved = journal.recorded(&pull("https://example.com/a.mp4").of("ben")).await.unwrap();
    journal.walk(&unresolved, &[(Phase::Unresolved, NO_FACTS)]).await;
    let done = journal.publish(&entry(4, 40), "d").await;

    let numbers =
        |posts: Vec<RecordedPost>| posts.iter().map(|post| post.number).collect::<Vec<_>>();
    assert_eq!(numbers(journal.unfinished(None).await.unwrap()), [open.number, unresolved.number]);
    assert_eq!(numbers(journal.unfinished(Some("ben")).await.unwrap()), [unresolved.number]);
    let all = [planned.number, open.number, unresolved.number, done.number];
    assert_eq!(numbers(journal.all().await.unwrap()), all);
    assert_eq!(numbers(journal.after(planned.number, 2).await.unwrap()), all[1..3]);
    assert_eq!(numbers(journal.after(done.number, 2).await.unwrap()), []);
}

pub(super) async fn unpublished_posts_are_all_but_those_that_are_done_and_those_that_are_others(
    new: New<'_>,
) {
    let home = Home::new(new);
    let journal = home.open().await;
    assert!(journal.is_empty().await.unwrap());
    let planned = journal.recorded(&entry(1, 10)).await.unwrap();
    assert!(!journal.is_empty().await.unwrap());
    let failed = journal.recorded(&entry(2, 20)).await.unwrap();
    journal.walk(&failed, &[(Phase::Rejected, NO_FACTS)]).await;
    let draft = journal.recorded(&entry(3, 30).draft()).await.unwrap();
    journal
        .walk(&draft, &[(OPEN, accepted()), (INTENT, NO_FACTS), (Phase::Inboxed, NO_FACTS)])
        .await;
    let done = journal.publish(&entry(4, 40), "d").await;
    let other = journal.recorded(&entry(5, 50)).await.unwrap();
    journal.joined(other.number, done.number).await.unwrap();
    let again = journal.recorded(&entry(4, 40).again()).await.unwrap();
    let by_hand = journal.recorded(&entry(6, 60)).await.unwrap();
    journal.resolve(by_hand.number, true).await.unwrap();

    let posts = journal.unpublished().await.unwrap();
    let numbers: Vec<_> = posts.iter().map(|post| post.number).collect();
    assert_eq!(numbers, [planned.number, failed.number, draft.number, again.number]);
    for post in &posts {
        assert_eq!(*post, journal.post(post.number).await.unwrap());
    }
}

pub(super) async fn posts_are_found_by_what_they_are_called(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let url = journal.recorded(&pull("https://example.com/a.mp4")).await.unwrap();
    let first = journal.publish(&entry(1, 10), "a").await;
    let again = journal.recorded(&entry(1, 10).again()).await.unwrap();
    let draft = journal.recorded(&entry(1, 10).draft()).await.unwrap();
    let (account, label) = (&first.account, &first.label);
    let named = journal.named(account, label).await.unwrap();
    let of_that_name: Vec<_> =
        [&first, &again, &draft].map(|post| (post.number, &post.label)).into();
    let found: Vec<_> = named.iter().map(|post| (post.number, &post.label)).collect();
    assert_eq!(found, of_that_name);
    assert_eq!(journal.named(account, &url.label).await.unwrap(), [url]);
    assert_eq!(journal.named("ben", label).await.unwrap(), []);
}

pub(super) async fn whether_a_post_was_repeated_is_known(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let first = journal.publish(&entry(1, 10), "a").await;
    let other = journal.publish(&entry(2, 20), "b").await;
    let second = journal.recorded(&entry(1, 10).again()).await.unwrap();
    assert!(journal.is_repeated(&first).await.unwrap());
    assert!(!journal.is_repeated(&second).await.unwrap());
    assert!(!journal.is_repeated(&other).await.unwrap());
}

pub(super) async fn of_two_that_record_a_step_from_the_same_phase_one_wins(new: New<'_>) {
    let home = Home::new(new);
    let post = home.open().await.recorded(&entry(1, 90)).await.unwrap();
    for _ in 0..20 {
        let attempt = home.open().await.walk(&post, &[(OPEN, accepted())]).await;
        let mine = home.open().await.take_over("ana").await.unwrap();
        let mut steps = Vec::new();
        for to in [Phase::Abandoned, Phase::Open { stored: 1 }] {
            let (journal, attempt) = (home.open().await, attempt.clone());
            steps.push(
                async move { journal.advance(&attempt, to, &NO_FACTS, mine).await.map(|_| to) },
            );
        }
        let outcomes = at_once(steps).await;
        let won: Vec<_> = outcomes.iter().flatten().collect();
        assert_eq!(won.len(), 1, "{outcomes:?}");
        let mut last = home.open().await.post(post.number).await.unwrap().last.unwrap();
        assert_eq!(last.phase, *won[0]);
        for lost in outcomes.into_iter().filter(Result::is_err) {
            assert!(matches!(refused(lost, ErrorKind::Temporary), JournalError::MovedOn { .. }));
        }
        if last.phase != Phase::Abandoned {
            home.open().await.step(&mut last, Phase::Abandoned, &NO_FACTS).await.unwrap();
        }
    }
}

pub(super) async fn eight_that_begin_at_once_make_one_attempt(new: New<'_>) {
    let home = Home::new(new);
    let post = home.open().await.recorded(&entry(1, 90)).await.unwrap();
    let mine = home.open().await.take_over("ana").await.unwrap();
    let mut begun = Vec::new();
    for _ in 0..8 {
        let journal = home.open().await;
        begun.push(async move { journal.begin_attempt(post.number, mine).await.is_ok() });
    }
    let begun = at_once(begun).await;
    assert_eq!(begun.into_iter().filter(|won| *won).count(), 1);
    assert_eq!(home.open().await.attempts(post.number).await.unwrap().len(), 1);
}

/// A signal drops the future that waits for a record; the record is made, and what follows knows it.
pub(super) async fn a_step_that_was_begun_is_recorded_though_nobody_waits_for_it(new: New<'_>) {
    let home = Home::new(new);
    let store = home.store();
    let journal = store.open_journal(Accept::Never).await.unwrap().journal;
    let post = journal.recorded(&entry(1, 90)).await.unwrap();
    let attempt = journal.walk(&post, &[(OPEN, accepted())]).await;
    let mine = journal.take_over("ana").await.unwrap();

    begin(journal.advance(&attempt, Phase::Open { stored: 1 }, &NO_FACTS, mine));
    assert_eq!(
        journal.post(post.number).await.unwrap().phase(),
        Some(Phase::Open { stored: 1 }),
        "what is asked for later comes after it"
    );

    let attempt = journal.post(post.number).await.unwrap().last.unwrap();
    begin(journal.advance(&attempt, Phase::Open { stored: 2 }, &NO_FACTS, mine));
    store.flush().await.unwrap();
    let elsewhere = home.open().await;
    let attempt = elsewhere.post(post.number).await.unwrap().last.unwrap();
    assert_eq!(attempt.phase, Phase::Open { stored: 2 }, "and a flush waits for it");

    drop(journal.advance(&attempt, Phase::Abandoned, &NO_FACTS, mine));
    store.flush().await.unwrap();
    let phase = elsewhere.post(post.number).await.unwrap().phase();
    assert_eq!(phase, Some(Phase::Open { stored: 2 }), "what was not begun is not recorded");

    begin(journal.advance(&attempt, Phase::Abandoned, &NO_FACTS, mine));
    drop((journal, store));
    let phase = elsewhere.post(post.number).await.unwrap().phase();
    assert_eq!(phase, Some(Phase::Abandoned), "nor does the end of the store lose it");
}
