//! What TikTok counts outlives the process.

use super::*;

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
