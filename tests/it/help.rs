//! `help`: the same as `--help`, by the word that people try first.

use crate::world::World;

#[test]
fn help_is_a_command() {
    let world = World::new();
    let ran = world.run(&["help"]).exits(0);
    assert_eq!(ran.stdout, world.run(&["--help"]).exits(0).stdout);
    assert!(ran.stdout.contains("upload") && ran.stderr.is_empty(), "{ran:#?}");
    for command in [&["upload"][..], &["login"], &["sandbox"], &["accounts", "export"]] {
        let by_word = world.run(&[&["help"], command].concat()).exits(0);
        assert_eq!(by_word.stdout, world.run(&[command, &["--help"]].concat()).exits(0).stdout);
    }
    world.run(&["help", "uplaod"]).exits(2).says("uplaod");
}
