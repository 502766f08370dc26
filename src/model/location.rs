//! Where a video lies that is sent in chunks.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::secret::Secret;
use crate::text;

/// Where a video lies that is sent in chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// A file on this machine.
    Path(PathBuf),
    /// An object in a store, read with the credentials of this machine.
    Object(ObjectAddress),
    /// A file behind an https URL.
    Web(WebAddress),
}

impl Location {
    /// The path, if it is a file on this machine.
    pub(crate) fn local(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Object(_) | Self::Web(_) => None,
        }
    }

    /// The path, or what stands for one where there is none, with nothing secret in it: for messages.
    pub(crate) fn shown(&self) -> PathBuf {
        match self {
            Self::Path(path) => path.clone(),
            Self::Object(object) => object.to_string().into(),
            Self::Web(web) => web.shown().into(),
        }
    }

    /// What the journal knows it by: an absolute path, or the address without what may be secret.
    pub(crate) fn recorded(&self) -> PathBuf {
        match self {
            Self::Path(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()),
            Self::Object(object) => object.to_string().into(),
            Self::Web(web) => recorded_address(web.expose()).into(),
        }
    }
}

impl From<PathBuf> for Location {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

/// A kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum StoreKind {
    /// S3 of Amazon, and what speaks its language.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Blob Storage of Azure.
    Azure,
}

impl StoreKind {
    /// All of them, each with the beginning of its addresses.
    pub(crate) const ALL: [(Self, &str); 3] =
        [(Self::S3, "s3://"), (Self::Gcs, "gs://"), (Self::Azure, "az://")];

    fn prefix(self) -> &'static str {
        match self {
            Self::S3 => "s3://",
            Self::Gcs => "gs://",
            Self::Azure => "az://",
        }
    }
}

/// Where stores are that are not those of Amazon, Google and Microsoft, as the settings have it. The environment may
/// say otherwise, as it does to other programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StoreEndpoints {
    /// Of `s3://`.
    pub(crate) s3: Option<String>,
    /// The region of what is there.
    pub(crate) s3_region: Option<String>,
    /// Of `gs://`.
    pub(crate) gs: Option<String>,
    /// Of `az://`, with the name of the account if that stands in the path.
    pub(crate) az: Option<String>,
}

/// An object in a store: `s3://bucket/key`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ObjectAddress {
    /// The kind of store.
    pub(crate) store: StoreKind,
    /// The bucket; Azure calls it a container.
    pub(crate) bucket: String,
    /// The key, as it is: nothing of it is decoded.
    pub(crate) key: String,
}

/// What is wrong with the address of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ObjectAddressError {
    /// No bucket, or no key behind it.
    #[error("names no object: it is written `{0}BUCKET/KEY`")]
    Form(&'static str),
    /// White space or characters that no name of a bucket has.
    #[error("names no bucket: a bucket has letters, digits, hyphens, full stops and underscores")]
    Bucket,
}

impl ObjectAddress {
    /// Reads an address. `None`: the text is none, but may be a path.
    pub(crate) fn of(text: &str) -> Option<Result<Self, ObjectAddressError>> {
        let (store, prefix) = StoreKind::ALL.into_iter().find(|(_, prefix)| {
            text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        })?;
        let (bucket, key) = text[prefix.len()..].split_once('/').unwrap_or_default();
        if bucket.is_empty() || key.is_empty() || key.ends_with('/') {
            return Some(Err(ObjectAddressError::Form(prefix)));
        }
        let of_bucket = |c: char| c.is_ascii_alphanumeric() || "-._$".contains(c);
        if !bucket.chars().all(of_bucket) {
            return Some(Err(ObjectAddressError::Bucket));
        }
        Some(Ok(Self { store, bucket: bucket.to_owned(), key: key.to_owned() }))
    }
}

impl fmt::Display for ObjectAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}/{}", self.store.prefix(), self.bucket, self.key)
    }
}

/// An https URL that this program reads itself. Its query may be a signature, and is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct WebAddress {
    url: Secret,
    /// Known to whatever takes secrets out of texts.
    _query: Option<Secret>,
}

/// Parameters of signatures, which are other ones each time that a link is made.
const SIGNATURES: [&str; 6] =
    ["x-amz-", "x-goog-", "x-oss-", "awsaccesskeyid", "googleaccessid", "key-pair-id"];

/// What belongs to a signature where one of these is there, or a `sig` and an `sv` (Azure).
const WITH_SIGNATURE: [&str; 24] = [
    "signature",
    "expires",
    "policy",
    "hash-algorithm",
    "security-token",
    "x-id",
    "sv",
    "ss",
    "srt",
    "sp",
    "se",
    "st",
    "spr",
    "sig",
    "sr",
    "sip",
    "skoid",
    "sktid",
    "skt",
    "ske",
    "sks",
    "skv",
    "sdd",
    "scid",
];

impl WebAddress {
    /// Takes a URL, as it is written.
    pub(crate) fn new(url: &str) -> Self {
        let query = url.split_once('?').map(|(_, query)| query.split('#').next().unwrap_or(query));
        let query = query.filter(|query| !query.is_empty()).map(Secret::new);
        // The rest of it may be shown.
        Self { url: Secret::unlisted(url), _query: query }
    }

    /// The URL, for the request.
    pub(crate) fn expose(&self) -> &str {
        self.url.expose()
    }

    /// The URL without its query.
    pub(crate) fn shown(&self) -> String {
        text::without_query(self.expose())
    }
}

/// What the journal knows a file behind a URL by: the URL without its query, and a hash of what in that is no signature,
/// as it may say which file is meant.
pub(crate) fn recorded_address(url: &str) -> String {
    let query = url.split('#').next().and_then(|url| Some(url.split_once('?')?.1));
    let all: Vec<_> = query.into_iter().flat_map(|query| query.split('&')).collect();
    let name = |part: &str| part.split('=').next().unwrap_or_default().to_ascii_lowercase();
    let names: Vec<_> = all.iter().map(|part| name(part)).collect();
    let begins = |name: &str| SIGNATURES.iter().any(|start| name.starts_with(start));
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    let is_signed = names.iter().any(|name| begins(name)) || (has("sig") && has("sv"));
    let is_signature = |name: &str| is_signed && (begins(name) || WITH_SIGNATURE.contains(&name));
    let mut left: Vec<_> =
        all.into_iter().filter(|part| !part.is_empty() && !is_signature(&name(part))).collect();
    left.sort_unstable();
    let place = text::without_query(url);
    match left.as_slice() {
        [] => place,
        left => format!("{place}?{}", &blake3::hash(left.join("&").as_bytes()).to_hex()[..16]),
    }
}

impl fmt::Debug for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WebAddress").field(&self.shown()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_an_object_is_its_store_bucket_and_key() {
        for text in ["s3://clips/a b/c?d#e.mp4", "gs://my.bucket/x.mov", "az://container/v.webm"] {
            assert_eq!(ObjectAddress::of(text).unwrap().unwrap().to_string(), text);
        }
        let read = ObjectAddress::of("S3://clips/x.mp4").unwrap().unwrap();
        assert_eq!((read.store, read.to_string()), (StoreKind::S3, "s3://clips/x.mp4".to_owned()));
        for text in ["clip.mp4", "/s3://x/y", "s3:/x/y", "https://x/y", "ä"] {
            assert!(ObjectAddress::of(text).is_none(), "{text}");
        }
        for text in ["s3://", "s3://clips", "s3://clips/", "s3:///x.mp4", "s3://clips/folder/"] {
            let error = ObjectAddress::of(text).unwrap().unwrap_err();
            assert_eq!(error, ObjectAddressError::Form("s3://"), "{text}");
        }
        let error = ObjectAddress::of("s3://a b/x.mp4").unwrap().unwrap_err();
        assert_eq!(error, ObjectAddressError::Bucket);
    }

    #[test]
    fn what_may_be_a_signature_is_neither_shown_nor_recorded() {
        let plain = "https://cdn.example.com/a.mp4";
        for query in [
            "",
            "?X-Amz-Signature=canary&X-Amz-Date=1&x-id=GetObject",
            "?sv=1&sig=canary&se=2",
            "?Expires=1&Signature=canary&Key-Pair-Id=k#t",
        ] {
            let address = WebAddress::new(&format!("{plain}{query}"));
            assert_eq!(
                (address.shown(), recorded_address(address.expose())),
                (plain.into(), plain.into()),
                "{query}"
            );
            assert!(!format!("{address:?}").contains("canary"));
        }
        let of = |query| recorded_address(&format!("{plain}?{query}"));
        assert_eq!(of("v=1&X-Amz-Signature=canary"), of("v=1"));
        assert_ne!(of("v=1"), of("v=2"));
        assert!(!of("token=canary").contains("canary"));
    }
}
