//! What must not be shown by accident: client secrets, codes, verifiers, tokens, upload tokens.

use std::fmt;
use std::sync::Arc;

/// A secret of this sandbox. `Debug` and `Display` redact it; only [`Secret::expose`] shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().into())
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(redacted)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(redacted)")
    }
}

/// Is told each secret, see [`Builder::on_secret`](crate::Builder::on_secret).
pub(crate) type Listener = Box<dyn Fn(&Secret) + Send + Sync>;

/// Every secret that was made or shown, dead or alive.
#[derive(Default)]
pub(crate) struct Secrets {
    all: Vec<Secret>,
    listener: Option<Listener>,
}

impl Secrets {
    pub(crate) fn told_to(listener: Option<Listener>) -> Self {
        Self { all: Vec::new(), listener }
    }

    /// Notes a secret and tells the listener of it, before it goes anywhere.
    pub(crate) fn note(&mut self, secret: Secret) {
        if let Some(listener) = &self.listener {
            listener(&secret);
        }
        self.all.push(secret);
    }

    pub(crate) fn all(&self) -> &[Secret] {
        &self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_prints_shows_the_text() {
        let secret = Secret::new("act.canary");
        assert_eq!(format!("{secret} {secret:?}"), "(redacted) (redacted)");
        assert_eq!(secret.expose(), "act.canary");
    }
}
