//! The secrets that this process knows, in every spelling that is looked for.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

/// The shortest text that is looked for, in bytes: shorter ones are in every second word.
pub(super) const SHORTEST: usize = 6;

/// So much of a secret's beginning gives it away, in bytes.
pub(super) const TELLING: usize = 16;

/// Secrets that nobody holds any more are looked for until so many others were made: TikTok may still
/// speak of them.
const RETIRED: usize = 1024;

/// The text of a secret; all that hold it share it.
pub(super) type Text = Arc<Zeroizing<String>>;

static REGISTRY: LazyLock<RwLock<Registry>> = LazyLock::new(RwLock::default);

/// The shared text of a secret, which is looked for from now on.
pub(super) fn enlist(text: String) -> Text {
    let text = Zeroizing::new(text);
    if text.len() < SHORTEST {
        return Arc::new(text);
    }
    if let Some(known) = read(|registry| registry.known.get(text.as_str()).map(Known::text)) {
        return known;
    }
    REGISTRY.write().unwrap_or_else(PoisonError::into_inner).add(text)
}

/// Looks something up.
pub(super) fn read<T>(look: impl FnOnce(&Registry) -> T) -> T {
    look(&REGISTRY.read().unwrap_or_else(PoisonError::into_inner))
}

/// Texts by their spellings.
#[derive(Default)]
pub(super) struct Registry {
    known: HashSet<Known>,
    /// In the order in which they came.
    order: VecDeque<Text>,
    /// The spellings, by their first bytes.
    index: HashMap<Key, Vec<Spelling>>,
    first: FirstBytes,
    /// How many make it worth looking which are held by nobody.
    next_sweep: usize,
}

#[derive(PartialEq, Eq)]
struct Known(Text);

impl Hash for Known {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_str().hash(state);
    }
}

impl Borrow<str> for Known {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Known {
    fn text(&self) -> Text {
        Arc::clone(&self.0)
    }
}

pub(super) type Key = [u8; SHORTEST];

/// In lower case, as texts are compared.
type Spelling = Arc<Zeroizing<Vec<u8>>>;

/// Which bytes a spelling begins with: most positions of a text are none of them.
struct FirstBytes([bool; 256]);

impl Default for FirstBytes {
    fn default() -> Self {
        Self([false; 256])
    }
}

impl Registry {
    fn add(&mut self, text: Zeroizing<String>) -> Text {
        if let Some(known) = self.known.get(text.as_str()) {
            return known.text();
        }
        for spelling in spellings(&text) {
            self.first.0[usize::from(spelling[0])] = true;
            let under = self.index.entry(key(&spelling)).or_default();
            if !under.iter().any(|known| **known == spelling) {
                under.push(Arc::new(spelling));
            }
        }
        let shared = Arc::new(text);
        self.order.push_back(Arc::clone(&shared));
        self.known.insert(Known(Arc::clone(&shared)));
        if self.order.len() > self.next_sweep.max(RETIRED) {
            self.sweep();
        }
        shared
    }

    /// Forgets the oldest of those that nobody holds.
    fn sweep(&mut self) {
        // Two hold a text here, and one more is about to.
        let idle = |text: &Text| Arc::strong_count(text) <= 2;
        let mut beyond = self.order.iter().filter(|text| idle(text)).count();
        beyond = beyond.saturating_sub(RETIRED / 2);
        let mut kept = VecDeque::new();
        for text in std::mem::take(&mut self.order) {
            if beyond > 0 && idle(&text) {
                beyond -= 1;
                self.known.remove(text.as_str());
            } else {
                kept.push_back(text);
            }
        }
        self.order = kept;
        self.next_sweep = self.order.len() + RETIRED / 2;
        // Two secrets may share a spelling, so all of them are written down anew.
        (self.index, self.first) = Default::default();
        for text in &self.order {
            for spelling in spellings(text) {
                self.first.0[usize::from(spelling[0])] = true;
                self.index.entry(key(&spelling)).or_default().push(Arc::new(spelling));
            }
        }
    }

    /// How many bytes at the start of `text`, which is in lower case, are a secret or the telling
    /// beginning of one.
    pub(super) fn known_at(&self, text: &(impl Iterator<Item = u8> + Clone)) -> Option<usize> {
        let mut head = text.clone();
        let first = head.next()?;
        if !self.first.0[usize::from(first)] {
            return None;
        }
        let mut key = [first; SHORTEST];
        for place in &mut key[1..] {
            *place = head.next()?;
        }
        let shared = |spelling: &Spelling| {
            let same = spelling.iter().zip(text.clone()).take_while(|(a, b)| **a == *b).count();
            (same == spelling.len() || same >= TELLING).then_some(same)
        };
        self.index.get(&key)?.iter().filter_map(shared).max()
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.order.len()
    }
}

fn key(spelling: &[u8]) -> Key {
    let mut key = Key::default();
    key.copy_from_slice(&spelling[..SHORTEST]);
    key
}

/// The texts that give a secret away; escapes are undone in the text that is searched.
fn spellings(text: &str) -> Vec<Zeroizing<Vec<u8>>> {
    let mut parts = vec![Zeroizing::new(text.to_owned())];
    if let Some(rest) = beyond_host(text) {
        // Scheme and host are no secret, and all over the place.
        parts = vec![Zeroizing::new(rest.to_owned())];
        // Whoever quotes a value may have undone its escapes.
        parts.extend(
            telling_values(rest)
                .flat_map(|value| [value.to_owned(), decoded(value)])
                .map(Zeroizing::new),
        );
        parts.push(Zeroizing::new(decoded(rest)));
    }
    let mut spellings = Vec::new();
    for part in &parts {
        spellings.push(Zeroizing::new(part.as_bytes().to_ascii_lowercase()));
        // Of the whole text, wherever it lies in what was encoded.
        for ahead in 0..3 {
            spellings.extend(encoded(part, ahead));
        }
    }
    spellings.retain(|spelling| spelling.len() >= SHORTEST);
    spellings.sort_by(|a, b| a.as_slice().cmp(b));
    spellings.dedup();
    spellings
}

/// The base64 of a text that `ahead` bytes stand before (modulo 3), without the characters that depend
/// on its neighbours.
fn encoded(text: &str, ahead: usize) -> [Zeroizing<Vec<u8>>; 2] {
    let mut bytes = Zeroizing::new(vec![0; ahead]);
    bytes.extend_from_slice(text.as_bytes());
    let cut = |encoded: String| {
        let mut encoded = Zeroizing::new(encoded.into_bytes());
        if !bytes.len().is_multiple_of(3) {
            encoded.pop();
        }
        encoded.make_ascii_lowercase();
        Zeroizing::new(encoded[(ahead * 8).div_ceil(6).min(encoded.len())..].to_vec())
    };
    [cut(BASE64_STANDARD_NO_PAD.encode(&*bytes)), cut(BASE64_URL_SAFE_NO_PAD.encode(&*bytes))]
}

/// The text without its percent escapes; bytes that are no UTF-8 are replaced.
fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Path and query of an address.
fn beyond_host(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    rest.find('/').map(|at| &rest[at..])
}

/// The values of a query that are secrets by themselves.
fn telling_values(address: &str) -> impl Iterator<Item = &str> {
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let query = query.split_once('#').map_or(query, |(query, _)| query);
    query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let name = name.to_ascii_lowercase();
        let telling = ["token", "secret", "sig", "code", "ticket", "key", "auth", "state"];
        telling.iter().any(|word| name.contains(word)).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_once_and_short_ones_not_at_all() {
        let (one, other) = (enlist("kept-once-9f3".into()), enlist("kept-once-9f3".into()));
        assert!(Arc::ptr_eq(&one, &other));
        enlist("9f3a!".into());
        assert!(read(|registry| !registry.known.contains("9f3a!")));
    }

    #[test]
    fn a_value_of_an_address_is_known_without_its_escapes_too() {
        let mut registry = Registry::default();
        registry.add(Zeroizing::new(
            "https://host/video/?upload_token=short%2Band-long%2F1&n=1".to_owned(),
        ));
        for quoted in ["short%2band-long%2f1", "short+and-long/1"] {
            assert_eq!(registry.known_at(&quoted.bytes()), Some(quoted.len()), "{quoted}");
        }
    }

    #[test]
    fn those_that_nobody_holds_make_room_and_the_others_stay() {
        let mut registry = Registry::default();
        let text = |n: usize| Zeroizing::new(format!("{n:06}-of-many-secrets"));
        let held = registry.add(text(0));
        for n in 1..20 * RETIRED {
            registry.add(text(n));
        }
        assert!(registry.len() <= 2 * RETIRED, "{}", registry.len());
        assert!(registry.index.len() <= 20 * RETIRED, "{}", registry.index.len());
        let knows = |text: &str| registry.known_at(&text.bytes()).is_some();
        assert!(knows(&held) && knows(&text(20 * RETIRED - 1)) && !knows(&text(1)));
    }
}
