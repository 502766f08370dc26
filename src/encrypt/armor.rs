//! Bytes that a passphrase opens, as a text to be copied, pasted and mailed.
//!
//! ```text
//! -----BEGIN TIKTOK-UP LOGIN-----
//! v1 $argon2id$v=19$m=65536,t=3,p=1$SALT CHECKSUM
//! enc:1:KEYID:BASE64 …
//! -----END TIKTOK-UP LOGIN-----
//! ```
//!
//! The second line says how the key is made of the passphrase, in the PHC string format
//! (<https://github.com/P-H-C/phc-string-format>). It is authenticated with the content. What follows is
//! a value as [`super::value`] encrypts it, broken into lines. The checksum is no secret: it tells an
//! accidental change from a wrong passphrase, and does so before any key is derived. `KEYID` is the
//! fingerprint of the derived key, and tells a wrong passphrase from a change made on purpose.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rand::TryRng as _;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use super::passphrase::{COST, Cost, SALT, UnwrapError, WrapError, derive};
use super::value::{OpenError, Place, encrypt_bytes, is_encrypted, open_bytes};
use crate::secret::Secret;

/// The version that is written.
const VERSION: u64 = 1;

/// Characters in a line of the content, as in PEM (RFC 7468).
const LINE: usize = 64;

/// Hex digits of the checksum.
const CHECKSUM: usize = 16;

/// The most that is done to open a text from elsewhere: some seconds of a small machine, and memory
/// that it has.
const DEAREST: Cost = Cost { memory: 256 * 1024, passes: 8, lanes: 4 };

/// What a new text costs to open. Unit tests open many.
const NEW: Cost = if cfg!(test) { Cost { memory: 64, passes: 1, lanes: 1 } } else { COST };

/// What kind of content a text holds: the words between `BEGIN` or `END` and the dashes. It is
/// authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label(pub(crate) &'static str);

impl Label {
    fn begin(self) -> String {
        format!("-----BEGIN {}-----", self.0)
    }

    fn end(self) -> String {
        format!("-----END {}-----", self.0)
    }

    /// Whether a text means to be an armored one of this kind, damaged or not.
    pub(crate) fn begins(self, bytes: &[u8]) -> bool {
        bytes.trim_ascii_start().starts_with(self.begin().as_bytes())
    }
}

/// An armored text that was read, and not opened yet.
#[derive(Clone, Debug)]
pub(crate) struct Armored {
    label: Label,
    kdf: Kdf,
    /// A value of [`super::value`].
    encrypted: String,
}

/// Why an armored text does not open. Nothing of it is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ArmorError {
    /// It is cut off or was changed.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    /// A newer version of this program wrote it.
    #[error("it has version {0}, newer than this program knows")]
    Newer(u64),
    /// Opening it would take too much.
    #[error(
        "it asks for {} MiB of memory, {passes} passes and {lanes} lanes to open it, more than {} MiB, {} and {}",
        .memory_kib.div_ceil(1024), DEAREST.memory / 1024, DEAREST.passes, DEAREST.lanes
    )]
    TooDear {
        /// In KiB.
        memory_kib: u32,
        /// Over that memory.
        passes: u32,
        /// Side by side.
        lanes: u32,
    },
    /// Not the passphrase that it was encrypted with.
    #[error("the passphrase is wrong")]
    Wrong,
    /// No memory for the derivation.
    #[error("there are no {} MiB of memory to derive a key from the passphrase", .0 / 1024)]
    Memory(u32),
}

/// Encrypts bytes with a passphrase. Blocks the thread for some tenths of a second.
pub(crate) fn armor(label: Label, plain: &[u8], passphrase: &Secret) -> Result<String, WrapError> {
    armor_at(NEW, label, plain, passphrase)
}

fn armor_at(
    cost: Cost,
    label: Label,
    plain: &[u8],
    passphrase: &Secret,
) -> Result<String, WrapError> {
    let mut salt = [0; SALT];
    SysRng.try_fill_bytes(&mut salt)?;
    let kdf = Kdf { cost, salt };
    let key = derive(passphrase, &salt, cost)?;
    Ok(written(label, &kdf, &encrypt_bytes(&key, plain, &kdf.place(label))))
}

fn written(label: Label, kdf: &Kdf, encrypted: &str) -> String {
    let mut text = format!("{}\n{kdf} {}\n", label.begin(), checksum(label, kdf, encrypted));
    let mut rest = encrypted;
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(LINE).unwrap_or((rest, ""));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(&label.end());
    text.push('\n');
    text
}

fn checksum(label: Label, kdf: &Kdf, encrypted: &str) -> String {
    let hash = blake3::hash(format!("{}\n{kdf}\n{encrypted}", label.0).as_bytes()).to_hex();
    hash.chars().take(CHECKSUM).collect()
}

impl Armored {
    /// Reads a text without its passphrase. White space around it and at the ends of its lines, as
    /// mail programs and clipboards leave it, makes no difference.
    pub(crate) fn parse(label: Label, bytes: &[u8]) -> Result<Self, ArmorError> {
        let damaged = ArmorError::Damaged;
        let text =
            std::str::from_utf8(bytes.trim_ascii()).map_err(|_| damaged("it is not text"))?;
        let mut lines: Vec<&str> = text.split('\n').map(str::trim_ascii).collect();
        if lines.first().is_none_or(|line| **line != label.begin()) {
            return Err(damaged("its first line was changed"));
        }
        // Before anything else, as a later version may lay out all else differently.
        let header = lines.get(1).copied().unwrap_or_default();
        let (version, rest) = header.split_once(' ').unwrap_or((header, ""));
        match version.strip_prefix('v').and_then(|number| number.parse().ok()) {
            Some(VERSION) => {}
            Some(newer) if newer > VERSION => return Err(ArmorError::Newer(newer)),
            _ => return Err(damaged("its header cannot be read")),
        }
        if lines.pop().is_none_or(|line| line != label.end()) {
            return Err(damaged("it is cut off, or something follows it"));
        }
        let encrypted = lines.get(2..).unwrap_or_default().concat();
        let (kdf, sum) = rest.split_once(' ').ok_or(damaged("its header cannot be read"))?;
        let kdf = Kdf::parse(kdf).ok_or(damaged("its header cannot be read"))?;
        if sum != checksum(label, &kdf, &encrypted) || header != format!("{kdf} {sum}") {
            return Err(damaged("its checksum differs, so something in it was changed"));
        }
        if !is_encrypted(&encrypted) {
            return Err(damaged("its content cannot be read"));
        }
        if kdf.cost.is_above(DEAREST) {
            let Cost { memory, passes, lanes } = kdf.cost;
            return Err(ArmorError::TooDear { memory_kib: memory, passes, lanes });
        }
        Ok(Self { label, kdf, encrypted })
    }

    /// The content. Derives the key, which is slow on purpose.
    pub(crate) fn open(&self, passphrase: &Secret) -> Result<Zeroizing<Vec<u8>>, ArmorError> {
        let key =
            derive(passphrase, &self.kdf.salt, self.kdf.cost).map_err(|error| match error {
                UnwrapError::Memory(kib) => ArmorError::Memory(kib),
                UnwrapError::Wrong | UnwrapError::Form(_) => {
                    ArmorError::Damaged("its key derivation makes no sense")
                }
            })?;
        open_bytes(&key, &self.encrypted, &self.kdf.place(self.label)).map_err(
            |error| match error {
                OpenError::OtherKey { .. } => ArmorError::Wrong,
                OpenError::Newer => ArmorError::Newer(VERSION + 1),
                OpenError::Form => ArmorError::Damaged("its content cannot be read"),
                OpenError::Refused => ArmorError::Damaged("somebody changed it"),
            },
        )
    }
}

/// How the key is made of the passphrase: argon2id of version 1.3, at this cost, with this salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kdf {
    cost: Cost,
    salt: [u8; SALT],
}

impl Kdf {
    /// Reads what `Display` writes, without the version of the header. Other spellings of the same
    /// numbers are taken here and refused by the comparison with the header.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("$argon2id$v=19$")?.split('$');
        let (cost, salt, None) = (parts.next()?, parts.next()?, parts.next()) else {
            return None;
        };
        let mut numbers = cost.split(',');
        let mut number = |name| numbers.next()?.strip_prefix(name)?.parse().ok();
        let cost = Cost { memory: number("m=")?, passes: number("t=")?, lanes: number("p=")? };
        let salt = STANDARD_NO_PAD.decode(salt).ok()?.try_into().ok()?;
        Some(Self { cost, salt })
    }

    /// What the content is authenticated with.
    fn place(&self, label: Label) -> Place {
        Place::of(&["armored", label.0, &self.to_string()])
    }
}

/// The header without its checksum.
impl std::fmt::Display for Kdf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Cost { memory, passes, lanes } = self.cost;
        let salt = STANDARD_NO_PAD.encode(self.salt);
        write!(f, "v{VERSION} $argon2id$v=19$m={memory},t={passes},p={lanes}${salt}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LABEL: Label = Label("TIKTOK-UP TEST");

    fn words() -> Secret {
        Secret::new("correct horse")
    }

    fn armored() -> String {
        armor(LABEL, &[b'x'; 100], &words()).unwrap()
    }

    fn opened(text: &str, passphrase: &str) -> Result<Vec<u8>, ArmorError> {
        let armored = Armored::parse(LABEL, text.as_bytes())?;
        armored.open(&Secret::new(passphrase)).map(|plain| plain.to_vec())
    }

    /// The text with another header, and a checksum that goes with it, as somebody who means harm
    /// would write it.
    fn forged(text: &str, change: &dyn Fn(&mut Kdf)) -> String {
        let read = Armored::parse(LABEL, text.as_bytes()).unwrap();
        let mut kdf = read.kdf;
        change(&mut kdf);
        written(LABEL, &kdf, &read.encrypted)
    }

    #[test]
    fn a_text_has_a_versioned_header_lines_to_paste_and_an_end() {
        let text = armored();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "-----BEGIN TIKTOK-UP TEST-----");
        assert!(lines[1].starts_with("v1 $argon2id$v=19$m=64,t=1,p=1$"), "{text}");
        assert!(lines[2].starts_with("enc:1:") && lines[2].len() == LINE, "{text}");
        assert!(lines.iter().skip(2).all(|line| line.len() <= LINE), "{text}");
        assert_eq!(*lines.last().unwrap(), "-----END TIKTOK-UP TEST-----");
        assert!(text.is_ascii() && text.ends_with('\n') && LABEL.begins(text.as_bytes()));
        assert_ne!(text, armored(), "salt and nonce are new");
    }

    #[test]
    fn a_text_of_the_first_version_opens_for_ever() {
        assert_eq!(opened(KNOWN, "correct horse").unwrap(), b"known");
    }

    /// Written once, by another implementation of what version 1 says.
    const KNOWN: &str = "\
        -----BEGIN TIKTOK-UP TEST-----\n\
        v1 $argon2id$v=19$m=64,t=1,p=1$AAECAwQFBgcICQoLDA0ODw a9e6698ab9a13c98\n\
        enc:1:c99b15f5dff9:ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp77neV9k-KJTmV1\n\
        rRe1GIRt9FZCHuF\n\
        -----END TIKTOK-UP TEST-----\n\
        ";

    #[test]
    fn the_passphrase_opens_it_and_another_is_told_apart_from_damage() {
        let text = armored();
        assert_eq!(opened(&text, "correct horse").unwrap(), [b'x'; 100]);
        for wrong in ["", "correct horse ", "Correct horse"] {
            assert_eq!(opened(&text, wrong), Err(ArmorError::Wrong));
        }
    }

    #[test]
    fn white_space_of_mail_and_clipboards_makes_no_difference() {
        let text = armored();
        for carried in [
            format!("\r\n\n{}\n \n", text.replace('\n', "\r\n")),
            text.replace('\n', "  \n\t"),
            text.trim_end().to_owned(),
        ] {
            assert_eq!(opened(&carried, "correct horse").unwrap(), [b'x'; 100], "{carried}");
        }
    }

    #[test]
    fn every_changed_byte_is_refused_before_a_key_is_derived() {
        let text = armored();
        for at in 0..text.len() - 1 {
            for flip in [1, 2, 4, 8, 16, 32, 64, 128] {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= flip;
                let error = Armored::parse(LABEL, &bytes).err();
                assert!(
                    matches!(error, Some(ArmorError::Damaged(_) | ArmorError::Newer(_))),
                    "byte {at} ^ {flip}: {error:?}"
                );
            }
        }
    }

    #[test]
    fn every_cut_and_everything_behind_the_end_is_refused() {
        let text = armored();
        for end in 0..text.len() - 1 {
            let error = opened(&text[..end], "correct horse").unwrap_err();
            assert!(matches!(error, ArmorError::Damaged(_)), "{end}: {error:?}");
        }
        let followed = opened(&format!("{text}more"), "correct horse");
        assert!(matches!(followed, Err(ArmorError::Damaged(_))), "{followed:?}");
        let twice = opened(&format!("{text}{text}"), "correct horse");
        assert!(matches!(twice, Err(ArmorError::Damaged(_))), "{twice:?}");
    }

    #[test]
    fn a_change_made_on_purpose_opens_nothing() {
        let text = armored();
        for change in [
            (|kdf: &mut Kdf| kdf.salt[0] ^= 1) as fn(&mut Kdf),
            |kdf| kdf.cost.passes = 2,
            |kdf| kdf.cost.memory = 65,
            |kdf| kdf.cost.lanes = 2,
        ] {
            let error = opened(&forged(&text, &change), "correct horse").unwrap_err();
            assert_eq!(error, ArmorError::Wrong);
        }
        // One letter of the ciphertext, with the checksum made anew.
        let read = Armored::parse(LABEL, text.as_bytes()).unwrap();
        for at in ["enc:1:".len() + 13, read.encrypted.len() - 30] {
            let mut encrypted = read.encrypted.clone();
            let other = if encrypted.as_bytes()[at] == b'A' { "B" } else { "A" };
            encrypted.replace_range(at..=at, other);
            let error =
                opened(&written(LABEL, &read.kdf, &encrypted), "correct horse").unwrap_err();
            assert_eq!(error, ArmorError::Damaged("somebody changed it"), "{at}");
        }
        // Another kind of content.
        let other = written(Label("TIKTOK-UP OTHER"), &read.kdf, &read.encrypted);
        let other = Armored::parse(Label("TIKTOK-UP OTHER"), other.as_bytes()).unwrap();
        assert!(matches!(other.open(&words()), Err(ArmorError::Damaged(_))));
    }

    #[test]
    fn a_text_that_asks_for_too_much_is_refused_at_once() {
        let text = armored();
        let started = std::time::Instant::now();
        for change in [
            (|kdf: &mut Kdf| kdf.cost.memory = 100 * 1024 * 1024) as fn(&mut Kdf),
            |kdf| kdf.cost.memory = u32::MAX,
            |kdf| kdf.cost.memory = DEAREST.memory + 1,
            |kdf| kdf.cost.passes = u32::MAX,
            |kdf| kdf.cost.passes = DEAREST.passes + 1,
            |kdf| kdf.cost.lanes = DEAREST.lanes + 1,
        ] {
            let error = opened(&forged(&text, &change), "correct horse").unwrap_err();
            assert!(matches!(error, ArmorError::TooDear { .. }), "{error:?}");
        }
        // Less than argon2 needs.
        for change in [
            (|kdf: &mut Kdf| kdf.cost.memory = 0) as fn(&mut Kdf),
            |kdf| kdf.cost.memory = 1,
            |kdf| kdf.cost.passes = 0,
            |kdf| kdf.cost.lanes = 0,
        ] {
            let error = opened(&forged(&text, &change), "correct horse").unwrap_err();
            assert!(matches!(error, ArmorError::Damaged(_)), "{error:?}");
        }
        assert!(started.elapsed() < std::time::Duration::from_secs(5));
    }

    #[test]
    fn other_spellings_of_the_header_are_refused() {
        let text = armored();
        for (from, to) in [
            ("m=64,", "m=064,"),
            ("m=64,", "m=+64,"),
            ("p=1$", "p=1,data=x$"),
            ("v=19", "v=16"),
            ("argon2id", "argon2i"),
            ("argon2id", "scrypt"),
            ("v1 ", "v0 "),
            ("v1 ", "v "),
            ("v1 ", "1 "),
            ("v1 ", "v1  "),
        ] {
            let error = opened(&text.replacen(from, to, 1), "correct horse").unwrap_err();
            assert!(matches!(error, ArmorError::Damaged(_)), "{to}: {error:?}");
        }
        let newer = text.replacen("v1 ", "v2 in some other form ", 1);
        assert_eq!(opened(&newer, "correct horse"), Err(ArmorError::Newer(2)));
    }

    #[test]
    fn what_a_new_text_costs_is_taken() {
        assert!(!COST.is_above(DEAREST));
        let text = armor_at(COST, LABEL, b"x", &words()).unwrap();
        assert!(text.contains("$m=65536,t=3,p=1$"), "{text}");
        assert_eq!(opened(&text, "correct horse").unwrap(), b"x");
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
            let text = armor(LABEL, &bytes, &words()).unwrap();
            prop_assert_eq!(opened(&text, "correct horse"), Ok(bytes));
        }

        #[test]
        fn no_text_is_too_strange(text in "(v1 [$argon2idvmtp=,0-9]{0,40} ?\n?)?.{0,80}") {
            let text = format!("{}\n{text}\n{}", LABEL.begin(), LABEL.end());
            prop_assert!(Armored::parse(LABEL, text.as_bytes()).is_err());
            prop_assert!(Armored::parse(LABEL, text.trim_start_matches('-').as_bytes()).is_err());
        }
    }
}
