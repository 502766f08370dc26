//! An object in a store, by way of the crate `object_store`: its addresses, signatures and credentials, over this
//! program's own connections, and without its tries.

use std::collections::HashMap;
use std::env;
use std::error::Error;
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

use super::web::{code_in, refusal_text, trouble};
use super::{Part, Pin, Ranges, RemoteTrouble};
use crate::model::location::{ObjectAddress, StoreKind};
use crate::secret::Secret;
use crate::text::{chain, plain};
use crate::timing::Timing;

/// How this program names itself.
const USER_AGENT: &str = concat!("tiktok-up/", env!("CARGO_PKG_VERSION"));

/// Idle connections that are kept: one of the bytes, one of the checks between them.
const IDLE: usize = 2;

/// Variables of the environment that hold secrets.
const SECRETS: [&str; 9] = [
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "GOOGLE_BEARER_TOKEN",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_SAS_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_CLIENT_SECRET",
];

/// An object in a store.
#[derive(Debug)]
pub(in crate::source) struct StoredObject {
    store: Arc<dyn ObjectStore>,
    key: Path,
    _secrets: Vec<Secret>,
}

impl StoredObject {
    /// With the credentials and the endpoint that the environment names. Nothing is asked yet.
    pub(in crate::source) fn new(
        address: &ObjectAddress,
        timing: &Timing,
    ) -> Result<Self, RemoteTrouble> {
        let known = SECRETS.iter().filter_map(|name| env::var(name).ok());
        let secrets = known.filter(|text| !text.is_empty()).map(Secret::new).collect();
        let wrong = |error: object_store::Error| RemoteTrouble::Setup(plain(&error.to_string()));
        let key = Path::parse(&address.key).map_err(|error| {
            RemoteTrouble::Setup(format!("its key is none that can be asked for: {error}"))
        })?;
        let connector = Connector { timing: timing.clone() };
        // There is one layer of tries, and it is ours.
        let once = RetryConfig { max_retries: 0, ..RetryConfig::default() };
        let store: Arc<dyn ObjectStore> = match address.store {
            StoreKind::S3 => {
                let built = with_profile(AmazonS3Builder::from_env())
                    .with_bucket_name(&address.bucket)
                    .with_retry(once)
                    .with_http_connector(connector);
                Arc::new(built.build().map_err(wrong)?)
            }
            StoreKind::Gcs => {
                let built = GoogleCloudStorageBuilder::from_env()
                    .with_bucket_name(&address.bucket)
                    .with_retry(once)
                    .with_http_connector(connector);
                Arc::new(built.build().map_err(wrong)?)
            }
            StoreKind::Azure => {
                let built = MicrosoftAzureBuilder::from_env()
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
            if_match: pin.and_then(|pin| pin.etag.clone()),
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
    Pin { size: meta.size, etag, version, modified: Some(meta.last_modified.to_rfc3339()) }
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
        // It has a word for this, and no type.
        _ if last.contains("non-partial") => RemoteTrouble::NoRanges(200),
        _ => RemoteTrouble::Setup(plain(&last)),
    }
}

fn is_unsatisfied(error: &object_store::Error) -> bool {
    matches!(cause(error), RemoteTrouble::Refused { status: 416, .. })
}

/// With the credentials and the region of a profile, where the environment names none.
fn with_profile(builder: AmazonS3Builder) -> AmazonS3Builder {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
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
    if !elsewhere.into_iter().any(is_set) {
        let of = |key| read("AWS_SHARED_CREDENTIALS_FILE", "credentials", &profile, key);
        if let (Some(id), Some(secret)) = (of("aws_access_key_id"), of("aws_secret_access_key")) {
            builder = builder.with_access_key_id(id).with_secret_access_key(secret);
            if let Some(token) = of("aws_session_token") {
                builder = builder.with_token(token);
            }
        }
    }
    if !is_set("AWS_REGION") && !is_set("AWS_DEFAULT_REGION") {
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
        Ok(HttpClient::new(Connection { timing: self.timing.clone(), clients: Mutex::default() }))
    }
}

/// Connections by their hosts.
#[derive(Debug)]
struct Connection {
    timing: Timing,
    clients: Mutex<HashMap<String, reqwest::Client>>,
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
    fn plain_http_stays_on_this_machine() {
        let check = |url: &str| check_plain(&url.parse().unwrap()).is_ok();
        assert!(check("https://s3.example.com/") && check("http://127.0.0.1:9000/"));
        assert!(check("http://169.254.169.254/latest") && !check("http://minio.example.com/"));
    }
}
