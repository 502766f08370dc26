//! The pages of `help TOPIC`.

use std::fmt::Write as _;

use super::help;
use crate::model::{Field, FieldType, HookKind};

/// The topics, each with what its page tells.
pub(crate) const TOPICS: &[(&str, &str)] = &[
    ("exit-codes", "how a run ended, for scripts"),
    ("environment", "the variables that are looked at"),
    ("manifest", "the fields of a manifest"),
    ("cron", "a crontab, and what cron needs"),
    ("hooks", "who is told of what happens"),
    ("faults", "what can be made to go wrong in the sandbox"),
];

/// The topic that lists the others.
const LIST: &str = "topics";

/// How wide a page is.
const WIDTH: usize = 100;

/// The variables, each with what it is for. docs/SETTINGS.md tells more of them.
const VARIABLES: &[(&str, &str)] = &[
    ("TIKTOK_CLIENT_KEY", "the client key of an app, which logins are then made with"),
    ("TIKTOK_CLIENT_SECRET", "its client secret; never an option, as others can read those"),
    ("TIKTOK_UP_HOME", "one directory for everything, like --home"),
    (
        "TIKTOK_UP_PASSPHRASE",
        "the passphrase for `accounts export` and `accounts import`, and of an encrypted store; for \
         `serve add-user` the user's password",
    ),
    (
        "TIKTOK_UP_DATABASE_URL",
        "the address of a PostgreSQL database that keeps the store, in a build with that feature",
    ),
    ("TIKTOK_UP_API_URL", "another base of the API: https, or http on 127.0.0.1"),
    ("TIKTOK_UP_AUTH_URL", "another base of the authorize page"),
    ("TIKTOK_UP_TIMING", "other waiting times, for a rehearsal with an API on 127.0.0.1 alone"),
    ("HTTPS_PROXY", "a proxy: http, https, socks4, socks4a, socks5, socks5h"),
    ("ALL_PROXY", "the same, where that one is not set"),
    ("NO_PROXY", "hosts that are reached without it"),
    ("SSL_CERT_FILE", "certificate authorities (PEM) in the place of the system's"),
    ("SSL_CERT_DIR", "a directory of such files"),
    ("TZ", "the zone of the times that are printed, such as Europe/Berlin"),
    ("NO_COLOR", "no colours"),
];

const CRON: &str = "\
PATH=/home/you/.cargo/bin:/usr/bin:/bin

# Keeps logins alive that are not used for months.
30 5 * * *   tiktok-up --quiet refresh

# Posts what is due, resumes what was cut off, skips what is done.
0 * * * *    tiktok-up --quiet upload /srv/clips/videos_to_upload.json

- cron mails what a command prints. With --quiet a run prints only what a human must do, once; its
  exit code stays the same run after run (`tiktok-up help exit-codes`).
- cron knows nothing of your shell's environment: put the credentials into config.toml with
  `tiktok-up init`, and set PATH as above or write the whole path of the program.
- A `%` is a line break for cron: write `\\%`.
- Nothing is asked where there is no terminal: an encrypted store needs `key_file` or
  `passphrase_file`.
- Two runs never post at once for one account: the second one ends with exit code 5.
- `tiktok-up --quiet status` lists what somebody has to do; `tiktok-up help hooks` says how to be
  told without mail.";

const HOOKS: &str = "\
# config.toml
[hooks]
notify_command = \"jq -r .text | mail -s tiktok-up you@example.com\"   # a list is run without a shell
webhook = \"https://hooks.example.com/tiktok\"
webhook_secret_file = \"hook.secret\"
desktop = true
when = [\"failed\", \"unknown\", \"login_needed\", \"draft_waiting\"]";

const HOOKS_NOTES: &str = "\
`upload`, `post`, `refresh` and `status` tell them at their end, `watch` after each of its runs; each
event once, also over many runs.
A command is given JSON on its standard input, a webhook the same as the body of a POST:
`tiktok-up schema events` describes it as `hook_message`. For one run there are --notify-command,
--webhook and --notify-when. What a hook was not told is kept in hooks.json for the next run.";

/// The page of a topic.
pub(crate) fn page(topic: &str) -> Option<String> {
    Some(match topic {
        LIST => columns(TOPICS) + "\nA page of each: `tiktok-up help TOPIC`\n",
        "exit-codes" => exit_codes(),
        "environment" => {
            columns(VARIABLES)
                + "\nOptions go before variables, and these before config.toml: `tiktok-up config get` \
                   shows\nwhat holds. Which app a login is made with is the exception: \
                   TIKTOK_CLIENT_KEY wins over --app.\n"
        }
        "manifest" => manifest(),
        "cron" => format!("{CRON}\n"),
        "hooks" => {
            let about = |kind| match kind {
                HookKind::Failed => "a post failed, or a whole run came to nothing",
                HookKind::Unknown => "nobody but you can tell what became of a post",
                HookKind::LoginNeeded => "an account has to log in",
                HookKind::DraftWaiting => "a draft lies in the inbox, to be finished in the app",
                HookKind::Published => "a post was published",
            };
            let kinds = HookKind::ALL.map(|kind| (kind.as_str(), about(kind)));
            format!("{HOOKS}\n\n{}\n{HOOKS_NOTES}\n", columns(&kinds))
        }
        "faults" => {
            "A script for `tiktok-up sandbox --faults FILE`, or for `POST /_sandbox/faults` while it runs.\n\n"
                .to_owned()
                + &plain(tiktok_sandbox::faults::REFERENCE)
        }
        _ => return None,
    })
}

/// What `--help` says of them, without its colours.
fn exit_codes() -> String {
    let (codes, _) = help::TOP.rsplit_once("\n\n").unwrap_or((help::TOP, ""));
    let mut page = String::new();
    for (nth, piece) in codes.split('\u{1b}').enumerate() {
        page.push_str(if nth == 0 { piece } else { piece.split_once('m').unwrap_or_default().1 });
    }
    page + "\n\n  With --json the code is in `summary` and `error` as well. `tiktok-up explain` lists the \
            codes of\n  errors, each with the exit code that it leads to and what to do about it.\n"
}

fn manifest() -> String {
    let rows: Vec<_> = Field::ALL.iter().map(|field| (field.name(), field.description())).collect();
    let mut page = String::from(
        "A list of posts as JSON (comments and trailing commas are welcome), or {\"defaults\": {...}, \
         \"posts\": [...]};\nJSON Lines; or a CSV file whose heading has these names. \
         `tiktok-up schema manifest` is for editors.\n\n",
    );
    page += &columns(&rows);
    let flags: Vec<_> = Field::ALL
        .iter()
        .filter(|field| field.value_type() == FieldType::Flag)
        .map(|field| field.name())
        .collect();
    page += &wrapped(&format!("\ntrue or false: {}.", flags.join(", ")), 0);
    page.push('\n');
    page
}

/// Rows of two columns, the second one wrapped.
fn columns(rows: &[(&str, &str)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default() + 2;
    let mut page = String::new();
    for (name, what) in rows {
        let what = wrapped(what, width);
        _ = writeln!(page, "{name:width$}{what}");
    }
    page
}

/// Markdown as a page: of a table each row's first cell stands above what it means.
fn plain(markdown: &str) -> String {
    let mut page = String::new();
    for line in markdown.lines().filter(|line| !line.starts_with("```")) {
        let row = line.strip_prefix("| ").and_then(|row| row.strip_suffix(" |"));
        match row.map(|row| row.replace("\\|", "\u{0}")) {
            Some(row) => {
                let (name, what) = row.split_once(" | ").unwrap_or((&row, ""));
                let (name, what) = (name.replace('\u{0}', "|"), what.replace('\u{0}', "|"));
                // Not the heading.
                if let Some(name) = name.strip_prefix('`').and_then(|name| name.strip_suffix('`')) {
                    _ = writeln!(page, "{name}\n    {}", wrapped(&what, 4));
                }
            }
            None if line.starts_with('|') => {}
            None => _ = writeln!(page, "{line}"),
        }
    }
    page
}

/// A text within [`WIDTH`], its lines but the first indented.
fn wrapped(text: &str, indent: usize) -> String {
    let (mut wrapped, mut column) = (String::new(), indent);
    for (nth, word) in text.split(' ').enumerate() {
        if nth > 0 && column + 1 + word.len() > WIDTH {
            _ = write!(wrapped, "\n{:indent$}", "");
            column = indent;
        } else if nth > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += word.len();
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_has_a_page_that_fits_a_terminal() {
        for (topic, _) in TOPICS.iter().copied().chain([(LIST, "")]) {
            let page = page(topic).unwrap();
            assert!(page.lines().count() <= 70, "{topic}: {}", page.lines().count());
            for line in page.lines() {
                assert!(line.chars().count() <= 110 && !line.contains('\u{1b}'), "{topic}: {line}");
            }
        }
        assert_eq!(page("nothing"), None);
    }

    #[test]
    fn the_variables_are_those_of_the_page_of_settings() {
        let page = include_str!("../../docs/SETTINGS.md");
        let rows = page.lines().skip_while(|line| !line.starts_with("| variable"));
        let rows = rows.skip(2).take_while(|line| line.starts_with('|'));
        let cells = rows.map(|row| row.split('|').nth(1).unwrap());
        let names: Vec<_> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        assert_eq!(names, VARIABLES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }

    #[test]
    fn the_crontab_is_that_of_the_readme() {
        let readme = include_str!("../../README.md");
        let crontab = CRON.split("\n\n- ").next().unwrap();
        assert!(readme.contains(&format!("```cron\n{crontab}\n```")), "{crontab}");
    }

    #[test]
    fn the_help_names_the_topics() {
        for (topic, _) in TOPICS {
            assert!(help::TOP.lines().last().unwrap().contains(topic), "{topic}");
        }
    }
}
