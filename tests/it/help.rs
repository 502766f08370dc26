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

#[test]
fn a_topic_has_a_page_and_a_misspelt_one_a_suggestion() {
    let world = World::new();
    let list = world.run(&["help", "topics"]).exits(0).stdout;
    for topic in ["exit-codes", "environment", "manifest", "cron", "hooks"] {
        assert!(list.contains(topic), "{list}");
        let ran = world.run(&["help", topic]).exits(0);
        assert!(ran.stdout.lines().count() > 10 && ran.stderr.is_empty(), "{ran:#?}");
    }
    world.run(&["help", "enviroment"]).exits(2).says("similar").says("'environment'");
    world.run(&["help", "uplaod"]).exits(2).says("similar").says("'upload'");
    world.run(&["help", "cron", "hooks"]).exits(2);
    world.run(&["help", "upload", "clip.mp4"]).exits(0);
}

/// Every command, by the words that it is called by.
fn commands(world: &World, within: &[String]) -> Vec<Vec<String>> {
    let words: Vec<&str> = within.iter().map(String::as_str).collect();
    let help = world.run(&[&words[..], &["-h"]].concat()).exits(0).stdout;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty());
    let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    let inner = names.filter(|name| within.is_empty() || *name != "help");
    let inner = inner.map(|name| [within, &[name.to_owned()]].concat());
    inner.flat_map(|words| [vec![words.clone()], commands(world, &words)].concat()).collect()
}

#[test]
fn every_command_has_examples_and_names_the_global_options_once() {
    let world = World::new();
    let all = commands(&world, &[]);
    assert!(all.len() > 30, "{all:?}");
    for command in all {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let short = world.run(&[&words[..], &["-h"]].concat()).exits(0).stdout;
        let long = world.run(&[&words[..], &["--help"]].concat()).exits(0).stdout;
        for help in [&short, &long] {
            assert!(help.contains("\nExamples:\n  "), "{command:?}: {help}");
        }
        assert!(short.ends_with("\n\nGlobal options: tiktok-up --help\n"), "{command:?}: {short}");
        assert!(!short.contains("--no-progress"), "{command:?}: {short}");
        assert_eq!(long.matches("\n      --no-progress\n").count(), 1, "{command:?}: {long}");
        assert!(!long.contains(": tiktok-up --help"), "{command:?}: {long}");
    }
    let top = world.run(&["-h"]).exits(0).stdout;
    assert!(top.contains("--no-progress") && top.contains("\nTopics (tiktok-up help TOPIC): "));
}
