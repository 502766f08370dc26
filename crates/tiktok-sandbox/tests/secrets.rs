//! Every secret is told of before a client has it.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};
use tiktok_sandbox::{App, Sandbox, Secret};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// Sends one request and returns the whole answer.
async fn send(sandbox: &Sandbox, request: &str, headers: &str, body: &str) -> String {
    let host = sandbox.url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).await.unwrap();
    let length = body.len();
    let text = format!(
        "{request} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// What stands between two texts.
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split_once(after).unwrap().0
}

#[tokio::test]
async fn every_secret_is_told_before_it_goes_out() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let ears = Arc::clone(&told);
    let sandbox = Sandbox::builder()
        .auto_consent(true)
        .app(App::new("key", Secret::new("client-secret")))
        .on_secret(move |secret| ears.lock().unwrap().push(secret.expose().to_owned()))
        .start()
        .unwrap();
    let knows = |text: &str| told.lock().unwrap().iter().any(|secret| secret == text);
    assert!(knows("client-secret"));

    let back = "http%3A%2F%2F127.0.0.1%3A3456%2Fcallback%2F";
    let verifier = "v".repeat(43);
    let challenge = Sha256::digest(&verifier).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    let authorize = format!(
        "GET /v2/auth/authorize/?client_key=key&response_type=code&state=s\
         &scope=user.info.basic,video.upload&redirect_uri={back}\
         &code_challenge={challenge}&code_challenge_method=S256"
    );
    let answer = send(&sandbox, &authorize, "", "").await;
    let code = between(&answer, "code=", "&");
    assert!(knows(&code.replace("%2A", "*").replace("%21", "!")), "{answer}");

    let exchange = format!(
        "client_key=key&client_secret=client-secret&grant_type=authorization_code&code={code}\
         &redirect_uri={back}&code_verifier={verifier}"
    );
    let answer = send(&sandbox, "POST /v2/oauth/token/", FORM, &exchange).await;
    let access = between(&answer, "\"access_token\":\"", "\"");
    assert!(knows(&verifier) && knows(access), "{answer}");
    assert!(knows(between(&answer, "\"refresh_token\":\"", "\"")));

    let headers = format!("Authorization: Bearer {access}\r\nContent-Type: application/json\r\n");
    let init = "{\"source_info\": {\"source\": \"FILE_UPLOAD\", \"video_size\": 9, \
                \"chunk_size\": 9, \"total_chunk_count\": 1}}";
    let answer = send(&sandbox, "POST /v2/post/publish/inbox/video/init/", &headers, init).await;
    assert!(knows(between(&answer, "upload_token=", "\"")), "{answer}");

    let all: Vec<_> = sandbox.secrets().iter().map(|it| it.expose().to_owned()).collect();
    assert_eq!(all, *told.lock().unwrap());
    sandbox.shutdown().await;
}
