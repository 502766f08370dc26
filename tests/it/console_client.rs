//! Somebody who uses the console by its addresses alone, as a program does: no browser checks anything for them.

use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Body, Client, Method, RequestBuilder, Response};

use crate::console::Console;
use crate::world::World;

/// What the form of a post sends that goes at once, and that nobody else sees.
pub(crate) const AT_ONCE: [(&str, &str); 4] =
    [("privacy_level", "SELF_ONLY"), ("mode", "direct"), ("when", "now"), ("action", "publish")];

/// What the form of a post sends that goes years from now.
pub(crate) const LATER: [(&str, &str); 5] = [
    ("privacy_level", "SELF_ONLY"),
    ("mode", "direct"),
    ("when", "at"),
    ("at", "2031-05-01T10:00"),
    ("action", "publish"),
];

/// A visitor with a session.
pub(crate) struct Visitor<'a> {
    world: &'a World,
    http: Client,
    /// The address of the console.
    pub(crate) at: String,
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

/// What the console has answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Where it leads.
    pub(crate) to: String,
    /// How much of a file it says to have, in bytes.
    pub(crate) offset: Option<u64>,
    pub(crate) text: String,
}

impl Answer {
    async fn of(response: Response) -> Self {
        let header = |name: &str| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let (to, offset) = (header(LOCATION.as_str()), header("upload-offset").parse().ok());
        let status = response.status().as_u16();
        Self { status, to, offset, text: response.text().await.unwrap() }
    }

    /// Which says this.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.text.contains(words), "no {words:?} in {}", self.text);
        self
    }

    /// With this status.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }
}

impl<'a> Visitor<'a> {
    /// Signs in by the link of a console.
    pub(crate) fn of(world: &'a World, console: &Console) -> Self {
        let (at, token) = console.link.split_once("/#token=").unwrap();
        Self::sign_in(world, at, &[("token", token)])
    }

    /// Signs in by what a form would send.
    pub(crate) fn sign_in(world: &'a World, at: &str, form: &[(&str, &str)]) -> Self {
        let http = Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .tls_danger_accept_invalid_certs(true)
            .redirect(Policy::none())
            .build();
        let http = http.unwrap();
        let asked = http.post(format!("{at}/signin")).header(ORIGIN, at).form(form);
        let answer = world.block_on(asked.send()).unwrap();
        assert_eq!(answer.status(), 303);
        let cookie = answer.headers()[SET_COOKIE].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let mut visitor = Self { world, http, at: at.to_owned(), cookie, csrf: String::new() };
        let page = visitor.get("/").is(200).text;
        let (_, token) = page.split_once("<meta name=\"csrf\" content=\"").unwrap();
        visitor.csrf = token.split('"').next().unwrap().into();
        visitor
    }

    /// A request of theirs, to be added to.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.at));
        request.header(COOKIE, &self.cookie).header(ORIGIN, &self.at).header("accept", "text/html")
    }

    /// Sends one.
    pub(crate) fn send(&self, request: RequestBuilder) -> Answer {
        self.world.block_on(async { Answer::of(request.send().await.unwrap()).await })
    }

    /// Reads a page.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path))
    }

    /// Sends a form of a page.
    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = [("csrf", self.csrf.as_str())];
        let fields: Vec<_> = token.iter().chain(fields).collect();
        self.send(self.request(Method::POST, path).form(&fields))
    }

    /// Begins a post of a file that is sent: the address of its page.
    pub(crate) fn begin_upload(&self, account: &str, name: &str, size: u64) -> Answer {
        let size = size.to_string();
        let fields = [("source", "upload"), ("account", account), ("name", name), ("size", &size)];
        let form = self.request(Method::POST, "/compose").header("x-csrf-token", &self.csrf);
        self.send(form.form(&[&fields[..], &[("csrf", self.csrf.as_str())]].concat()))
    }

    /// Presses a button of the page of a post, which says what of its file it has shown.
    pub(crate) fn publish(&self, page: &str, fields: &[(&str, &str)]) -> Answer {
        let shown = self.get(page).text;
        let seen = shown.split_once("name=\"seen\" value=\"").map(|(_, rest)| rest);
        let seen = seen.and_then(|rest| rest.split('"').next()).unwrap_or_default();
        self.post(page, &[fields, &[("seen", seen)]].concat())
    }

    /// Sends a piece of a file.
    pub(crate) fn piece(&self, page: &str, offset: u64, body: impl Into<Body>) -> Answer {
        let request = self.request(Method::PUT, &format!("{page}/file?offset={offset}"));
        let request = request.header("x-csrf-token", &self.csrf);
        self.send(request.header(CONTENT_TYPE, "application/octet-stream").body(body))
    }

    /// Begins a post of a file of this machine: the address of its page.
    pub(crate) fn begin(&self, account: &str, path: &str) -> String {
        let fields = [("source", "file"), ("account", account), ("path", path)];
        let begun = self.post("/compose", &fields).is(303).to;
        assert!(begun.starts_with("/compose/web-"), "{begun}");
        begun
    }
}
