//! The secrets that this process knows, in every spelling that is looked for.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::ops::Bound::{Excluded, Included, Unbounded};
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
    let registry = REGISTRY.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = registry.known.get(text.as_str()).map(Known::text) {
        return known;
    }
    drop(registry);
    REGISTRY.write().unwrap_or_else(PoisonError::into_inner).add(text)
}

/// Looks something up.
pub(super) fn read<T>(look: impl FnOnce(&Registry) -> T) -> T {
    let registry = REGISTRY.read().unwrap_or_else(PoisonError::into_inner);
    if registry.waiting.is_empty() {
        return look(&registry);
    }
    drop(registry);
    let mut registry = REGISTRY.write().unwrap_or_else(PoisonError::into_inner);
    registry.spell();
    look(&registry)
}

/// Texts by their spellings.
#[derive(Default)]
pub(super) struct Registry {
    known: HashSet<Known>,
    /// In the order in which they came.
    order: VecDeque<Text>,
    /// Those whose spellings are not in the index yet: there may be thousands, and nothing to be said.
    waiting: Vec<Text>,
    index: Index,
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

/// The spellings of secrets, in lower case, as texts are compared.
struct Index {
    /// With which byte they begin, and how: most positions of a text are none of them.
    first: [bool; 256],
    heads: HashSet<[u8; SHORTEST]>,
    /// Those that are looked for whole.
    short: BTreeSet<Spelling>,
    /// Those whose beginning is telling. In order, so that the one which shares most with a text is a
    /// neighbour of the place where that text would stand.
    long: BTreeSet<Spelling>,
    /// The length of the longest, in bytes.
    longest: usize,
}

#[derive(PartialEq, Eq)]
struct Spelling(Zeroizing<Vec<u8>>);

impl PartialOrd for Spelling {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Spelling {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.as_slice().cmp(&other.0)
    }
}

impl Borrow<[u8]> for Spelling {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl Default for Index {
    fn default() -> Self {
        let (heads, short, long) = Default::default();
        Self { first: [false; 256], heads, short, long, longest: 0 }
    }
}

impl Index {
    fn add(&mut self, spelling: Zeroizing<Vec<u8>>) {
        let Some(head) = spelling.first_chunk() else { return };
        self.first[usize::from(head[0])] = true;
        self.heads.insert(*head);
        self.longest = self.longest.max(spelling.len());
        if spelling.len() < TELLING {
            self.short.insert(Spelling(spelling));
        } else {
            self.long.insert(Spelling(spelling));
        }
    }

    /// How many bytes at the start of `text` are one of them, or the telling beginning of one.
    fn known_at(&self, text: &(impl Iterator<Item = u8> + Clone)) -> Option<usize> {
        let mut bytes = text.clone();
        let first = bytes.next()?;
        if !self.first[usize::from(first)] {
            return None;
        }
        let mut head = [first; SHORTEST];
        for place in &mut head[1..] {
            *place = bytes.next()?;
        }
        if !self.heads.contains(&head) {
            return None;
        }
        let text = Zeroizing::new(text.clone().take(self.longest).collect::<Vec<u8>>());
        let shared = |spelling: &Spelling| {
            spelling.0.iter().zip(text.iter()).take_while(|(a, b)| a == b).count()
        };
        let text = text.as_slice();
        let before = self.long.range::<[u8], _>((Unbounded, Included(text))).next_back();
        let behind = self.long.range::<[u8], _>((Excluded(text), Unbounded)).next();
        let long = [before, behind].into_iter().flatten().map(shared).max();
        long.filter(|shared| *shared >= TELLING).or_else(|| {
            let lengths = SHORTEST..TELLING.min(text.len() + 1);
            lengths.rev().find(|length| self.short.contains(&text[..*length]))
        })
    }
}

impl Registry {
    fn add(&mut self, text: Zeroizing<String>) -> Text {
        if let Some(known) = self.known.get(text.as_str()) {
            return known.text();
        }
        let shared = Arc::new(text);
        self.order.push_back(Arc::clone(&shared));
        self.waiting.push(Arc::clone(&shared));
        self.known.insert(Known(Arc::clone(&shared)));
        if self.order.len() > self.next_sweep.max(RETIRED) {
            self.sweep();
        }
        shared
    }

    /// Puts the spellings of those that wait for it into the index.
    fn spell(&mut self) {
        for text in std::mem::take(&mut self.waiting) {
            for spelling in spellings(&text) {
                self.index.add(spelling);
            }
        }
    }

    /// Forgets the oldest of those that nobody holds.
    fn sweep(&mut self) {
        self.waiting.clear();
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
        // In proportion to those that stay, or each of many would be written down again and again.
        self.next_sweep = self.order.len() * 2;
        // Two secrets may share a spelling, so all of them are written down anew.
        self.index = Index::default();
        self.waiting.extend(self.order.iter().map(Arc::clone));
    }

    /// How many bytes at the start of `text`, which is in lower case, are a secret or the telling
    /// beginning of one.
    pub(super) fn known_at(&self, text: &(impl Iterator<Item = u8> + Clone)) -> Option<usize> {
        self.index.known_at(text)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.order.len()
    }
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
        registry.spell();
        for quoted in ["short%2band-long%2f1", "short+and-long/1"] {
            assert_eq!(registry.known_at(&quoted.bytes()), Some(quoted.len()), "{quoted}");
        }
    }

    #[test]
    fn one_of_many_that_begin_alike_is_found_by_as_much_as_is_there() {
        let mut registry = Registry::default();
        let held: Vec<_> = (0..5000)
            .map(|n| registry.add(Zeroizing::new(format!("act.example{n:04}-and-so-on"))))
            .collect();
        registry.add(Zeroizing::new("act.ex".to_owned()));
        registry.spell();
        let known = |text: &str| registry.known_at(&text.bytes());
        assert_eq!(known(&held[17]), Some(held[17].len()));
        assert_eq!(known("act.example4999-and!"), Some("act.example4999-and".len()));
        assert_eq!(known("act.example0001-b"), Some("act.example0001-".len()));
        // What is short is looked for whole.
        assert_eq!(known("act.example9"), Some("act.ex".len()));
        assert_eq!(known("act.e"), None);
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
        registry.spell();
        let spelled = registry.index.long.len() + registry.index.short.len();
        assert!(spelled <= 20 * RETIRED, "{spelled}");
        let knows = |text: &str| registry.known_at(&text.bytes()).is_some();
        assert!(knows(&held) && knows(&text(20 * RETIRED - 1)) && !knows(&text(1)));
    }
}
