//! Changing one key of `config.toml`: everything else in the file stays as it is, byte for byte, and a text
//! that a run would refuse never takes the place of one.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use super::config::Config;
use super::edit::{quoted, rewrite};
use super::keys::{Key, KeyKind};
use super::mistake::Mistakes;
use super::{Environment, Flags, Home, HookSettings, SettingsError};

/// What a file says: the source text of each value by its path.
type Said<'t> = BTreeMap<Vec<String>, &'t str>;

/// Sets a key, or takes it out where there is no value. `false`: the file said so already.
pub(crate) fn change(
    flags: &Flags<'_>,
    env: &Environment<'_>,
    key: &Key,
    value: Option<&str>,
) -> Result<bool, SettingsError> {
    change_if(flags, env, key, value, |_| true)
}

/// Sets the first key of a table that is not there yet. `false`: it is there, and stays as it is.
pub(crate) fn begin_table(
    flags: &Flags<'_>,
    env: &Environment<'_>,
    key: &Key,
    value: &str,
) -> Result<bool, SettingsError> {
    change_if(flags, env, key, Some(value), |now| !has_table(now, key))
}

/// Whether the table of a key is there.
fn has_table(text: &str, key: &Key) -> bool {
    let tables = key.path.split_last().map(|(_, tables)| tables).unwrap_or_default();
    DeTable::parse(text).is_ok_and(|root| entry(root.get_ref(), tables).is_some())
}

fn change_if(
    flags: &Flags<'_>,
    env: &Environment<'_>,
    key: &Key,
    value: Option<&str>,
    is_wanted: impl FnOnce(&str) -> bool,
) -> Result<bool, SettingsError> {
    let home = Home::find(flags.home, env)?;
    let config = home.config_file();
    let mut changed = false;
    rewrite(&home, |now, folder| {
        if !is_wanted(now) {
            return Ok(None);
        }
        let refused =
            |mistakes| SettingsError::Refused { config: config.clone(), key: key.name(), mistakes };
        let new = changed_text(now, key, value).map_err(|unfit| match unfit {
            Unfit::NoToml(mistakes) => SettingsError::Config { path: config.clone(), mistakes },
            Unfit::Layout => SettingsError::KeyLayout { config: config.clone(), key: key.name() },
        })?;
        if check(&new, folder, refused).is_err() {
            // What was wrong before is not the fault of this key.
            check(now, folder, |mistakes| SettingsError::Config {
                path: config.clone(),
                mistakes,
            })?;
        }
        check(&new, folder, refused)?;
        changed = *new != now;
        Ok(Some(new).filter(|_| changed))
    })?;
    Ok(changed)
}

/// Holds a whole text to what a run asks of it.
fn check(
    text: &str,
    folder: &Path,
    refused: impl Fn(Mistakes) -> SettingsError,
) -> Result<(), SettingsError> {
    let config = Config::read(text, folder).map_err(refused)?;
    HookSettings::read(config.hooks).map(|_| ())
}

/// Why a text cannot be changed.
#[derive(Debug, PartialEq, Eq)]
enum Unfit {
    /// It is not TOML.
    NoToml(Mistakes),
    /// The key stands, or would stand, in a form in which it cannot be changed without the rest.
    Layout,
}

/// The text with the key changed. What comes out says the same of every other key.
fn changed_text(text: &str, key: &Key, value: Option<&str>) -> Result<Zeroizing<String>, Unfit> {
    let root = DeTable::parse(text).map_err(|error| {
        let mut mistakes = Mistakes::default();
        mistakes.push(text, error.span().unwrap_or_default(), error.message());
        Unfit::NoToml(mistakes)
    })?;
    let root = root.get_ref();
    let before = said(root, text);
    let written = value.map(|value| written(key.kind, value));
    let (new, gone) = match &written {
        Some(written) => set(text, root, key, written),
        None => taken_out(text, root, &key.path).map(|new| (new, Vec::new())),
    }
    .ok_or(Unfit::Layout)?;
    // What has the same form need not mean the same.
    let after = DeTable::parse(&new).map_err(|_| Unfit::Layout)?;
    let after = said(after.get_ref(), &new);
    let mut wanted = before;
    for name in gone {
        let mut path = key.path.clone();
        path.pop();
        path.push(name.to_owned());
        wanted.remove(&path);
    }
    match &written {
        Some(written) => _ = wanted.insert(key.path.clone(), written),
        None => _ = wanted.remove(&key.path),
    }
    if after == wanted { Ok(new) } else { Err(Unfit::Layout) }
}

/// A value as TOML has it. What is TOML of the right kind already is taken as it is.
fn written(kind: KeyKind, value: &str) -> Zeroizing<String> {
    let is_toml = |opening: &[char]| {
        value.starts_with(opening)
            && DeValue::parse(value).is_ok_and(|read| read.span() == (0..value.len()))
    };
    let as_it_is = match kind {
        KeyKind::Flag => matches!(value, "true" | "false"),
        KeyKind::Word => is_toml(&['"', '\'']),
        KeyKind::Command => is_toml(&['"', '\'', '[']),
        KeyKind::Words => is_toml(&['[']),
        KeyKind::Secret => false,
    };
    if as_it_is {
        return Zeroizing::new(value.to_owned());
    }
    if kind == KeyKind::Words {
        let words = value.split([',', ' ', '\t', '\n']).filter(|word| !word.is_empty());
        let words: Vec<_> = words.map(|word| quoted(word).to_string()).collect();
        return Zeroizing::new(format!("[{}]", words.join(", ")));
    }
    quoted(value)
}

/// The text with a value in the place of the old one, or of a rival's, or behind what its table has; and the
/// rivals that are gone.
fn set(
    text: &str,
    root: &DeTable<'_>,
    key: &Key,
    value: &str,
) -> Option<(Zeroizing<String>, Vec<&'static str>)> {
    let (own, tables) = key.path.split_last()?;
    if let Some((_, old)) = entry(root, &key.path) {
        return Some((spliced(text, &old.span(), value)?, Vec::new()));
    }
    let line = Zeroizing::new(format!("{own} = {value}"));
    let Some((_, table)) = entry(root, tables) else {
        let mut new = Zeroizing::new(text.to_owned());
        match text.chars().next_back() {
            None => {}
            Some('\n') => new.push('\n'),
            Some(_) => new.push_str("\n\n"),
        }
        let names: Vec<_> = tables.iter().map(|name| bare_or_quoted(name)).collect();
        new.push('[');
        new.push_str(&names.join("."));
        new.push_str("]\n");
        new.push_str(&line);
        new.push('\n');
        return Some((new, Vec::new()));
    };
    let DeValue::Table(entries) = table.get_ref() else { return None };
    for rival in key.rivals() {
        let found = entries.iter().find(|(name, _)| name.get_ref() == rival);
        if let Some((name, old)) = found {
            let at = name.span().start..old.span().end;
            return Some((spliced(text, &at, &line)?, vec![rival]));
        }
    }
    let span = table.span();
    if text.get(span.clone())?.starts_with('{') {
        let at = span.end.checked_sub(1)?;
        let inner = text.get(span.start..at)?.trim_end();
        let at = span.start + inner.len();
        let comma = if inner.ends_with(['{', ',']) { " " } else { ", " };
        return Some((spliced(text, &(at..at), &format!("{comma}{}", *line))?, Vec::new()));
    }
    // Values that lie before the header are dotted keys of an outer table.
    let last = entries.iter().filter(|(_, value)| !is_headed(text, value));
    let last = last.map(|(_, value)| value.span().end).max().unwrap_or_default().max(span.end);
    let end = text.get(last..)?.find('\n').map_or(text.len(), |at| last + at);
    Some((spliced(text, &(end..end), &format!("\n{}", *line))?, Vec::new()))
}

/// The text without the line of a key.
fn taken_out(text: &str, root: &DeTable<'_>, path: &[String]) -> Option<Zeroizing<String>> {
    let Some((name, value)) = entry(root, path) else {
        return Some(Zeroizing::new(text.to_owned()));
    };
    let (key, value) = (name.span(), value.span());
    let start = text.get(..key.start)?.rfind('\n').map_or(0, |at| at + 1);
    let end = text.get(value.end..)?.find('\n').map_or(text.len(), |at| value.end + at + 1);
    let before = text.get(start..key.start)?;
    let after = text.get(value.end..end)?.trim_start();
    let alone = !before.contains(['{', '[', ',', '=']);
    if !alone || !(after.is_empty() || after.starts_with('#')) {
        return None;
    }
    spliced(text, &(start..end), "")
}

fn spliced(text: &str, at: &Range<usize>, piece: &str) -> Option<Zeroizing<String>> {
    let (before, after) = (text.get(..at.start)?, text.get(at.end..)?);
    let mut new = Zeroizing::new(String::with_capacity(text.len() + piece.len()));
    new.push_str(before);
    new.push_str(piece);
    new.push_str(after);
    Some(new)
}

type Entry<'t, 'i> = (&'t Spanned<std::borrow::Cow<'i, str>>, &'t Spanned<DeValue<'i>>);

/// The key and the value at a path.
fn entry<'t, 'i>(table: &'t DeTable<'i>, path: &[String]) -> Option<Entry<'t, 'i>> {
    let (first, rest) = path.split_first()?;
    let found = table.iter().find(|(key, _)| key.get_ref() == first)?;
    match found.1.get_ref() {
        _ if rest.is_empty() => Some(found),
        DeValue::Table(inner) => entry(inner, rest),
        _ => None,
    }
}

/// Whether a value is a table under a header of its own.
fn is_headed(text: &str, value: &Spanned<DeValue<'_>>) -> bool {
    let inline = text.get(value.span()).is_some_and(|source| source.starts_with('{'));
    matches!(value.get_ref(), DeValue::Table(_)) && !inline
}

fn said<'t>(table: &DeTable<'_>, text: &'t str) -> Said<'t> {
    fn add<'t>(table: &DeTable<'_>, within: &[String], text: &'t str, said: &mut Said<'t>) {
        for (key, value) in table {
            let path: Vec<_> = within.iter().cloned().chain([key.get_ref().to_string()]).collect();
            match value.get_ref() {
                DeValue::Table(inner) => add(inner, &path, text, said),
                _ => _ = said.insert(path, text.get(value.span()).unwrap_or_default()),
            }
        }
    }
    let mut all = Said::new();
    add(table, &[], text, &mut all);
    all
}

fn bare_or_quoted(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.chars().all(bare) { name.to_owned() } else { quoted(name).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(text: &str, key: &str, value: Option<&str>) -> Result<String, Unfit> {
        changed_text(text, &Key::named(key).unwrap(), value).map(|text| text.to_string())
    }

    fn set(text: &str, key: &str, value: &str) -> String {
        changed(text, key, Some(value)).unwrap()
    }

    const FILE: &str = "# mine\n[defaults]\nmode = \"draft\"   # for now\n\n\
        # the shop's\n[apps.a]\nclient_key = \"akey\"\nclient_secret_file = \"a.secret\"  # of root\n\n\
        [hooks]\nwhen = [\n  \"failed\", # first\n]\n";

    #[test]
    fn a_value_is_replaced_where_it_stands() {
        assert_eq!(
            set(FILE, "defaults.mode", "direct"),
            FILE.replace("\"draft\"   #", "\"direct\"   #")
        );
        assert_eq!(
            set(FILE, "hooks.when", "failed,published"),
            FILE.replace("[\n  \"failed\", # first\n]", "[\"failed\", \"published\"]")
        );
        assert_eq!(set(FILE, "defaults.mode", "\"draft\""), FILE);
    }

    #[test]
    fn a_new_key_stands_behind_those_of_its_table() {
        assert_eq!(
            set(FILE, "defaults.is_aigc", "true"),
            FILE.replace("# for now\n", "# for now\nis_aigc = true\n")
        );
        assert_eq!(
            set(FILE, "hooks.desktop", "true"),
            FILE.replace("# first\n]\n", "# first\n]\ndesktop = true\n")
        );
        assert_eq!(
            set("[store]\n", "store.encrypt", "key-file"),
            "[store]\nencrypt = \"key-file\"\n"
        );
        assert_eq!(set("[store]", "store.encrypt", "keyring"), "[store]\nencrypt = \"keyring\"");
    }

    #[test]
    fn a_new_table_stands_at_the_end() {
        assert_eq!(set("", "defaults.mode", "draft"), "[defaults]\nmode = \"draft\"\n");
        assert_eq!(
            set(FILE, "store.key_file", "/k \"\\"),
            format!("{FILE}\n[store]\nkey_file = \"/k \\\"\\\\\"\n")
        );
        assert!(
            set(FILE, "apps.my app.client_key", "k")
                .ends_with("[apps.\"my app\"]\nclient_key = \"k\"\n")
        );
    }

    #[test]
    fn a_rival_makes_room() {
        assert_eq!(
            set(FILE, "apps.a.client_secret", "s"),
            FILE.replace("client_secret_file = \"a.secret\"", "client_secret = \"s\"")
        );
    }

    #[test]
    fn a_key_is_taken_out_with_its_line() {
        assert_eq!(
            changed(FILE, "defaults.mode", None).unwrap(),
            FILE.replace("mode = \"draft\"   # for now\n", "")
        );
        assert_eq!(
            changed(FILE, "hooks.when", None).unwrap(),
            FILE.replace("when = [\n  \"failed\", # first\n]\n", "")
        );
        assert_eq!(changed(FILE, "hooks.desktop", None).unwrap(), FILE);
    }

    #[test]
    fn other_forms_are_changed_or_left_alone() {
        let inline = "defaults = { mode = \"draft\" }\n";
        assert_eq!(set(inline, "defaults.mode", "direct"), inline.replace("draft", "direct"));
        assert_eq!(
            set(inline, "defaults.is_aigc", "true"),
            "defaults = { mode = \"draft\", is_aigc = true }\n"
        );
        assert_eq!(changed(inline, "defaults.mode", None), Err(Unfit::Layout));
        let dotted = "defaults.mode = \"draft\"\n";
        assert_eq!(set(dotted, "defaults.mode", "direct"), dotted.replace("draft", "direct"));
        assert_eq!(changed(dotted, "defaults.is_aigc", Some("true")), Err(Unfit::Layout));
        assert_eq!(changed(dotted, "defaults.mode", None).unwrap(), "");
        assert!(matches!(changed("[x", "defaults.mode", Some("draft")), Err(Unfit::NoToml(_))));
        assert_eq!(changed("defaults = 1\n", "defaults.mode", Some("draft")), Err(Unfit::Layout));
    }

    #[test]
    fn values_are_toml_or_plain_words() {
        for (kind, value, toml) in [
            (KeyKind::Flag, "true", "true"),
            (KeyKind::Flag, "yes", "\"yes\""),
            (KeyKind::Word, "a b", "\"a b\""),
            (KeyKind::Word, "'a b'", "'a b'"),
            (KeyKind::Word, "'a' = 'b'", "\"'a' = 'b'\""),
            (KeyKind::Words, "a, b c", "[\"a\", \"b\", \"c\"]"),
            (KeyKind::Words, "['a']", "['a']"),
            (KeyKind::Command, "pass show x", "\"pass show x\""),
            (KeyKind::Command, "[\"pass\", \"x\"]", "[\"pass\", \"x\"]"),
            (KeyKind::Command, "[ -f x ] && y", "\"[ -f x ] && y\""),
            (KeyKind::Secret, "\"s", "\"\\\"s\""),
        ] {
            assert_eq!(*written(kind, value), toml, "{kind:?} {value}");
        }
    }
}
