//! What is typed unseen stays unseen, however it is typed.

use rustix::process::{Pid, Signal, kill_process};

use crate::canary::PASSPHRASE;
use crate::person::eventually;
use crate::pty::Pty;
use crate::world::World;

#[test]
fn t18_passphrases_that_are_pasted_at_once_are_taken_and_not_shown() {
    let (world, pty) = (World::logged_in(), Pty::new(80, 24));
    let open_id = world.open_id(crate::world::ADA);
    let export = pty.start(&world, &["accounts", "export", &open_id, "--json"]);
    pty.sees("Passphrase for ");
    pty.types(&format!("{PASSPHRASE}\n{PASSPHRASE}\n"));
    let status = pty.end(export);
    let shown = pty.shown();
    assert!(status.success(), "{shown}");
    assert!(!shown.contains(PASSPHRASE), "{shown}");
    assert!(pty.echoes(), "the terminal is as it was");
}

#[test]
fn t18_a_prompt_that_was_stopped_hides_again_when_it_goes_on() {
    let (world, pty) = (World::logged_in(), Pty::new(80, 24));
    let open_id = world.open_id(crate::world::ADA);
    for args in
        [&["accounts", "export", &open_id][..], &["init", "--app", "a", "--client-key", "k"]]
    {
        let child = pty.start(&world, args);
        eventually("the hidden question", || (!pty.echoes()).then_some(()));
        pty.echo();
        kill_process(Pid::from_child(&child), Signal::CONT).unwrap();
        eventually("the hidden question again", || (!pty.echoes()).then_some(()));
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        assert_eq!(pty.end(child).code(), Some(130), "{}", pty.shown());
        assert!(pty.echoes(), "{args:?}");
    }
}
