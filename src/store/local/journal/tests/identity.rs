//! A post is recognised, whatever became of its file, and made once.

use super::*;
use crate::store::Likeness;

#[test]
fn the_urls_of_a_pull_are_not_stored() {
    let home = Home::new();
    let journal = home.open();
    journal.recorded(&pull("https://example.com/a.mp4?signature=canary")).unwrap();
    drop(journal);
    let bytes = std::fs::read(home.file("journal.sqlite")).unwrap();
    assert!(!bytes.windows(6).any(|window| window == b"canary"));
}

#[test]
fn a_post_that_was_complete_before_it_was_read_stops_others_of_its_size() {
    let home = Home::new();
    let journal = home.open();
    let odd = journal.recorded(&entry(1, 90)).unwrap();
    let mut attempt = journal.walk(&odd, &[(OPEN, accepted())]);
    let other = journal.recorded(&entry(2, 90).hashed("b")).unwrap();
    journal.step(&mut attempt, Phase::FinalIntent { stored: 1 }, &NO_FACTS).unwrap();

    let error = refused(journal.begun(other.number), Exit::Unknown);
    assert_eq!(error.to_string(), "post 1 of the same account may have the same content");
    let longer = journal.recorded(&entry(3, 91)).unwrap();
    journal.begun(longer.number).unwrap();

    journal.set_fingerprint(odd.number, &fingerprint("a")).unwrap();
    journal.begun(other.number).unwrap();
}

#[test]
fn a_fingerprint_that_differs_from_the_recorded_one_is_refused() {
    let home = Home::new();
    let journal = home.open();
    let post = journal.recorded(&entry(1, 90).hashed("a")).unwrap();
    let mut attempt = journal.walk(&post, &[(OPEN, accepted())]);
    let error = refused(journal.step(&mut attempt, INTENT, &read_as("b")), Exit::Failed);
    assert!(matches!(error, JournalError::OtherContent(_)));
    for odd in ["", "abc", &"A".repeat(64), &"g".repeat(64)] {
        refused(journal.set_fingerprint(post.number, odd), Exit::Failed);
    }
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
