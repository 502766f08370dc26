//! `__complete`, which the completions of shells call: the words that only this machine knows.
//!
//! It prints a value a line, and behind a tab what it is. TikTok is not asked, nothing secret is shown, and whatever
//! is in the way leaves the shell with what its completions know by themselves.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, Command, CommandFactory as _};
use tokio::time::timeout;

use crate::cli::{Cli, CompleteArgs};
use crate::clock::Clock;
use crate::commands::stores::Stores;
use crate::fs::give_up_waiting;
use crate::model::slot::NEXT;
use crate::model::{Account, Phase, RecordedPost};
use crate::output::{Printer, explanations};
use crate::settings::{Environment, Flags, Home, Settings};

/// How long somebody who has pressed a key waits for a lock.
const PATIENCE: Duration = Duration::from_millis(500);

/// The most posts that are offered: the newest.
const MOST: usize = 100;

/// What an argument takes that only this machine knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Accounts,
    Apps,
    /// Times of `[slots]`.
    Slots,
    Posts,
    /// What has a page: a post that was made, or an account.
    Pages,
    Codes,
}

/// The argument at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
struct AtCursor {
    kind: Kind,
    /// What stands before its value in the same word: `--account=`.
    before: String,
    /// What is typed of it.
    begun: String,
    /// `--home`.
    home: Option<PathBuf>,
}

/// A value, and what it is.
type Choice = (String, String);

/// Runs the command.
pub(super) async fn run(args: &CompleteArgs, printer: &Printer, env: &Environment<'_>) {
    let Some(wanted) = wanted(&args.words) else { return };
    let Ok(choices) = timeout(PATIENCE, choices(&wanted, env)).await else {
        // Nothing waits for the lock any more.
        return give_up_waiting();
    };
    for (value, about) in choices.unwrap_or_default() {
        if value.starts_with(&wanted.begun) {
            printer.choice(&format!("{}{value}", wanted.before), &about);
        }
    }
}

/// What may stand there. `None`: it cannot be told.
async fn choices(wanted: &AtCursor, env: &Environment<'_>) -> Option<Vec<Choice>> {
    match wanted.kind {
        Kind::Codes => {
            let codes = explanations().map(|it| (it.code.to_owned(), it.meaning.to_owned()));
            return Some(codes.collect());
        }
        Kind::Apps | Kind::Slots => {
            let flags = Flags { home: wanted.home.as_deref(), app: None };
            let settings = Settings::load(&flags, env).ok()?;
            if wanted.kind == Kind::Slots {
                let slots = settings.slots.into_keys();
                let about = "the next free slot of config.toml";
                return Some(slots.map(|it| (format!("{NEXT}{it}"), about.to_owned())).collect());
            }
            let names = settings.apps.in_use().filter_map(|app| app.name.clone());
            return Some(names.map(|name| (name, "app of config.toml".to_owned())).collect());
        }
        Kind::Accounts | Kind::Posts | Kind::Pages => {}
    }
    let home = Home::find(wanted.home.as_deref(), env).ok()?;
    let store = Stores::existing_in(&home, Clock::default()).await.ok()??.shared;
    let accounts = store.accounts().all().await.ok()?;
    let mut found = Vec::new();
    if wanted.kind != Kind::Accounts
        && let Some(journal) = store.existing_journal().await.ok()?.journal
    {
        let posts = match wanted.kind {
            Kind::Pages => journal.all().await.ok()?,
            _ => journal.unpublished().await.ok()?,
        };
        let is_meant = |post: &&RecordedPost| {
            wanted.kind != Kind::Pages || post.phase() == Some(Phase::Published)
        };
        found.extend(posts.iter().rev().filter(is_meant).take(MOST).map(|post| {
            let account = accounts.get(&post.account).map_or(&*post.account, Account::name);
            (post.number.to_string(), format!("{account}: {}", post.label))
        }));
    }
    if wanted.kind != Kind::Posts {
        found.extend(accounts.iter().map(|account| {
            let about = account.display_name.as_deref().unwrap_or("account");
            (account.name().to_owned(), about.to_owned())
        }));
    }
    Some(found)
}

/// The argument that the last of these words, which stand behind the program's name, is a value of, if it is one of
/// those that this machine knows.
fn wanted(words: &[OsString]) -> Option<AtCursor> {
    let mut root = Cli::command();
    // Hands the options of all commands down to each.
    root.build();
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let (begun, typed) = words.split_last()?;
    let (mut command, mut place, mut home) = (&root, 0, None);
    let (mut awaiting, mut only_values): (Option<&Arg>, _) = (None, false);
    for word in typed {
        if let Some(option) = awaiting {
            // Bash takes `--account=shop` for three words.
            if word == "=" {
                continue;
            }
            awaiting = None;
            if option.get_id() == "home" {
                home = Some(PathBuf::from(word.as_ref()));
            }
        } else if !only_values && word == "--" {
            only_values = true;
        } else if let Some((option, value)) = option_of(command, word).filter(|_| !only_values) {
            match value {
                Some(value) if option.get_id() == "home" => home = Some(PathBuf::from(value)),
                Some(_) => {}
                None => awaiting = Some(option).filter(|it| it.get_action().takes_values()),
            }
        } else if let Some(inner) = command.find_subcommand(word.as_ref()).filter(|_| place == 0) {
            command = inner;
        } else {
            place += 1;
        }
    }
    let (arg, before, begun) = match (awaiting, begun.split_once('=')) {
        (Some(option), _) => (option, String::new(), begun.strip_prefix('=').unwrap_or(begun)),
        (None, Some((name, value))) if !only_values && name.starts_with("--") => {
            (option_of(command, name)?.0, format!("{name}="), value)
        }
        // What begins like an option is completed as one.
        (None, _) if begun.starts_with('-') && !only_values => return None,
        (None, _) => (command.get_positionals().nth(place)?, String::new(), begun.as_ref()),
    };
    Some(AtCursor { kind: kind_of(arg)?, before, begun: begun.to_owned(), home })
}

/// The option that a word is, and the value that it brings along.
fn option_of<'a, 'w>(command: &'a Command, word: &'w str) -> Option<(&'a Arg, Option<&'w str>)> {
    let mut options = command.get_arguments();
    if let Some(name) = word.strip_prefix("--") {
        let (name, value) = match name.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (name, None),
        };
        return options.find(|arg| arg.get_long() == Some(name)).map(|arg| (arg, value));
    }
    // Such as `-qv`. An open_id may begin with a hyphen.
    let letters = word.strip_prefix('-').filter(|letters| !letters.is_empty())?;
    let is_switch = |arg: &&Arg, letter| {
        arg.get_short() == Some(letter)
            && matches!(
                arg.get_action(),
                ArgAction::SetTrue | ArgAction::Count | ArgAction::Help | ArgAction::Version
            )
    };
    let known = |letter| command.get_arguments().find(|arg| is_switch(arg, letter));
    letters.chars().try_fold(None, |_, letter| Some(Some(known(letter)?)))?.map(|arg| (arg, None))
}

/// What an argument takes, by what the help calls it.
fn kind_of(arg: &Arg) -> Option<Kind> {
    let name = arg.get_value_names()?.first()?.as_str();
    match name {
        "ACCOUNT" | "OPEN_ID" => Some(Kind::Accounts),
        "POST" => Some(Kind::Posts),
        "POST|ACCOUNT" => Some(Kind::Pages),
        "CODE" => Some(Kind::Codes),
        "NAME" if arg.get_id() == "app" => Some(Kind::Apps),
        "TIME" if arg.get_id() == "at" => Some(Kind::Slots),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The last word of a line, which ends at its last character, as it is completed.
    fn at_end(line: &str) -> Option<AtCursor> {
        wanted(&line.split(' ').map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn an_argument_is_known_by_its_place() {
        for (line, kind, begun) in [
            ("logout ", Kind::Accounts, ""),
            ("logout --local-only an", Kind::Accounts, "an"),
            ("accounts pause ", Kind::Accounts, ""),
            ("-q --color never accounts alias sh", Kind::Accounts, "sh"),
            ("accounts alias -- -000m", Kind::Accounts, "-000m"),
            ("upload m.json --account ", Kind::Accounts, ""),
            ("refresh --account shop --account sh", Kind::Accounts, "sh"),
            ("refresh --account = sh", Kind::Accounts, "sh"),
            ("refresh --account =", Kind::Accounts, ""),
            ("--app ", Kind::Apps, ""),
            ("post a.mp4 --at ne", Kind::Slots, "ne"),
            ("status -qv --app ma", Kind::Apps, "ma"),
            ("status ", Kind::Posts, ""),
            ("resolve --posted 1", Kind::Posts, "1"),
            ("open ", Kind::Pages, ""),
            ("explain acc", Kind::Codes, "acc"),
        ] {
            let wanted = at_end(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((wanted.kind, wanted.begun.as_str()), (kind, begun), "{line}");
            assert_eq!((wanted.before.as_str(), wanted.home), ("", None), "{line}");
        }
    }

    #[test]
    fn what_stands_before_a_value_in_its_word_stays() {
        let wanted = at_end("refresh --account=sh").unwrap();
        assert_eq!((wanted.before.as_str(), wanted.begun.as_str()), ("--account=", "sh"));
    }

    #[test]
    fn the_home_of_the_line_is_looked_into() {
        for line in ["--home /a status ", "status --home=/a ", "status --home = /a "] {
            assert_eq!(at_end(line).unwrap().home, Some(PathBuf::from("/a")), "{line}");
        }
    }

    #[test]
    fn of_other_arguments_this_machine_knows_nothing() {
        for line in [
            "",
            "sta",
            "upload ",
            "upload --acc",
            "logout shop ",
            "accounts ",
            "frobnicate ",
            "accounts alias shop ",
            "login --alias ",
            "status --json=",
            "--home ",
            "post -- ",
            // It may be an option, too.
            "accounts alias -000m",
        ] {
            assert_eq!(at_end(line), None, "{line}");
        }
    }
}
