//! What is handed out besides the program: units, an image, packages name only what there is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use toml::{Table, Value};

use crate::world::{Ran, World};

const EXE: &str = env!("CARGO_BIN_EXE_tiktok-up");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The names of the files in a folder whose names end so.
fn files(folder: &str, end: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(end));
    names.sort();
    names
}

/// The values of a setting in a unit.
fn values<'a>(unit: &'a str, name: &str) -> Vec<&'a str> {
    let lines = unit.lines().filter_map(|line| line.split_once('='));
    lines.filter(|(key, _)| *key == name).map(|(_, value)| value).collect()
}

const FOLDERS: [&str; 2] = ["packaging/systemd", "packaging/systemd/user"];

/// All services, each with its text.
fn services() -> Vec<(String, String)> {
    let names = FOLDERS.iter().flat_map(|folder| {
        files(folder, ".service").into_iter().map(move |name| format!("{folder}/{name}"))
    });
    names.map(|name| (name.clone(), text(&name))).collect()
}

/// The variables that the program reads: those of the table in docs/SETTINGS.md.
fn is_variable(name: &str) -> bool {
    text("docs/SETTINGS.md")
        .lines()
        .filter(|line| line.starts_with("| `"))
        .any(|row| row.split('|').nth(1).unwrap().contains(&format!("`{name}`")))
}

#[test]
fn the_version_is_one_line_and_with_verbose_tells_one_build_from_another() {
    let world = World::new();
    let version = env!("CARGO_PKG_VERSION");
    let short = format!("tiktok-up {version}\n");
    for args in [&["--version"][..], &["-V"], &["--json", "-V"]] {
        assert_eq!(world.run(args).exits(0).stdout, short, "{args:?}");
    }
    let long = world.run(&["--version", "--verbose"]).exits(0);
    let lines: Vec<_> = long.stdout.lines().collect();
    let names: Vec<_> =
        lines[1..].iter().map(|line| line.split_once(": ").expect("a name").0).collect();
    assert_eq!(lines[0], short.trim_end());
    assert_eq!(names, ["commit", "target", "profile", "features", "rustc"]);
    let features = lines[4].trim_start_matches("features: ").split(", ").collect::<Vec<_>>();
    assert_eq!(features.contains(&"postgres"), cfg!(feature = "postgres"), "{features:?}");
    assert!(!lines.contains(&"target: unknown") && !lines.contains(&"rustc: unknown"), "{long:#?}");
    for args in [&["-vV"][..], &["-Vv"], &["-v", "-V"], &["--verbose", "--version"]] {
        assert_eq!(world.run(args).exits(0).stdout, long.stdout, "{args:?}");
    }
    // What follows `--` is no option, and a word with a `v` is none.
    for args in [&["-V", "--", "-v"][..], &["-V", "verbose"]] {
        assert_eq!(world.run(args).exits(0).stdout, short, "{args:?}");
    }
}

#[test]
fn the_commit_is_that_of_the_repository() {
    let git = Command::new("git").args(["rev-parse", "HEAD"]).current_dir(root()).output();
    let head = git.ok().filter(|git| git.status.success()).map(|git| git.stdout);
    let (Some(head), true) = (head, root().join(".git").exists()) else {
        eprintln!("skipped: there is no repository, or no git");
        return;
    };
    let said = World::new().run(&["-vV"]).exits(0).stdout;
    let commit = said.lines().find_map(|line| line.strip_prefix("commit: ")).unwrap();
    let head = String::from_utf8(head).unwrap();
    let given = std::env::var_os("TIKTOK_UP_COMMIT").is_some();
    assert!(given || (commit.len() == 12 && head.starts_with(commit)), "{commit}, {head}");
}

#[test]
fn every_command_of_the_units_is_one() {
    let services = services();
    assert_eq!(services.len(), 6);
    for (name, unit) in services {
        let [command] = values(&unit, "ExecStart")[..] else { panic!("{name}") };
        let words: Vec<_> = command.split_whitespace().collect();
        let [program, args @ ..] = &words[..] else { panic!("{name}") };
        assert_eq!(*program, "tiktok-up", "{name}: found wherever a package puts it");
        // An option that is not there is refused before the help that is asked for behind it.
        World::new().run(&[args, &["--help"]].concat()).exits(0);
        let page = args.iter().find(|arg| !arg.starts_with('-')).unwrap();
        let manual = format!("man:tiktok-up-{page}(1)");
        assert_eq!(values(&unit, "Documentation"), [manual.as_str()], "{name}");
        for variable in values(&unit, "Environment") {
            assert!(is_variable(variable.split('=').next().unwrap()), "{name}: {variable}");
        }
    }
}

#[test]
fn what_is_temporary_or_was_stopped_fails_no_unit() {
    let world = World::new();
    let manifest = world.short();
    // Nobody is logged in: that is for a human, and no success.
    let needs_login = world.run(&["--quiet", "upload", &manifest]);
    // One that watches ends with 0 when it is stopped, and by nothing that is temporary.
    for (name, unit) in services().into_iter().filter(|(name, _)| !name.contains("watch")) {
        let codes = values(&unit, "SuccessExitStatus");
        assert_eq!(codes, ["5 143"], "{name}");
        let code = needs_login.code.unwrap().to_string();
        assert!(!codes[0].split(' ').any(|fine| fine == code), "{name}: {code}");
    }
}

#[test]
fn the_units_are_what_systemd_understands() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("skipped: there is no systemd-analyze");
        return;
    }
    for (folder, mode) in FOLDERS.iter().zip(["--system", "--user"]) {
        let copies = tempfile::tempdir().unwrap();
        let mut units: Vec<PathBuf> = Vec::new();
        for end in [".service", ".timer"] {
            for name in files(folder, end) {
                // The manifest /srv/my clips/a-b.json, by the name that `systemd-escape --path` gives it.
                let path = copies.path().join(name.replace('@', r"@srv-my\x20clips-a\x2db.json"));
                // Whether a program of that name is installed here is not what is asked.
                let unit = text(&format!("{folder}/{name}"));
                let unit = unit.replace("ExecStart=tiktok-up", &format!("ExecStart={EXE}"));
                fs::write(&path, unit).unwrap();
                units.push(path);
            }
        }
        let mut verify = Command::new("systemd-analyze");
        verify.args([mode, "verify", "--man=no"]).args(&units);
        verify.env("XDG_RUNTIME_DIR", copies.path()).env("SYSTEMD_LOG_LEVEL", "warning");
        let ran = Ran::of(verify);
        // Which other units this machine has, and what is wrong with them, is its own affair.
        let ours = ran.stderr.lines().filter(|line| line.contains("tiktok-up"));
        // Older ones go on without it.
        let ours: Vec<_> = ours.filter(|line| !line.contains("'ExecSearchPath'")).collect();
        assert!(ours.is_empty(), "{ran:#?}");
    }
}

#[test]
fn every_timer_has_its_service() {
    for folder in FOLDERS {
        let service = |timer: &String| timer.replace(".timer", ".service");
        let timers = files(folder, ".timer");
        // One that watches runs on.
        let services = files(folder, ".service").into_iter();
        let timed: Vec<_> = services.filter(|name| !name.contains("watch")).collect();
        assert_eq!(timers.iter().map(service).collect::<Vec<_>>(), timed);
        for timer in timers {
            let unit = text(&format!("{folder}/{timer}"));
            assert_eq!(values(&unit, "Persistent"), ["yes"], "{folder}/{timer}");
            assert_eq!(values(&unit, "RandomizedDelaySec").len(), 1, "{folder}/{timer}");
        }
    }
}

#[test]
fn the_image_names_only_what_there_is() {
    let dockerfile = text("packaging/Dockerfile");
    let words = |instruction: &str| -> Vec<Vec<String>> {
        let lines = dockerfile.lines().filter_map(|line| line.strip_prefix(instruction));
        lines.map(|rest| rest.split_whitespace().map(str::to_owned).collect()).collect()
    };
    let variable = words("ENV ")[0][0].clone();
    let (name, home) = variable.split_once('=').unwrap();
    assert!(is_variable(name));
    assert_eq!(words("VOLUME ")[0][0], home);
    assert!(words("USER ")[0][0].split(':').all(|number| number.parse::<u32>().unwrap() > 0));
    let given: Vec<String> = serde_json::from_str(&words("CMD ")[0].concat()).unwrap();
    World::new().run(&given.iter().map(String::as_str).collect::<Vec<_>>()).exits(0);
    // What is copied out of the source is there, and so is what the image starts with.
    let copied = words("COPY ").concat();
    let sources = copied.iter().filter_map(|word| word.strip_prefix("/source/"));
    for source in sources.filter(|source| !source.starts_with("target/")) {
        assert!(root().join(source).exists(), "{source}");
    }
    let entry: Vec<String> = serde_json::from_str(&words("ENTRYPOINT ")[0].concat()).unwrap();
    assert!(copied.contains(&entry[0]));
    // The comments' commands, after the name of the image.
    let runs = dockerfile.lines().filter(|line| line.contains("docker run"));
    let runs: Vec<_> = runs.map(|line| line.rsplit_once(" tiktok-up ").unwrap().1).collect();
    assert_eq!(runs.len(), 2);
    for run in runs {
        let args: Vec<_> = run.split_whitespace().chain(["--help"]).collect();
        World::new().run(&args).exits(0);
    }
}

#[test]
fn the_formula_names_only_commands_that_there_are() {
    let formula = text("packaging/homebrew/tiktok-up.rb");
    let calls: Vec<_> = formula.split("bin/\"tiktok-up\", ").skip(1).collect();
    assert_eq!(calls.len(), 3);
    for call in calls {
        let call = &call[..call.find([']', ')', '\n']).unwrap()];
        // A name of Homebrew's for a folder stands without quotes.
        let mut args: Vec<_> = call.split(", ").map(|word| word.trim_matches('"')).collect();
        args.push("--help");
        World::new().run(&args).exits(0);
    }
}

/// Whether something in the repository fits a path, whose last part may be `*` with an ending.
fn exists(pattern: &str) -> bool {
    match pattern.rsplit_once("/*") {
        Some((folder, end)) => !files(folder, end).is_empty(),
        None => root().join(pattern).exists(),
    }
}

#[test]
fn the_tables_for_packages_name_files_that_there_are() {
    let manifest: Table = text("Cargo.toml").parse().unwrap();
    let metadata = &manifest["package"]["metadata"];
    let deb = metadata["deb"]["assets"].as_array().unwrap().iter().map(|asset| &asset[0]);
    let rpm = metadata["generate-rpm"]["assets"].as_array().unwrap().iter();
    let others = ["changelog", "extended-description-file"].map(|name| &metadata["deb"][name]);
    let sources = deb.chain(rpm.map(|asset| &asset["source"])).chain(others);
    let sources: Vec<_> = sources.map(|source| Value::as_str(source).unwrap()).collect();
    // What the script makes: docs/PACKAGING.md.
    let (made, kept): (Vec<_>, Vec<_>) =
        sources.into_iter().partition(|source| source.starts_with("target/"));
    assert_eq!(kept.iter().find(|source| !exists(source)), None);
    assert_eq!(made.len(), 10, "in either: the binary, the manual, and what three shells read");
    let script = text("packaging/dist.sh");
    for name in made.iter().filter_map(|source| source.strip_prefix("target/dist/texts/")) {
        let name = name.replace("tiktok-up", "$name").replace("man/*.1", "man");
        assert!(script.contains(&format!("$texts/{name}")), "{name}");
    }
}

#[test]
fn the_script_is_one_for_any_shell() {
    let script = root().join("packaging/dist.sh");
    let mut shell = Command::new("sh");
    shell.arg("-n").arg(&script);
    Ran::of(shell).exits(0);
    assert!(text("packaging/dist.sh").starts_with("#!/bin/sh\n"));
}
