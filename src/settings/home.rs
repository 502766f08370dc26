//! Where the program keeps its files.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Environment, SettingsError};

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
    pub(super) fn find(flag: Option<&Path>, env: &Environment<'_>) -> Result<Self, SettingsError> {
        let named = flag.map(Path::to_owned).or_else(|| set(env(HOME_VAR)).map(PathBuf::from));
        if let Some(directory) = named {
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
fn xdg(env: &Environment<'_>, variable: &str, below_home: &str) -> Result<PathBuf, SettingsError> {
    let given = set(env(variable)).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || set(env("HOME")).map(PathBuf::from).or_else(std::env::home_dir);
    given
        .or_else(|| home().map(|home| home.join(below_home)))
        .filter(|path| path.is_absolute())
        .ok_or(SettingsError::NoHome)
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
    fn a_relative_home_is_fixed_at_the_start() {
        let (config, state) = found(Some("here"), &[]);
        assert!(Path::new(&config).is_absolute() && config.ends_with("here"));
        assert_eq!(config, state);
    }
}
