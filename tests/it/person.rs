//! A person with a browser, step by step: what TikTok redirects to, and what is sent to the callback.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use url::Url;

use crate::world::{Login, World, raw_request};

/// A callback that TikTok asks the browser to make.
#[derive(Clone, Debug)]
pub(crate) struct Callback {
    pub(crate) port: u16,
    pub(crate) code: String,
    pub(crate) state: String,
}

impl Login {
    /// The port that it listens on.
    pub(crate) fn port(&self) -> u16 {
        Url::parse(&self.parameter("redirect_uri")).unwrap().port().unwrap()
    }

    /// Sends any request target to the callback address, as a browser there would.
    pub(crate) fn get(&self, target: &str) -> String {
        get(self.port(), target)
    }
}

impl World {
    /// Consents, but holds the redirect to the callback back.
    pub(crate) fn consent_to(&self, login: &Login) -> Callback {
        let url = Url::parse(&login.url).unwrap();
        let target = format!("{}?{}", url.path(), url.query().unwrap());
        let answer = get(url.port().unwrap(), &target);
        let location = header(&answer, "location").unwrap_or_else(|| panic!("{answer}"));
        let location = Url::parse(&location).unwrap();
        let value = |name: &str| {
            let found = location.query_pairs().find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        Callback { port: login.port(), code: value("code"), state: value("state") }
    }
}

impl Callback {
    /// The request target, with another state if one is given.
    pub(crate) fn target(&self, state: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("code", &self.code).append_pair("state", state);
        format!("/callback/?{}", query.finish())
    }

    /// Makes the callback and, as a browser does, fetches the page that it leads to.
    pub(crate) fn make(&self) -> String {
        let answer = get(self.port, &self.target(&self.state));
        assert_eq!(status(&answer), "303", "{answer}");
        get(self.port, &header(&answer, "location").unwrap())
    }
}

/// A plain GET to a port of this machine.
pub(crate) fn get(port: u16, target: &str) -> String {
    let head = format!("Host: 127.0.0.1:{port}\r\nConnection: close");
    raw_request(port, &format!("GET {target} HTTP/1.1\r\n{head}\r\n\r\n"))
}

/// The status of a raw answer.
pub(crate) fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

/// A header of a raw answer.
pub(crate) fn header(answer: &str, name: &str) -> Option<String> {
    let (head, _) = answer.split_once("\r\n\r\n")?;
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
}

/// The token store of a world, looked at from outside.
impl World {
    /// Where it is.
    pub(crate) fn store_path(&self) -> PathBuf {
        self.home().join("home/user_tokens.json")
    }

    /// Its text.
    pub(crate) fn store_text(&self) -> String {
        fs::read_to_string(self.store_path()).unwrap()
    }

    /// The entry of an account.
    pub(crate) fn entry(&self, handle: &str) -> Value {
        let store: Value = serde_json::from_str(&self.store_text()).unwrap();
        store["accounts"][self.open_id(handle)].clone()
    }

    /// Replaces the store, keeping its mode.
    pub(crate) fn write_store(&self, text: &str) {
        fs::write(self.store_path(), text).unwrap();
        chmod(&self.store_path(), 0o600);
    }

    /// The names in the state directory that no finished run leaves.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let Ok(names) = fs::read_dir(self.home().join("home")) else { return Vec::new() };
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.contains(".tmp-") || name.contains(".new")).collect()
    }
}

/// Sets a mode.
pub(crate) fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The same command, started by a shell that first does something such as `umask 000`.
pub(crate) fn after(first: &str, command: &Command) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &format!(r#"{first}; exec "$0" "$@""#)]);
    shell.arg(command.get_program()).args(command.get_args()).env_clear();
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(dir) = command.get_current_dir() {
        shell.current_dir(dir);
    }
    shell
}

/// Waits for something that must come to be.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}
