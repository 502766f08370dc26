//! What another environment than this one changes: that of cron, which has little more than `HOME`, `SHELL` and a
//! short `PATH`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::Finding;
use crate::clock::{other_offset_without_tz, zone};
use crate::settings::{Environment, InUse, SettingValue};
use crate::text;

/// Where cron looks for programs unless the crontab says otherwise.
const CRON_PATH: &str = "/usr/bin:/bin";

/// Variables of ours, and of what is between this machine and TikTok, that cron does not have.
const OURS: [&str; 14] = [
    "TIKTOK_CLIENT_KEY",
    "TIKTOK_CLIENT_SECRET",
    "TIKTOK_UP_HOME",
    "TIKTOK_UP_PASSPHRASE",
    "TIKTOK_UP_API_URL",
    "TIKTOK_UP_AUTH_URL",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

pub(super) fn check(settings: &[InUse], env: &Environment<'_>) -> Vec<Finding> {
    let mut findings = vec![program(), variables(env)];
    findings.extend(commands(settings, env));
    findings.push(time_zone());
    findings
}

/// What to write into a crontab.
fn program() -> Finding {
    let here = std::env::current_exe().ok();
    let name = here.as_deref().and_then(Path::file_name).unwrap_or(OsStr::new("tiktok-up"));
    let message = match (find(name, CRON_PATH), &here) {
        (Some(found), _) => format!("it finds {}", text::quoted(&found)),
        (None, Some(here)) => {
            format!("it does not find the program by its name: write {}", text::quoted(here))
        }
        (None, None) => "it does not find the program by its name: write its whole path".to_owned(),
    };
    Finding::good("cron", format!("its PATH is {CRON_PATH}; {message}"))
}

fn variables(env: &Environment<'_>) -> Finding {
    let is_set = |name: &&str| env(name).is_some_and(|value| !value.is_empty());
    let set: Vec<_> = OURS.into_iter().filter(is_set).collect();
    if set.is_empty() {
        return Finding::good("cron", "nothing is set here that it would lack");
    }
    Finding::good("cron", format!("it has not got what is set here: {}", set.join(", "))).hint(
        "write what a run under cron needs into the crontab as lines `NAME=VALUE`, and app, client key and secret \
         into config.toml (`tiktok-up init`)",
    )
}

/// Commands of the settings that are found here, and not by cron.
fn commands(settings: &[InUse], env: &Environment<'_>) -> Vec<Finding> {
    let path = env("PATH").unwrap_or_default();
    let path = path.to_string_lossy();
    let missing = |setting: &InUse| {
        let setting_is_command = setting.name.ends_with("_command");
        let program = Some(&setting.value).filter(|_| setting_is_command).and_then(program_of)?;
        let here = find(OsStr::new(program), &path)?;
        find(OsStr::new(program), CRON_PATH).is_none().then(|| {
            let (name, program) = (text::plain(&setting.name), text::plain(program));
            Finding::good("cron", format!("it does not find `{program}` of `{name}`"))
                .hint(format!("write {} there", text::quoted(&here)))
        })
    };
    settings.iter().filter_map(missing).collect()
}

/// The program that a command begins with, if that is looked for by its name alone.
fn program_of(command: &SettingValue) -> Option<&str> {
    let first = match command {
        SettingValue::List(words) => words.first()?,
        SettingValue::Text(line) => line.split_ascii_whitespace().next()?,
        SettingValue::Secret | SettingValue::Flag(_) => return None,
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    first.chars().all(is_name).then_some(first)
}

/// The file of a program on a path.
fn find(name: &OsStr, path: &str) -> Option<PathBuf> {
    std::env::split_paths(path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn time_zone() -> Finding {
    let name = zone().iana_name().unwrap_or("the zone of this system");
    let finding = Finding::good("time zone", format!("times are told in {}", text::plain(name)));
    match other_offset_without_tz(Timestamp::now()) {
        None => finding,
        Some(offset) => finding.hint(format!(
            "cron has no TZ and tells times with the offset {offset}, also `{{date}}` in captions: write a line \
             `TZ=...` into the crontab if that matters"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_looked_for_where_its_name_alone_is_given() {
        let list = |words: &[&str]| {
            SettingValue::List(words.iter().map(|word| (*word).to_owned()).collect())
        };
        assert_eq!(program_of(&list(&["pass", "show"])), Some("pass"));
        assert_eq!(program_of(&SettingValue::Text("pass show tiktok".to_owned())), Some("pass"));
        assert_eq!(program_of(&SettingValue::Text("cat ~/key".to_owned())), Some("cat"));
        for other in ["/usr/bin/pass show", "$HOME/bin/key", "X=1 pass", ""] {
            assert_eq!(program_of(&SettingValue::Text(other.to_owned())), None, "{other}");
        }
    }
}
