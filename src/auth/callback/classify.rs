//! What a request at the callback port means: a pure decision.
//!
//! Any page in the user's browser, and any program on the machine, can send requests here. Only a
//! `GET` of the exact path that carries our `state` counts; all else is answered and forgotten, and
//! the wait goes on (RFC 8252 section 8, RFC 9700 section 4.7).

use http::header::{HOST, HeaderName, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use tiktok_open::Scopes;
use tiktok_open::callback::{Denial, NoCode, Query};
use url::Url;

use crate::model::RedirectUri;
use crate::secret::Secret;

/// The address that a login waits at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// The redirect URI, as TikTok is told it.
    uri: String,
    /// What browsers name in `Host` when they are sent there.
    host: String,
    /// The path that they ask for.
    path: String,
}

impl Address {
    /// The address of a redirect URI on a port.
    pub(crate) fn new(redirect: &RedirectUri, port: u16) -> Self {
        let uri = redirect.on(port);
        // It was parsed before; browsers go by the same rules.
        let url = Url::parse(&uri).ok();
        let name = if redirect.is_localhost() { "localhost" } else { "127.0.0.1" };
        // Browsers leave out the port that `http` implies.
        let host = if port == 80 { name.to_owned() } else { format!("{name}:{port}") };
        let path = url.map_or_else(|| "/".to_owned(), |url| url.path().to_owned());
        Self { uri, host, path }
    }

    /// The redirect URI, for the authorize URL and, byte for byte the same, for the exchange.
    pub(crate) fn uri(&self) -> &str {
        &self.uri
    }

    /// Where the browser is sent after a callback that counted, so that the code leaves its address bar:
    /// to no path that is registered.
    pub(crate) fn landing(&self, landing: Landing) -> &'static str {
        let (usual, other) = match landing {
            Landing::Done => ("/done", "/done/"),
            Landing::Denied => ("/denied", "/denied/"),
        };
        if self.path == usual { other } else { usual }
    }
}

/// The parts of a request that the decision depends on.
#[derive(Clone, Debug)]
pub(crate) struct Request<'a> {
    /// The method as it was sent.
    pub(crate) method: &'a Method,
    /// The path, undecoded.
    pub(crate) path: &'a str,
    /// The text after `?`, undecoded.
    pub(crate) query: &'a str,
    /// The one `Host`; `None` if there was none, or more than one, or the target named another.
    pub(crate) host: Option<&'a [u8]>,
    /// Whether there was an `Origin`, which no navigation sends.
    pub(crate) origin: bool,
    /// Whether it announced itself as a prefetch.
    pub(crate) prefetch: bool,
}

impl<'a> Request<'a> {
    /// Picks the parts out of a request.
    pub(crate) fn of(parts: &'a Parts) -> Self {
        Self {
            method: &parts.method,
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or(""),
            // An absolute target would overrule the Host header.
            host: the_one(&parts.headers, &HOST).filter(|_| parts.uri.authority().is_none()),
            origin: parts.headers.contains_key(ORIGIN),
            prefetch: is_prefetch(&parts.headers),
        }
    }
}

fn the_one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then(|| first.as_bytes())
}

fn is_prefetch(headers: &HeaderMap) -> bool {
    ["sec-purpose", "purpose", "x-purpose", "x-moz"].iter().any(|name| {
        headers.get_all(*name).iter().any(|value| {
            let value = value.as_bytes().to_ascii_lowercase();
            let says = |word: &[u8]| value.windows(word.len()).any(|part| part == word);
            says(b"prefetch") || says(b"prerender") || says(b"preview")
        })
    })
}

/// What the callback that counted brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    /// The authorization code, decoded once; good for one exchange.
    pub(crate) code: Secret,
    /// The scopes that the user granted, as the callback says it; the token answer decides.
    pub(crate) scopes: Scopes,
}

/// The meaning of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It carries our state and a code.
    Granted(Grant),
    /// It carries our state and an error.
    Denied(Denial),
    /// A page for after the end.
    Landing(Landing),
    /// It would count, but was sent to another name of this machine: to this one.
    Elsewhere(String),
    /// It does not count; the wait goes on.
    Ignored(Ignored),
}

/// The pages for after the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Landing {
    /// After a code.
    Done,
    /// After a refusal.
    Denied,
}

/// Why a request does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ignored {
    /// Not `GET`.
    Method,
    /// Not addressed to the host of the redirect URI, as after DNS rebinding.
    Host,
    /// Sent by a script.
    Origin,
    /// Only a guess of the browser.
    Prefetch,
    /// No such page.
    Path,
    /// A callback of some other login, or a forged one, or garbage.
    ForeignState,
    /// An error that is not tied to this login.
    ErrorWithoutState,
    /// Ours, but with neither a code nor an error.
    Empty,
}

impl Ignored {
    /// The status of the answer.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::Origin => StatusCode::FORBIDDEN,
            Self::Prefetch => StatusCode::NO_CONTENT,
            Self::Path => StatusCode::NOT_FOUND,
            Self::ForeignState | Self::ErrorWithoutState | Self::Empty => StatusCode::BAD_REQUEST,
        }
    }
}

/// Decides about a request to the port of `address` in the login of `state`. The order of the checks is:
/// method, host, origin, prefetch, path, state, error, code.
pub(crate) fn classify(request: &Request<'_>, state: &Secret, address: &Address) -> Verdict {
    match not_a_navigation(request, address) {
        None => {}
        Some(Ignored::Host) => return not_our_host(request, state, address),
        Some(reason) => return Verdict::Ignored(reason),
    }
    match request.path {
        path if path == address.path => classify_query(request.query, state),
        path if path == address.landing(Landing::Done) => Verdict::Landing(Landing::Done),
        path if path == address.landing(Landing::Denied) => Verdict::Landing(Landing::Denied),
        _ => Verdict::Ignored(Ignored::Path),
    }
}

fn not_a_navigation(request: &Request<'_>, address: &Address) -> Option<Ignored> {
    if request.method != Method::GET {
        Some(Ignored::Method)
    } else if !request.host.is_some_and(|host| host.eq_ignore_ascii_case(address.host.as_bytes())) {
        Some(Ignored::Host)
    } else if request.origin {
        Some(Ignored::Origin)
    } else if request.prefetch {
        Some(Ignored::Prefetch)
    } else {
        None
    }
}

/// Who knows our state is the user's own browser, sent to this machine by another name. Nobody else is told
/// more than that nothing is here.
fn not_our_host(request: &Request<'_>, state: &Secret, address: &Address) -> Verdict {
    let Some(host) = request.host.and_then(|host| std::str::from_utf8(host).ok()) else {
        return Verdict::Ignored(Ignored::Host);
    };
    let navigates = !request.origin && !request.prefetch && request.path == address.path;
    match navigates.then(|| classify_query(request.query, state)) {
        Some(Verdict::Granted(_) | Verdict::Denied(_)) => Verdict::Elsewhere(host.to_owned()),
        _ => Verdict::Ignored(Ignored::Host),
    }
}

/// Decides about the query of a callback, wherever it came from: state, then error, then code.
pub(crate) fn classify_query(text: &str, state: &Secret) -> Verdict {
    let Ok(query) = Query::parse(text) else {
        return Verdict::Ignored(Ignored::ForeignState);
    };
    match query.code_for(state) {
        Ok(code) => {
            let scopes = Scopes::from_answer(query.scopes.as_deref().unwrap_or_default());
            Verdict::Granted(Grant { code, scopes })
        }
        Err(NoCode::Denied(denial)) => Verdict::Denied(denial),
        Err(NoCode::Empty) => Verdict::Ignored(Ignored::Empty),
        Err(_) if query.error.is_some() => Verdict::Ignored(Ignored::ErrorWithoutState),
        Err(_) => Verdict::Ignored(Ignored::ForeignState),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const PORT: u16 = 3456;
    const STATE: &str = "5ec2e7";
    const GOOD: &str = "/callback/?code=c%2A&scopes=user.info.basic,video.upload&state=5ec2e7";

    struct Sent(Parts);

    impl Sent {
        fn get(target: &str) -> Self {
            let request = http::Request::get(target).header(HOST, "127.0.0.1:3456");
            Self(request.body(()).unwrap().into_parts().0)
        }

        fn by(mut self, method: Method) -> Self {
            self.0.method = method;
            self
        }

        fn with(mut self, name: &'static str, value: &str) -> Self {
            self.0.headers.append(name, HeaderValue::from_str(value).unwrap());
            self
        }

        fn without_host(mut self) -> Self {
            self.0.headers.remove(HOST);
            self
        }

        fn verdict(&self) -> Verdict {
            self.verdict_at("http://127.0.0.1:*/callback/", PORT)
        }

        fn verdict_at(&self, redirect: &str, port: u16) -> Verdict {
            let address = Address::new(&RedirectUri::parse(redirect).unwrap(), port);
            classify(&Request::of(&self.0), &Secret::new(STATE), &address)
        }

        fn is_ignored_for(&self, reason: Ignored) {
            assert_eq!(self.verdict(), Verdict::Ignored(reason), "{:?}", self.0);
        }
    }

    #[test]
    fn the_callback_with_our_state_and_a_code_counts() {
        let grant = Grant {
            code: Secret::new("c*"),
            scopes: Scopes::from_answer("user.info.basic,video.upload"),
        };
        assert_eq!(Sent::get(GOOD).verdict(), Verdict::Granted(grant));
    }

    #[test]
    fn t01_a_state_that_is_not_exactly_ours_is_ignored() {
        for target in [
            "/callback/?code=c&state=5ec2e8",
            "/callback/?code=c&state=5ec2e",
            "/callback/?code=c&state=5ec2e75ec2e7",
            "/callback/?code=c&state=5ec2e7&state=5ec2e7",
            "/callback/?code=c&state=",
            "/callback/?code=c&state",
            "/callback/?code=c",
            "/callback/?code=c&state=%35ec2e7%",
            "/callback/",
        ] {
            Sent::get(target).is_ignored_for(Ignored::ForeignState);
        }
    }

    #[test]
    fn t02_an_error_without_our_state_is_ignored() {
        for target in
            ["/callback/?error=access_denied", "/callback/?error=access_denied&state=other"]
        {
            Sent::get(target).is_ignored_for(Ignored::ErrorWithoutState);
        }
    }

    #[test]
    fn t03_only_one_host_and_only_ours_is_served() {
        let foreign = "/callback/?code=c&state=other";
        for host in ["evil.test", "evil.test:3456", "localhost:3456", "127.0.0.1", "127.0.0.1:80"] {
            let sent = |target| Sent::get(target).without_host().with("host", host);
            sent(foreign).is_ignored_for(Ignored::Host);
            sent("/done").is_ignored_for(Ignored::Host);
            sent(GOOD).with("origin", "null").is_ignored_for(Ignored::Host);
            sent(GOOD).with("purpose", "prefetch").is_ignored_for(Ignored::Host);
            assert_eq!(sent(GOOD).verdict(), Verdict::Elsewhere(host.to_owned()));
        }
        Sent::get(GOOD).without_host().is_ignored_for(Ignored::Host);
        Sent::get(GOOD).with("host", "127.0.0.1:3456").is_ignored_for(Ignored::Host);
        let absolute = format!("http://127.0.0.1:3456{GOOD}");
        Sent::get(&absolute).is_ignored_for(Ignored::Host);
    }

    #[test]
    fn t03_on_port_80_browsers_name_no_port() {
        let sent = |host| Sent::get(GOOD).without_host().with("host", host);
        let judged = |sent: &Sent| sent.verdict_at("http://127.0.0.1:80/callback/", 80);
        assert!(matches!(judged(&sent("127.0.0.1")), Verdict::Granted(_)));
        assert!(matches!(judged(&sent("127.0.0.1:80")), Verdict::Elsewhere(_)));
    }

    #[test]
    fn the_host_and_the_path_are_those_of_the_redirect_uri() {
        let asked = |path: &str, host: &str| {
            let target = format!("{path}?code=c&state={STATE}");
            Sent::get(&target).without_host().with("host", host)
        };
        for (redirect, path, host) in [
            ("http://localhost:3456/callback/", "/callback/", "localhost:3456"),
            ("http://localhost:*/callback/", "/callback/", "LOCALHOST:3456"),
            ("http://LocalHost:3456/a/b", "/a/b", "localhost:3456"),
            ("http://localhost:3456", "/", "localhost:3456"),
            ("http://127.0.0.1:*/callback", "/callback", "127.0.0.1:3456"),
            ("http://127.0.0.1:3456/done", "/done", "127.0.0.1:3456"),
            ("http://127.0.0.1:3456/a/../b%20c", "/b%20c", "127.0.0.1:3456"),
        ] {
            let verdict = asked(path, host).verdict_at(redirect, PORT);
            assert!(matches!(verdict, Verdict::Granted(_)), "{redirect}: {verdict:?}");
            let other = asked("/other", host).verdict_at(redirect, PORT);
            assert_eq!(other, Verdict::Ignored(Ignored::Path), "{redirect}");
        }
        let by_address = asked("/callback/", "127.0.0.1:3456");
        let verdict = by_address.verdict_at("http://localhost:3456/callback/", PORT);
        assert_eq!(verdict, Verdict::Elsewhere("127.0.0.1:3456".to_owned()));
    }

    #[test]
    fn a_last_page_is_at_no_path_that_is_registered() {
        for (redirect, done, denied) in [
            ("http://127.0.0.1:3456/callback/", "/done", "/denied"),
            ("http://127.0.0.1:3456/done", "/done/", "/denied"),
            ("http://127.0.0.1:3456/denied", "/done", "/denied/"),
        ] {
            let landed = |path: &str| Sent::get(path).verdict_at(redirect, PORT);
            assert_eq!(landed(done), Verdict::Landing(Landing::Done), "{redirect}");
            assert_eq!(landed(denied), Verdict::Landing(Landing::Denied), "{redirect}");
        }
    }

    #[test]
    fn t07_only_a_navigation_counts() {
        for method in [Method::HEAD, Method::OPTIONS, Method::POST, Method::PUT] {
            Sent::get(GOOD).by(method).is_ignored_for(Ignored::Method);
        }
        for (name, value) in
            [("sec-purpose", "prefetch;prerender"), ("purpose", "Prefetch"), ("x-moz", "prefetch")]
        {
            Sent::get(GOOD).with(name, value).is_ignored_for(Ignored::Prefetch);
        }
        Sent::get(GOOD).with("origin", "null").is_ignored_for(Ignored::Origin);
        Sent::get("/favicon.ico").is_ignored_for(Ignored::Path);
    }

    #[test]
    fn a_referer_does_not_matter() {
        let sent = Sent::get(GOOD).with("referer", "https://www.tiktok.com/");
        assert!(matches!(sent.verdict(), Verdict::Granted(_)));
    }

    #[test]
    fn only_the_exact_path_is_the_callback() {
        for path in ["/callback", "/callback//", "/Callback/", "/callback/x", "//callback/", "/"] {
            Sent::get(&format!("{path}?code=c&state={STATE}")).is_ignored_for(Ignored::Path);
        }
    }

    #[test]
    fn f02_an_error_with_our_state_is_a_refusal_even_beside_a_code() {
        let target =
            format!("/callback/?error=access_denied&error_description=no&code=c&state={STATE}");
        let denial = Denial { error: "access_denied".into(), description: Some("no".into()) };
        assert_eq!(Sent::get(&target).verdict(), Verdict::Denied(denial));
    }

    #[test]
    fn t23_the_words_of_a_refusal_are_harmless() {
        let target = format!("/callback/?error=no%1B%5B2J&error_description=%9b&state={STATE}");
        let target = target.replace("%9b", "%C2%9Bred");
        let denial = Denial { error: "no[2J".into(), description: Some("red".into()) };
        assert_eq!(Sent::get(&target).verdict(), Verdict::Denied(denial));
    }

    #[test]
    fn ours_without_a_code_does_not_end_the_wait() {
        Sent::get(&format!("/callback/?code=&state={STATE}")).is_ignored_for(Ignored::Empty);
    }

    #[test]
    fn the_method_is_judged_before_the_host_and_the_path_before_the_state() {
        Sent::get("/x").by(Method::POST).without_host().is_ignored_for(Ignored::Method);
        Sent::get("/x").without_host().with("origin", "x").is_ignored_for(Ignored::Host);
        Sent::get("/x?state=wrong").is_ignored_for(Ignored::Path);
    }

    proptest! {
        #[test]
        fn without_our_state_no_query_ends_a_login(text in ".*") {
            let verdict = classify_query(&text, &Secret::new("a state that no text here contains"));
            prop_assert!(matches!(verdict, Verdict::Ignored(_)));
        }

        #[test]
        fn only_the_whole_state_fits(cut in 0_usize..5, extra in "[0-9a-f]{0,3}") {
            let state = format!("{}{extra}", &STATE[..cut]);
            prop_assume!(state != STATE);
            let verdict = classify_query(&format!("code=c&state={state}"), &Secret::new(STATE));
            prop_assert_eq!(verdict, Verdict::Ignored(Ignored::ForeignState));
        }
    }
}
