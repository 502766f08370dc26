//! Where the key of an encrypted token store comes from, and what keeps it away.
//!
//! Whatever it is ends with exit 4 before anything is sent, and names the setting and the key: a store
//! whose key is not at hand is neither empty nor in need of a login.

use std::path::{Path, PathBuf};

use rand::rngs::SysError;

use super::command::{CommandError, secret_from};
use super::file::UserFile;
use super::keyring::{self, KeyringError};
use crate::encrypt::{Encryption, Key, KeyError, KeyId, Scheme, UnwrapError, WrapError, Wrapped};
use crate::fs::{self, FsError, PRIVATE_FILE};
use crate::problem::{Coded, ErrorCode, ErrorKind, Problem};
use crate::secret::Secret;

/// The fewest characters of a passphrase: whoever gets hold of the store has a year to guess.
const SHORTEST: usize = 8;

/// What `[store] encrypt` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Encrypt {
    /// `key-file` with `key_file`: made by `accounts encrypt` if it is not there.
    KeyFile(PathBuf),
    /// `key-file` with `key_command`: a list is run as it is, a text by `sh -c`.
    KeyCommand(Vec<String>),
    /// `passphrase`.
    Passphrase(PassphraseFrom),
    /// `keyring`.
    Keyring,
}

/// Where the passphrase of a store comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PassphraseFrom {
    /// The first line of `passphrase_file`.
    File(PathBuf),
    /// What `passphrase_command` prints.
    Command(Vec<String>),
    /// The environment.
    Given(Secret),
    /// Nowhere but somebody's head.
    Typed,
}

/// Why the key of a store is not at hand.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreKeyError {
    /// The store is encrypted, and the settings do not say so.
    #[error(
        "the token store is encrypted (`encrypt = \"{scheme}\"`, key {key}), and `[store] encrypt` is \
         not set"
    )]
    NotSet {
        /// How it is encrypted.
        scheme: Scheme,
        /// With which key.
        key: KeyId,
    },
    /// The settings name another way to encrypt.
    #[error(
        "the token store is encrypted with `encrypt = \"{scheme}\"` (key {key}), and `[store] encrypt` \
         is \"{set}\" now"
    )]
    OtherScheme {
        /// What is set.
        set: Scheme,
        /// How it is encrypted.
        scheme: Scheme,
        /// With which key.
        key: KeyId,
    },
    /// Another key is there.
    #[error("the token store is encrypted with the key {needed}, and {from} is {given}")]
    OtherKey {
        /// The store's.
        needed: KeyId,
        /// The one at hand.
        given: KeyId,
        /// Where that comes from.
        from: String,
    },
    /// There is no key file.
    #[error("the key file `{}` of the token store is not there{}", path.display(), named(*needed))]
    NoFile {
        /// The file.
        path: PathBuf,
        /// The key that it should hold.
        needed: Option<KeyId>,
    },
    /// The key file, or that of the passphrase, cannot be used.
    #[error(transparent)]
    File(#[from] FsError),
    /// No key is where one should be.
    #[error("{from} cannot be used")]
    NotAKey {
        /// Where that is.
        from: String,
        /// Why.
        source: KeyError,
    },
    /// A command gave nothing.
    #[error("`{setting}` of `[store]` gave nothing")]
    Command {
        /// The setting.
        setting: &'static str,
        /// Why.
        source: CommandError,
    },
    /// Nobody is there to type the passphrase.
    #[error("the token store is encrypted with a passphrase, and there is none at hand ({why})")]
    NoPassphrase {
        /// Why it cannot be asked for.
        why: String,
    },
    /// A new passphrase that is guessed too soon.
    #[error("the passphrase has fewer than {SHORTEST} characters")]
    Short,
    /// The passphrase is wrong, or what it should open is damaged.
    #[error("the key of the token store does not open")]
    Unwrap(#[source] UnwrapError),
    /// The keyring has it not, or is not there.
    #[error("the keyring gives no key for the token store{}", named(*needed))]
    Keyring {
        /// The key that it should hold.
        needed: Option<KeyId>,
        /// Why.
        source: KeyringError,
    },
    /// No random numbers for a new key.
    #[error("the operating system gives no random numbers")]
    Random(#[from] SysError),
}

impl From<WrapError> for StoreKeyError {
    fn from(error: WrapError) -> Self {
        match error {
            WrapError::Random(error) => Self::Random(error),
            WrapError::Derive(error) => Self::Unwrap(error),
        }
    }
}

fn named(key: Option<KeyId>) -> String {
    key.map_or_else(String::new, |key| format!(" (key {key})"))
}

impl Coded for StoreKeyError {
    fn problem(&self) -> Problem {
        use ErrorCode as Code;
        match self {
            Self::NotSet { scheme, .. } => {
                Problem::new(Code::StoreKeyNotSet).with("scheme", scheme)
            }
            Self::OtherScheme { set, scheme, .. } => {
                Problem::new(Code::StoreKeyScheme).with("scheme", scheme).with("set", set)
            }
            Self::OtherKey { .. } | Self::NoFile { needed: Some(_), .. } => {
                Code::StoreKeyGone.into()
            }
            Self::NoFile { needed: None, .. } => Code::StoreKeyNotMade.into(),
            Self::File(error) => error.problem(),
            Self::NotAKey { .. } => Code::StoreKeyInvalid.into(),
            Self::Command { source, .. } => {
                Problem::new(Code::StoreKeyCommand).with("said", source.said_words())
            }
            Self::NoPassphrase { .. } => Code::StorePassphraseMissing.into(),
            Self::Short => Code::StorePassphraseShort.into(),
            Self::Unwrap(UnwrapError::Wrong) => Code::StorePassphraseWrong.into(),
            Self::Unwrap(UnwrapError::Memory(_)) => Code::StoreKeyMemory.into(),
            Self::Unwrap(UnwrapError::Form(_)) => Code::StoreKeyDamaged.into(),
            Self::Keyring { source, .. } => source.code().into(),
            Self::Random(_) => Problem::new(Code::NoRandom).of_kind(ErrorKind::Local),
        }
    }
}

impl Encrypt {
    /// How that is called in the store.
    pub(crate) fn scheme(&self) -> Scheme {
        match self {
            Self::KeyFile(_) | Self::KeyCommand(_) => Scheme::KeyFile,
            Self::Passphrase(_) => Scheme::Passphrase,
            Self::Keyring => Scheme::Keyring,
        }
    }

    /// The key, as people call it.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::KeyFile(path) => format!("the key in `{}`", path.display()),
            Self::KeyCommand(_) => "the key that `key_command` prints".to_owned(),
            Self::Passphrase(_) => "a key that the passphrase opens".to_owned(),
            Self::Keyring => "the key in the keyring".to_owned(),
        }
    }

    /// Whether somebody must type the passphrase.
    pub(crate) fn is_typed(&self) -> bool {
        matches!(self, Self::Passphrase(PassphraseFrom::Typed))
    }

    /// The key of a store, which is asked for once in a run. `typed` is the passphrase if
    /// [`Encrypt::is_typed`]. Blocks until a command or the keyring has answered.
    pub(crate) fn key(
        setting: Option<&Self>,
        store: &Encryption,
        typed: Option<&Secret>,
    ) -> Result<Key, StoreKeyError> {
        let (scheme, needed) = (store.scheme, store.key);
        let setting = setting.ok_or(StoreKeyError::NotSet { scheme, key: needed })?;
        if setting.scheme() != scheme {
            let set = setting.scheme();
            return Err(StoreKeyError::OtherScheme { set, scheme, key: needed });
        }
        let key = match setting {
            Self::KeyFile(path) => in_file(path)?.ok_or_else(|| StoreKeyError::NoFile {
                path: path.clone(),
                needed: Some(needed),
            })?,
            Self::KeyCommand(words) => of_command(words)?,
            Self::Passphrase(from) => {
                let passphrase = from.get(typed)?;
                let wrapped = store.wrapped.as_ref();
                let wrapped = wrapped.ok_or(UnwrapError::Form("the wrapped key is missing"));
                wrapped
                    .and_then(|wrapped| wrapped.unwrap_with(&passphrase))
                    .map_err(StoreKeyError::Unwrap)?
            }
            Self::Keyring => keyring::read(needed)
                .map_err(|source| StoreKeyError::Keyring { needed: Some(needed), source })?,
        };
        let given = key.id();
        if given != needed {
            return Err(StoreKeyError::OtherKey { needed, given, from: setting.words() });
        }
        Ok(key)
    }

    /// The key for a store that is not encrypted yet: the one that is there already, or a new one, which
    /// is durable when this returns. As [`Encrypt::key`], and for one process at a time.
    pub(crate) fn first_key(&self, typed: Option<&Secret>) -> Result<Encryption, StoreKeyError> {
        let scheme = self.scheme();
        match self {
            Self::KeyFile(path) => {
                let key = match in_file(path)? {
                    Some(key) => key,
                    None => make_file(path)?,
                };
                Ok(Encryption { scheme, key: key.id(), wrapped: None })
            }
            Self::KeyCommand(words) => {
                Ok(Encryption { scheme, key: of_command(words)?.id(), wrapped: None })
            }
            Self::Passphrase(from) => {
                let passphrase = from.get(typed)?;
                if passphrase.expose().chars().count() < SHORTEST {
                    return Err(StoreKeyError::Short);
                }
                let key = Key::random()?;
                let wrapped = Wrapped::new(&key, &passphrase)?;
                Ok(Encryption { scheme, key: key.id(), wrapped: Some(wrapped) })
            }
            Self::Keyring => {
                let key = Key::random()?;
                keyring::write(&key)
                    .map_err(|source| StoreKeyError::Keyring { needed: None, source })?;
                Ok(Encryption { scheme, key: key.id(), wrapped: None })
            }
        }
    }
}

impl PassphraseFrom {
    fn get(&self, typed: Option<&Secret>) -> Result<Secret, StoreKeyError> {
        match self {
            Self::File(path) => {
                let file = UserFile::read(path)?.ok_or_else(|| nobody("its file is not there"))?;
                file.check_private()?;
                let line = file.text.lines().next().filter(|line| !line.is_empty());
                line.map(Secret::new).ok_or_else(|| nobody("the first line of its file is empty"))
            }
            Self::Command(words) => secret_from(words)
                .map_err(|source| StoreKeyError::Command { setting: "passphrase_command", source }),
            Self::Given(passphrase) => Ok(passphrase.clone()),
            Self::Typed => typed.cloned().ok_or_else(|| nobody("nobody was asked for it")),
        }
    }
}

fn nobody(why: &str) -> StoreKeyError {
    StoreKeyError::NoPassphrase { why: why.to_owned() }
}

/// The key in a file that is ours alone; `None` if there is no file.
fn in_file(path: &Path) -> Result<Option<Key>, StoreKeyError> {
    let Some(file) = UserFile::read(path).map_err(|error| readable(path, error))? else {
        return Ok(None);
    };
    file.check_private()?;
    let from = || format!("the key file `{}`", path.display());
    Key::parse(&file.text)
        .map(Some)
        .map_err(|source| StoreKeyError::NotAKey { from: from(), source })
}

/// A file of random bytes, which is what people make first, is no text.
fn readable(path: &Path, error: FsError) -> StoreKeyError {
    match error {
        FsError::Io { ref source, .. } if source.kind() == std::io::ErrorKind::InvalidData => {
            let from = format!("the key file `{}`", path.display());
            StoreKeyError::NotAKey { from, source: KeyError }
        }
        error => error.into(),
    }
}

/// Makes the file, and the directory if need be.
fn make_file(path: &Path) -> Result<Key, StoreKeyError> {
    let key = Key::random()?;
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::private_dir(parent)?;
    }
    let text = Secret::new(format!("{}\n", key.to_text().expose()));
    fs::write_atomic(path, text.expose().as_bytes(), PRIVATE_FILE)?;
    Ok(key)
}

fn of_command(words: &[String]) -> Result<Key, StoreKeyError> {
    let text = secret_from(words)
        .map_err(|source| StoreKeyError::Command { setting: "key_command", source })?;
    Key::parse(text.expose()).map_err(|source| StoreKeyError::NotAKey {
        from: "what `key_command` of `[store]` printed".to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, metadata, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::exit::Exit;
    use crate::output::Explain as _;

    fn setting(dir: &tempfile::TempDir) -> (PathBuf, Encrypt) {
        let path = dir.path().join("deep/store.key");
        (path.clone(), Encrypt::KeyFile(path))
    }

    fn words(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).to_vec()
    }

    #[test]
    fn a_key_file_is_made_once_and_for_us_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (path, setting) = setting(&dir);
        let store = setting.first_key(None).unwrap();
        assert_eq!(metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(setting.first_key(None).unwrap(), store, "the file that is there is used");
        assert_eq!(Encrypt::key(Some(&setting), &store, None).unwrap().id(), store.key);
    }

    #[test]
    fn a_key_file_that_is_missing_open_to_others_or_of_another_key_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (path, setting) = setting(&dir);
        let store = setting.first_key(None).unwrap();
        let text = std::fs::read(&path).unwrap();
        let fails = |says: &str| {
            let error = Encrypt::key(Some(&setting), &store, None).unwrap_err();
            let chain = format!("{error} {:?}", error.hint());
            assert_eq!(error.exit(), Exit::Local);
            assert!(chain.contains(says), "{chain}");
        };
        set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        fails("chmod 600");
        std::fs::remove_file(&path).unwrap();
        fails(&store.key.to_string());
        assert!(!path.exists(), "no new key takes the place of a lost one");
        let other = setting.first_key(None).unwrap();
        fails(&other.key.to_string());
        fails(&store.key.to_string());
        for no_key in [b"".as_slice(), b"hello", &[0xff; 32]] {
            std::fs::write(&path, no_key).unwrap();
            fails("cannot be used");
        }
        std::fs::write(&path, text).unwrap();
        assert!(Encrypt::key(Some(&setting), &store, None).is_ok());
    }

    #[test]
    fn a_command_prints_the_key_or_is_named() {
        let key = Key::random().unwrap();
        let print = format!("echo {}", key.to_text().expose());
        let setting = Encrypt::KeyCommand(words(&print));
        let store = setting.first_key(None).unwrap();
        assert_eq!(Encrypt::key(Some(&setting), &store, None).unwrap(), key);
        let setting = Encrypt::KeyCommand(words("exit 1"));
        let error = Encrypt::key(Some(&setting), &store, None).unwrap_err();
        assert!(error.to_string().contains("key_command"), "{error}");
    }

    #[test]
    fn a_passphrase_opens_the_key_wherever_it_comes_from() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("passphrase");
        std::fs::write(&path, "correct horse\nnot this\n").unwrap();
        set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let typed = Secret::new("correct horse");
        let of = Encrypt::Passphrase;
        let store = of(PassphraseFrom::Typed).first_key(Some(&typed)).unwrap();
        for from in [
            PassphraseFrom::File(path),
            PassphraseFrom::Command(words("echo correct horse")),
            PassphraseFrom::Given(typed),
        ] {
            assert!(Encrypt::key(Some(&of(from)), &store, None).is_ok());
        }
        let none = Encrypt::key(Some(&of(PassphraseFrom::Typed)), &store, None).unwrap_err();
        assert!(matches!(none, StoreKeyError::NoPassphrase { .. }));
        let wrong = PassphraseFrom::Given(Secret::new("wrong"));
        let wrong = Encrypt::key(Some(&of(wrong)), &store, None).unwrap_err();
        assert!(matches!(wrong, StoreKeyError::Unwrap(UnwrapError::Wrong)));
    }

    #[test]
    fn a_setting_that_is_missing_or_another_is_named_with_the_key() {
        let dir = tempfile::tempdir().unwrap();
        let (_, setting) = setting(&dir);
        let store = setting.first_key(None).unwrap();
        let passphrase = Encrypt::Passphrase(PassphraseFrom::Given(Secret::new("x")));
        for set in [None, Some(&passphrase)] {
            let error = Encrypt::key(set, &store, None).unwrap_err();
            assert_eq!(error.exit(), Exit::Local);
            let text = format!("{error}; {}", error.hint().unwrap());
            assert!(text.contains(&store.key.to_string()) && text.contains("key-file"), "{text}");
        }
    }
}
