//! What shells, pagers, editors and other programs are given.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::pty::Pty;
use crate::world::{ADA, BEA, World};

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

/// Two accounts, one of them with a name of more than one word, two apps, a post that was made and one that was
/// refused.
fn stocked() -> World {
    let world = World::new();
    for (handle, alias) in [(ADA, "shop"), (BEA, "two words")] {
        world.consent(&json!({ "account": handle }));
        world.login_with(&["--alias", alias]).exits(0);
    }
    world.configure(
        "[apps.main]\nclient_key = \"aw1\"\nclient_secret = \"secret-of-main-1\"\n\
         [apps.sandbox]\nclient_key = \"aw2\"\nclient_secret = \"secret-of-sandbox-2\"\n\
         [slots.daily]\ntimes = [\"18:00\"]\nzone = \"UTC\"\n",
    );
    world.upload(&world.short()).exits(0);
    world.video("other.mp4", 100_001);
    world.refuse("video_init", 1, 1, "spam_risk_too_many_posts");
    world.upload(&world.one_post(ADA, "other.mp4")).exits(5);
    world
}

/// What the hidden command prints for a line that ends at the cursor.
fn offered(world: &World, line: &str) -> Vec<String> {
    let words: Vec<_> = ["__complete"].into_iter().chain(line.split(' ')).collect();
    let ran = world.run(&words).exits(0);
    assert!(ran.stderr.is_empty(), "{ran:#?}");
    ran.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn what_this_machine_knows_is_offered_to_shells() {
    let world = stocked();
    let (shop, words) = ("shop\tAda Private", "two words\tBea Public");
    let (main, sandbox) = ("main\tapp of config.toml", "sandbox\tapp of config.toml");
    for (line, known) in [
        ("logout ", vec![shop, words]),
        ("accounts resume s", vec![shop]),
        ("upload m.json --account tw", vec![words]),
        ("refresh --account=sh", vec!["--account=shop\tAda Private"]),
        ("--app ", vec![main, sandbox]),
        ("status --app sa", vec![sandbox]),
        ("resolve ", vec!["2\tshop: other.mp4"]),
        ("post a.mp4 --at ", vec!["next:daily\tthe next free slot of config.toml"]),
        ("open ", vec!["1\tshop: clip.mp4", shop, words]),
        ("open t", vec![words]),
        ("upload ", vec![]),
        ("logout nobody", vec![]),
        ("frobnicate --json ", vec![]),
    ] {
        let mut found = offered(&world, line);
        found.sort();
        let mut known: Vec<_> = known.into_iter().map(str::to_owned).collect();
        known.sort();
        assert_eq!(found, known, "{line:?}");
    }
    assert!(offered(&world, "explain account_pa")[0].starts_with("account_paused\t"));
    // Asked of TikTok is nothing.
    let calls = world.sandbox.requests().len();
    offered(&world, "logout ");
    assert_eq!(world.sandbox.requests().len(), calls);
}

#[test]
fn whatever_is_in_the_way_of_completions_is_no_trouble() {
    let world = World::new();
    for line in ["logout ", "open ", "status ", "--app "] {
        assert_eq!(offered(&world, line), [""; 0], "{line}");
    }
    assert!(!world.home().join("home").exists(), "nothing is made");
    let world = stocked();
    world.configure("[apps.main\n");
    assert_eq!(offered(&world, "--app "), [""; 0]);
    assert_eq!(offered(&world, "logout s"), ["shop\tAda Private"]);
    fs::write(world.home().join("home/user_tokens.json"), "{").unwrap();
    fs::write(world.home().join("home/journal.sqlite"), "no journal").unwrap();
    for line in ["logout ", "open ", "status "] {
        assert_eq!(offered(&world, line), [""; 0], "{line}");
    }
    // No word of it is in the help, and it takes nothing else.
    world.run(&["--help"]).exits(0).never_says("__complete");
    world.run(&["--json", "__complete", "logout", ""]).exits(2);
    world.command(&["__complete"]).output().unwrap();
}

/// What a shell completes a line to, as its own completions of this program have it. `None`: it is not there.
fn completed(world: &World, shell: &str, line: &str) -> Option<Vec<String>> {
    let file = world.file(shell, world.run(&["completions", shell]).exits(0).stdout);
    let (file, program) = (file.to_str().unwrap(), env!("CARGO_BIN_EXE_tiktok-up"));
    let script = match shell {
        "bash" => {
            let words = line.split(' ').map(|word| format!("'{word}'")).collect::<Vec<_>>();
            let at = words.len();
            let words = words.join(" ");
            format!(
                ". {file}; COMP_WORDS=('{program}' {words}); COMP_CWORD={at}; \
                 _tiktok__up '{program}' \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; \
                 printf '%s\\n' \"${{COMPREPLY[@]}}\""
            )
        }
        // The terminal's part of it is not there, so that what would be offered is printed.
        "zsh" => {
            let words = line.split(' ').map(|word| format!("'{word}'")).collect::<Vec<_>>();
            let at = words.len() + 1;
            let words = words.join(" ");
            format!(
                "compdef() {{}}; _describe() {{ print -rl -- \"${{(@P)4}}\" }}; _arguments() {{ print static }}; \
                 . {file}; words=('{program}' {words}); CURRENT={at}; _tiktok-up"
            )
        }
        // It looks for programs by their name.
        _ => {
            let dir = std::path::Path::new(program).parent().unwrap().display();
            format!("set -x PATH {dir} $PATH; source {file}; complete -C 'tiktok-up {line}'")
        }
    };
    let mut command = Command::new(shell);
    match shell {
        "bash" => command.args(["--norc", "-c", &script]),
        "zsh" => command.args(["-f", "-c", &script]),
        _ => command.args(["--no-config", "-c", &script]),
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let ran = match world.dress(command).env("PATH", path).env("HOME", world.home()).output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        ran => ran.unwrap(),
    };
    let text = String::from_utf8(ran.stdout).unwrap();
    Some(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

#[test]
fn shells_complete_what_this_machine_knows() {
    let world = stocked();
    for shell in ["bash", "zsh", "fish"] {
        let complete = |line: &str| completed(&world, shell, line);
        if complete("").is_none() {
            continue;
        }
        let values = |line: &str| {
            let mut values = complete(line).unwrap();
            for value in &mut values {
                let end =
                    value.find(if shell == "zsh" { ':' } else { '\t' }).unwrap_or(value.len());
                value.truncate(end);
                // As bash has it on a command line.
                *value = value.replace('\\', "");
            }
            values.sort();
            values
        };
        assert_eq!(values("logout "), ["shop", "two words"], "{shell}");
        assert_eq!(values("accounts pause s"), ["shop"], "{shell}");
        assert_eq!(values("upload m.json --account t"), ["two words"], "{shell}");
        assert_eq!(values("--app "), ["main", "sandbox"], "{shell}");
        assert_eq!(values("resolve "), ["2"], "{shell}");
        // What it knows by itself it completes as before.
        let others = complete("sta").unwrap();
        let known = if shell == "zsh" { "static" } else { "status" };
        assert!(others.iter().any(|word| word.starts_with(known)), "{shell}: {others:?}");
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
