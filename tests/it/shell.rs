//! What shells, pagers, editors and other programs are given.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::pty::Pty;
use crate::world::{ADA, World};

#[test]
fn a_code_is_explained_and_all_are_listed() {
    let world = World::new();
    let ran = world.run(&["explain", "spam_risk_too_many_posts"]).exits(0);
    assert!(ran.stdout.contains("exit code: 5"), "{ran:#?}");
    assert!(ran.stdout.contains("24 hours"), "{ran:#?}");
    let all = world.run(&["explain"]).exits(0);
    let json = world.run(&["--json", "explain"]).exits(0).json();
    assert_eq!(all.stdout.lines().count(), json.len() + 1);
    for line in &json {
        // Every code that is listed can be asked for, and no hint shows the name of a value as it is written.
        let hint = line["hint"].as_str().unwrap_or_default();
        assert!(!hint.contains('{') && line["meaning"].is_string(), "{line:#}");
    }
    world
        .run(&["explain", "access_token_invald"])
        .exits(2)
        .says("did you mean `access_token_invalid`?");
    world.run(&["explain", "\u{1b}[31m"]).exits(2).says("lists all codes");
}

#[test]
fn each_shell_is_given_completions_that_name_every_command() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = world.run(&["completions", shell]).exits(0);
        for word in ["upload", "post", "accounts", "--dry-run"] {
            let seen = if shell == "fish" { word.trim_start_matches('-') } else { word };
            assert!(ran.stdout.contains(seen), "{shell}: {word}");
        }
        assert!(ran.stderr.is_empty(), "{ran:#?}");
    }
    world.run(&["completions", "tcsh"]).exits(2).says("bash");
    // The shell itself takes it.
    let file = world.file("completions", world.run(&["completions", "bash"]).stdout);
    for (words, at, completed) in [
        ("tiktok-up sta", 1, "status"),
        ("tiktok-up post --pri", 2, "--privacy"),
        ("tiktok-up accounts sh", 2, "show"),
        ("tiktok-up help upl", 2, "upload"),
        ("tiktok-up help exi", 2, "exit-codes"),
    ] {
        let last = words.rsplit(' ').next().unwrap();
        let script = format!(
            ". {}; COMP_WORDS=({words}); COMP_CWORD={at}; _tiktok__up tiktok-up {last} ''; echo \"${{COMPREPLY[*]}}\"",
            file.display()
        );
        let ran = Command::new("bash").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(ran.stdout).unwrap().trim(), completed, "{words}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let world = World::new();
    let dir = world.path("man");
    world.run(&["man", "--dir", dir.to_str().unwrap()]).exits(0);
    let mut names: Vec<_> = fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    for name in
        ["tiktok-up.1", "tiktok-up-upload.1", "tiktok-up-post.1", "tiktok-up-accounts-export.1"]
    {
        assert!(names.iter().any(|known| known == name), "{name}: {names:?}");
    }
    let page = fs::read_to_string(dir.join("tiktok-up-upload.1")).unwrap();
    assert!(
        page.starts_with(".ie") && page.contains("\\-\\-dry\\-run") && page.contains("Examples")
    );
    assert_eq!(world.run(&["man", "upload"]).exits(0).stdout.trim_end(), page.trim_end());
    world.run(&["man", "uplaod"]).exits(2).says("uplaod");
    let file = world.file("file", "");
    world.run(&["man", "--dir", file.to_str().unwrap()]).exits(4).says("cannot write the manual");
}

#[test]
fn every_schema_is_json() {
    let world = World::new();
    for (what, title) in [
        ("manifest", "tiktok-up manifest"),
        ("config", "tiktok-up config.toml"),
        ("events", "tiktok-up events"),
    ] {
        let ran = world.run(&["schema", what]).exits(0);
        let schema: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(schema["title"], title);
    }
    world.run(&["schema", "nothing"]).exits(2).says("manifest");
}

#[test]
fn an_access_token_is_renewed_and_shown_only_where_it_was_asked_for() {
    let mut world = World::logged_in();
    let ada = world.open_id(ADA);
    let token = |world: &World| {
        // What is printed otherwise must hold no token, and is looked at for that.
        let ran = world.command(&["accounts", "token", &ada]).output().unwrap();
        let token = String::from_utf8(ran.stdout).unwrap().trim_end().to_owned();
        assert!(token.starts_with("act.") && token.lines().count() == 1);
        assert!(!String::from_utf8_lossy(&ran.stderr).contains(&token));
        token
    };
    let first = token(&world);
    assert_eq!(token(&world), first);
    world.advance(jiff::SignedDuration::from_hours(3));
    let second = token(&world);
    assert_ne!(second, first);
    let json = world.command(&["--json", "accounts", "token", &ada]).output().unwrap();
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["access_token"], second.as_str());
    assert!(json["expires_at"].is_string());
    // On a terminal others may look.
    let shown = |args: &[&str]| {
        let pty = Pty::new(200, 24);
        let child = pty.start(&world, args);
        (pty.end(child).code(), pty.shown())
    };
    let (code, text) = shown(&["accounts", "token", &ada]);
    assert!(code == Some(2) && !text.contains(&second) && text.contains("--show"), "{text}");
    let (code, text) = shown(&["accounts", "token", "--show", &ada]);
    assert!(code == Some(0) && text.contains(&second), "{text}");
    world.run(&["accounts", "token", "nobody"]).exits(2);
}
