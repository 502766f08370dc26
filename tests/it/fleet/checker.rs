//! What must hold after a storm, whatever happened in it: at most one post a key, no last chunk before the
//! synchronous commit of its intent, a journal that says what TikTok has, and no login lost but where nothing could
//! have saved it. It believes TikTok's log and posts, and what the database recorded of every step that it took.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

/// A post as TikTok has it.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// What makes it this post: its caption.
    pub(crate) key: String,
    pub(crate) publish_id: String,
    /// Whether anybody can see it.
    pub(crate) is_done: bool,
    /// When its init came.
    pub(crate) init: Timestamp,
    /// Whether the bytes are those of the file.
    pub(crate) is_right: bool,
}

/// The arrival of a chunk at TikTok.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    pub(crate) publish_id: String,
    pub(crate) came: Timestamp,
    /// `bytes FIRST-LAST/TOTAL`
    pub(crate) range: String,
}

impl Chunk {
    /// Whether it is the last one, with which the post is made.
    fn is_last(&self) -> bool {
        let parts = self.range.rsplit_once('/').and_then(|(range, total)| {
            let last: u64 = range.rsplit_once('-')?.1.parse().ok()?;
            Some((last + 1, total.parse().ok()?))
        });
        parts.is_none_or(|(end, total): (u64, u64)| end == total)
    }
}

/// A step that the database recorded, in the order of the records.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) key: String,
    pub(crate) phase: String,
    pub(crate) publish_id: Option<String>,
    /// `synchronous_commit` of its transaction.
    pub(crate) synchronous: String,
    /// When it was committed.
    pub(crate) committed: Timestamp,
}

impl Recorded {
    fn is_synchronous(&self) -> bool {
        matches!(self.synchronous.as_str(), "on" | "remote_apply")
    }
}

/// The last attempt at a post in the journal.
#[derive(Clone, Debug)]
pub(crate) struct Journaled {
    pub(crate) phase: String,
    pub(crate) publish_id: Option<String>,
}

/// A login that does not work any more.
#[derive(Clone, Debug)]
pub(crate) struct LostLogin {
    pub(crate) account: String,
    /// The last rotation that TikTok made of it.
    pub(crate) rotated: Option<Timestamp>,
    /// The process that may have spent its token last.
    pub(crate) spent_by: Option<u32>,
}

/// All that is known after a storm.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    /// What was to be posted; `true`: its init makes the post, so that its outcome may be unknown.
    pub(crate) wanted: BTreeMap<String, bool>,
    pub(crate) made: Vec<Made>,
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) recorded: Vec<Recorded>,
    pub(crate) journal: BTreeMap<String, Journaled>,
    pub(crate) lost_logins: Vec<LostLogin>,
    /// The processes that were killed, and when.
    pub(crate) kills: Vec<(u32, Timestamp)>,
}

/// How far a time of the database may be from one of TikTok's: both are this machine's.
const PRECISION: SignedDuration = SignedDuration::from_millis(1);

/// How long after a rotation a process may be killed that has not made its answer durable: it may have been stopped
/// before.
const WINDOW: SignedDuration = SignedDuration::from_secs(10);

/// What a storm came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) posts: usize,
    pub(crate) unknown: usize,
    pub(crate) last_chunks: usize,
    /// Lost within the window of a rotation.
    pub(crate) logins_lost: usize,
}

impl Evidence {
    /// Holds all of it against the rules.
    pub(crate) fn check(&self) -> Result<Figures, Vec<String>> {
        let mut wrong = Vec::new();
        let mut figures = Figures::default();
        self.posts(&mut figures, &mut wrong);
        self.inits(&mut wrong);
        self.last_chunks(&mut figures, &mut wrong);
        self.logins(&mut figures, &mut wrong);
        if wrong.is_empty() { Ok(figures) } else { Err(wrong) }
    }

    /// One post a key, with the right bytes, and the journal names it.
    fn posts(&self, figures: &mut Figures, wrong: &mut Vec<String>) {
        let mut done: BTreeMap<&str, Vec<&Made>> = BTreeMap::new();
        for made in self.made.iter().filter(|made| made.is_done) {
            done.entry(&made.key).or_default().push(made);
        }
        for key in done.keys().filter(|key| !self.wanted.contains_key(**key)) {
            wrong.push(format!("{key}: nobody asked for it"));
        }
        for (key, by_init) in &self.wanted {
            let made = done.get(key.as_str()).map_or(&[][..], Vec::as_slice);
            let Some(journal) = self.journal.get(key) else {
                wrong.push(format!("{key}: the journal does not know it, TikTok has {made:?}"));
                continue;
            };
            match (made, journal.phase.as_str()) {
                ([made], "published") if journal.publish_id.as_ref() == Some(&made.publish_id) => {
                    figures.posts += 1;
                    if !made.is_right {
                        wrong.push(format!("{key}: other bytes were posted"));
                    }
                }
                ([] | [_], "unresolved") if *by_init => figures.unknown += 1,
                ([_, _, ..], _) => wrong.push(format!("{key}: doubled: {made:?}")),
                _ => wrong.push(format!("{key}: TikTok has {made:?}, the journal {journal:?}")),
            }
        }
    }

    /// Every init that reached TikTok was intended before: no more of them than intents by then.
    fn inits(&self, wrong: &mut Vec<String>) {
        let mut of_key: BTreeMap<&str, Vec<Timestamp>> = BTreeMap::new();
        for made in &self.made {
            of_key.entry(&made.key).or_default().push(made.init);
        }
        for (key, mut inits) in of_key {
            inits.sort();
            for (nth, init) in inits.into_iter().enumerate() {
                let intents = self.recorded.iter().filter(|it| {
                    it.key == key
                        && it.phase == "init-intent"
                        && it.is_synchronous()
                        && it.committed <= init + PRECISION
                });
                let intents = intents.count();
                if intents <= nth {
                    wrong
                        .push(format!("{key}: init {} at {init} after {intents} intents", nth + 1));
                }
            }
        }
    }

    /// No last chunk is under way before its intent is on both servers.
    fn last_chunks(&self, figures: &mut Figures, wrong: &mut Vec<String>) {
        let mut intents: BTreeMap<&str, Timestamp> = BTreeMap::new();
        for it in &self.recorded {
            if let ("final-intent", Some(id), true) =
                (it.phase.as_str(), &it.publish_id, it.is_synchronous())
            {
                let first = intents.entry(id).or_insert(it.committed);
                *first = it.committed.min(*first);
            }
        }
        for chunk in self.chunks.iter().filter(|chunk| chunk.is_last()) {
            figures.last_chunks += 1;
            match intents.get(chunk.publish_id.as_str()) {
                Some(intent) if *intent <= chunk.came + PRECISION => {}
                intent => wrong.push(format!(
                    "{}: its last chunk came at {}, its intent was committed at {intent:?}",
                    chunk.publish_id, chunk.came
                )),
            }
        }
    }

    /// A login is lost only with a process that had spent its token and was killed before the answer was durable.
    fn logins(&self, figures: &mut Figures, wrong: &mut Vec<String>) {
        for lost in &self.lost_logins {
            let killed: BTreeSet<Timestamp> = self
                .kills
                .iter()
                .filter(|(pid, _)| Some(*pid) == lost.spent_by)
                .map(|(_, at)| *at)
                .collect();
            let explains = |rotated: Timestamp| {
                killed.iter().any(|at| *at >= rotated - PRECISION && *at <= rotated + WINDOW)
            };
            if lost.rotated.is_some_and(explains) {
                figures.logins_lost += 1;
            } else {
                let LostLogin { account, rotated, spent_by } = lost;
                wrong.push(format!(
                    "{account}: its login is lost, rotated at {rotated:?}, spent by {spent_by:?}, and \
                     no kill explains it"
                ));
            }
        }
    }

    /// The ways to falsify it that the checker has to notice, each with what it says then. Evidence in which there is
    /// nothing to falsify gives none.
    pub(crate) fn falsified(&self) -> Vec<(&'static str, Self)> {
        let mut all = Vec::new();
        let mut falsify = |says: &'static str, change: &dyn Fn(&mut Self) -> Option<()>| {
            let mut other = self.clone();
            if change(&mut other).is_some() {
                all.push((says, other));
            }
        };
        let done = |all: &Self| all.made.iter().position(|made| made.is_done);
        let last = |all: &Self| all.chunks.iter().find(|chunk| chunk.is_last()).cloned();
        let intents = |all: &mut Self, of: &Chunk, change: &dyn Fn(&mut Recorded)| {
            let of_it = all.recorded.iter_mut().filter(|it| {
                it.phase == "final-intent" && it.publish_id.as_ref() == Some(&of.publish_id)
            });
            of_it.for_each(change);
        };
        falsify("doubled", &|it| {
            let mut second = it.made[done(it)?].clone();
            second.publish_id.push_str("-again");
            it.made.push(second);
            Some(())
        });
        falsify("after 1 intents", &|it| {
            // An init that nobody intended and that never became a post.
            let mut second = it.made[done(it)?].clone();
            second.publish_id.push_str("-again");
            second.is_done = false;
            let key = second.key.clone();
            it.recorded.retain(|it| it.key != key || it.phase != "init-intent");
            let first = Recorded {
                key,
                phase: "init-intent".to_owned(),
                publish_id: None,
                synchronous: "on".to_owned(),
                committed: Timestamp::MIN,
            };
            it.recorded.push(first);
            it.made.push(second);
            Some(())
        });
        falsify("TikTok has []", &|it| {
            let at = done(it)?;
            it.made.remove(at);
            Some(())
        });
        falsify("other bytes", &|it| {
            let at = done(it)?;
            it.made[at].is_right = false;
            Some(())
        });
        falsify("its last chunk came at", &|it| {
            let chunk = last(it)?;
            intents(it, &chunk, &|intent| "off".clone_into(&mut intent.synchronous));
            Some(())
        });
        falsify("its last chunk came at", &|it| {
            let chunk = last(it)?;
            let after = chunk.came + SignedDuration::from_millis(2);
            intents(it, &chunk, &|intent| intent.committed = after);
            Some(())
        });
        falsify("its last chunk came at", &|it| {
            let chunk = last(it)?;
            intents(it, &chunk, &|intent| "open".clone_into(&mut intent.phase));
            Some(())
        });
        falsify("no kill explains it", &|it| {
            it.lost_logins.push(LostLogin {
                account: "somebody".to_owned(),
                rotated: Some(Timestamp::UNIX_EPOCH),
                spent_by: it.kills.first().map(|(pid, _)| *pid),
            });
            Some(())
        });
        all
    }

    /// Falsifies it in every way; the checker must notice each.
    #[track_caller]
    pub(crate) fn is_watched(&self) -> usize {
        let all = self.falsified();
        for (says, other) in &all {
            let wrong = other.check().expect_err(says);
            assert!(wrong.iter().any(|wrong| wrong.contains(says)), "not {says:?}: {wrong:?}");
        }
        all.len()
    }
}

/// A storm of one post, in which all is well.
fn calm() -> Evidence {
    let at = |second| Timestamp::from_second(second).unwrap();
    let recorded = |phase: &str, publish_id: Option<&str>, synchronous: &str, second| Recorded {
        key: "a".to_owned(),
        phase: phase.to_owned(),
        publish_id: publish_id.map(str::to_owned),
        synchronous: synchronous.to_owned(),
        committed: at(second),
    };
    let chunk = |range: &str, second| Chunk {
        publish_id: "v1".to_owned(),
        came: at(second),
        range: range.to_owned(),
    };
    let made = Made {
        key: "a".to_owned(),
        publish_id: "v1".to_owned(),
        is_done: true,
        init: at(101),
        is_right: true,
    };
    let journal = Journaled { phase: "published".to_owned(), publish_id: Some("v1".to_owned()) };
    Evidence {
        wanted: [("a".to_owned(), false)].into(),
        made: vec![made],
        chunks: vec![chunk("bytes 0-4/10", 103), chunk("bytes 5-9/10", 105)],
        recorded: vec![
            recorded("init-intent", None, "on", 100),
            recorded("open", Some("v1"), "off", 103),
            recorded("final-intent", Some("v1"), "on", 104),
            recorded("published", Some("v1"), "on", 106),
        ],
        journal: [("a".to_owned(), journal)].into(),
        lost_logins: Vec::new(),
        kills: vec![(7, at(200))],
    }
}

#[test]
fn the_checker_finds_every_planted_fault_and_none_in_what_is_well() {
    let calm = calm();
    let figures = Figures { posts: 1, last_chunks: 1, ..Figures::default() };
    assert_eq!(calm.check(), Ok(figures));
    assert_eq!(calm.is_watched(), 8);
}

#[test]
fn a_login_is_lost_only_with_the_process_that_had_just_spent_its_token() {
    let at = |second| Some(Timestamp::from_second(second).unwrap());
    let lost = |rotated, spent_by| Evidence {
        lost_logins: vec![LostLogin { account: "ada".to_owned(), rotated, spent_by }],
        ..calm()
    };
    assert_eq!(lost(at(199), Some(7)).check().unwrap().logins_lost, 1);
    for (rotated, spent_by) in
        [(at(199), Some(8)), (at(180), Some(7)), (at(201), Some(7)), (None, Some(7))]
    {
        lost(rotated, spent_by).check().unwrap_err();
    }
}

#[test]
fn only_the_init_of_a_pull_may_have_an_unknown_outcome() {
    let unknown = |by_init| {
        let mut all = calm();
        all.wanted.insert("a".to_owned(), by_init);
        all.journal.get_mut("a").unwrap().phase = "unresolved".to_owned();
        all
    };
    assert_eq!(unknown(true).check().unwrap().unknown, 1);
    unknown(false).check().unwrap_err();
}
