//! A person with a browser, step by step: what TikTok redirects to, and what is sent to the callback.

use std::process::Command;

use url::Url;

pub(crate) use crate::process::eventually;
pub(crate) use crate::store::chmod;
use crate::world::{Login, raw_request};

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

    /// Consents, but holds the redirect to the callback back.
    pub(crate) fn consented(&self) -> Callback {
        let location = Url::parse(&address_bar(&self.url)).unwrap();
        let value = |name: &str| {
            let found = location.query_pairs().find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        Callback { port: self.port(), code: value("code"), state: value("state") }
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

/// Consents in a browser elsewhere: what its address bar ends at.
pub(crate) fn address_bar(authorize_url: &str) -> String {
    let url = Url::parse(authorize_url).unwrap();
    let answer = get(url.port().unwrap(), &format!("{}?{}", url.path(), url.query().unwrap()));
    header(&answer, "location").unwrap_or_else(|| panic!("{answer}"))
}

/// Consents and makes the callback, but does not wait for the page that it leads to.
pub(crate) fn answer(authorize_url: &str) {
    let landed = Url::parse(&address_bar(authorize_url)).unwrap();
    let target = format!("{}?{}", landed.path(), landed.query().unwrap());
    let answer = get(landed.port().unwrap(), &target);
    assert_eq!(status(&answer), "303", "{answer}");
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

/// The page in a raw answer.
pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// A header of a raw answer.
pub(crate) fn header(answer: &str, name: &str) -> Option<String> {
    let (head, _) = answer.split_once("\r\n\r\n")?;
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
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
