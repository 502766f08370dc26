//! A post is recognised, whatever became of its file, and made once.

use std::sync::Barrier;
use std::thread;

use super::*;
use crate::store::Likeness;

#[test]
fn a_post_comes_back_as_it_was_recorded() {
    let home = Home::new();
    let mut new = entry(1, 90).id("monday").hashed("a");
    new.publish_at = Some(Timestamp::from_millisecond(1_800_000_000_000).unwrap());
    let post = home.open().post_for(&new).unwrap();
    let read = home.open().post(post.number).unwrap();
    assert_eq!(read, post);
    let Source::File(file) = new.source else { unreachable!() };
    assert_eq!(read.file, Some(file));
    assert_eq!((read.account, read.username), (new.account, new.username));
    assert_eq!((read.mode, read.id), (new.mode, new.id));
    assert_eq!((read.label, read.settings), (new.label, new.settings));
    assert_eq!((read.publish_at, read.last), (new.publish_at, None));
}

#[test]
fn a_path_that_is_not_text_comes_back_whole() {
    use std::os::unix::ffi::OsStrExt as _;
    let home = Home::new();
    let mut new = entry(1, 90);
    let path = std::ffi::OsStr::from_bytes(b"/videos/\xff\xfe.mp4");
    if let Source::File(file) = &mut new.source {
        file.path = path.into();
    }
    let post = home.open().post_for(&new).unwrap();
    assert_eq!(home.open().post(post.number).unwrap().file.unwrap().path, path);
}

#[test]
fn t27_eight_that_ask_for_the_same_make_one_post() {
    let entries: [fn() -> PostRequest; 4] = [
        || entry(1, 90),
        || entry(1, 90).hashed("a"),
        || entry(1, 90).id("monday"),
        || pull("https://example.com/a.mp4"),
    ];
    for new in entries {
        let home = Home::new();
        let start = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    home.open().post_for(&new()).unwrap()
                });
            }
        });
        assert_eq!(home.open().all().unwrap().len(), 1);
    }
}

#[test]
fn eight_copies_that_turn_out_to_be_the_same_reach_their_final_chunk_once() {
    let home = Home::new();
    let journal = home.open();
    let open: Vec<_> = (0..8)
        .map(|copy| {
            let post = journal.post_for(&entry(copy, 90)).unwrap();
            journal.walk(&post, &[(OPEN, accepted())])
        })
        .collect();
    let start = Barrier::new(8);
    let reached = thread::scope(|scope| {
        let threads: Vec<_> = open
            .into_iter()
            .map(|mut attempt| {
                let (home, start) = (&home, &start);
                scope.spawn(move || {
                    let journal = home.open();
                    start.wait();
                    journal.advance(&mut attempt, INTENT, &read_as("same"))
                })
            })
            .collect();
        let outcomes = threads.into_iter().map(|thread| thread.join().unwrap());
        outcomes
            .filter(|outcome| match outcome {
                Ok(()) => true,
                Err(JournalError::SameContent { certain, .. }) => {
                    assert!(certain);
                    false
                }
                Err(error) => panic!("{error}"),
            })
            .count()
    });
    assert_eq!(reached, 1);
}

#[test]
fn accounts_modes_and_contents_are_told_apart() {
    let home = Home::new();
    let journal = home.open();
    let different = [
        entry(1, 90),
        entry(1, 90).of("ben"),
        entry(1, 90).draft(),
        entry(2, 90),
        entry(1, 91),
        pull("https://example.com/a.mp4"),
        pull("https://example.com/b.mp4"),
        PostRequest { source: photos(&["a", "bc"]), ..entry(0, 0) },
        PostRequest { source: photos(&["ab", "c"]), ..entry(0, 0) },
    ];
    for (number, new) in (1..).zip(&different) {
        assert_eq!(journal.find(new).unwrap(), None);
        assert_eq!(journal.post_for(new).unwrap().number, PostNumber(number));
    }
    for (number, new) in (1..).zip(&different) {
        assert_eq!(journal.post_for(new).unwrap().number, PostNumber(number));
        assert_eq!(journal.find(new).unwrap().unwrap().number, PostNumber(number));
    }
}

#[test]
fn the_urls_of_a_pull_are_not_stored() {
    let home = Home::new();
    let journal = home.open();
    journal.post_for(&pull("https://example.com/a.mp4?signature=canary")).unwrap();
    drop(journal);
    let bytes = std::fs::read(home.file("journal.sqlite")).unwrap();
    assert!(!bytes.windows(6).any(|window| window == b"canary"));
}

#[test]
fn a_file_that_did_not_change_is_known_without_reading_it() {
    let home = Home::new();
    let journal = home.open();
    let post = journal.publish(&entry(1, 90), "a");
    let file = file(1, 90).identity;
    assert_eq!(journal.find_by_file("ana", Mode::Direct, &file).unwrap(), Some(post));
    for change in 0..5 {
        let mut other = file;
        match change {
            0 => other.device += 1,
            1 => other.inode += 1,
            2 => other.size += 1,
            3 => other.mtime += 1,
            _ => other.ctime += 1,
        }
        assert_eq!(journal.find_by_file("ana", Mode::Direct, &other).unwrap(), None);
    }
}

#[test]
fn a_renamed_or_copied_file_is_recognised_by_its_content_and_then_by_sight() {
    let home = Home::new();
    let journal = home.open();
    let post = journal.publish(&entry(1, 90), "a");
    let copy = entry(2, 90);
    assert_eq!(journal.find(&copy).unwrap(), None, "not read yet");
    let known = journal.known_with_size("ana", Mode::Direct, 90).unwrap();
    assert_eq!(known, std::slice::from_ref(&post), "so it is to be read");
    assert!(journal.known_with_size("ana", Mode::Direct, 91).unwrap().is_empty());
    assert!(journal.known_with_size("ana", Mode::Draft, 90).unwrap().is_empty());
    assert!(journal.known_with_size("ben", Mode::Direct, 90).unwrap().is_empty());

    assert_eq!(journal.post_for(&copy.clone().hashed("a")).unwrap(), post);
    assert_eq!(journal.find(&copy).unwrap(), Some(post), "the next run need not read it");
    let other = journal.post_for(&entry(3, 90).hashed("b")).unwrap();
    assert_eq!(other.number, PostNumber(2));
}

#[test]
fn other_settings_do_not_make_another_post() {
    let home = Home::new();
    let journal = home.open();
    let post = journal.publish(&entry(1, 90), "a");
    let captioned = PostRequest { settings: "1".repeat(64), ..entry(1, 90) };
    let found = journal.post_for(&captioned).unwrap();
    assert_eq!(found, post, "and the journal keeps what was posted");
}

#[test]
fn until_something_was_sent_a_post_follows_its_entry() {
    let home = Home::new();
    let journal = home.open();
    let post = journal.post_for(&entry(1, 90).id("monday")).unwrap();
    journal.walk(&post, &[(OPEN, accepted()), (Phase::Abandoned, NO_FACTS)]);
    let replaced = PostRequest { settings: "1".repeat(64), ..entry(2, 95).id("monday") };
    let found = journal.post_for(&replaced).unwrap();
    assert_eq!(found.number, post.number);
    assert_eq!(found.file, Some(file(2, 95)));
    assert_eq!(found.settings, replaced.settings);
    // The old file is free to be a post of its own.
    assert_eq!(journal.find(&entry(1, 90)).unwrap(), None);
    assert_eq!(journal.find(&entry(2, 95)).unwrap().unwrap().number, post.number);
}

#[test]
fn a_source_and_a_mode_may_change_until_something_was_sent() {
    let home = Home::new();
    let journal = home.open();
    let post = journal.post_for(&entry(1, 90).id("monday")).unwrap();
    let pulled = journal.post_for(&pull("https://example.com/a.mp4").id("monday").draft()).unwrap();
    assert_eq!(pulled.number, post.number);
    assert_eq!((pulled.kind, pulled.mode), (SourceKind::Url, Mode::Draft));
    let filed = journal.post_for(&entry(1, 90).id("monday")).unwrap();
    assert_eq!(filed, post);
}

#[test]
fn while_something_may_be_posted_a_post_keeps_its_file_and_plan() {
    let home = Home::new();
    let journal = home.open();
    let post = journal.post_for(&entry(1, 90).id("monday")).unwrap();
    journal.walk(&post, &[(OPEN, accepted())]);
    let found = journal.post_for(&entry(2, 95).id("monday")).unwrap();
    assert_eq!(found.file, Some(file(1, 90)));
    assert_eq!(journal.find(&entry(2, 95)).unwrap(), None, "nor does it own the other file");
}

#[test]
fn what_was_read_of_an_unchanged_file_stays_known() {
    let home = Home::new();
    let journal = home.open();
    let post = journal.post_for(&entry(1, 90).hashed("a")).unwrap();
    journal.walk(&post, &[(Phase::Rejected, NO_FACTS)]);
    let found = journal.post_for(&entry(1, 90)).unwrap();
    assert_eq!(found.file.clone().unwrap().fingerprint, Some(fingerprint("a")));
    assert_eq!(journal.find(&entry(2, 90).hashed("a")).unwrap(), Some(found));
}

#[test]
fn an_id_added_later_does_not_make_another_post() {
    let home = Home::new();
    let journal = home.open();
    let post = journal.publish(&entry(1, 90), "a");
    let named = journal.post_for(&entry(1, 90).id("monday")).unwrap();
    assert_eq!(named.number, post.number);
    assert_eq!(named.id.as_deref(), Some("monday"));
    // From now on the id is enough, whatever the file.
    assert_eq!(journal.post_for(&entry(7, 77).id("monday")).unwrap(), named);
}

#[test]
fn an_id_removed_later_does_not_make_another_post() {
    let home = Home::new();
    let journal = home.open();
    let post = journal.publish(&entry(1, 90).id("monday"), "a");
    assert_eq!(journal.post_for(&entry(1, 90)).unwrap(), post);
    assert_eq!(journal.post_for(&entry(2, 90).hashed("a")).unwrap(), post);
}

#[test]
fn two_ids_are_two_posts_of_the_same_content() {
    let home = Home::new();
    let journal = home.open();
    let monday = journal.publish(&entry(1, 90).id("monday"), "a");
    let tuesday = journal.publish(&entry(1, 90).id("tuesday"), "a");
    assert_ne!(monday.number, tuesday.number);
    let friday = journal.publish(&entry(2, 90).id("friday").hashed("a"), "a");
    assert_eq!(friday.number, PostNumber(3));
}

#[test]
fn an_id_belongs_to_its_account_and_to_any_mode() {
    let home = Home::new();
    let journal = home.open();
    let post = journal.publish(&entry(1, 90).id("monday"), "a");
    assert_ne!(journal.post_for(&entry(1, 90).id("monday").of("ben")).unwrap(), post);
    assert_eq!(journal.post_for(&entry(1, 90).id("monday").draft()).unwrap(), post);
}

#[test]
fn content_that_was_posted_meanwhile_stops_a_post_before_its_final_chunk() {
    let home = Home::new();
    let journal = home.open();
    let copy = journal.post_for(&entry(1, 90)).unwrap();
    let mut attempt = journal.walk(&copy, &[(OPEN, accepted())]);
    let posted = journal.publish(&entry(2, 90), "same");

    let outcome = journal.advance(&mut attempt, INTENT, &read_as("same"));
    let error = refused(outcome, Exit::Unknown);
    let JournalError::SameContent { other, certain: true } = error else { panic!("{error}") };
    assert_eq!(*other, posted);
    assert_eq!(attempt.phase, OPEN, "nothing was recorded");

    refused(journal.same_as(copy.number, posted.number), Exit::Unknown);
    journal.advance(&mut attempt, Phase::Abandoned, &NO_FACTS).unwrap();
    journal.same_as(copy.number, posted.number).unwrap();
    assert_eq!(journal.post_for(&entry(1, 90)).unwrap(), posted, "the next run skips it");
    assert_eq!(journal.post(copy.number).unwrap().same_as, Some(posted.number));
    refused(journal.begin_attempt(copy.number), Exit::Unknown);
    assert_eq!(journal.known_with_size("ana", Mode::Direct, 90).unwrap(), [posted]);
}

#[test]
fn a_twin_that_never_got_anywhere_gives_way() {
    let home = Home::new();
    let journal = home.open();
    let deferred = journal.post_for(&entry(1, 90).hashed("same")).unwrap();
    let copy = journal.post_for(&entry(2, 90)).unwrap();
    let mut attempt = journal.walk(&copy, &[(OPEN, accepted())]);
    journal.advance(&mut attempt, INTENT, &read_as("same")).unwrap();
    assert_eq!(journal.post(deferred.number).unwrap().same_as, Some(copy.number));
    assert_eq!(journal.post_for(&entry(1, 90)).unwrap().number, copy.number);
    assert_eq!(journal.find(&entry(3, 90).hashed("same")).unwrap().unwrap().number, copy.number);
}

#[test]
fn a_post_that_was_complete_before_it_was_read_stops_others_of_its_size() {
    let home = Home::new();
    let journal = home.open();
    let odd = journal.post_for(&entry(1, 90)).unwrap();
    let mut attempt = journal.walk(&odd, &[(OPEN, accepted())]);
    let other = journal.post_for(&entry(2, 90).hashed("b")).unwrap();
    journal.advance(&mut attempt, Phase::FinalIntent { stored: 1 }, &NO_FACTS).unwrap();

    let error = refused(journal.begin_attempt(other.number), Exit::Unknown);
    assert_eq!(error.to_string(), "post 1 of the same account may have the same content");
    let longer = journal.post_for(&entry(3, 91)).unwrap();
    journal.begin_attempt(longer.number).unwrap();

    journal.set_fingerprint(odd.number, &fingerprint("a")).unwrap();
    journal.begin_attempt(other.number).unwrap();
}

#[test]
fn a_fingerprint_that_differs_from_the_recorded_one_is_refused() {
    let home = Home::new();
    let journal = home.open();
    let post = journal.post_for(&entry(1, 90).hashed("a")).unwrap();
    let mut attempt = journal.walk(&post, &[(OPEN, accepted())]);
    let error = refused(journal.advance(&mut attempt, INTENT, &read_as("b")), Exit::Failed);
    assert!(matches!(error, JournalError::OtherContent(_)));
    for odd in ["", "abc", &"A".repeat(64), &"g".repeat(64)] {
        refused(journal.set_fingerprint(post.number, odd), Exit::Failed);
    }
}

#[test]
fn a_repost_is_a_post_of_its_own_and_asked_for_once() {
    let home = Home::new();
    let journal = home.open();
    let first = journal.publish(&entry(1, 90), "a");
    let second = journal.post_for(&entry(1, 90).again()).unwrap();
    assert_eq!((second.number, second.repost), (PostNumber(2), 1));
    let mut attempt = journal.walk(&second, &[(OPEN, accepted())]);
    // Interrupted and asked again: it goes on, with or without insisting.
    for new in [entry(1, 90).again(), entry(1, 90), entry(2, 90).hashed("a").again()] {
        assert_eq!(journal.post_for(&new).unwrap().number, second.number);
    }
    journal.advance(&mut attempt, INTENT, &read_as("a")).unwrap();
    journal.advance(&mut attempt, Phase::Published, &NO_FACTS).unwrap();
    assert_eq!(journal.post_for(&entry(1, 90)).unwrap().number, second.number);
    assert_eq!(journal.post_for(&entry(1, 90).again()).unwrap().number, PostNumber(3));
    assert_eq!(journal.post(first.number).unwrap(), first);
}

#[test]
fn of_several_reposts_the_latest_is_named() {
    let home = Home::new();
    let journal = home.open();
    let copy = journal.post_for(&entry(2, 90)).unwrap();
    let mut attempt = journal.walk(&copy, &[(OPEN, accepted())]);
    journal.publish(&entry(1, 90), "a");
    let again = journal.publish(&entry(1, 90).again(), "a");
    let error = journal.advance(&mut attempt, INTENT, &read_as("a")).unwrap_err();
    assert!(matches!(error, JournalError::SameContent { other, .. } if *other == again));
}

#[test]
fn a_repost_of_an_id_keeps_the_id() {
    let home = Home::new();
    let journal = home.open();
    journal.publish(&entry(1, 90).id("monday"), "a");
    let again = journal.publish(&entry(1, 90).id("monday").again(), "a");
    assert_eq!((again.number, again.id.as_deref()), (PostNumber(2), Some("monday")));
    assert_eq!(journal.find(&entry(9, 99).id("monday")).unwrap(), Some(again));
}

#[test]
fn a_repost_starts_over_what_was_refused_for_good() {
    for failed in [Failed::Final, Failed::AuthRemoved] {
        let home = Home::new();
        let journal = home.open();
        let post = journal.post_for(&entry(1, 90)).unwrap();
        journal.walk(&post, &[(OPEN, accepted()), (Phase::Failed(failed), NO_FACTS)]);
        assert_eq!(journal.post_for(&entry(1, 90)).unwrap().number, post.number);
        let again = journal.post_for(&entry(1, 90).again()).unwrap();
        assert_ne!(again.number, post.number);
        journal.begin_attempt(again.number).unwrap();
    }
}

#[test]
fn a_repost_touches_nothing_that_is_under_way_unresolved_or_simply_not_done() {
    for phases in [
        vec![],
        vec![(OPEN, accepted())],
        vec![(OPEN, accepted()), (INTENT, NO_FACTS)],
        vec![(Phase::Unresolved, NO_FACTS)],
        vec![(Phase::Rejected, NO_FACTS)],
        vec![(Phase::Lost, NO_FACTS)],
    ] {
        let home = Home::new();
        let journal = home.open();
        let post = journal.post_for(&entry(1, 90)).unwrap();
        journal.walk(&post, &phases);
        assert_eq!(journal.post_for(&entry(1, 90).again()).unwrap().number, post.number);
        assert_eq!(journal.all().unwrap().len(), 1);
    }
}

#[test]
fn a_number_is_asked_for_as_text() {
    assert_eq!("12".parse::<PostNumber>().unwrap(), PostNumber(12));
    assert_eq!(PostNumber(12).to_string(), "12");
    let error = refused(Home::new().open().post(PostNumber(12)), Exit::Usage);
    assert_eq!(error.to_string(), "there is no post 12");
}

#[test]
fn a_url_of_an_earlier_version_is_known_by_its_spelling_and_suspected_by_its_signature() {
    const URL: &str = "https://cdn.example.com/clip.mp4?X-Amz-Signature=";
    let home = Home::new();
    let journal = home.open();
    let label = "https://cdn.example.com/clip.mp4".to_owned();
    let entry = |signature: &str| PostRequest {
        label: label.clone(),
        ..pull(&format!("{URL}{signature}"))
    };
    let old = journal.publish(&entry("A"), "");
    journal.db.raw(|connection| {
        connection.execute("DELETE FROM keys WHERE key NOT LIKE '% url %'", []).unwrap();
    });
    assert_eq!(journal.find(&entry("A")).unwrap().unwrap().number, old.number);
    assert_eq!(journal.find(&entry("B")).unwrap(), None);
    let alike = journal.alike(&entry("B"), None).unwrap().unwrap();
    assert_eq!((alike.post.number, alike.how), (old.number, Likeness::PassingAddress));
}
