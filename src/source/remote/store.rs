//! An object in a store, by way of the crate `object_store`: its addresses, signatures and credentials, over this
//! program's own connections, and without its tries.

use std::collections::{HashMap, VecDeque};
use std::env;
use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use http_body_util::BodyExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{
    ClientOptions, GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, RetryConfig,
};
use reqwest::header::RANGE;
use url::{Host, Url};

use super::secrets::{self, without_values};
use super::web::{code_in, refusal_text, trouble};
use super::{Part, Pin, Ranges, RemoteTrouble};
use crate::model::StoreEndpoints;
use crate::model::location::{ObjectAddress, StoreKind};
use crate::secret::Secret;
use crate::text::{chain, plain};
use crate::timing::Timing;

/// How this program names itself.
const USER_AGENT: &str = concat!("tiktok-up/", env!("CARGO_PKG_VERSION"));

/// Idle connections that are kept: one of the bytes, one of the checks between them.
const IDLE: usize = 2;

/// The most of an answer with credentials that is read, in bytes.
const MOST: usize = 256 << 10;

/// Answers with credentials whose secrets are known for sure: each lasts for the hour, and more are looked for anyway.
const ANSWERS: usize = 8;

/// An object in a store.
pub(in crate::source) struct StoredObject {
    store: Arc<dyn ObjectStore>,
    key: Path,
    _secrets: Vec<Secret>,
}

/// Without the store, as its settings have keys in them.
impl fmt::Debug for StoredObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredObject").field("key", &self.key).finish_non_exhaustive()
    }
}

impl StoredObject {
    /// With the credentials that the environment names, and the endpoint that it or else the settings name. Nothing is
    /// asked yet.
    pub(in crate::source) fn new(
        address: &ObjectAddress,
        endpoints: &StoreEndpoints,
        timing: &Timing,
    ) -> Result<Self, RemoteTrouble> {
        let mut secrets = secrets::of_environment();
        let wrong = |error: object_store::Error| {
            RemoteTrouble::Setup(plain(&without_values(&error.to_string())))
        };
        let key = Path::parse(&address.key).map_err(|error| {
            RemoteTrouble::Setup(format!("its key is none that can be asked for: {error}"))
        })?;
        let connector = Connector { timing: timing.clone() };
        // There is one layer of tries, and it is ours.
        let once = RetryConfig { max_retries: 0, ..RetryConfig::default() };
        let store: Arc<dyn ObjectStore> = match address.store {
            StoreKind::S3 => {
                let mut builder = AmazonS3Builder::from_env();
                if !is_any_set(&["AWS_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
                    && let Some(endpoint) = &endpoints.s3
                {
                    builder = builder.with_endpoint(endpoint);
                }
                let built = with_profile(builder, endpoints.s3_region.as_deref(), &mut secrets)
                    .with_bucket_name(&address.bucket)
                    .with_retry(once)
                    .with_http_connector(connector);
                Arc::new(built.build().map_err(wrong)?)
            }
            StoreKind::Gcs => {
                let mut builder = GoogleCloudStorageBuilder::from_env();
                if !is_any_set(&["GOOGLE_BASE_URL"])
                    && let Some(endpoint) = &endpoints.gs
                {
                    builder = builder.with_base_url(endpoint);
                }
                let built = builder
                    .with_bucket_name(&address.bucket)
                    .with_retry(once)
                    .with_http_connector(connector);
                Arc::new(built.build().map_err(wrong)?)
            }
            StoreKind::Azure => {
                let mut builder = MicrosoftAzureBuilder::from_env();
                if !is_any_set(&["AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"])
                    && let Some(endpoint) = &endpoints.az
                {
                    builder = builder.with_endpoint(endpoint.clone());
                }
                let built = builder
                    .with_container_name(&address.bucket)
                    .with_retry(once)
                    .with_http_connector(connector);
                Arc::new(built.build().map_err(wrong)?)
            }
        };
        Ok(Self { store, key, _secrets: secrets })
    }

    async fn ask(&self, range: Range<u64>, pin: Option<&Pin>) -> Result<Part, RemoteTrouble> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            // A weak tag matches nothing here; what the answer says is compared in any case.
            if_match: pin.and_then(Pin::strong_etag).map(str::to_owned),
            ..GetOptions::default()
        };
        let answer = match self.store.get_opts(&self.key, options).await {
            // An empty object has no range.
            Err(error) if pin.is_none() && is_unsatisfied(&error) => return self.empty().await,
            answer => answer.map_err(|error| cause(&error))?,
        };
        let pin = pin_of(&answer.meta);
        let bytes = answer.into_stream().map(|piece| piece.map_err(|error| cause(&error)));
        Ok(Part { pin, bytes: Box::pin(bytes) })
    }

    async fn empty(&self) -> Result<Part, RemoteTrouble> {
        let meta = self.store.head(&self.key).await.map_err(|error| cause(&error))?;
        if meta.size > 0 {
            return Err(RemoteTrouble::NoRanges(416));
        }
        Ok(Part { pin: pin_of(&meta), bytes: Box::pin(futures_util::stream::empty()) })
    }
}

impl Ranges for StoredObject {
    fn get<'a>(
        &'a self,
        range: Range<u64>,
        pin: Option<&'a Pin>,
    ) -> BoxFuture<'a, Result<Part, RemoteTrouble>> {
        tracing::debug!(key = self.key.as_ref(), ?range, "asked for a part");
        Box::pin(self.ask(range, pin))
    }
}

fn pin_of(meta: &object_store::ObjectMeta) -> Pin {
    let (etag, version) = (meta.e_tag.clone(), meta.version.clone());
    // The crate has 1970 for a store that tells no time.
    let modified = Some(meta.last_modified).filter(|time| time.timestamp() > 0);
    Pin { size: meta.size, etag, version, modified: modified.map(|time| time.to_rfc3339()) }
}

/// What an error of the crate stems from: ours, which its connection has given it.
fn cause(error: &object_store::Error) -> RemoteTrouble {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    let mut last = String::new();
    while let Some(error) = cause {
        if let Some(trouble) = error.downcast_ref::<RemoteTrouble>() {
            return trouble.clone();
        }
        last = error.to_string();
        cause = error.source();
    }
    match error {
        object_store::Error::Precondition { .. } => RemoteTrouble::Changed,
        // It has words for these, and no types.
        _ if last.contains("non-partial") => RemoteTrouble::NoRanges(200),
        _ if ["ETag Header missing", "Last-Modified Header missing"]
            .iter()
            .any(|words| last.starts_with(words)) =>
        {
            RemoteTrouble::NoVersion
        }
        _ => RemoteTrouble::Setup(plain(&without_values(&last))),
    }
}

fn is_unsatisfied(error: &object_store::Error) -> bool {
    matches!(cause(error), RemoteTrouble::Refused { status: 416, .. })
}

/// Whether the environment has one of these variables.
fn is_any_set(names: &[&str]) -> bool {
    names.iter().any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// With the credentials and the region of a profile, where the environment names none; the settings may name a region.
fn with_profile(
    builder: AmazonS3Builder,
    region: Option<&str>,
    secrets: &mut Vec<Secret>,
) -> AmazonS3Builder {
    let elsewhere = ["AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_SKIP_SIGNATURE"];
    let profile = env::var("AWS_PROFILE").ok().filter(|name| !name.is_empty());
    let profile = profile.unwrap_or_else(|| "default".to_owned());
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let read = |variable: &str, name: &str, section: &str, key: &str| {
        let path =
            env::var_os(variable).map_or_else(|| home.join(".aws").join(name), PathBuf::from);
        in_profile(&std::fs::read_to_string(path).ok()?, section, key)
    };
    let mut builder = builder;
    if !is_any_set(&elsewhere) {
        let of = |key| read("AWS_SHARED_CREDENTIALS_FILE", "credentials", &profile, key);
        if let (Some(id), Some(secret)) = (of("aws_access_key_id"), of("aws_secret_access_key")) {
            secrets.push(Secret::new(secret.as_str()));
            builder = builder.with_access_key_id(id).with_secret_access_key(secret);
            if let Some(token) = of("aws_session_token") {
                secrets.push(Secret::new(token.as_str()));
                builder = builder.with_token(token);
            }
        }
    }
    if !is_any_set(&["AWS_REGION", "AWS_DEFAULT_REGION"]) {
        if let Some(region) = region {
            return builder.with_region(region);
        }
        let section = if profile == "default" { profile } else { format!("profile {profile}") };
        if let Some(region) = read("AWS_CONFIG_FILE", "config", &section, "region") {
            builder = builder.with_region(region);
        }
    }
    builder
}

/// The value of a key in a section of a file as the AWS command line has it.
fn in_profile(text: &str, section: &str, key: &str) -> Option<String> {
    let mut within = false;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            within = name.trim() == section;
        } else if within
            && let Some((name, value)) = line.split_once('=')
            && name.trim() == key
        {
            return Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        }
    }
    None
}

/// Makes connections as the rest of this program does: the same proxy, the same trust, no redirects.
#[derive(Debug)]
struct Connector {
    timing: Timing,
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let (clients, secrets) = <_>::default();
        Ok(HttpClient::new(Connection { timing: self.timing.clone(), clients, secrets }))
    }
}

/// Connections by their hosts.
#[derive(Debug)]
struct Connection {
    timing: Timing,
    clients: Mutex<HashMap<String, reqwest::Client>>,
    /// Those of the last answers with credentials.
    secrets: Mutex<VecDeque<Vec<Secret>>>,
}

impl Connection {
    fn client(&self, url: &Url) -> Result<reqwest::Client, RemoteTrouble> {
        let host = url.origin().ascii_serialization();
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&host) {
            return Ok(client.clone());
        }
        let client = tiktok_open::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(self.timing.connect)
            .idle_connections(IDLE)
            .build_for_others(url)
            .map_err(|error| RemoteTrouble::Setup(chain(&error)))?;
        clients.insert(host, client.clone());
        Ok(client)
    }

    /// Makes the secrets of an answer with credentials known.
    fn learn(&self, answer: &str, is_token: bool) {
        let mut found = secrets::within(answer);
        if is_token {
            found.push(Secret::new(answer.trim()));
        }
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.push_back(found);
        if secrets.len() > ANSWERS {
            secrets.pop_front();
        }
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, RemoteTrouble> {
        let (parts, body) = request.into_parts();
        let url: Url = parts
            .uri
            .to_string()
            .parse()
            .map_err(|_| RemoteTrouble::Setup("its address is none".to_owned()))?;
        check_plain(&url)?;
        // What is asked for beside objects are credentials.
        let is_object = parts.headers.contains_key(RANGE) || parts.method == http::Method::HEAD;
        let of_credentials = |why: RemoteTrouble| match why {
            why if is_object => why,
            why => RemoteTrouble::Credentials(why.to_string()),
        };
        // The session of a machine's metadata begins with a token, and nothing around it.
        let is_token = parts.method == http::Method::PUT;
        let mut asked = reqwest::Request::new(parts.method, url.clone());
        *asked.headers_mut() = parts.headers;
        *asked.body_mut() = body.as_bytes().map(|bytes| bytes.clone().into());
        let answer = self.client(&url)?.execute(asked).await;
        let answer = answer.map_err(|error| of_credentials(trouble(&error)))?;
        if !answer.status().is_success() {
            return Err(of_credentials(refusal(answer).await));
        }
        let answer: http::Response<reqwest::Body> = answer.into();
        let (parts, body) = answer.into_parts();
        if !is_object {
            let body = http_body_util::Limited::new(body, MOST).collect().await;
            let body = body.map_err(|error| {
                of_credentials(RemoteTrouble::Network(plain(&error.to_string())))
            })?;
            let body = body.to_bytes();
            self.learn(&String::from_utf8_lossy(&body), is_token);
            return Ok(HttpResponse::from_parts(parts, body.into()));
        }
        let body = body.map_err(|error| HttpError::new(HttpErrorKind::Unknown, trouble(&error)));
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::new(body)))
    }
}

#[async_trait]
impl HttpService for Connection {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.ask(request).await.map_err(|why| HttpError::new(HttpErrorKind::Unknown, why))
    }
}

/// An error for what would go over a network unprotected, unless somebody wants it so.
fn check_plain(url: &Url) -> Result<(), RemoteTrouble> {
    let is_here = match url.host() {
        // Also where the credentials of a machine or a container come from.
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_link_local(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name == "metadata.google.internal",
        None => false,
    };
    let allowed = ["AWS_ALLOW_HTTP", "GOOGLE_ALLOW_HTTP", "AZURE_ALLOW_HTTP"];
    let is_allowed = allowed.iter().any(|name| env::var(name).is_ok_and(|it| it == "true"));
    if url.scheme() == "https" || is_here || is_allowed {
        return Ok(());
    }
    let host = plain(url.host_str().unwrap_or_default());
    let words = format!("{host} speaks plain HTTP, which AWS_ALLOW_HTTP=true would allow");
    Err(RemoteTrouble::Setup(words))
}

/// What an answer means that is no success.
async fn refusal(answer: reqwest::Response) -> RemoteTrouble {
    let status = answer.status().as_u16();
    let region = answer.headers().get("x-amz-bucket-region");
    let region = region.and_then(|region| region.to_str().ok()).map(plain);
    let code = code_in(&refusal_text(answer).await);
    let is_of_region = |code: &str| {
        matches!(code, "AuthorizationHeaderMalformed" | "PermanentRedirect" | "TemporaryRedirect")
    };
    if status == 301 || (status == 400 && code.as_deref().is_some_and(is_of_region)) {
        return RemoteTrouble::Region(region);
    }
    super::web::meaning(status, code, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_read_as_the_command_line_of_aws_has_it() {
        let text = "# mine\n[default]\naws_access_key_id = one\n\n[ other ]\naws_access_key_id=two\nregion =\n";
        assert_eq!(in_profile(text, "default", "aws_access_key_id").as_deref(), Some("one"));
        assert_eq!(in_profile(text, "other", "aws_access_key_id").as_deref(), Some("two"));
        assert_eq!(in_profile(text, "other", "region"), None);
        assert_eq!(in_profile(text, "none", "region"), None);
    }

    #[test]
    fn no_key_of_a_store_is_in_debug_output() {
        let connector = || Connector { timing: Timing::default() };
        let azure = MicrosoftAzureBuilder::new()
            .with_account("clips")
            .with_access_key("Y2FuYXJ5")
            .with_container_name("clips")
            .with_http_connector(connector())
            .build()
            .unwrap();
        let bearer = GoogleCloudStorageBuilder::new()
            .with_bucket_name("clips")
            .with_bearer_token("canary")
            .with_http_connector(connector())
            .build()
            .unwrap();
        let stores: [Arc<dyn ObjectStore>; 2] = [Arc::new(azure), Arc::new(bearer)];
        for store in stores {
            let object = StoredObject { store, key: Path::from("clip.mp4"), _secrets: Vec::new() };
            let shown = format!("{object:?}");
            // A key is a list of bytes there.
            assert!(shown.contains("clip.mp4") && !shown.contains("canary"), "{shown}");
            assert!(!shown.contains("99, 97, 110, 97, 114, 121"), "{shown}");
        }
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        let check = |url: &str| check_plain(&url.parse().unwrap()).is_ok();
        assert!(check("https://s3.example.com/") && check("http://127.0.0.1:9000/"));
        assert!(check("http://169.254.169.254/latest") && !check("http://minio.example.com/"));
    }
}
