//! Why what lies elsewhere cannot be read.

use std::net::IpAddr;
use std::time::Duration;

use crate::problem::{ErrorCode, Problem};
use crate::text;

/// What lies elsewhere cannot be read, or not any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read {place}: {why}")]
pub(crate) struct RemoteError {
    /// Its address, without what may be secret.
    pub(crate) place: String,
    /// Why.
    pub(crate) why: RemoteTrouble,
}

/// Why what lies elsewhere cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RemoteTrouble {
    /// Nothing is there.
    #[error("there is nothing (HTTP {0})")]
    Missing(u16),
    /// The server does not let this reader read it.
    #[error("the server does not let it be read (HTTP {status}{})", said(code.as_deref()))]
    Forbidden {
        /// HTTP status.
        status: u16,
        /// What the server calls it.
        code: Option<String>,
        /// Whether it is a link, which may have expired.
        is_link: bool,
    },
    /// The bucket lies in another region.
    #[error("the bucket is in another region{}", of_region(.0.as_deref()))]
    #[cfg_attr(not(feature = "cloud"), expect(dead_code, reason = "of stores"))]
    Region(Option<String>),
    /// It is another one than the one that was looked at first.
    #[error("it changed since it was looked at")]
    Changed,
    /// The server sends to another address.
    #[error("the server sends elsewhere (HTTP {0})")]
    Redirected(u16),
    /// The server gives the whole where a part was asked for.
    #[error("the server gives no parts of it (HTTP {0})")]
    NoRanges(u16),
    /// Nothing in an answer tells whether it is still the same.
    #[error(
        "the server gives neither Last-Modified nor an ETag that is not weak, so nobody could tell whether it changes"
    )]
    NoVersion,
    /// Only its time tells whether it is still the same, and that does not tell what changes within a second.
    #[error("it was changed in this second, and only its time tells whether it changes")]
    JustChanged,
    /// The name of the host leads into a network of its own.
    #[error("the name of the host leads to an address that is not public ({0})")]
    NotPublic(IpAddr),
    /// The certificate of the server is not trusted.
    #[error("{0}")]
    NotTrusted(String),
    /// There are no credentials, or they cannot be used.
    #[error("there are no credentials to read it with: {0}")]
    #[cfg_attr(not(feature = "cloud"), expect(dead_code, reason = "of stores"))]
    Credentials(String),
    /// Something about the settings is wrong.
    #[error("{0}")]
    Setup(String),
    /// The server refuses for another reason.
    #[error("the server refuses (HTTP {status}{})", said(code.as_deref()))]
    Refused {
        /// HTTP status.
        status: u16,
        /// What the server calls it.
        code: Option<String>,
    },
    /// No connection, or one that broke.
    #[error("{0}")]
    Network(String),
    /// Fewer bytes came than were announced.
    #[error("the answer ended too early")]
    Cut,
    /// Nothing came for so long.
    #[error("the server gave nothing for {} s", .0.as_secs_f64())]
    Silent(Duration),
    /// The server has too much to do, or a fault of its own.
    #[error("the server cannot now (HTTP {status}{})", said(code.as_deref()))]
    Busy {
        /// HTTP status.
        status: u16,
        /// What the server calls it.
        code: Option<String>,
    },
    /// It could not be reached when the run began.
    #[error("when the run began: {0}")]
    Earlier(Box<Self>),
}

fn said(code: Option<&str>) -> String {
    code.map(|code| format!(", {code}")).unwrap_or_default()
}

fn of_region(region: Option<&str>) -> String {
    region.map(|region| format!(", {region}")).unwrap_or_default()
}

impl RemoteTrouble {
    /// Whether it may pass by itself.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::JustChanged
                | Self::Network(_)
                | Self::Cut
                | Self::Silent(_)
                | Self::Busy { .. }
                | Self::Earlier(_)
        )
    }

    /// What to do about it.
    pub(crate) fn advice(&self) -> String {
        let advice = match self {
            Self::Missing(_) => "look at its name, or take the post out of the manifest",
            Self::Forbidden { is_link: true, .. } => {
                "make a new link, as this one may have expired, and write it into the manifest"
            }
            Self::Forbidden { .. } => {
                "give the credentials of this machine the right to read the object (`s3:GetObject` and the like), or use \
                 others"
            }
            Self::Region(Some(region)) => {
                return format!("set AWS_REGION={}", text::plain(region));
            }
            Self::Region(None) => "set AWS_REGION to the region of the bucket",
            Self::Changed => "nothing of it was posted; run again once it is finished",
            Self::Redirected(_) => {
                "write the address that it sends to: none is followed, as it could lead anywhere"
            }
            Self::NoRanges(_) | Self::NoVersion => {
                "put it where parts of it can be read, such as an object store, or download it and post it with \
                 `video_path`"
            }
            Self::NotPublic(_) => {
                "a store in your own network is read by `video_path` with `s3://`, and AWS_ENDPOINT_URL; a file, with \
                 its path"
            }
            Self::NotTrusted(_) => "name the authorities to trust with SSL_CERT_FILE",
            Self::Credentials(_) => {
                "set those of the store: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile in ~/.aws/credentials, \
                 GOOGLE_APPLICATION_CREDENTIALS, or AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY"
            }
            Self::Setup(_) => "correct that, and run the same command again",
            Self::Refused { .. } => "ask whoever runs the server",
            Self::JustChanged
            | Self::Network(_)
            | Self::Cut
            | Self::Silent(_)
            | Self::Busy { .. }
            | Self::Earlier(_) => {
                "run the same command again later: what was sent is not sent again"
            }
        };
        advice.to_owned()
    }

    pub(in crate::source) fn of(self, place: &str) -> RemoteError {
        RemoteError { place: place.to_owned(), why: self }
    }
}

impl RemoteError {
    /// The same, said later.
    pub(crate) fn as_earlier(&self) -> Self {
        let why = match &self.why {
            RemoteTrouble::Earlier(why) => RemoteTrouble::Earlier(why.clone()),
            why => RemoteTrouble::Earlier(Box::new(why.clone())),
        };
        Self { place: self.place.clone(), why }
    }

    /// The error as data.
    pub(crate) fn problem(&self) -> Problem {
        let code = match &self.why {
            RemoteTrouble::Changed => ErrorCode::FileChanged,
            RemoteTrouble::Missing(_) => ErrorCode::FileGone,
            why if why.may_pass() => ErrorCode::SourceUnreachable,
            _ => ErrorCode::SourceUnreadable,
        };
        Problem::new(code).with("advice", self.why.advice())
    }
}
