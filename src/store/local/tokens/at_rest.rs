//! Tokens at rest: which secrets of an entry are encrypted, and what each is bound to. [`super::TokenFile`]
//! encrypts, decrypts and migrates them.
//!
//! The document says whether it is encrypted and with which key, and every write keeps to that, whatever
//! the settings of the run are: tokens are never written in plain text into an encrypted store. All
//! tokens of a document have the same form, for it is replaced as a whole.

/// What a migration came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Migrated {
    /// How many logins there are.
    pub(crate) logins: usize,
    /// Whether the file was replaced.
    pub(crate) changed: bool,
}

#[cfg(test)]
mod tests;
