//! The desktop's keyring: the Secret Service on Linux, the keychain on macOS. Each key has an entry of
//! its own, named by the key's fingerprint, so that a new key never takes the place of an old one.

use std::time::Duration;

use crate::encrypt::{Key, KeyId};
use crate::problem::ErrorCode;

/// How long the keyring may take: it waits for ever for somebody to unlock it, also under cron.
#[cfg(feature = "keyring")]
const LIMIT: Duration = Duration::from_secs(10);

/// Why a keyring gave no key.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(not(feature = "keyring"), expect(dead_code, reason = "what only a keyring says"))]
pub(crate) enum KeyringError {
    /// This build cannot use one.
    #[cfg(not(feature = "keyring"))]
    #[error("this build of tiktok-up cannot use a keyring")]
    NotBuilt,
    /// There is none, it is locked, or it refused.
    #[error("{0}")]
    Failed(String),
    /// It has no such entry.
    #[error("it has no entry `{0}`")]
    NoEntry(String),
    /// What it holds is no key.
    #[error("its entry `{0}` is not a key")]
    NotAKey(String),
    /// It did not answer.
    #[error("it did not answer within {} s", .0.as_secs())]
    Slow(Duration),
}

impl KeyringError {
    /// Which error it is.
    pub(super) fn code(&self) -> ErrorCode {
        match self {
            #[cfg(not(feature = "keyring"))]
            Self::NotBuilt => ErrorCode::KeyringNotBuilt,
            Self::Failed(_) | Self::Slow(_) => ErrorCode::KeyringLocked,
            Self::NoEntry(_) | Self::NotAKey(_) => ErrorCode::KeyringNoEntry,
        }
    }
}

#[cfg(feature = "keyring")]
pub(super) use here::{read, write};

#[cfg(feature = "keyring")]
mod here {
    use std::sync::mpsc::{self, RecvTimeoutError};
    use std::thread;

    use keyring::{Entry, Error};

    use super::{Duration, Key, KeyId, KeyringError, LIMIT};
    use crate::fault;
    use crate::text::plain;

    /// Under which our entries are filed.
    const SERVICE: &str = "tiktok-up";

    fn name(id: KeyId) -> String {
        format!("token store key {id}")
    }

    /// The key with this fingerprint.
    pub(in crate::settings) fn read(id: KeyId) -> Result<Key, KeyringError> {
        fault::point("keyring: read").map_err(|error| KeyringError::Failed(error.to_string()))?;
        within(LIMIT, move || {
            let text = Entry::new(SERVICE, &name(id))
                .and_then(|entry| entry.get_password())
                .map(zeroize::Zeroizing::new)
                .map_err(|error| explain(id, &error))?;
            Key::parse(&text).map_err(|_| KeyringError::NotAKey(name(id)))
        })
    }

    /// Puts a key in, and looks whether it is there.
    pub(in crate::settings) fn write(key: &Key) -> Result<(), KeyringError> {
        fault::point("keyring: write").map_err(|error| KeyringError::Failed(error.to_string()))?;
        let (id, text) = (key.id(), key.to_text());
        within(LIMIT, move || {
            Entry::new(SERVICE, &name(id))
                .and_then(|entry| entry.set_password(text.expose()))
                .map_err(|error| explain(id, &error))
        })?;
        if read(id)? == *key { Ok(()) } else { Err(KeyringError::NotAKey(name(id))) }
    }

    /// Only the sentences of these errors: some carry what was read.
    fn explain(id: KeyId, error: &Error) -> KeyringError {
        match error {
            Error::NoEntry => KeyringError::NoEntry(name(id)),
            Error::BadEncoding(_) | Error::BadDataFormat(..) => KeyringError::NotAKey(name(id)),
            Error::NoDefaultStore => match Entry::store_status() {
                Err(error) => KeyringError::Failed(plain(&error.to_string())),
                Ok(()) => KeyringError::Failed("there is none".to_owned()),
            },
            error => KeyringError::Failed(plain(&error.to_string())),
        }
    }

    /// Runs it in a thread of its own, which is left behind if it does not come to an end.
    fn within<T: Send + 'static>(
        limit: Duration,
        work: impl FnOnce() -> Result<T, KeyringError> + Send + 'static,
    ) -> Result<T, KeyringError> {
        let (tell, told) = mpsc::sync_channel(1);
        thread::Builder::new()
            .name("keyring".to_owned())
            .spawn(move || _ = tell.send(work()))
            .map_err(|error| KeyringError::Failed(error.to_string()))?;
        match told.recv_timeout(limit) {
            Ok(done) => done,
            Err(RecvTimeoutError::Timeout) => Err(KeyringError::Slow(limit)),
            Err(RecvTimeoutError::Disconnected) => {
                Err(KeyringError::Failed("the way to it broke".to_owned()))
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_keyring_that_does_not_answer_is_left_alone() {
            let (_keep, never) = mpsc::channel::<()>();
            let slow = within(Duration::from_millis(1), move || {
                _ = never.recv();
                Ok(())
            });
            assert!(matches!(slow, Err(KeyringError::Slow(_))));
        }

        #[test]
        fn what_an_error_carries_is_not_shown() {
            let id = Key::random().unwrap().id();
            let error = explain(id, &Error::BadEncoding(b"canary".to_vec()));
            assert!(!format!("{error} {error:?}").contains("99, 97"), "{error:?}");
        }
    }
}

#[cfg(not(feature = "keyring"))]
pub(super) fn read(_id: KeyId) -> Result<Key, KeyringError> {
    Err(KeyringError::NotBuilt)
}

#[cfg(not(feature = "keyring"))]
pub(super) fn write(_key: &Key) -> Result<(), KeyringError> {
    Err(KeyringError::NotBuilt)
}
