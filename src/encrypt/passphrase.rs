//! A key that a passphrase opens: random, and wrapped by a key that argon2id makes of the passphrase.
//!
//! Wrapping instead of deriving lets a passphrase change without touching what the key has encrypted.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rand::TryRng as _;
use rand::rngs::{SysError, SysRng};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::key::Key;
use super::value::{OpenError, Place, encrypt, open};
use crate::secret::Secret;

/// The only function that is known.
const KDF: &str = "argon2id";

/// What a guess costs: the second recommendation of RFC 9106, section 4, in one lane, as this program
/// derives one key and does so on small machines. 64 MiB and some tenths of a second.
pub(super) const COST: Cost = Cost { memory: 64 * 1024, passes: 3, lanes: 1 };

/// Beyond these, a header is not taken at its word: opening a store must not take all memory.
const DEAREST: Cost = Cost { memory: 1024 * 1024, passes: 32, lanes: 16 };

/// Length of the salt, in bytes.
pub(super) const SALT: usize = 16;

/// The parameters of argon2id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    /// In KiB.
    pub(super) memory: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
}

impl Cost {
    /// Whether any of it is more than a limit allows. Less than argon2 needs is refused by [`derive()`].
    pub(super) fn is_above(self, limit: Self) -> bool {
        self.memory > limit.memory || self.passes > limit.passes || self.lanes > limit.lanes
    }
}

/// A wrapped key, with all that is needed to unwrap it but the passphrase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wrapped {
    kdf: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    /// Base64.
    salt: String,
    /// Encrypted with the passphrase's key.
    key: String,
}

/// Why a key could not be unwrapped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnwrapError {
    /// Not the passphrase that it was wrapped with.
    #[error("the passphrase is wrong")]
    Wrong,
    /// What the store says about the key is damaged, or of a newer version.
    #[error("what the store says about its key is damaged: {0}")]
    Form(&'static str),
    /// No memory for the derivation.
    #[error("there are no {} MiB of memory to derive a key from the passphrase", .0 / 1024)]
    Memory(u32),
}

impl Wrapped {
    /// Wraps a key with a passphrase, under a salt of its own.
    pub(crate) fn new(key: &Key, passphrase: &Secret) -> Result<Self, WrapError> {
        Self::at_cost(key, passphrase, COST)
    }

    fn at_cost(key: &Key, passphrase: &Secret, cost: Cost) -> Result<Self, WrapError> {
        let mut salt = [0; SALT];
        SysRng.try_fill_bytes(&mut salt)?;
        let mut wrapped = Self {
            kdf: KDF.to_owned(),
            memory_kib: cost.memory,
            passes: cost.passes,
            lanes: cost.lanes,
            salt: STANDARD_NO_PAD.encode(salt),
            key: String::new(),
        };
        let by = derive(passphrase, &salt, cost)?;
        let encrypted = encrypt(&by, &key.to_text(), &wrapped.place());
        encrypted.expose().clone_into(&mut wrapped.key);
        Ok(wrapped)
    }

    /// The key. Derives it at the stored cost, which is slow on purpose: a caller does it once.
    pub(crate) fn unwrap_with(&self, passphrase: &Secret) -> Result<Key, UnwrapError> {
        let cost = Cost { memory: self.memory_kib, passes: self.passes, lanes: self.lanes };
        if self.kdf != KDF {
            return Err(UnwrapError::Form("the key derivation is not known"));
        }
        if cost.is_above(DEAREST) {
            return Err(UnwrapError::Form("the cost of the derivation is out of range"));
        }
        let salt = STANDARD_NO_PAD.decode(&self.salt);
        let salt = salt.map_err(|_| UnwrapError::Form("the salt is not base64"))?;
        let by = derive(passphrase, &salt, cost)?;
        match open(&by, &self.key, &self.place()) {
            Ok(text) => Key::parse(text.expose()).map_err(|_| UnwrapError::Form("no key is in it")),
            Err(OpenError::OtherKey { .. }) => Err(UnwrapError::Wrong),
            Err(OpenError::Newer) => Err(UnwrapError::Form("a newer version wrote it")),
            Err(OpenError::Form | OpenError::Refused) => Err(UnwrapError::Form("it was changed")),
        }
    }

    /// The parameters are authenticated with the key.
    fn place(&self) -> Place {
        let numbers = [self.memory_kib, self.passes, self.lanes].map(|number| number.to_string());
        let [memory, passes, lanes] = &numbers;
        Place::of(&["store key", &self.kdf, memory, passes, lanes, &self.salt])
    }
}

/// Why a key could not be wrapped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WrapError {
    /// No random salt.
    #[error("the operating system gives no random numbers")]
    Random(#[from] SysError),
    /// The derivation failed.
    #[error(transparent)]
    Derive(#[from] UnwrapError),
}

/// The key that argon2id makes of a passphrase. The memory that it took is wiped.
pub(super) fn derive(passphrase: &Secret, salt: &[u8], cost: Cost) -> Result<Key, UnwrapError> {
    let params = Params::new(cost.memory, cost.passes, cost.lanes, None);
    let params =
        params.map_err(|_| UnwrapError::Form("the cost of the derivation makes no sense"))?;
    // Allocated here, as a failure inside would end the process.
    let blocks = params.block_count();
    let mut memory: Vec<Block> = Vec::new();
    memory.try_reserve_exact(blocks).map_err(|_| UnwrapError::Memory(cost.memory))?;
    memory.resize(blocks, Block::new());
    let mut key = Zeroizing::new([0; 32]);
    let derived = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(
            passphrase.expose().as_bytes(),
            salt,
            &mut *key,
            &mut memory,
        );
    memory.iter_mut().for_each(Zeroize::zeroize);
    derived.map_err(|_| UnwrapError::Form("the derivation is refused"))?;
    Ok(Key::of(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost { memory: 64, passes: 1, lanes: 1 };

    fn wrapped(passphrase: &str) -> (Key, Wrapped) {
        let key = Key::random().unwrap();
        let wrapped = Wrapped::at_cost(&key, &Secret::new(passphrase), CHEAP).unwrap();
        (key, wrapped)
    }

    #[test]
    fn the_passphrase_opens_it_and_no_other_does() {
        let (key, wrapped) = wrapped("correct horse");
        assert_eq!(wrapped.unwrap_with(&Secret::new("correct horse")), Ok(key));
        for wrong in ["", "correct horse ", "Correct horse"] {
            assert_eq!(wrapped.unwrap_with(&Secret::new(wrong)), Err(UnwrapError::Wrong));
        }
    }

    #[test]
    fn it_survives_json_and_holds_neither_key_nor_passphrase() {
        let (key, wrapped) = wrapped("correct horse");
        let json = serde_json::to_string(&wrapped).unwrap();
        assert!(!json.contains("horse") && !json.contains(key.to_text().expose()), "{json}");
        let read: Wrapped = serde_json::from_str(&json).unwrap();
        assert_eq!(read.unwrap_with(&Secret::new("correct horse")), Ok(key));
    }

    #[test]
    fn the_same_passphrase_wraps_differently_each_time() {
        let key = Key::random().unwrap();
        let again = || Wrapped::at_cost(&key, &Secret::new("x"), CHEAP).unwrap();
        assert_ne!(again().salt, again().salt);
    }

    #[test]
    fn what_was_changed_is_refused() {
        let (_, wrapped) = wrapped("x");
        let with = |change: &dyn Fn(&mut Wrapped)| {
            let mut changed = wrapped.clone();
            change(&mut changed);
            changed.unwrap_with(&Secret::new("x"))
        };
        let flipped = with(&|wrapped| {
            let last = wrapped.key.pop().unwrap();
            wrapped.key.push(if last == 'A' { 'Q' } else { 'A' });
        });
        assert!(matches!(flipped, Err(UnwrapError::Form(_))), "{flipped:?}");
        assert_eq!(
            with(&|wrapped| wrapped.salt = "AAAAAAAAAAAAAAAAAAAAAA".into()),
            Err(UnwrapError::Wrong)
        );
        assert_eq!(with(&|wrapped| wrapped.passes = 2), Err(UnwrapError::Wrong));
        for change in [
            (|wrapped| wrapped.kdf = "scrypt".into()) as fn(&mut Wrapped),
            |wrapped| wrapped.salt = "?".into(),
            |wrapped| wrapped.salt = String::new(),
            |wrapped| wrapped.memory_kib = u32::MAX,
            |wrapped| wrapped.memory_kib = 0,
            |wrapped| wrapped.passes = 0,
            |wrapped| wrapped.passes = u32::MAX,
            |wrapped| wrapped.lanes = 0,
            |wrapped| wrapped.lanes = 17,
            |wrapped| wrapped.key = "enc:2:x".into(),
            |wrapped| wrapped.key = String::new(),
        ] {
            assert!(matches!(with(&change), Err(UnwrapError::Form(_))));
        }
    }

    #[test]
    fn the_cost_of_real_ones_is_as_recommended() {
        let wrapped = Wrapped::new(&Key::random().unwrap(), &Secret::new("x")).unwrap();
        assert_eq!((wrapped.memory_kib, wrapped.passes, wrapped.lanes), (65536, 3, 1));
        assert!(wrapped.unwrap_with(&Secret::new("x")).is_ok());
    }
}
