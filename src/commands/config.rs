//! `config`: where config.toml is, the settings in use, one key changed, the file checked.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::auth::paste::Lines;
use crate::cli::{ConfigAction, ConfigArgs, GlobalArgs};
use crate::commands::flags;
use crate::exit::Exit;
use crate::hooks::OUTBOX_FILE;
use crate::output::{Failure, NOTES_FILE, Printer, Table};
use crate::secret::Secret;
use crate::settings::{
    Environment, Home, InUse, Key, Origin, SettingValue, Settings, SettingsError, change, in_use,
};
use crate::signals::Shutdown;
use crate::store::local::{JOURNAL_FILE, TOKENS_FILE};
use crate::text;

/// What stands in the place of a secret.
pub(super) const SET: &str = "(set)";

/// Reads the value from standard input.
const STANDARD_INPUT: &str = "-";

/// Runs the command.
pub(super) async fn run(
    global: &GlobalArgs,
    args: &ConfigArgs,
    printer: &Printer,
    shutdown: &Shutdown,
    env: &Environment<'_>,
) -> Result<Exit, Failure> {
    match &args.action {
        ConfigAction::Path => path(global, printer, env),
        ConfigAction::Get { key } => get(global, key.as_deref(), printer, env),
        ConfigAction::Set { key, value } => {
            let key = known(key)?;
            let piped = value == STANDARD_INPUT;
            if key.is_secret() && !piped {
                return Err(not_an_argument(&key));
            }
            let value = if piped {
                let mut lines = Lines::of_stdin()?;
                let line = tokio::select! {
                    biased;
                    signal = shutdown.requested() => return Ok(signal.exit()),
                    line = lines.next() => line,
                };
                read(line.transpose().map_err(|error| {
                    let failure = Failure::usage(format!("standard input has {error}"));
                    failure.hint("nothing was written; pipe the value as one line")
                })?)?
            } else {
                Secret::unlisted(value)
            };
            put(global, &key, Some(&value), printer, env)
        }
        ConfigAction::Unset { key } => put(global, &known(key)?, None, printer, env),
        ConfigAction::Check => check(global, printer, env),
    }
}

fn read(line: Option<Secret>) -> Result<Secret, Failure> {
    let line = line.unwrap_or_default();
    match line.expose().trim() {
        "" => Err(Failure::usage("standard input is empty; nothing was written")),
        text => Ok(Secret::unlisted(text)),
    }
}

fn known(name: &str) -> Result<Key, Failure> {
    Key::named(name).map_err(|unknown| {
        let failure = Failure::usage(format!("there is no setting `{}`", text::shown(name)));
        failure.hint(match unknown.meant {
            Some(meant) => format!("did you mean `{}`?", text::shown(&meant)),
            None => "`tiktok-up schema config` has all of them; what is wrong in config.toml, or a whole section, is \
                     taken out in the file"
                .to_owned(),
        })
    })
}

fn not_an_argument(key: &Key) -> Failure {
    let name = key.name();
    let elsewhere = match name.rsplit('.').next() {
        Some("client_secret") => {
            ", `tiktok-up init` asks for it, and `client_secret_file` names a file with it"
        }
        Some("webhook_secret") => ", and `webhook_secret_file` names a file with it",
        _ => "",
    };
    Failure::usage(format!(
        "`{}` is a secret, and others can read the arguments of a program",
        text::shown(&name)
    ))
    .hint(format!("with `-` in the place of the value it is read from standard input{elsewhere}"))
}

fn path(global: &GlobalArgs, printer: &Printer, env: &Environment<'_>) -> Result<Exit, Failure> {
    let home = Home::find(global.home.as_deref(), env)?;
    if !printer.is_json() {
        printer.data(home.config_file().display().to_string());
        return Ok(Exit::Done);
    }
    let state = |name: &str| home.state.join(name);
    let all: [(&str, PathBuf); 6] = [
        ("config", home.config_file()),
        ("state", home.state.clone()),
        ("tokens", state(TOKENS_FILE)),
        ("journal", state(JOURNAL_FILE)),
        ("notes", state(NOTES_FILE)),
        ("hooks", state(OUTBOX_FILE)),
    ];
    for (what, path) in all {
        let exists = path.exists();
        printer.json(&json!({ "event": "path", "what": what, "path": path, "exists": exists }));
    }
    Ok(Exit::Done)
}

fn get(
    global: &GlobalArgs,
    name: Option<&str>,
    printer: &Printer,
    env: &Environment<'_>,
) -> Result<Exit, Failure> {
    let all = in_use(&flags(global), env)?;
    let Some(name) = name else {
        show_all(all.iter(), printer);
        return Ok(Exit::Done);
    };
    if let Some(one) = all.iter().find(|one| one.name == name) {
        show(one, printer);
        return Ok(Exit::Done);
    }
    let table = format!("{name}.");
    let mut inner = all.iter().filter(|one| one.name.starts_with(&table)).peekable();
    if inner.peek().is_some() {
        show_all(inner, printer);
        return Ok(Exit::Done);
    }
    // What may be set, and is not.
    let key = known(name)?;
    if printer.is_json() {
        let (secret, nothing) = (key.is_secret(), Value::Null);
        printer.json(&json!({ "event": "setting", "key": name, "value": nothing, "set": false,
            "secret": secret, "from": nothing, "name": nothing, "line": nothing }));
    } else {
        printer.note(format!("`{}` is not set", text::shown(name)));
    }
    Ok(Exit::Done)
}

fn show_all<'a>(all: impl Iterator<Item = &'a InUse>, printer: &Printer) {
    if printer.is_json() {
        all.for_each(|one| printer.json(&event(one)));
        return;
    }
    let mut table = Table::new(&["KEY", "VALUE", "FROM"]);
    for one in all {
        table.row([text::plain(&one.name), words(&one.value), origin(one.from)]);
    }
    printer.table(&table);
}

fn show(one: &InUse, printer: &Printer) {
    if printer.is_json() {
        printer.json(&event(one));
    } else if one.value == SettingValue::Secret {
        printer.data(format!("{SET}, {}", origin(one.from)));
    } else {
        printer.data(words(&one.value));
    }
}

/// A value in words; of a secret only that it is set.
pub(super) fn words(value: &SettingValue) -> String {
    match value {
        SettingValue::Secret => SET.to_owned(),
        SettingValue::Flag(flag) => flag.to_string(),
        SettingValue::Text(text) => text.clone(),
        SettingValue::List(words) => words.join(", "),
    }
}

/// Where a value comes from, in words.
pub(super) fn origin(from: Origin) -> String {
    match from {
        Origin::Flag(name) | Origin::Variable(name) => name.to_owned(),
        Origin::Line(line) => format!("config.toml, line {line}"),
        Origin::Default => "default".to_owned(),
    }
}

pub(super) fn event(one: &InUse) -> Value {
    let value = match &one.value {
        SettingValue::Secret => Value::Null,
        SettingValue::Flag(flag) => json!(flag),
        SettingValue::Text(text) => json!(text),
        SettingValue::List(words) => json!(words),
    };
    let (from, name, line) = match one.from {
        Origin::Flag(name) => ("option", Some(name), None),
        Origin::Variable(name) => ("environment", Some(name), None),
        Origin::Line(line) => ("config", None, Some(line)),
        Origin::Default => ("default", None, None),
    };
    json!({
        "event": "setting",
        "key": one.name,
        "value": value,
        "set": from != "default",
        "secret": one.value == SettingValue::Secret,
        "from": from,
        "name": name,
        "line": line,
    })
}

fn put(
    global: &GlobalArgs,
    key: &Key,
    value: Option<&Secret>,
    printer: &Printer,
    env: &Environment<'_>,
) -> Result<Exit, Failure> {
    let changed = change(&flags(global), env, key, value.map(Secret::expose))?;
    let path = Home::find(global.home.as_deref(), env)?.config_file();
    let name = key.name();
    if printer.is_json() {
        let set = value.is_some();
        printer.json(&json!({ "event": "config", "key": name, "set": set, "changed": changed,
            "config": path }));
        return Ok(Exit::Done);
    }
    let (name, path) = (text::shown(&name), path.display());
    printer.note(match (value.is_some(), changed) {
        (true, true) if key.is_of_account() => format!(
            "`{name}` is set in {path}; if no account of that name is logged in (`tiktok-up accounts` lists them), \
             uploads are refused"
        ),
        (true, true) => format!("`{name}` is set in {path}"),
        (true, false) => format!("`{name}` is so in {path} already"),
        (false, true) => format!("`{name}` is no longer in {path}"),
        (false, false) => format!("`{name}` is not in {path}"),
    });
    Ok(Exit::Done)
}

/// Tells each mistake by its place, as compilers do.
fn check(global: &GlobalArgs, printer: &Printer, env: &Environment<'_>) -> Result<Exit, Failure> {
    let path = Home::find(global.home.as_deref(), env)?.config_file();
    let mut has_accounts = false;
    let mistakes = match Settings::load(&flags(global), env) {
        Ok(settings) => {
            has_accounts = !settings.account_defaults.is_empty();
            None
        }
        Err(SettingsError::Config { mistakes, .. }) => Some(mistakes),
        Err(other) => return Err(other.into()),
    };
    let all = mistakes.iter().flatten();
    if printer.is_json() {
        let exists = path.exists();
        let all: Vec<_> = all
            .map(|it| json!({ "line": it.line, "column": it.column, "message": it.message }))
            .collect();
        printer.json(&json!({ "event": "config_check", "config": path, "exists": exists,
            "ok": all.is_empty(), "mistakes": all }));
    } else if mistakes.is_some() {
        for it in all {
            let (line, column) = (it.line, it.column);
            printer.data(format!("{}:{line}:{column}: {}", path.display(), it.message));
        }
    } else if path.exists() {
        let logins = if has_accounts {
            "; whether the accounts that it speaks of are logged in, `tiktok-up doctor` says"
        } else {
            ""
        };
        printer.note(format!("{} is in order{logins}", path.display()));
    } else {
        printer.note(format!("there is no {}; what is built in holds", path.display()));
    }
    Ok(if mistakes.is_some() { Exit::Usage } else { Exit::Done })
}
