//! Where the program keeps its files.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use super::{Environment, SettingsError};
use crate::text;

/// The name of our directory below the XDG ones.
const OURS: &str = "tiktok-up";
/// One directory for everything, as `--home` gives it.
const HOME_VAR: &str = "TIKTOK_UP_HOME";

/// The two directories of the program; one and the same with `--home`. Nothing is created here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    /// Holds `config.toml`, which the user writes.
    pub(crate) config: PathBuf,
    /// Holds `user_tokens.json`, `journal.sqlite` and the locks, which the program writes.
    pub(crate) state: PathBuf,
}

impl Home {
    /// One directory for everything.
    pub(crate) fn at(directory: &Path) -> Self {
        Self { config: directory.to_owned(), state: directory.to_owned() }
    }

    /// The configuration file.
    pub(crate) fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// `--home`, else `TIKTOK_UP_HOME`, else the XDG directories.
    pub(crate) fn find(flag: Option<&Path>, env: &Environment<'_>) -> Result<Self, SettingsError> {
        let given = flag.map(|flag| ("--home", flag.to_owned()));
        let named =
            given.or_else(|| set(env(HOME_VAR)).map(|path| (HOME_VAR, PathBuf::from(path))));
        if let Some((from, directory)) = named {
            if let Some(why) = literal(&directory) {
                return Err(SettingsError::HomeNotPlain { from, why });
            }
            // Relative to where the run began, whatever a command does to that later.
            let directory = std::path::absolute(&directory)
                .map_err(|source| SettingsError::Home { directory, source })?;
            return Ok(Self::at(&directory));
        }
        Ok(Self {
            config: xdg(env, "XDG_CONFIG_HOME", ".config")?.join(OURS),
            state: xdg(env, "XDG_STATE_HOME", ".local/state")?.join(OURS),
        })
    }
}

/// A base directory of the XDG specification, which wants relative paths ignored
/// (<https://specifications.freedesktop.org/basedir-spec/latest/>).
fn xdg(
    env: &Environment<'_>,
    variable: &'static str,
    below_home: &str,
) -> Result<PathBuf, SettingsError> {
    let given = set(env(variable)).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || set(env("HOME")).map(PathBuf::from).or_else(std::env::home_dir);
    let (from, path) = match given {
        Some(path) => (variable, path),
        None => ("HOME", home().map(|home| home.join(below_home)).ok_or(SettingsError::NoHome)?),
    };
    // What is there already was meant.
    if let Some(why) = literal(&path).filter(|_| !path.exists()) {
        return Err(SettingsError::HomeNotPlain { from, why });
    }
    Some(path).filter(|path| path.is_absolute()).ok_or(SettingsError::NoHome)
}

/// What of a path is taken literally although hardly anybody means it so. The path is not quoted: where one
/// is expected, a secret may stand.
pub(super) fn literal(path: &Path) -> Option<String> {
    let text = path.to_string_lossy();
    let first = path.components().next();
    let tilde = |component: Component<'_>| {
        component.as_os_str() == "~"
            || (Some(component) == first && component.as_os_str().as_bytes().starts_with(b"~"))
    };
    let between = text.split('%').skip(1).step_by(2);
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    if path.components().any(tilde) {
        Some("`~` stands for itself here".to_owned())
    } else if text.contains('$') {
        Some("`$` stands for itself here".to_owned())
    } else if text.matches('%').count() > 1 && between.into_iter().any(is_name) {
        Some("`%` stands for itself here".to_owned())
    } else if text.starts_with(['\'', '"']) {
        Some("the quotes are a part of the path here".to_owned())
    } else if text.contains("://") {
        Some("it is a URL and no path".to_owned())
    } else if let Some(hidden) = text::listed(&text) {
        Some(format!("it holds {hidden}"))
    } else if text.trim() != text {
        Some("it begins or ends with white space".to_owned())
    } else {
        None
    }
}

/// A variable that is set to nothing is not set.
fn set(value: Option<OsString>) -> Option<OsString> {
    value.filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::testing::env;

    fn found(flag: Option<&str>, variables: &[(&str, &str)]) -> (String, String) {
        let home = Home::find(flag.map(Path::new), &env(variables)).unwrap();
        (home.config.display().to_string(), home.state.display().to_string())
    }

    fn one(path: &str) -> (String, String) {
        (path.to_owned(), path.to_owned())
    }

    #[test]
    fn the_flag_wins_over_the_variable_and_the_variable_over_xdg() {
        let all = [(HOME_VAR, "/variable"), ("XDG_CONFIG_HOME", "/c"), ("HOME", "/home/me")];
        assert_eq!(found(Some("/flag"), &all), one("/flag"));
        assert_eq!(found(None, &all), one("/variable"));
    }

    #[test]
    fn configuration_and_state_lie_apart_by_default() {
        let expected = ("/home/me/.config/tiktok-up", "/home/me/.local/state/tiktok-up");
        let (config, state) = found(None, &[("HOME", "/home/me")]);
        assert_eq!((config.as_str(), state.as_str()), expected);
    }

    #[test]
    fn xdg_directories_are_followed_if_absolute() {
        let (config, state) =
            found(None, &[("HOME", "/h"), ("XDG_CONFIG_HOME", "/c"), ("XDG_STATE_HOME", "s")]);
        assert_eq!(
            (config.as_str(), state.as_str()),
            ("/c/tiktok-up", "/h/.local/state/tiktok-up")
        );
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        let (config, _) = found(None, &[(HOME_VAR, ""), ("XDG_CONFIG_HOME", ""), ("HOME", "/h")]);
        assert_eq!(config, "/h/.config/tiktok-up");
    }

    #[test]
    fn what_only_a_shell_replaces_is_refused() {
        for (path, why) in [
            ("~", "`~`"),
            ("~/tiktok", "`~`"),
            ("~ada/tiktok", "`~`"),
            ("/home/ada/~/tiktok", "`~`"),
            ("$HOME/tiktok", "`$`"),
            ("/home/${USER}", "`$`"),
            ("%APPDATA%/tiktok", "`%`"),
            ("file:///srv/tiktok", "a URL"),
            ("/srv/tik\u{200b}tok", "a zero-width space (U+200B)"),
            ("/srv/tiktok\r", "a carriage return"),
            ("/srv/tiktok ", "white space"),
        ] {
            let by_flag = Home::find(Some(Path::new(path)), &env(&[])).unwrap_err().to_string();
            assert!(by_flag.starts_with("--home ") && by_flag.contains(why), "{by_flag}");
            let by_variable = Home::find(None, &env(&[(HOME_VAR, path)])).unwrap_err().to_string();
            assert!(
                by_variable.starts_with(HOME_VAR) && by_variable.contains(why),
                "{by_variable}"
            );
        }
        for path in ["/srv/backup~", "/srv/my tiktok", "/srv/50%", "/srv/Ä", "./here"] {
            assert!(Home::find(Some(Path::new(path)), &env(&[])).is_ok(), "{path}");
        }
        let home = Home::find(None, &env(&[("HOME", "/home/$USER")])).unwrap_err().to_string();
        assert!(home.starts_with("HOME "), "{home}");
    }

    #[test]
    fn a_relative_home_is_fixed_at_the_start() {
        let (config, state) = found(Some("here"), &[]);
        assert!(Path::new(&config).is_absolute() && config.ends_with("here"));
        assert_eq!(config, state);
    }
}
