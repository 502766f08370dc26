//! What README.md and docs/ say is true: their links lead somewhere, and their recipes run as written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jiff::SignedDuration;
use serde_json::json;

use crate::rehearsal::Shell;
use crate::store::chmod;
use crate::world::{ADA, Ran, World};

/// The words of README.md; what is beyond that belongs into docs/.
const MOST_WORDS: usize = 1200;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn is_page(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "md")
}

/// README.md and all of docs/.
fn pages() -> Vec<String> {
    let docs = fs::read_dir(root().join("docs")).unwrap();
    let docs = docs.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let docs = docs.filter(|name| is_page(name)).map(|name| format!("docs/{name}"));
    ["README.md".to_owned(), "CONTRIBUTING.md".to_owned()].into_iter().chain(docs).collect()
}

/// The blocks of a page in a language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let (mut blocks, mut block) = (Vec::new(), None::<String>);
    let text = text(page);
    for line in text.lines().map(str::trim_start) {
        match (&mut block, line.strip_prefix("```")) {
            (None, Some(of)) if of == language => block = Some(String::new()),
            (Some(_), Some(_)) => blocks.extend(block.take()),
            (Some(block), None) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, _) => {}
        }
    }
    blocks
}

/// The block of a page in which these words stand.
#[track_caller]
fn block(page: &str, language: &str, words: &str) -> String {
    let found = blocks(page, language).into_iter().find(|block| block.contains(words));
    found.unwrap_or_else(|| panic!("no {language} with {words:?} in {page}"))
}

/// The folder with the executable, for a PATH.
fn programs() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_tiktok-up")).parent().unwrap().to_owned()
}

#[test]
fn the_readme_is_short_and_begins_with_what_can_be_tried() {
    let readme = text("README.md");
    let words = readme.split_whitespace().count();
    assert!(words < MOST_WORDS, "{words} words");
    let first = &blocks("README.md", "sh")[0];
    let commands: Vec<_> =
        first.lines().map(|line| line.split('#').next().unwrap().trim()).collect();
    assert_eq!(commands, ["cargo run -- demo", "cargo test"]);
}

#[test]
fn every_link_to_a_file_leads_there() {
    for page in pages() {
        let text = text(&page);
        for target in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let path = target.split('#').next().unwrap();
            if !target.contains("://") && !path.is_empty() {
                let from = root().join(&page);
                assert!(from.parent().unwrap().join(path).exists(), "{page}: {target}");
            }
        }
    }
}

#[test]
fn the_book_has_every_page() {
    let summary = text("docs/SUMMARY.md");
    for page in pages().iter().filter_map(|page| page.strip_prefix("docs/")) {
        assert!(page == "SUMMARY.md" || summary.contains(&format!("]({page})")), "{page}");
    }
}

#[test]
fn the_rehearsal_runs_as_written() {
    let script = block("docs/REHEARSING.md", "sh", "sandbox --example");
    let ran = Shell::new().run(&script, Some(&programs())).exits(0);
    assert!(ran.stdout.matches("\npublished").count() >= 2, "{ran:#?}");
    assert!(ran.stdout.contains("inbox"), "{ran:#?}");
}

#[test]
fn the_week_of_the_page_passes_as_written() {
    let begin = block("docs/REHEARSING.md", "sh", "sandbox --example");
    let (begin, end) = begin.split_at(begin.find("kill ").unwrap());
    let week = block("docs/REHEARSING.md", "sh", "clock_offset");
    // A video for the fifth day, which only the clock brings.
    let manifest = "rehearsal/videos_to_upload.json";
    let later = (jiff::Timestamp::now() + SignedDuration::from_hours(4 * 24 + 12)).to_string();
    let put_off =
        format!("sed -i 's/\"id\": \"two-dogs\",/&\"publish_at\": \"{later}\",/' {manifest}\n");
    let (before, after) = begin.split_once("tiktok-up upload").unwrap();
    let script = format!("{before}{put_off}tiktok-up upload{after}{week}{end}");
    let ran = Shell::new().run(&script, Some(&programs())).exits(0);
    let days: Vec<_> = ran.stdout.split("{\"now\"").collect();
    assert_eq!(days.len(), 8, "{ran:#?}");
    assert!(!ran.stdout.contains("ended with"), "{ran:#?}");
    assert!(days[0].contains("two-dogs") && days[0].contains("deferred"), "{ran:#?}");
    let listed = days[7].lines().find(|line| line.contains("two-dogs")).unwrap();
    assert!(listed.contains("published"), "{ran:#?}");
    assert!(ran.stderr.contains("put forward by 24h"), "{ran:#?}");
}

#[test]
fn the_manifest_of_the_page_is_posted_by_the_commands_of_the_page() {
    for page in ["README.md", "docs/POSTING.md"] {
        let world = World::new();
        world.consent(&json!({ "account": ADA }));
        world.login_with(&["--alias", "my-account"]).exits(0);
        fs::create_dir(world.path("videos")).unwrap();
        world.video("videos/two-cats.mp4", 100_000);
        world.file("videos_to_upload.json", block(page, "jsonc", "two-cats"));
        let script = block(page, "sh", "upload videos_to_upload.json --dry-run");
        let mut shell = Command::new("/bin/sh");
        shell.args(["-euc", &script]);
        let mut shell = world.dress(shell);
        shell.current_dir(world.path(""));
        shell.env("PATH", format!("{}:/usr/bin:/bin", programs().display()));
        let ran = Ran::of(shell).exits(0);
        assert!(ran.stdout.contains("planned") && ran.stdout.contains("\npublished"), "{ran:#?}");
        assert_eq!(world.posts()[0].title, "Two cats, one box #cats #boxes");
    }
}

/// A crontab: what it sets, and its commands.
fn crontab(page: &str) -> (Vec<(String, String)>, Vec<String>) {
    let (mut settings, mut commands) = (Vec::new(), Vec::new());
    for line in block(page, "cron", "upload").lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match line.split_once('=') {
            Some((name, value)) if !name.contains(' ') => {
                settings.push((name.to_owned(), value.to_owned()));
            }
            _ => {
                let rest = line.split_whitespace().skip(5);
                commands.push(rest.collect::<Vec<_>>().join(" "));
            }
        }
    }
    (settings, commands)
}

#[test]
fn the_crontab_works_where_cron_runs_it() {
    for page in ["README.md", "docs/UNATTENDED.md"] {
        let mut world = World::new();
        // What `tiktok-up init` and `login` leave where they put it by default.
        let config = world.home().join(".config/tiktok-up");
        fs::create_dir_all(&config).unwrap();
        let (key, secret) = (world.sandbox.client_key(), world.sandbox.client_secret());
        let secret = secret.expose();
        let app = format!("[apps.main]\nclient_key = \"{key}\"\nclient_secret = \"{secret}\"\n");
        fs::write(config.join("config.toml"), app).unwrap();
        chmod(&config.join("config.toml"), 0o600);
        let bare = |world: &World, mut command: Command| {
            let url = world.sandbox.url();
            let timing = world.command(&[]);
            let timing = timing.get_envs().find(|(name, _)| *name == "TIKTOK_UP_TIMING").unwrap();
            command
                .env_clear()
                .env("HOME", world.home())
                .env("LOGNAME", "you")
                .env("SHELL", "/bin/sh");
            command.env("PATH", "/usr/bin:/bin").current_dir(world.home()).stdin(Stdio::null());
            // Where TikTok is, and how fast it is: what tests alone say.
            command.env("TIKTOK_UP_API_URL", url).env("TIKTOK_UP_AUTH_URL", url);
            command.env("TIKTOK_UP_TIMING", timing.1.unwrap());
            command
        };
        world.consent(&json!({ "account": ADA }));
        let login =
            world.command(&["login", "--no-browser", "--port", "0", "--alias", "my-account"]);
        world.login_by(bare(&world, login)).exits(0);
        let manifest = world.short();

        let (settings, commands) = crontab(page);
        let run = |world: &World, command: &str| {
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", &command.replace("/srv/clips/videos_to_upload.json", &manifest)]);
            let mut shell = bare(world, shell);
            for (name, value) in &settings {
                let program = programs().display().to_string();
                shell.env(name, value.replace("/home/you/.cargo/bin", &program));
            }
            let ran = Ran::of(shell).exits(0);
            let said = ran.stderr.lines().filter(|line| !line.contains("not TikTok itself"));
            assert_eq!(said.chain(ran.stdout.lines()).next(), None, "{command}: {ran:#?}");
        };
        let [refresh, upload] = &commands[..] else { panic!("{commands:?}") };
        run(&world, refresh);
        run(&world, upload);
        run(&world, upload);
        world.advance(SignedDuration::from_hours(24 * 60));
        run(&world, refresh);
        assert_eq!((world.published(), world.calls("token_refresh").len()), (1, 1), "{page}");
    }
}

/// What `explain` knows, and no other code.
#[test]
fn every_code_is_among_the_codes() {
    let world = World::new();
    let mut made = String::from("\n| code | exit | what it means |\n|---|---|---|\n");
    for code in world.run(&["--json", "explain"]).exits(0).json() {
        let of = |name: &str| code[name].as_str().unwrap().replace('|', "\\|");
        let row = format!("| `{}` | {} | {} |\n", of("code"), code["exit"], of("meaning"));
        made.push_str(&row);
    }
    let page = text("docs/TROUBLESHOOTING.md");
    let mark = "every_code_is_among_the_codes -->\n";
    let (before, rest) = page.split_once(mark).unwrap();
    let (found, after) = rest.split_once("\n<!-- end of codes -->").unwrap();
    if std::env::var_os("TIKTOK_UP_REWRITE").is_some() {
        let page = [before, mark, &made, "\n<!-- end of codes -->", after].concat();
        return fs::write(root().join("docs/TROUBLESHOOTING.md"), page).unwrap();
    }
    assert!(found == made, "run it with TIKTOK_UP_REWRITE=1");
}

/// A page speaks of no code that `explain` does not know.
#[test]
fn every_code_of_a_page_is_known() {
    let world = World::new();
    let codes = world.run(&["--json", "explain"]).exits(0).json();
    let known: Vec<_> =
        codes.iter().map(|code| code["code"].as_str().unwrap().to_owned()).collect();
    for page in pages() {
        let text = text(&page);
        for (_, rest) in
            text.match_indices("tiktok-up explain ").map(|(at, it)| text.split_at(at + it.len()))
        {
            let code: String =
                rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            assert!(code.is_empty() || known.contains(&code), "{page}: {code}");
        }
        // As a message ends with it.
        for (at, _) in text.match_indices(" [") {
            let Some((code, after)) = text[at + 2..].split_once(']') else { continue };
            let is_code =
                code.contains('_') && code.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            assert!(
                !is_code || after.starts_with('(') || known.contains(&code.to_owned()),
                "{page}: {code}"
            );
        }
    }
}
