//! Attempts begin and move under guard.

use std::collections::HashSet;
use std::sync::Barrier;
use std::thread;

use super::*;
use crate::model::{Event, Seen, Transfer, machine};

#[test]
fn an_attempt_comes_back_as_it_was_recorded() {
    let home = Home::new();
    let post = home.open().post_for(&entry(1, 90)).unwrap();
    let attempt = home.open().walk(
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
    );
    assert_eq!(attempt.transfer, Transfer::File { chunks: 3 });
    assert_eq!(attempt.publish_id.as_deref(), Some("v_pub_1"));
    assert_eq!(attempt.issued_at, accepted().issued_at);
    assert_eq!(attempt.post_ids, [u64::MAX, 7_512_345_678_901_234_567]);
    assert_eq!(home.open().attempts(post.number).unwrap(), [attempt]);
}

#[test]
fn of_two_that_record_a_step_from_the_same_phase_one_wins() {
    let home = Home::new();
    let post = home.open().post_for(&entry(1, 90)).unwrap();
    for _ in 0..20 {
        let attempt = home.open().walk(&post, &[(OPEN, accepted())]);
        let start = Barrier::new(2);
        let outcomes: Vec<_> = thread::scope(|scope| {
            [Phase::Abandoned, Phase::Open { stored: 1 }]
                .map(|to| {
                    let (home, start, mut attempt) = (&home, &start, attempt.clone());
                    scope.spawn(move || {
                        let journal = home.open();
                        start.wait();
                        journal.advance(&mut attempt, to, &NO_FACTS).map(|()| to)
                    })
                })
                .map(|thread| thread.join().unwrap())
                .into()
        });
        let won: Vec<_> = outcomes.iter().flatten().collect();
        assert_eq!(won.len(), 1, "{outcomes:?}");
        let mut last = home.open().post(post.number).unwrap().last.unwrap();
        assert_eq!(last.phase, *won[0]);
        for lost in outcomes.into_iter().filter(Result::is_err) {
            assert!(matches!(refused(lost, Exit::Temporary), JournalError::MovedOn { .. }));
        }
        if last.phase != Phase::Abandoned {
            home.open().advance(&mut last, Phase::Abandoned, &NO_FACTS).unwrap();
        }
    }
}

#[test]
fn an_attempt_that_moved_on_is_not_changed_by_one_who_does_not_know() {
    let home = Home::new();
    let journal = home.open();
    let post = journal.post_for(&entry(1, 90)).unwrap();
    let mut stale = journal.walk(&post, &[(OPEN, accepted())]);
    let mut attempt = stale.clone();
    journal.advance(&mut attempt, Phase::Open { stored: 1 }, &NO_FACTS).unwrap();
    let before = stale.clone();
    refused(journal.advance(&mut stale, Phase::Open { stored: 2 }, &NO_FACTS), Exit::Temporary);
    assert_eq!(stale, before, "the caller's copy tells what it knew");
    assert_eq!(journal.post(post.number).unwrap().phase(), Some(Phase::Open { stored: 1 }));
}

#[test]
fn i1_no_attempt_begins_while_an_earlier_one_may_become_a_post() {
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
        let home = Home::new();
        let journal = home.open();
        let post = journal.post_for(&entry(1, 90)).unwrap();
        let attempt = journal.walk(&post, &phases);
        let error = refused(journal.begin_attempt(post.number), Exit::Unknown);
        let JournalError::MayBePosted { attempt: 1, phase, .. } = error else { panic!("{error}") };
        assert_eq!(phase, attempt.phase);
    }
}

#[test]
fn i1_holds_over_all_earlier_attempts_and_not_only_the_last() {
    let home = Home::new();
    let journal = home.open();
    let post = journal.post_for(&entry(1, 90)).unwrap();
    journal.walk(&post, &[(Phase::Rejected, NO_FACTS)]);
    journal.walk(&post, &[(Phase::Lost, NO_FACTS)]);
    journal.walk(&post, &[(OPEN, accepted()), (Phase::Abandoned, NO_FACTS)]);
    journal.walk(&post, &[(OPEN, accepted()), (Phase::Failed(Failed::Internal), NO_FACTS)]);
    let fifth = journal.walk(&post, &[(OPEN, accepted()), (Phase::Published, NO_FACTS)]);
    assert_eq!(fifth.number, 5);
    // As if an earlier one had come alive by mistake: the table itself refuses that.
    let revived = journal.db.raw(|connection| {
        connection.execute("UPDATE attempts SET phase = 'uploaded' WHERE number = 2", [])
    });
    assert!(revived.unwrap_err().to_string().contains("UNIQUE"));
}

#[test]
fn eight_that_begin_at_once_make_one_attempt() {
    let home = Home::new();
    let post = home.open().post_for(&entry(1, 90)).unwrap();
    let start = Barrier::new(8);
    let begun = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let journal = home.open();
                    start.wait();
                    journal.begin_attempt(post.number).is_ok()
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).filter(|won| *won).count()
    });
    assert_eq!(begun, 1);
    assert_eq!(home.open().attempts(post.number).unwrap().len(), 1);
}

#[test]
fn what_is_over_stays_over() {
    let home = Home::new();
    let journal = home.open();
    let post = journal.post_for(&entry(1, 90)).unwrap();
    let mut attempt = journal.walk(&post, &[(OPEN, accepted()), (Phase::Abandoned, NO_FACTS)]);
    for to in [Phase::InitIntent, OPEN, INTENT, Phase::Published, Phase::Unresolved] {
        let error = refused(journal.advance(&mut attempt, to, &NO_FACTS), Exit::Failed);
        assert!(matches!(error, JournalError::NoSuchStep { .. }));
    }
}

#[test]
fn a_draft_in_the_inbox_may_be_finished_later() {
    let home = Home::new();
    let journal = home.open();
    let post = journal.post_for(&entry(1, 90).draft()).unwrap();
    let mut attempt = journal.walk(&post, &[(OPEN, accepted()), (Phase::Inboxed, NO_FACTS)]);
    journal.advance(&mut attempt, Phase::Published, &NO_FACTS).unwrap();
}

#[test]
fn ids_that_become_public_later_are_added_to_a_published_post() {
    let home = Home::new();
    let journal = home.open();
    let post = journal.publish(&entry(1, 90), "a");
    let mut attempt = post.last.unwrap();
    let ids = AttemptUpdate { post_ids: vec![7], ..NO_FACTS };
    journal.advance(&mut attempt, Phase::Published, &ids).unwrap();
    journal.advance(&mut attempt, Phase::Published, &NO_FACTS).unwrap();
    assert_eq!(attempt.post_ids, [7]);
}

/// Every event, with a few values.
fn events() -> Vec<Event> {
    let seen = [
        Seen::Processing { stored: None },
        Seen::Processing { stored: Some(0) },
        Seen::Processing { stored: Some(1) },
        Seen::Processing { stored: Some(2) },
        Seen::Published,
        Seen::Inboxed,
        Seen::Failed(Failed::Internal),
        Seen::Failed(Failed::Final),
        Seen::IdUnknown,
    ];
    let mut events = vec![
        Event::InitAccepted,
        Event::InitRefused,
        Event::InitPutOff,
        Event::InitUnclear,
        Event::InitNotSent,
        Event::BadUploadUrl,
        Event::Intend,
        Event::ChunkStored { index: 0 },
        Event::ChunkStored { index: 1 },
        Event::AllStored { index: 0 },
        Event::AllStored { index: 1 },
        Event::ChunkUnclear,
        Event::UrlGone,
        Event::UrlExpired,
        Event::SettingsChanged,
        Event::FileChanged { handed_over: false },
        Event::FileChanged { handed_over: true },
        Event::ProvedIncomplete,
    ];
    events.extend(seen.map(Event::Status));
    events
}

#[test]
fn every_step_of_the_state_machine_can_be_recorded() {
    for transfer in [Transfer::File { chunks: 2 }, Transfer::Pull] {
        let mut reached = HashSet::from([Phase::InitIntent]);
        let mut open = vec![Phase::InitIntent];
        while let Some(from) = open.pop() {
            let steps = events().into_iter().map(|event| machine::step(transfer, from, event));
            for to in steps.chain([machine::resume(transfer, from)]).map(|step| step.phase) {
                assert!(super::super::phase::follows(from, to), "{from:?} to {to:?}");
                if reached.insert(to) {
                    open.push(to);
                }
            }
        }
        assert!(reached.len() > 6, "{reached:?}");
    }
}

#[test]
fn every_phase_is_written_so_that_it_is_read_back() {
    use super::super::phase::{Written, read};
    let failed = [Failed::Internal, Failed::Pull, Failed::AuthRemoved, Failed::Final];
    let mut phases = vec![
        Phase::InitIntent,
        OPEN,
        Phase::Open { stored: u32::MAX },
        INTENT,
        Phase::Uploaded,
        Phase::Rejected,
        Phase::Lost,
        Phase::Abandoned,
        Phase::Published,
        Phase::Inboxed,
        Phase::Unresolved,
    ];
    phases.extend(failed.map(Phase::Failed));
    for phase in phases {
        let Written { word, stored, failed } = phase.into();
        assert_eq!(read(word, stored, failed), Some(phase));
    }
    assert_eq!(read("open", None, None), None);
    assert_eq!(read("published", Some(1), None), None);
    assert_eq!(read("failed", None, Some("else")), None);
    assert_eq!(read("posted", None, None), None);
}

#[test]
fn the_url_is_kept_only_while_chunks_may_follow() {
    let home = Home::new();
    let journal = home.open();
    let post = journal.post_for(&entry(1, 90)).unwrap();
    let mut attempt = journal.walk(&post, &[(OPEN, accepted()), (INTENT, NO_FACTS)]);
    assert_eq!(attempt.upload_url, accepted().upload_url);
    journal.advance(&mut attempt, Phase::Uploaded, &accepted()).unwrap();
    assert_eq!(attempt.upload_url, None, "not even if it is given");
}

#[test]
fn a_forgotten_url_is_in_none_of_the_files() {
    for end in [Phase::Abandoned, BANNED, Phase::Unresolved] {
        let home = Home::new();
        let journal = home.open();
        let post = journal.post_for(&entry(1, 90)).unwrap();
        let attempt = journal.walk(&post, &[(OPEN, accepted())]);
        assert!(holds(&home, "canary=Zq3"), "the search finds what is there");
        let mut attempt = attempt;
        journal.advance(&mut attempt, Phase::Open { stored: 1 }, &NO_FACTS).unwrap();
        journal.advance(&mut attempt, end, &NO_FACTS).unwrap();
        assert!(!holds(&home, "canary"), "{end:?}, still open");
        drop(journal);
        assert!(!holds(&home, "canary"), "{end:?}, closed");
    }
}

/// Whether any file of a home holds a text.
fn holds(home: &Home, text: &str) -> bool {
    fn any(dir: &Path, text: &str) -> bool {
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
            if path.is_dir() {
                return any(&path, text);
            }
            let bytes = std::fs::read(path).unwrap();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        })
    }
    any(home.path(), text)
}

#[test]
fn a_human_settles_what_is_unresolved_and_nothing_else() {
    let home = Home::new();
    let journal = home.open();
    let post = journal.post_for(&pull("https://example.com/a.mp4")).unwrap();
    let error = refused(journal.resolve(post.number, true), Exit::Usage);
    assert_eq!(error.to_string(), "post 1 is not started, not unresolved");

    journal.walk(&post, &[(Phase::Unresolved, NO_FACTS)]);
    let resolved = journal.resolve(post.number, false).unwrap();
    assert_eq!(resolved.phase(), Some(Phase::Abandoned));
    assert!(resolved.may_begin(), "a human said that it was not posted");

    journal.walk(&post, &[(Phase::Unresolved, NO_FACTS)]);
    assert_eq!(journal.resolve(post.number, true).unwrap().phase(), Some(Phase::Published));
    refused(journal.resolve(post.number, false), Exit::Usage);
    refused(journal.resolve(PostNumber(9), true), Exit::Usage);
}

#[test]
fn unfinished_posts_are_those_under_way_and_those_for_a_human() {
    let home = Home::new();
    let journal = home.open();
    let planned = journal.post_for(&entry(1, 10)).unwrap();
    let open = journal.post_for(&entry(2, 20)).unwrap();
    journal.walk(&open, &[(Phase::Lost, NO_FACTS)]);
    journal.walk(&open, &[(OPEN, accepted())]);
    let unresolved = journal.post_for(&pull("https://example.com/a.mp4").of("ben")).unwrap();
    journal.walk(&unresolved, &[(Phase::Unresolved, NO_FACTS)]);
    let done = journal.publish(&entry(4, 40), "d");

    let numbers =
        |posts: Vec<RecordedPost>| posts.iter().map(|post| post.number).collect::<Vec<_>>();
    assert_eq!(numbers(journal.unfinished(None).unwrap()), [open.number, unresolved.number]);
    assert_eq!(numbers(journal.unfinished(Some("ben")).unwrap()), [unresolved.number]);
    let all = [planned.number, open.number, unresolved.number, done.number];
    assert_eq!(numbers(journal.all().unwrap()), all);
}

#[test]
fn a_commit_that_fails_is_not_recorded_and_the_next_one_works() {
    let home = Home::new();
    let journal = home.open();
    let before = journal.publish(&entry(1, 90), "a");
    // A full disk, as SQLite sees it; it lasts as long as the connection.
    journal.db.raw(|connection| {
        let pages: u32 = connection.pragma_query_value(None, "page_count", |r| r.get(0)).unwrap();
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    });
    let mut big = entry(2, 50);
    big.label = "x".repeat(100_000);
    let error = refused(journal.post_for(&big), Exit::Local);
    assert!(error.to_string().starts_with("no space left to record a post in the journal"));
    assert!(error.hint().unwrap().contains("free space"));
    assert_eq!(journal.all().unwrap(), [before], "nothing of it is there");
    assert_eq!(journal.post_for(&big).unwrap().label.len(), 100_000, "on a new connection");
}

#[test]
fn a_journal_is_shared_between_threads() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<SqliteJournal>();
}

/// What it costs, on the disk at hand: `cargo test --lib journal_costs -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn journal_costs() {
    use std::time::Instant;
    let home = Home::new();
    let journal = home.open();
    let start = Instant::now();
    for _ in 0..200 {
        journal.note_call("ana", CallKind::Status).unwrap();
    }
    println!("a commit: {:?}", start.elapsed() / 200);
    let post = journal.publish(&entry(1, 90), "a");
    for posts in [10_000, 100_000_u32] {
        journal.db.raw(|connection| {
            connection.execute_batch("PRAGMA synchronous = OFF; BEGIN").unwrap();
            let mut insert = connection
                .prepare(
                    "INSERT INTO posts (id, original, repost, account, mode, source, label, path,
                     device, inode, size, mtime, ctime, chunk_size, chunks, fingerprint, settings,
                     created) SELECT ?1, ?1, 0, account, mode, source, label, path, device, inode,
                     size, mtime, ctime, chunk_size, chunks, fingerprint, settings, created
                     FROM posts WHERE id = 1",
                )
                .unwrap();
            for number in 2..=posts {
                let _ = insert.execute([number]);
                connection
                    .execute(
                        "INSERT OR IGNORE INTO keys (account, key, post) VALUES ('ana', ?1, ?2)",
                        (format!("direct blake3 {}", fingerprint(&number.to_string())), number),
                    )
                    .unwrap();
                let _ = connection.execute(
                    "INSERT INTO attempts (post, number, phase, created, updated, publish_id)
                     VALUES (?1, 1, 'published', 0, 0, 'v_pub_file~v2.1234567890')",
                    [number],
                );
            }
            connection.execute_batch("COMMIT").unwrap();
        });
        journal
            .db
            .write("", |tx| Ok(crate::store::local::journal::checksum::write_all(tx)?))
            .unwrap();
        let start = Instant::now();
        drop(home.open());
        println!("opening {posts} posts: {:?}", start.elapsed());
        let start = Instant::now();
        journal.known_with_size("ana", Mode::Direct, 91).unwrap();
        println!("looking for a size: {:?}", start.elapsed());
        let start = Instant::now();
        journal.unfinished(None).unwrap();
        println!("unfinished: {:?}", start.elapsed());
    }
    assert_eq!(journal.post(post.number).unwrap(), post);
}
