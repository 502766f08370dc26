//! The parts of an address, as libpq writes one: a URL, or pairs. None of them is quoted by an error but the names of
//! parameters that are known: what was meant as a password stands in the place of any other part if it was written
//! without care.

use url::form_urlencoded;

/// Parameters that are obeyed.
pub(super) const OBEYED: [&str; 21] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// Those of libpq that are not.
const OTHERS: [&str; 22] = [
    "client_encoding",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "krbsrvname",
    "passfile",
    "replication",
    "require_auth",
    "requirepeer",
    "service",
    "servicefile",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslpassword",
    "sslsni",
];

/// An address in parts.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// What stands before the parameters of a URL; `None`: the address is pairs.
    base: Option<String>,
    parameters: Vec<(&'static str, String)>,
}

impl Address {
    /// What is wrong is said without the address.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let is_url = text.starts_with("postgres://") || text.starts_with("postgresql://");
        if is_url {
            return of_url(text);
        }
        if !text.contains('=') || text.contains("://") {
            return Err("it begins with `postgres://`".to_owned());
        }
        let mut parameters = Vec::new();
        for (name, value) in pairs(text)? {
            parameters.push((known(&name)?, value));
        }
        Ok(Self { base: None, parameters })
    }

    /// Takes a parameter out of it: the last one of that name counts.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let mut found = None;
        self.parameters.retain(|(known, value)| {
            let is_it = *known == name;
            if is_it {
                found = Some(value.clone());
            }
            !is_it
        });
        found
    }

    /// Whether a parameter stands in it.
    pub(super) fn has(&self, name: &str) -> bool {
        self.parameters.iter().any(|(known, _)| *known == name)
    }

    /// The address as the library reads it.
    pub(super) fn text(&self) -> String {
        let named = |name: &'static str| match name {
            "keepalives_count" => "keepalives_retries",
            name => name,
        };
        let Some(base) = &self.base else {
            let pairs = self.parameters.iter().map(|(name, value)| {
                let value = value.replace('\\', "\\\\").replace('\'', "\\'");
                format!("{}='{value}'", named(name))
            });
            return pairs.collect::<Vec<_>>().join(" ");
        };
        let parameters = self.parameters.iter().map(|(name, value)| {
            let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            format!("{}={}", named(name), value.replace('+', "%20"))
        });
        let parameters: Vec<String> = parameters.collect();
        let mark = if parameters.is_empty() { "" } else { "?" };
        format!("{base}{mark}{}", parameters.join("&"))
    }
}

fn of_url(text: &str) -> Result<Address, String> {
    let authority = text.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    let marks = |text: &str| text.matches('@').count();
    if marks(text) > 1 || marks(authority) != marks(text) {
        return Err(
            "in a user, a password or a name, `@` is written `%40`, `/` `%2F` and `?` `%3F`"
                .to_owned(),
        );
    }
    let (base, query) = text.split_once('?').unwrap_or((text, ""));
    let mut parameters = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let Some((name, value)) = pair.split_once('=') else {
            return Err("a parameter has no value".to_owned());
        };
        // libpq leaves a plus what it is.
        let decoded = |text: &str| {
            let text = format!("={}", text.replace('+', "%2B"));
            let found = form_urlencoded::parse(text.as_bytes()).next();
            found.map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        parameters.push((known(&decoded(name))?, decoded(value)));
    }
    Ok(Address { base: Some(base.to_owned()), parameters })
}

/// The parameter of that name.
fn known(name: &str) -> Result<&'static str, String> {
    if let Some(known) = OBEYED.into_iter().find(|known| *known == name) {
        return Ok(known);
    }
    if let Some(other) = OTHERS.into_iter().find(|other| *other == name) {
        return Err(format!("`{other}` is a parameter of libpq that is not obeyed here"));
    }
    let letters = |text: &str| {
        let letters = text.chars().filter(char::is_ascii_alphanumeric);
        letters.collect::<String>().to_lowercase()
    };
    let written = letters(name);
    let near = OBEYED
        .into_iter()
        .map(|known| (strsim::osa_distance(&written, &letters(known)), known))
        .filter(|(distance, known)| *distance <= known.len() / 4)
        .min();
    Err(match near {
        Some((_, known)) => format!("it has a parameter that is not known; `{known}` may be meant"),
        None => "it has a parameter that is not known".to_owned(),
    })
}

/// The pairs of `name = value`, where a value may stand in single quotes, and a backslash takes the next character
/// as it is.
fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or("a parameter has no value")?;
        let name = name.trim_end();
        if name.contains(char::is_whitespace) {
            return Err("a value with a space in it stands in single quotes".to_owned());
        }
        let after = after.trim_start();
        let (is_quoted, after) = match after.strip_prefix('\'') {
            Some(after) => (true, after),
            None => (false, after),
        };
        let mut value = String::new();
        let mut chars = after.char_indices();
        let mut end = None;
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => value.extend(chars.next().map(|(_, c)| c)),
                '\'' if is_quoted => end = Some(at + 1),
                c if !is_quoted && c.is_whitespace() => end = Some(at),
                c => value.push(c),
            }
            if end.is_some() {
                break;
            }
        }
        if is_quoted && end.is_none() {
            return Err("a single quote has no other one".to_owned());
        }
        let left = after.get(end.unwrap_or(after.len())..).unwrap_or_default();
        if is_quoted && !left.is_empty() && !left.starts_with(char::is_whitespace) {
            return Err(
                "after a value in single quotes comes a space; within one, `'` is written `\\'`"
                    .to_owned(),
            );
        }
        pairs.push((name.to_owned(), value));
        rest = left.trim_start();
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str, name: &str) -> (Option<String>, String) {
        let mut address = Address::read(text).unwrap();
        (address.take(name), address.text())
    }

    #[test]
    fn parameters_are_taken_out_of_either_form() {
        let some = |text: &str| Some(text.to_owned());
        for (text, name, value, left) in [
            (
                "postgres://ana@db/posts?sslmode=require",
                "sslmode",
                some("require"),
                "postgres://ana@db/posts",
            ),
            (
                "postgres://db?a%70plication_name=a+b&sslmode=allow",
                "sslmode",
                some("allow"),
                "postgres://db?application_name=a%2Bb",
            ),
            (
                "postgres:///?host=%2Frun&user=ana",
                "sslmode",
                None,
                "postgres:///?host=%2Frun&user=ana",
            ),
            (
                "host=db password='a sslmode=x b' sslmode = require",
                "sslmode",
                some("require"),
                "host='db' password='a sslmode=x b'",
            ),
            ("password='it\\'s' host=a\\ b", "host", some("a b"), "password='it\\'s'"),
            ("host=db keepalives_count=3", "host", some("db"), "keepalives_retries='3'"),
        ] {
            assert_eq!(taken(text, name), (value, left.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_slip_is_told_from_what_is_not_known_and_what_is_not_obeyed() {
        for (text, said) in [
            ("postgres://db/posts?ssl_mode=require", "`sslmode` may be meant"),
            ("host=db sslMode=require", "`sslmode` may be meant"),
            ("postgres://db/posts?usr=ana", "it has a parameter that is not known"),
            ("postgres://db/posts?aplication_name=x", "`application_name` may be meant"),
            (
                "postgres://db/posts?sslcert=a.pem",
                "`sslcert` is a parameter of libpq that is not obeyed here",
            ),
            ("host=db password=a b", "a parameter has no value"),
            ("host=db password=a b c=d", "single quotes"),
            ("host=db password='a", "has no other one"),
            ("host=db password='a'b", "comes a space"),
            ("postgres://db/posts?sslmode", "has no value"),
            ("postgres://ana:a@b@db/posts", "`@` is written `%40`"),
            ("mysql://db?sslmode=require", "begins with `postgres://`"),
        ] {
            let error = Address::read(text).err().unwrap();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
