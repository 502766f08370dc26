//! A post is recognised, whatever became of its file, and made once.

use super::*;

pub(super) async fn a_post_comes_back_as_it_was_recorded(new: New<'_>) {
    let home = Home::new(new);
    let mut new = entry(1, 90).id("monday").hashed("a");
    new.publish_at = Some(Timestamp::from_millisecond(1_800_000_000_000).unwrap());
    let post = home.open().await.recorded(&new).await.unwrap();
    let read = home.open().await.post(post.number).await.unwrap();
    assert_eq!(read, post);
    let Source::File(file) = new.source else { unreachable!() };
    assert_eq!(read.file, Some(file));
    assert_eq!((read.account, read.username), (new.account, new.username));
    assert_eq!((read.mode, read.id), (new.mode, new.id));
    assert_eq!((read.label, read.settings), (new.label, new.settings));
    assert_eq!((read.publish_at, read.last), (new.publish_at, None));
}

pub(super) async fn a_path_that_is_not_text_comes_back_whole(new: New<'_>) {
    use std::os::unix::ffi::OsStrExt as _;
    let home = Home::new(new);
    let mut new = entry(1, 90);
    let path = std::ffi::OsStr::from_bytes(b"/videos/\xff\xfe.mp4");
    if let Source::File(file) = &mut new.source {
        file.path = path.into();
    }
    let post = home.open().await.recorded(&new).await.unwrap();
    assert_eq!(home.open().await.post(post.number).await.unwrap().file.unwrap().path, path);
}

pub(super) async fn accounts_modes_and_contents_are_told_apart(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
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
        assert_eq!(journal.find(new).await.unwrap(), None);
        assert_eq!(journal.recorded(new).await.unwrap().number, PostNumber(number));
    }
    for (number, new) in (1..).zip(&different) {
        assert_eq!(journal.recorded(new).await.unwrap().number, PostNumber(number));
        assert_eq!(journal.find(new).await.unwrap().unwrap().number, PostNumber(number));
    }
}

pub(super) async fn a_file_that_did_not_change_is_known_without_reading_it(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let post = journal.publish(&entry(1, 90), "a").await;
    let file = file(1, 90).identity;
    assert_eq!(journal.find_by_file("ana", Mode::Direct, &file).await.unwrap(), Some(post));
    for change in 0..5 {
        let mut other = file;
        match change {
            0 => other.device += 1,
            1 => other.inode += 1,
            2 => other.size += 1,
            3 => other.mtime += 1,
            _ => other.ctime += 1,
        }
        assert_eq!(journal.find_by_file("ana", Mode::Direct, &other).await.unwrap(), None);
    }
}

pub(super) async fn what_was_made_of_many_entries_is_told_at_once_where_nothing_is_to_be_learned(
    new: New<'_>,
) {
    let home = Home::new(new);
    let journal = home.open().await;
    let made = journal.publish(&entry(1, 90), "a").await;
    let url = journal.publish(&pull("https://example.com/a.mp4"), "b").await;
    let named = journal.publish(&entry(2, 90).id("monday"), "c").await;
    let begun = journal.recorded(&entry(3, 90)).await.unwrap();
    let cases = [
        (entry(1, 90), Some(&made)),
        (pull("https://example.com/a.mp4"), Some(&url)),
        (entry(2, 90).id("monday"), Some(&named)),
        (entry(2, 90), Some(&named)),
        // Nothing came of it yet, and of the others nothing is known.
        (entry(3, 90), None),
        (entry(4, 90), None),
        (entry(1, 90).of("ben"), None),
        (entry(1, 90).draft(), None),
        // It is asked for once more.
        (entry(1, 90).again(), None),
        // It would get the `id`.
        (entry(1, 90).id("tuesday"), None),
        // Another video under an `id` that was used.
        (entry(5, 91).id("monday"), None),
        // The spelling of the address would be remembered.
        (pull("https://EXAMPLE.com/a.mp4"), None),
    ];
    let entries: Vec<_> = cases.iter().map(|(entry, _)| entry.clone()).collect();
    let new = journal.are_new(entries.clone()).await.unwrap();
    for (entry, is_new) in entries.iter().zip(new) {
        let found = journal.find(entry).await.unwrap();
        let alike = journal.alike(entry, None).await.unwrap();
        assert!(!is_new || (found.is_none() && alike.is_none()), "{entry:?}");
    }
    let other_url = PostRequest { label: "b.mp4".to_owned(), ..pull("https://example.com/b.mp4") };
    let of_other_size = PostRequest { source: entry(5, 91).source, ..entry(4, 90) };
    let untouched = vec![entry(4, 90).of("ben"), of_other_size, other_url, entry(4, 90)];
    // Of the last one only its content tells: the size is known.
    let new = journal.are_new(untouched).await.unwrap();
    assert_eq!(new, [true, true, true, false]);
    let told = journal.made(entries).await.unwrap();
    assert_eq!(told.len(), cases.len());
    for ((entry, made), told) in cases.iter().zip(told) {
        assert_eq!(told.as_ref(), *made, "{entry:?}");
        if let Some(told) = told {
            assert_eq!(journal.recorded(entry).await.unwrap(), told, "{entry:?}");
        }
    }
    assert_eq!(journal.all().await.unwrap().len(), 4, "{begun:?}");
}

pub(super) async fn a_file_that_is_gone_is_known_by_where_it_lay(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let post = journal.publish(&entry(1, 90), "a").await;
    let path = file(1, 90).path;
    let found = journal.find_by_path("ana", Mode::Direct, &path).await.unwrap();
    assert_eq!(found, Some(post));
    for (account, mode, path) in [
        ("ben", Mode::Direct, &path),
        ("ana", Mode::Draft, &path),
        ("ana", Mode::Direct, &file(2, 90).path),
    ] {
        assert_eq!(journal.find_by_path(account, mode, path).await.unwrap(), None);
    }
    // Of several that lay there one after another, the latest.
    let mut later = entry(3, 91);
    if let Source::File(file) = &mut later.source {
        file.path.clone_from(&path);
    }
    let later = journal.publish(&later, "b").await;
    let found = journal.find_by_path("ana", Mode::Direct, &path).await.unwrap();
    assert_eq!(found, Some(later));
}

pub(super) async fn a_file_that_came_to_lie_elsewhere_is_known_by_that_when_it_is_gone(
    new: New<'_>,
) {
    let home = Home::new(new);
    let journal = home.open().await;
    let at = |inode, path: &str| {
        let mut new = entry(inode, 90);
        if let Source::File(file) = &mut new.source {
            file.path = path.into();
        }
        new
    };
    let there = async |path: &str| {
        let found = journal.find_by_path("ana", Mode::Direct, std::path::Path::new(path)).await;
        found.unwrap().map(|post| post.number.0)
    };
    journal.publish(&at(1, "/new/a.mp4"), "a").await;
    journal.publish(&at(2, "/new/b.mp4").id("b"), "b").await;
    // Both are moved, and the second run has read them.
    let (a, b) = (at(3, "/done/a.mp4"), at(4, "/done/b.mp4").id("b"));
    for (moved, content) in [(&a, "a"), (&b, "b")] {
        assert_eq!(journal.made(vec![moved.clone()]).await.unwrap(), [None], "to be learned");
        journal.recorded(&moved.clone().hashed(content)).await.unwrap();
        let made = journal.made(vec![moved.clone()]).await.unwrap();
        assert!(made[0].is_some(), "learned: {moved:?}");
    }
    assert_eq!((there("/done/a.mp4").await, there("/done/b.mp4").await), (Some(1), Some(2)));
    assert_eq!(there("/new/a.mp4").await, Some(1));
    // Of several that lay there one after another, the latest.
    let swapped = at(5, "/new/a.mp4").hashed("b");
    assert_eq!(journal.recorded(&swapped).await.unwrap().number, PostNumber(2));
    assert_eq!(there("/new/a.mp4").await, Some(2));
    let back = at(6, "/new/a.mp4");
    assert_eq!(journal.recorded(&back.hashed("a")).await.unwrap().number, PostNumber(1));
    assert_eq!(there("/new/a.mp4").await, Some(1));
    // Another video under an `id` that was used is not that post's file.
    journal.recorded(&at(7, "/done/c.mp4").id("b").hashed("c")).await.unwrap();
    assert_eq!(there("/done/c.mp4").await, None);
}

pub(super) async fn of_copies_that_were_each_posted_the_one_at_the_path_is_meant(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let first = journal.publish(&entry(1, 90).id("one"), "a").await;
    let copy = journal.publish(&entry(2, 90).id("two"), "a").await;
    // Their `id`s were taken out of the manifest, and both files were touched.
    for (inode, post) in [(1, &first), (2, &copy)] {
        let mut touched = entry(inode, 90).hashed("a");
        if let Source::File(file) = &mut touched.source {
            file.identity.ctime += 1;
        }
        assert_eq!(journal.find(&touched).await.unwrap().as_ref(), Some(post));
    }
    // One that was not posted says nothing.
    let waits = journal.recorded(&entry(3, 90).id("three").hashed("a")).await.unwrap();
    let touched = entry(3, 90).hashed("a");
    assert_eq!(journal.find(&touched).await.unwrap(), Some(first), "{waits:?}");
}

pub(super) async fn a_renamed_or_copied_file_is_recognised_by_its_content_and_then_by_sight(
    new: New<'_>,
) {
    let home = Home::new(new);
    let journal = home.open().await;
    let post = journal.publish(&entry(1, 90), "a").await;
    let copy = entry(2, 90);
    assert_eq!(journal.find(&copy).await.unwrap(), None, "not read yet");
    let known = journal.known_with_size("ana", Mode::Direct, 90).await.unwrap();
    assert_eq!(known, std::slice::from_ref(&post), "so it is to be read");
    assert!(journal.known_with_size("ana", Mode::Direct, 91).await.unwrap().is_empty());
    assert!(journal.known_with_size("ana", Mode::Draft, 90).await.unwrap().is_empty());
    assert!(journal.known_with_size("ben", Mode::Direct, 90).await.unwrap().is_empty());

    assert_eq!(journal.recorded(&copy.clone().hashed("a")).await.unwrap(), post);
    assert_eq!(journal.find(&copy).await.unwrap(), Some(post), "the next run need not read it");
    let other = journal.recorded(&entry(3, 90).hashed("b")).await.unwrap();
    assert_eq!(other.number, PostNumber(2));
}

pub(super) async fn other_settings_do_not_make_another_post(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let post = journal.publish(&entry(1, 90), "a").await;
    let captioned = PostRequest { settings: "1".repeat(64), ..entry(1, 90) };
    let found = journal.recorded(&captioned).await.unwrap();
    assert_eq!(found, post, "and the journal keeps what was posted");
}

pub(super) async fn until_something_was_sent_a_post_follows_its_entry(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let post = journal.recorded(&entry(1, 90).id("monday")).await.unwrap();
    journal.walk(&post, &[(OPEN, accepted()), (Phase::Abandoned, NO_FACTS)]).await;
    let replaced = PostRequest { settings: "1".repeat(64), ..entry(2, 95).id("monday") };
    let found = journal.recorded(&replaced).await.unwrap();
    assert_eq!(found.number, post.number);
    assert_eq!(found.file, Some(file(2, 95)));
    assert_eq!(found.settings, replaced.settings);
    // The old file is free to be a post of its own.
    assert_eq!(journal.find(&entry(1, 90)).await.unwrap(), None);
    assert_eq!(journal.find(&entry(2, 95)).await.unwrap().unwrap().number, post.number);
}

pub(super) async fn a_source_and_a_mode_may_change_until_something_was_sent(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let post = journal.recorded(&entry(1, 90).id("monday")).await.unwrap();
    let pulled =
        journal.recorded(&pull("https://example.com/a.mp4").id("monday").draft()).await.unwrap();
    assert_eq!(pulled.number, post.number);
    assert_eq!((pulled.kind, pulled.mode), (SourceKind::Url, Mode::Draft));
    let filed = journal.recorded(&entry(1, 90).id("monday")).await.unwrap();
    assert_eq!(filed, post);
}

pub(super) async fn while_something_may_be_posted_a_post_keeps_its_file_and_plan(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let post = journal.recorded(&entry(1, 90).id("monday")).await.unwrap();
    journal.walk(&post, &[(OPEN, accepted())]).await;
    let found = journal.recorded(&entry(2, 95).id("monday")).await.unwrap();
    assert_eq!(found.file, Some(file(1, 90)));
    assert_eq!(journal.find(&entry(2, 95)).await.unwrap(), None, "nor does it own the other file");
}

pub(super) async fn what_was_read_of_an_unchanged_file_stays_known(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let post = journal.recorded(&entry(1, 90).hashed("a")).await.unwrap();
    journal.walk(&post, &[(Phase::Rejected, NO_FACTS)]).await;
    let found = journal.recorded(&entry(1, 90)).await.unwrap();
    assert_eq!(found.file.clone().unwrap().fingerprint, Some(fingerprint("a")));
    assert_eq!(journal.find(&entry(2, 90).hashed("a")).await.unwrap(), Some(found));
}

pub(super) async fn an_id_added_later_does_not_make_another_post(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let post = journal.publish(&entry(1, 90), "a").await;
    let named = journal.recorded(&entry(1, 90).id("monday")).await.unwrap();
    assert_eq!(named.number, post.number);
    assert_eq!(named.id.as_deref(), Some("monday"));
    // From now on the id is enough, whatever the file.
    assert_eq!(journal.recorded(&entry(7, 77).id("monday")).await.unwrap(), named);
}

pub(super) async fn an_id_removed_later_does_not_make_another_post(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let post = journal.publish(&entry(1, 90).id("monday"), "a").await;
    assert_eq!(journal.recorded(&entry(1, 90)).await.unwrap(), post);
    assert_eq!(journal.recorded(&entry(2, 90).hashed("a")).await.unwrap(), post);
}

pub(super) async fn two_ids_are_two_posts_of_the_same_content(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let monday = journal.publish(&entry(1, 90).id("monday"), "a").await;
    let tuesday = journal.publish(&entry(1, 90).id("tuesday"), "a").await;
    assert_ne!(monday.number, tuesday.number);
    let friday = journal.publish(&entry(2, 90).id("friday").hashed("a"), "a").await;
    assert_eq!(friday.number, PostNumber(3));
}

pub(super) async fn an_id_belongs_to_its_account_and_to_any_mode(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let post = journal.publish(&entry(1, 90).id("monday"), "a").await;
    assert_ne!(journal.recorded(&entry(1, 90).id("monday").of("ben")).await.unwrap(), post);
    assert_eq!(journal.recorded(&entry(1, 90).id("monday").draft()).await.unwrap(), post);
}

pub(super) async fn content_that_was_posted_meanwhile_stops_a_post_before_its_final_chunk(
    new: New<'_>,
) {
    let home = Home::new(new);
    let journal = home.open().await;
    let copy = journal.recorded(&entry(1, 90)).await.unwrap();
    let mut attempt = journal.walk(&copy, &[(OPEN, accepted())]).await;
    let posted = journal.publish(&entry(2, 90), "same").await;

    let outcome = journal.step(&mut attempt, INTENT, &read_as("same")).await;
    let error = refused(outcome, ErrorKind::Unknown);
    let JournalError::SameContent { other, certain: true } = error else { panic!("{error}") };
    assert_eq!(*other, posted);
    assert_eq!(attempt.phase, OPEN, "nothing was recorded");

    refused(journal.joined(copy.number, posted.number).await, ErrorKind::Unknown);
    journal.step(&mut attempt, Phase::Abandoned, &NO_FACTS).await.unwrap();
    journal.joined(copy.number, posted.number).await.unwrap();
    assert_eq!(journal.recorded(&entry(1, 90)).await.unwrap(), posted, "the next run skips it");
    assert_eq!(journal.post(copy.number).await.unwrap().same_as, Some(posted.number));
    refused(journal.begun(copy.number).await, ErrorKind::Unknown);
    assert_eq!(journal.known_with_size("ana", Mode::Direct, 90).await.unwrap(), [posted]);
}

pub(super) async fn a_duplicate_of_which_nothing_was_posted_gives_way(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let deferred = journal.recorded(&entry(1, 90).hashed("same")).await.unwrap();
    let copy = journal.recorded(&entry(2, 90)).await.unwrap();
    let mut attempt = journal.walk(&copy, &[(OPEN, accepted())]).await;
    journal.step(&mut attempt, INTENT, &read_as("same")).await.unwrap();
    assert_eq!(journal.post(deferred.number).await.unwrap().same_as, Some(copy.number));
    assert_eq!(journal.recorded(&entry(1, 90)).await.unwrap().number, copy.number);
    assert_eq!(
        journal.find(&entry(3, 90).hashed("same")).await.unwrap().unwrap().number,
        copy.number
    );
}

pub(super) async fn a_repost_is_a_post_of_its_own_and_asked_for_once(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let first = journal.publish(&entry(1, 90), "a").await;
    let second = journal.recorded(&entry(1, 90).again()).await.unwrap();
    assert_eq!((second.number, second.repost), (PostNumber(2), 1));
    let mut attempt = journal.walk(&second, &[(OPEN, accepted())]).await;
    // Interrupted and asked again: it goes on, with or without insisting.
    for new in [entry(1, 90).again(), entry(1, 90), entry(2, 90).hashed("a").again()] {
        assert_eq!(journal.recorded(&new).await.unwrap().number, second.number);
    }
    journal.step(&mut attempt, INTENT, &read_as("a")).await.unwrap();
    journal.step(&mut attempt, Phase::Published, &NO_FACTS).await.unwrap();
    assert_eq!(journal.recorded(&entry(1, 90)).await.unwrap().number, second.number);
    assert_eq!(journal.recorded(&entry(1, 90).again()).await.unwrap().number, PostNumber(3));
    assert_eq!(journal.post(first.number).await.unwrap(), first);
}

pub(super) async fn of_several_reposts_the_latest_is_named(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    let copy = journal.recorded(&entry(2, 90)).await.unwrap();
    let mut attempt = journal.walk(&copy, &[(OPEN, accepted())]).await;
    journal.publish(&entry(1, 90), "a").await;
    let again = journal.publish(&entry(1, 90).again(), "a").await;
    let outcome = journal.step(&mut attempt, INTENT, &read_as("a")).await;
    let error = refused(outcome, ErrorKind::Unknown);
    assert!(matches!(error, JournalError::SameContent { other, .. } if *other == again));
}

pub(super) async fn a_repost_of_an_id_keeps_the_id(new: New<'_>) {
    let home = Home::new(new);
    let journal = home.open().await;
    journal.publish(&entry(1, 90).id("monday"), "a").await;
    let again = journal.publish(&entry(1, 90).id("monday").again(), "a").await;
    assert_eq!((again.number, again.id.as_deref()), (PostNumber(2), Some("monday")));
    assert_eq!(journal.find(&entry(9, 99).id("monday")).await.unwrap(), Some(again));
}

pub(super) async fn a_repost_starts_over_what_was_refused_for_good(new: New<'_>) {
    for failed in [Failed::Final, Failed::AuthRemoved] {
        let home = Home::new(new);
        let journal = home.open().await;
        let post = journal.recorded(&entry(1, 90)).await.unwrap();
        journal.walk(&post, &[(OPEN, accepted()), (Phase::Failed(failed), NO_FACTS)]).await;
        assert_eq!(journal.recorded(&entry(1, 90)).await.unwrap().number, post.number);
        let again = journal.recorded(&entry(1, 90).again()).await.unwrap();
        assert_ne!(again.number, post.number);
        journal.begun(again.number).await.unwrap();
    }
}

pub(super) async fn a_repost_touches_nothing_that_is_under_way_unresolved_or_simply_not_done(
    new: New<'_>,
) {
    for phases in [
        vec![],
        vec![(OPEN, accepted())],
        vec![(OPEN, accepted()), (INTENT, NO_FACTS)],
        vec![(Phase::Unresolved, NO_FACTS)],
        vec![(Phase::Rejected, NO_FACTS)],
        vec![(Phase::Lost, NO_FACTS)],
    ] {
        let home = Home::new(new);
        let journal = home.open().await;
        let post = journal.recorded(&entry(1, 90)).await.unwrap();
        journal.walk(&post, &phases).await;
        assert_eq!(journal.recorded(&entry(1, 90).again()).await.unwrap().number, post.number);
        assert_eq!(journal.all().await.unwrap().len(), 1);
    }
}

pub(super) async fn a_number_is_asked_for_as_text(new: New<'_>) {
    assert_eq!("12".parse::<PostNumber>().unwrap(), PostNumber(12));
    assert_eq!(PostNumber(12).to_string(), "12");
    let error = refused(Home::new(new).open().await.post(PostNumber(12)).await, ErrorKind::Input);
    assert_eq!(error.to_string(), "there is no post 12");
}

pub(super) async fn eight_that_ask_for_the_same_make_one_post(new: New<'_>) {
    let entries: [fn() -> PostRequest; 4] = [
        || entry(1, 90),
        || entry(1, 90).hashed("a"),
        || entry(1, 90).id("monday"),
        || pull("https://example.com/a.mp4"),
    ];
    for entry in entries {
        let home = Home::new(new);
        let asked = (0..8).map(|_| {
            let store = home.store();
            async move {
                let journal = store.open_journal(Accept::Never).await.unwrap().journal;
                journal.post_for(&entry(), Epoch::NONE).await.unwrap()
            }
        });
        at_once(asked.collect()).await;
        assert_eq!(home.open().await.all().await.unwrap().len(), 1);
    }
}

pub(super) async fn eight_copies_that_turn_out_to_be_the_same_reach_their_final_chunk_once(
    new: New<'_>,
) {
    let home = Home::new(new);
    let mut copies = Vec::new();
    for copy in 0..8 {
        let journal = home.open().await;
        let post = journal.recorded(&entry(copy, 90)).await.unwrap();
        let attempt = journal.walk(&post, &[(OPEN, accepted())]).await;
        copies.push((journal, attempt));
    }
    let mine = home.open().await.take_over("ana").await.unwrap();
    let reached = copies.into_iter().map(|(journal, attempt)| async move {
        journal.advance(&attempt, INTENT, &read_as("same"), mine).await
    });
    let reached = reached.collect();
    let (mut first, mut stopped) = (0, 0);
    for outcome in at_once(reached).await {
        match outcome {
            Ok(_) => first += 1,
            Err(StoreError::Journal(JournalError::SameContent { certain: true, .. })) => {
                stopped += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((first, stopped), (1, 7));
}
