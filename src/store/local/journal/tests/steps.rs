//! Attempts begin and move under guard.

use std::collections::HashSet;

use super::*;
use crate::model::{Event, ReportedStatus, Transfer, machine};
use crate::store::local::journal::{attempts, posts};

#[test]
fn i1_holds_over_all_earlier_attempts_and_not_only_the_last() {
    let home = Home::new();
    let journal = home.open();
    let post = journal.recorded(&entry(1, 90)).unwrap();
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

/// Every event, with a few values.
fn events() -> Vec<Event> {
    let seen = [
        ReportedStatus::Processing { stored: None },
        ReportedStatus::Processing { stored: Some(0) },
        ReportedStatus::Processing { stored: Some(1) },
        ReportedStatus::Processing { stored: Some(2) },
        ReportedStatus::Published,
        ReportedStatus::Inboxed,
        ReportedStatus::Failed(Failed::Internal),
        ReportedStatus::Failed(Failed::Final),
        ReportedStatus::IdUnknown,
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
                assert!(crate::store::rules::phase::follows(from, to), "{from:?} to {to:?}");
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
    use crate::store::rules::phase::{Written, read};
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
fn a_forgotten_url_is_in_none_of_the_files() {
    for end in [Phase::Abandoned, BANNED, Phase::Unresolved] {
        let home = Home::new();
        let journal = home.open();
        let post = journal.recorded(&entry(1, 90)).unwrap();
        let attempt = journal.walk(&post, &[(OPEN, accepted())]);
        assert!(holds(&home, "canary=Zq3"), "the search finds what is there");
        let mut attempt = attempt;
        journal.step(&mut attempt, Phase::Open { stored: 1 }, &NO_FACTS).unwrap();
        journal.step(&mut attempt, end, &NO_FACTS).unwrap();
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
    let error = refused(journal.recorded(&big), Exit::Local);
    assert!(error.to_string().starts_with("no space left to record a post in the journal"));
    assert!(error.hint().unwrap().contains("free space"));
    assert_eq!(journal.all().unwrap(), [before], "nothing of it is there");
    assert_eq!(journal.recorded(&big).unwrap().label.len(), 100_000, "on a new connection");
}

#[test]
fn a_journal_is_shared_between_threads() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<SqliteJournal>();
}

/// What it costs, on the disk at hand.
#[test]
#[ignore = "a measurement; `just journal-costs` runs it"]
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
            .write("", |tx| {
                Ok(crate::store::local::journal::database::checksum::write_all(
                    tx,
                    SCHEMA.version(),
                )?)
            })
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

#[test]
fn what_a_run_looks_for_is_found_without_walking_all_posts() {
    let home = Home::new();
    let journal = home.open();
    let posts = posts::LOOKS.iter().map(|look| format!("SELECT * FROM posts WHERE {look}"));
    for query in posts.chain([attempts::DRAFTS.to_owned()]) {
        let plan: Vec<String> = journal.db.raw(|connection| {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
            let values = vec![rusqlite::types::Null; plan.parameter_count()];
            let steps = plan.query_map(rusqlite::params_from_iter(values), |row| row.get(3));
            steps.unwrap().collect::<Result<_, _>>().unwrap()
        });
        assert!(!plan.is_empty());
        // Those that hold only what is not over.
        let is_short =
            |step: &str| step.contains("unfinished_attempts") || step.contains("pending");
        let walks = |step: &String| step.starts_with("SCAN") && !is_short(step);
        assert!(!plan.iter().any(walks), "{query}: {plan:#?}");
    }
}
