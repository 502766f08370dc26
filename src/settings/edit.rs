//! Writing an app into `config.toml`, everything else in the file kept as it is.

use std::fmt::Write as _;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use super::config::{Config, SecretSource};
use super::credentials::check;
use super::file::UserFile;
use super::{Environment, Home, SettingsError, read_config};
use crate::fs::{Lock, PRIVATE_FILE, clean_temps, private_dir, write_atomic};
use crate::secret::Secret;
use crate::settings::Flags;
use crate::text::plain;

/// The longest name of an app, in characters.
const LONGEST_NAME: usize = 64;

/// `config.toml`, to be added to.
#[derive(Debug)]
pub(crate) struct ConfigFile {
    home: Home,
    found: Config,
}

/// An app to be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewApp<'a> {
    /// Its name: `[apps.NAME]`.
    pub(crate) name: &'a str,
    /// Its client key.
    pub(crate) client_key: &'a str,
    /// Its client secret.
    pub(crate) client_secret: &'a Secret,
}

impl ConfigFile {
    /// Finds and reads the file; that there is none is fine, that it cannot be read is not.
    pub(crate) fn find(flags: &Flags<'_>, env: &Environment<'_>) -> Result<Self, SettingsError> {
        let home = Home::find(flags.home, env)?;
        let found = read_config(&home)?;
        Ok(Self { home, found })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> PathBuf {
        self.home.config_file()
    }

    /// Whether an app may be called so here: the name must be plain, and new unless it may be
    /// replaced.
    pub(crate) fn check_name(&self, name: &str, replace: bool) -> Result<(), SettingsError> {
        if !is_plain_name(name) {
            return Err(SettingsError::AppName { name: name.to_owned() });
        }
        if !replace && self.found.apps.contains_key(name) {
            return Err(SettingsError::AppExists { name: name.to_owned(), config: self.path() });
        }
        Ok(())
    }

    /// Whether a login must name this app, because it is not the one that is taken without a word.
    pub(crate) fn must_be_named(&self, name: &str) -> bool {
        match &self.found.app {
            Some(default) => default != name,
            None => self.found.apps.keys().any(|other| other != name),
        }
    }

    /// Writes the app, durably and for nobody else to read. `replace` takes the place of an app of
    /// that name, and takes credentials that look like one another's.
    pub(crate) fn put(&self, app: &NewApp<'_>, replace: bool) -> Result<(), SettingsError> {
        self.check_name(app.name, replace)?;
        let pair = (("the client key", app.client_key), ("the client secret", app.client_secret));
        if let Some(lookalike) = check(pair.0, pair.1)?.filter(|_| !replace) {
            return Err(SettingsError::Lookalike(lookalike));
        }
        rewrite(&self.home, |now, folder| {
            with_app(now, folder, app, replace).map(Some).map_err(|why| match why {
                Unfit::Exists => {
                    SettingsError::AppExists { name: app.name.to_owned(), config: self.path() }
                }
                Unfit::Layout => SettingsError::Layout { config: self.path() },
            })
        })
    }
}

/// Whether a new table may be called so: `[apps.NAME]`.
pub(crate) fn is_plain_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(plain)
}

/// Puts a new text in the place of the file's, durably and for nobody else to read. `make` is given the text
/// as it is now, read again: somebody may have written it meanwhile; and the folder that it lies in. Without
/// a new text nothing is written.
pub(super) fn rewrite(
    home: &Home,
    make: impl FnOnce(&str, &Path) -> Result<Option<Zeroizing<String>>, SettingsError>,
) -> Result<(), SettingsError> {
    let folder = private_dir(&home.config)?;
    let lock = Lock::try_acquire(&folder.join("config.toml.lock"))
        .map_err(|error| SettingsError::ConfigBusy(Box::new(error)))?;
    // The file may lie behind a link, which is to stay.
    let path = folder.join("config.toml");
    let path = fs::canonicalize(&path).unwrap_or(path);
    clean_temps(&path, &lock)?;
    let now = UserFile::read(&path)?.map(|file| file.text).unwrap_or_default();
    match make(&now, &folder)? {
        Some(text) => Ok(write_atomic(&path, text.as_bytes(), PRIVATE_FILE)?),
        None => Ok(()),
    }
}

/// Why an app cannot be written into a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unfit {
    /// There is one of that name.
    Exists,
    /// The text says its apps in a form that nothing can be added to, or is not valid.
    Layout,
}

/// The text with the app in it. What comes out is read again, and given back only if it says what it
/// should.
fn with_app(
    text: &str,
    folder: &Path,
    app: &NewApp<'_>,
    replace: bool,
) -> Result<Zeroizing<String>, Unfit> {
    let before = Config::read(text, folder).map_err(|_| Unfit::Layout)?;
    let new = match before.apps.contains_key(app.name) {
        true if !replace => return Err(Unfit::Exists),
        true => replaced(text, app).ok_or(Unfit::Layout)?,
        false => appended(text, app),
    };
    let after = Config::read(&new, folder).map_err(|_| Unfit::Layout)?;
    let written = after.apps.get(app.name).is_some_and(|entry| {
        entry.client_key == app.client_key
            && matches!(&entry.secret, SecretSource::Here(secret) if secret == app.client_secret)
    });
    let kept = before.apps.keys().all(|name| after.apps.contains_key(name));
    if written && kept { Ok(new) } else { Err(Unfit::Layout) }
}

fn appended(text: &str, app: &NewApp<'_>) -> Zeroizing<String> {
    let mut new = Zeroizing::new(text.to_owned());
    match text.chars().next_back() {
        None => {}
        Some('\n') => new.push('\n'),
        Some(_) => new.push_str("\n\n"),
    }
    let (key, secret) = (quoted(app.client_key), quoted(app.client_secret.expose()));
    new.push_str("[apps.");
    new.push_str(app.name);
    new.push_str("]\nclient_key = ");
    new.push_str(&key);
    new.push_str("\nclient_secret = ");
    new.push_str(&secret);
    new.push('\n');
    new
}

/// Puts key and secret where the old ones stand.
fn replaced(text: &str, app: &NewApp<'_>) -> Option<Zeroizing<String>> {
    let root = DeTable::parse(text).ok()?;
    let apps = table_in(root.get_ref(), "apps")?;
    let mut pieces: Vec<(Range<usize>, Zeroizing<String>)> = Vec::new();
    for (field, value) in table_in(apps, app.name)? {
        match field.get_ref().as_ref() {
            "client_key" => pieces.push((value.span(), quoted(app.client_key))),
            name if name.starts_with("client_secret") => {
                let mut line = Zeroizing::new("client_secret = ".to_owned());
                line.push_str(&quoted(app.client_secret.expose()));
                pieces.push((field.span().start..value.span().end, line));
            }
            _ => {}
        }
    }
    pieces.sort_by_key(|(at, _)| at.start);
    let mut new = Zeroizing::new(String::new());
    let mut done = 0;
    for (at, piece) in &pieces {
        new.push_str(text.get(done..at.start)?);
        new.push_str(piece);
        done = at.end;
    }
    new.push_str(text.get(done..)?);
    Some(new)
}

fn table_in<'t, 'i>(table: &'t DeTable<'i>, name: &str) -> Option<&'t DeTable<'i>> {
    let (_, value) = table.iter().find(|(key, _)| key.get_ref() == name)?;
    match value.get_ref() {
        DeValue::Table(inner) => Some(inner),
        _ => None,
    }
}

/// A basic string of TOML.
pub(super) fn quoted(text: &str) -> Zeroizing<String> {
    let mut quoted = Zeroizing::new(String::with_capacity(2 * text.len() + 2));
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => _ = write!(quoted, "\\u{:04X}", u32::from(c)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// How an app is called in a message.
pub(super) fn shown(name: &str) -> String {
    format!("`[apps.{}]`", plain(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLDER: &str = "/etc/here";

    fn put(text: &str, name: &str, replace: bool) -> Result<String, Unfit> {
        let secret = Secret::new("new\\secret");
        let app = NewApp { name, client_key: "newkey", client_secret: &secret };
        with_app(text, Path::new(FOLDER), &app, replace).map(|text| text.to_string())
    }

    const OLD: &str = "# mine\n[defaults]\nmode = \"draft\"   # for now\n\n[apps.a]\n\
        client_key = \"akey\"  # of the sandbox\nclient_secret = \"asecret\"\n\
        scopes = \"video.upload\"\n\n[apps.b]\nclient_key = \"bkey\"\n\
        client_secret_command = [\"pass\", \"b\"]  # see the wiki\n";

    #[test]
    fn the_first_app_makes_the_file() {
        let text = put("", "main", false).unwrap();
        assert_eq!(
            text,
            "[apps.main]\nclient_key = \"newkey\"\nclient_secret = \"new\\\\secret\"\n"
        );
    }

    #[test]
    fn another_app_is_added_and_every_byte_of_the_others_kept() {
        let text = put(OLD, "c", false).unwrap();
        assert!(text.starts_with(OLD) && text.contains("\n\n[apps.c]\n"), "{text}");
        let unended = OLD.trim_end();
        assert!(put(unended, "c", false).unwrap().starts_with(&format!("{unended}\n\n[apps.c]")));
    }

    #[test]
    fn an_app_that_is_there_is_replaced_only_on_demand() {
        assert_eq!(put(OLD, "a", false), Err(Unfit::Exists));
        let text = put(OLD, "a", true).unwrap();
        let expected =
            OLD.replace("\"akey\"", "\"newkey\"").replace("\"asecret\"", "\"new\\\\secret\"");
        assert_eq!(text, expected);
    }

    #[test]
    fn a_secret_from_elsewhere_is_replaced_by_the_one_given() {
        let text = put(OLD, "b", true).unwrap();
        assert!(text.contains("client_secret = \"new\\\\secret\"  # see the wiki\n"), "{text}");
        assert!(!text.contains("client_secret_command") && text.contains("\"akey\""), "{text}");
    }

    #[test]
    fn what_cannot_be_added_to_is_left_alone() {
        let inline = "apps = { a = { client_key = \"k\", client_secret = \"s\" } }\n";
        assert_eq!(put(inline, "b", false), Err(Unfit::Layout));
        assert!(put(inline, "a", true).unwrap().contains("client_key = \"newkey\", client_secret"));
        assert_eq!(put("[apps.a", "b", false), Err(Unfit::Layout));
    }
}
