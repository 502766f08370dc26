use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser as _};

use super::*;
use crate::model::rate::Rates;

/// Reads the arguments of one command, as the program would after its name.
fn read<T: Args>(args: &[&str]) -> Result<T, clap::Error> {
    let command = T::augment_args(clap::Command::new("x"));
    let matches = command.try_get_matches_from([&["x"], args].concat())?;
    T::from_arg_matches(&matches)
}

fn early(args: &[&str]) -> Early {
    Early::pre_parse(&args.iter().map(OsString::from).collect::<Vec<_>>())
}

#[test]
fn the_definitions_hold_together() {
    Cli::command().debug_assert();
    Cli::definitions().debug_assert();
    for command in [
        LoginArgs::augment_args(clap::Command::new("login")),
        RefreshArgs::augment_args(clap::Command::new("refresh")),
        PostArgs::augment_args(clap::Command::new("post")),
        UploadArgs::augment_args(clap::Command::new("upload")),
        StatusArgs::augment_args(clap::Command::new("status")),
        ResolveArgs::augment_args(clap::Command::new("resolve")),
        DoctorArgs::augment_args(clap::Command::new("doctor")),
    ] {
        GlobalArgs::augment_args(command).debug_assert();
    }
}

/// What the tests are written in, those beside the sources included.
fn words_of_tests(dir: &Path, all: bool, words: &mut String) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            words_of_tests(&path, all || name == "tests", words);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let tests = text.find("#[cfg(test)]\nmod tests").map_or("", |at| &text[at..]);
            words.push_str(if all || name == "tests.rs" { &text } else { tests });
        }
    }
}

fn options_of(command: &clap::Command, found: &mut Vec<String>) {
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    found.extend(shown.filter_map(clap::Arg::get_long).map(|long| format!("--{long}")));
    for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        options_of(command, found);
    }
}

#[test]
fn every_option_of_the_help_is_in_a_test() {
    let (mut words, root) = (String::new(), Path::new(env!("CARGO_MANIFEST_DIR")));
    words_of_tests(&root.join("tests"), true, &mut words);
    words_of_tests(&root.join("src"), false, &mut words);
    let mut options = Vec::new();
    options_of(&Cli::command(), &mut options);
    assert!(options.len() > 100, "{options:?}");
    options.retain(|option| {
        let is_whole = |at: usize| {
            let next = words[at + option.len()..].chars().next();
            next.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '-')
        };
        !words.match_indices(option.as_str()).any(|(at, _)| is_whole(at))
    });
    assert_eq!(options, [""; 0], "in no test");
}

#[test]
fn nothing_at_all_is_a_usage_error_that_shows_the_help() {
    let error = Cli::read(["tiktok-up".into()]).unwrap_err();
    assert!(error.use_stderr());
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("Exit codes:"), "{error}");
}

#[test]
fn help_and_version_are_no_errors() {
    for flag in ["--help", "-h", "--version"] {
        let error = Cli::read(["tiktok-up".into(), flag.into()]).unwrap_err();
        assert!(!error.use_stderr());
        assert_eq!(error.exit_code(), 0);
    }
}

#[test]
fn the_help_lists_every_exit_code() {
    let help = Cli::command().render_long_help().to_string();
    for code in ["0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "6 ", "128+n "] {
        assert!(help.contains(&format!("\n  {code}")), "{code}: {help}");
    }
}

#[test]
fn quiet_and_verbose_contradict_each_other() {
    let global = |args: &[&str]| read::<GlobalArgs>(args).unwrap();
    assert!(global(&["-vv"]).contradiction().is_none());
    assert!(global(&["-q"]).contradiction().is_none());
    assert!(global(&["-q", "-v"]).contradiction().is_some());
}

#[test]
fn login_waits_five_minutes_on_port_3456_by_default() {
    let args: LoginArgs = read(&[]).unwrap();
    assert_eq!((args.port, args.timeout.as_secs()), (None, 300));
    assert!(read::<LoginArgs>(&["--port", "65536"]).is_err());
    assert!(read::<LoginArgs>(&["--scopes", "a b"]).is_err());
}

#[test]
fn a_forced_refresh_has_no_window() {
    assert!(read::<RefreshArgs>(&["--force"]).unwrap().force);
    assert!(read::<RefreshArgs>(&["--force", "--within", "1h"]).is_err());
}

#[test]
fn an_open_id_may_begin_with_a_hyphen() {
    let id = "-000mhrLh91evzqmKjbPs5DoVwMMoe2kseAo";
    assert_eq!(read::<RefreshArgs>(&["--account", id]).unwrap().account, [id]);
    let args: UploadArgs = read(&["m.json", "--account", id]).unwrap();
    assert_eq!(args.run.account.as_deref(), Some(id));
}

#[test]
fn upload_takes_one_manifest_and_legal_numbers() {
    let args: UploadArgs = read(&["m.json"]).unwrap();
    assert_eq!((args.run.jobs, args.manifest.to_str()), (4, Some("m.json")));
    let stdin: UploadArgs = read(&["-"]).unwrap();
    assert_eq!(stdin.manifest.to_str(), Some("-"));
    for bad in [
        &[][..],
        &["a", "b"],
        &["m", "--jobs", "0"],
        &["m", "--chunk-size", "1"],
        &["m", "--privacy", "EVERYBODY"],
        &["m", "--limit-rate", "0"],
    ] {
        assert!(read::<UploadArgs>(bad).is_err(), "{bad:?}");
    }
    let args: UploadArgs = read(&["m", "--privacy", "SELF_ONLY", "--limit-rate", "2MB"]).unwrap();
    assert_eq!(args.run.limit_rate, Some(Rates::always(2_000_000)));
    assert!(args.run.privacy.unwrap().is_private());
}

#[test]
fn resolve_takes_exactly_one_verdict() {
    assert!(read::<ResolveArgs>(&["7", "--posted"]).unwrap().verdict.posted);
    assert!(read::<ResolveArgs>(&["7"]).is_err());
    assert!(read::<ResolveArgs>(&["7", "--posted", "--not-posted"]).is_err());
}

#[test]
fn one_post_or_all_posts() {
    assert!(read::<StatusArgs>(&["7", "--wait"]).is_ok());
    assert!(read::<StatusArgs>(&["7", "--all"]).is_err());
}

#[test]
fn how_to_show_a_usage_error_is_known_before_the_line_is_read() {
    assert_eq!(early(&["x", "--json", "--bad"]), Early { json: true, color: When::Auto });
    assert_eq!(early(&["x", "--color", "never"]).color, When::Never);
    assert_eq!(early(&["x", "--color=always"]).color, When::Always);
    assert_eq!(early(&["x", "--", "--json"]), Early::default());
    assert_eq!(early(&["x", "--color"]), Early::default());
}

/// The command lines of this program in a text: of its blocks for shells and cron, and between backticks.
fn commands_in(text: &str) -> Vec<String> {
    let (mut commands, mut prose) = (Vec::new(), String::new());
    let mut language = None;
    for line in text.lines().map(str::trim) {
        match (language, line.strip_prefix("```")) {
            (None, Some(of)) => language = Some(of),
            (Some(_), Some(_)) => language = None,
            (Some("sh" | "cron"), None) => {
                let code = line.split(" #").next().unwrap_or_default();
                let pieces =
                    code.split(['|', ';', '>', '<']).map(|piece| piece.trim_end_matches('&'));
                let begins =
                    |piece: &str| piece.find("tiktok-up ").map(|at| piece[at..].to_owned());
                commands.extend(pieces.filter_map(begins));
            }
            (Some(_), None) => {}
            (None, None) => {
                prose.push_str(line);
                prose.push(' ');
            }
        }
    }
    let spans = prose.split('`').skip(1).step_by(2).map(|span| span.split(['|', '>']));
    let last = spans.filter_map(|mut pieces| pieces.next_back()).map(str::trim);
    commands.extend(last.filter(|span| span.starts_with("tiktok-up ")).map(str::to_owned));
    commands
}

#[test]
fn every_command_of_the_documents_is_one() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let docs = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let others = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root.join(name));
    let mut seen = 0;
    let is_page = |path: &PathBuf| path.extension().is_some_and(|end| end == "md");
    for page in docs.filter(is_page).chain(others) {
        for command in commands_in(&std::fs::read_to_string(&page).unwrap()) {
            // In a running text the arguments may be left out.
            let words = command.split_whitespace().map(OsString::from);
            match Cli::read(words) {
                Ok(_) => {}
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::MissingRequiredArgument
                            | ErrorKind::DisplayHelp
                            | ErrorKind::DisplayVersion
                    ) => {}
                Err(error) => panic!("{}: {command}: {error}", page.display()),
            }
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen}");
}

/// The texts between backticks in a file of ours that begin with the program's name; line breaks within a
/// literal are taken out.
fn quoted_commands(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    // Unit tests stand last in a file.
    for line in text.lines().take_while(|line| *line != "#[cfg(test)]") {
        // Comments of the code speak to those who change it.
        lines.push(if line.trim_start().starts_with("//") { "" } else { line });
    }
    let text = lines.join("\n");
    let mut joined = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("\\\n") {
        joined.push_str(before);
        rest = after.trim_start();
    }
    joined.push_str(rest);
    let quoted = joined.split("`tiktok-up ").skip(1);
    quoted.filter_map(|rest| rest.split_once('`')).map(|(line, _)| line.to_owned()).collect()
}

/// A command line as a reader would complete it.
fn completed(line: &str) -> Vec<String> {
    let line = line.split(['|', '>', ';', '&']).next().unwrap();
    let words = line.split_whitespace().filter(|word| !["...", "\u{2026}"].contains(word));
    let words = words.map(|word| {
        let word = word.trim_matches(|c| "[]\"'\\".contains(c));
        let is_name = |word: &str| word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase());
        if word.starts_with('{') || is_name(word) || word == "N" {
            "1".to_owned()
        } else {
            word.to_owned()
        }
    });
    std::iter::once("tiktok-up".to_owned()).chain(words).collect()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "tests" {
            files(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !name.contains("test") {
            found.push(path);
        }
    }
}

#[test]
fn every_command_that_a_hint_a_message_or_a_document_names_can_be_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = vec![root.join("README.md"), root.join("docs/SECRETS.md")];
    files(&root.join("src"), &mut found);
    let mut seen = 0;
    for path in found {
        let text = std::fs::read_to_string(&path).unwrap();
        for line in quoted_commands(&text) {
            seen += 1;
            let words = completed(&line);
            let Err(error) = Cli::try_parse_from(&words) else { continue };
            // A hint may leave out what everybody has to say, and name a command that has others below it.
            let abbreviated = [
                ErrorKind::MissingRequiredArgument,
                ErrorKind::MissingSubcommand,
                ErrorKind::DisplayHelp,
                ErrorKind::DisplayVersion,
                ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
            ];
            let kind = error.kind();
            assert!(abbreviated.contains(&kind), "{}: `tiktok-up {line}`: {error}", path.display());
        }
    }
    assert!(seen > 60, "{seen}");
}
