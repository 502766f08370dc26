//! A server that is told by POST, with a signature.

use std::fmt::Write as _;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::header::{CONTENT_TYPE, HeaderName};
use sha2::Sha256;
use tiktok_open::Client;
use url::Url;

use super::outbox::Queued;
use crate::clock::Clock;
use crate::retry::Backoff;
use crate::secret::Secret;
use crate::text::chain;
use crate::timing::Timing;

/// `t=SECONDS,v1=HEX`: HMAC-SHA256, by the key, of the seconds, a full stop and the body.
const SIGNATURE: HeaderName = HeaderName::from_static("tiktok-up-signature");

/// The `id` of the first event: the same if the message is sent again.
const ID: HeaderName = HeaderName::from_static("tiktok-up-id");

/// How long a try may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Tries in a run.
const TRIES: u32 = 3;

/// A webhook. Its address may be a secret itself, and is treated as one.
#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    /// Where it is.
    pub(crate) url: Secret,
    /// What its messages are signed with.
    pub(crate) key: Option<Secret>,
}

impl Webhook {
    /// Sends a message, again if that may help. `Err`: why not, without the address.
    pub(super) async fn post(
        &self,
        message: &str,
        events: &[Queued],
        clock: Clock,
        timing: &Timing,
    ) -> Result<(), String> {
        let url: Url = self.url.expose().parse().map_err(|_| "its address is none".to_owned())?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let client = Client::builder().build_for_others(&url).map_err(|error| chain(&error))?;
        let mut backoff = Backoff::new(timing.backoff_base, timing.backoff_cap, TRIES);
        loop {
            let now = clock.now().as_second();
            let mut request = client
                .post(url.clone())
                .timeout(LIMIT)
                .header(CONTENT_TYPE, "application/json")
                .header(ID, events.first().map_or("", |event| event.id.as_str()));
            if let Some(key) = &self.key {
                request = request.header(SIGNATURE, signature(key, now, message));
            }
            let (why, may_pass) = match request.body(message.to_owned()).send().await {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) => {
                    let status = answer.status();
                    let may_pass = status.is_server_error() || matches!(status.as_u16(), 408 | 429);
                    (format!("{host} answered HTTP {}", status.as_u16()), may_pass)
                }
                // Without the address, which may be a secret.
                Err(error) => (format!("{host}: {}", chain(&error.without_url())), true),
            };
            let Some(pause) = backoff.pause().filter(|_| may_pass) else { return Err(why) };
            tokio::time::sleep(pause).await;
        }
    }
}

fn signature(key: &Secret, seconds: i64, message: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes()) else {
        return String::new();
    };
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(message.as_bytes());
    let bytes = mac.finalize().into_bytes();
    bytes.iter().fold(format!("t={seconds},v1="), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf '1764216000.{"version":1}' | openssl dgst -sha256 -hmac key`
    #[test]
    fn a_message_is_signed_as_others_do_it() {
        assert_eq!(
            signature(&Secret::new("key"), 1_764_216_000, r#"{"version":1}"#),
            "t=1764216000,v1=82987d47508d59de72f2786dc6c51ececa0701d841fdc42c5297a95d2c527c89"
        );
    }
}
