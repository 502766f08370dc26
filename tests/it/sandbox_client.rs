//! A plain HTTP client of the sandbox, written from TikTok's documentation and not from ours.

use std::sync::Once;
use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tiktok_sandbox::{ConsentPlan, Options, Sandbox};

/// Where the callback server of a desktop app would listen.
pub(crate) const CALLBACK: &str = "http://127.0.0.1:3456/callback/";
/// A verifier of 64 characters from the documented alphabet.
pub(crate) const VERIFIER: &str =
    "A-._~A-._~A-._~A-._~A-._~A-._~A-._~A-._~A-._~A-._~A-._~A-._~Zz09";
/// Every scope.
pub(crate) const ALL_SCOPES: &str =
    "user.info.basic,user.info.profile,user.info.stats,video.list,video.publish,video.upload";
/// What a small upload consists of: the start of an MP4.
pub(crate) const MP4: &[u8] = b"\0\0\0\x18ftypisom\0\0\0\0isomiso2";

/// A sandbox and somebody who talks to it.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) http: reqwest::Client,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// `status code` of an envelope.
    pub(crate) fn verdict(&self) -> String {
        let code = &self.json()["error"]["code"];
        format!("{} {}", self.status, code.as_str().unwrap_or("(no error.code)"))
    }

    /// `status error` of a flat error, or `status ok`.
    pub(crate) fn flat(&self) -> String {
        format!("{} {}", self.status, self.json()["error"].as_str().unwrap_or("ok"))
    }

    pub(crate) fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn data(&self) -> Value {
        assert_eq!(self.verdict(), "200 ok", "{}", self.text);
        self.json()["data"].clone()
    }

    pub(crate) fn header(&self, name: &str) -> String {
        self.headers.get(name).map_or(String::new(), |value| value.to_str().unwrap().to_owned())
    }
}

impl World {
    /// An audited app, everything ready at once.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Options)) -> Self {
        static CRYPTO: Once = Once::new();
        CRYPTO.call_once(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let mut options =
            Options { auto_consent: true, processing: Duration::ZERO, ..Options::default() };
        change(&mut options);
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tls_backend_preconfigured(no_roots())
            .build()
            .unwrap();
        Self { sandbox: Sandbox::builder().options(options).start().unwrap(), http }
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.url())
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        Reply::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(self.http.get(self.at(path))).await
    }

    /// Form-encoded, as the OAuth endpoints want it.
    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.send(self.http.post(self.at(path)).form(fields)).await
    }

    /// With the app's credentials in front.
    pub(crate) async fn oauth(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let (key, secret) = (self.sandbox.client_key(), self.sandbox.client_secret());
        let mut all = vec![("client_key", key.as_str()), ("client_secret", secret.expose())];
        all.extend_from_slice(fields);
        self.form(path, &all).await
    }

    /// A JSON call with a bearer token.
    pub(crate) async fn call(&self, path: &str, token: &str, body: &Value) -> Reply {
        let request = self.http.post(self.at(path)).bearer_auth(token);
        let request = request.header("content-type", "application/json; charset=UTF-8");
        self.send(request.body(body.to_string())).await
    }

    /// The query of a good authorize request.
    pub(crate) fn authorize_query(&self) -> Vec<(&'static str, String)> {
        vec![
            ("client_key", self.sandbox.client_key()),
            ("response_type", "code".to_owned()),
            ("scope", ALL_SCOPES.to_owned()),
            ("redirect_uri", CALLBACK.to_owned()),
            ("state", "st ate&1".to_owned()),
            ("code_challenge", challenge(VERIFIER)),
            ("code_challenge_method", "S256".to_owned()),
        ]
    }

    pub(crate) async fn authorize(&self, query: &[(&'static str, String)]) -> Reply {
        let request = self.http.get(self.at("/v2/auth/authorize/")).query(query);
        self.send(request).await
    }

    /// A code, as its person.
    pub(crate) async fn code(&self, handle: &str, scopes: &str) -> String {
        let account = Some(handle.to_owned());
        self.sandbox.consent(ConsentPlan { account, ..ConsentPlan::default() }).unwrap();
        let mut query = self.authorize_query();
        scopes.clone_into(&mut query[2].1);
        let reply = self.authorize(&query).await;
        callback(&reply, "code").expect("a code")
    }

    /// The whole first pair of tokens.
    pub(crate) async fn tokens(&self, handle: &str, scopes: &str) -> Value {
        let code = self.code(handle, scopes).await;
        let reply = self.exchange(&code).await;
        assert_eq!(reply.flat(), "200 ok", "{}", reply.text);
        reply.json()
    }

    pub(crate) async fn exchange(&self, code: &str) -> Reply {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.oauth("/v2/oauth/token/", &fields).await
    }

    /// An access token with every scope.
    pub(crate) async fn login(&self, handle: &str) -> String {
        text(&self.tokens(handle, ALL_SCOPES).await["access_token"])
    }

    pub(crate) async fn refresh(&self, token: &str) -> Reply {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.oauth("/v2/oauth/token/", &fields).await
    }

    /// Inits a direct post, visible to the creator alone.
    pub(crate) async fn init(&self, token: &str, size: u64, chunk: u64, count: u64) -> Reply {
        self.call("/v2/post/publish/video/init/", token, &direct(size, chunk, count)).await
    }

    /// Sends one chunk, with the range as text.
    pub(crate) async fn put(&self, url: &str, range: &str, body: Vec<u8>) -> Reply {
        let request = self.http.put(url).header("content-type", "video/mp4");
        self.send(request.header("content-range", range).body(body)).await
    }

    /// Inits and sends a one-chunk video; its `publish_id`.
    pub(crate) async fn post(&self, token: &str, bytes: &[u8]) -> String {
        let size = bytes.len() as u64;
        let init = self.init(token, size, size, 1).await.data();
        let range = format!("bytes 0-{}/{size}", size - 1);
        let sent = self.put(init["upload_url"].as_str().unwrap(), &range, bytes.to_vec()).await;
        assert_eq!(sent.status, StatusCode::CREATED);
        text(&init["publish_id"])
    }

    pub(crate) async fn status(&self, token: &str, publish_id: &str) -> Reply {
        let body = json!({ "publish_id": publish_id });
        self.call("/v2/post/publish/status/fetch/", token, &body).await
    }

    /// Method and path without anything else.
    pub(crate) async fn bare(&self, method: Method, path: &str) -> Reply {
        self.send(self.http.request(method, self.at(path))).await
    }
}

/// Waits until something is so, for half a minute at most.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while !so() {
        assert!(tokio::time::Instant::now() < deadline, "never came: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The body of a good direct init.
pub(crate) fn direct(size: u64, chunk: u64, count: u64) -> Value {
    json!({
        "post_info": {
            "title": "A title", "privacy_level": "SELF_ONLY", "disable_duet": false,
            "disable_comment": true, "disable_stitch": false, "video_cover_timestamp_ms": 1000,
            "brand_content_toggle": false, "brand_organic_toggle": false, "is_aigc": false,
        },
        "source_info": {
            "source": "FILE_UPLOAD", "video_size": size, "chunk_size": chunk,
            "total_chunk_count": count,
        },
    })
}

/// Lowercase hex SHA-256.
pub(crate) fn challenge(verifier: &str) -> String {
    hash(verifier.as_bytes())
}

/// SHA-256 in lowercase hex.
pub(crate) fn hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hex_digit).collect()
}

fn hex_digit(value: u8) -> char {
    char::from_digit(value.into(), 16).expect("half a byte")
}

/// A parameter of the URL that an answer redirects to.
pub(crate) fn callback(reply: &Reply, name: &str) -> Option<String> {
    let url = url::Url::parse(&reply.header("location")).ok()?;
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// Plain http only, so that no store of certificates is looked for.
fn no_roots() -> rustls::ClientConfig {
    rustls::ClientConfig::builder()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}
