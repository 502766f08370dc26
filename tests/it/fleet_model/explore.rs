//! Goes through all that can be reached, breadth first.

use std::collections::HashSet;
use std::fmt::{Debug, Write as _};
use std::hash::{BuildHasherDefault, Hasher};

use tiktok_up::testing::Phase;

use super::moves::Move;
use super::world::{World, number_of_phase, phase_of};
use super::{Model, Wrong};

/// What an exploration found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// How many states there are.
    pub(super) states: usize,
    /// What is wrong with some of them.
    pub(super) faults: Vec<Fault>,
    /// In how many the post is made.
    pub(super) posted: usize,
    /// In how many both workers hold the post to be theirs.
    pub(super) both: usize,
    /// The phases that are recorded in some.
    pub(super) phases: Vec<Phase>,
}

/// States that are wrong in one way.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) wrong: Wrong,
    pub(super) states: usize,
    /// The shortest way to one, a step a line.
    pub(super) trace: String,
}

impl Findings {
    /// How many states are wrong like that.
    pub(super) fn count(&self, wrong: Wrong) -> usize {
        self.fault(wrong).map_or(0, |fault| fault.states)
    }

    fn add(&mut self, wrong: Wrong, trace: impl FnOnce() -> String) {
        let fault = self.faults.iter_mut().find(|fault| fault.wrong == wrong);
        if let Some(fault) = fault {
            fault.states += 1;
        } else {
            self.faults.push(Fault { wrong, states: 1, trace: trace() });
        }
    }

    pub(super) fn fault(&self, wrong: Wrong) -> Option<&Fault> {
        self.faults.iter().find(|fault| fault.wrong == wrong)
    }
}

impl Model {
    /// Explores everything, or up to the first state that is wrong in a way.
    pub(super) fn explore(&self, until: Option<Wrong>) -> Findings {
        let owners = self.rules.unique_epochs;
        let start = World::default().packed(owners);
        let mut known: HashSet<u128, BuildHasherDefault<Mixer>> = HashSet::default();
        known.insert(start);
        // Each state, and the one that it was first reached from.
        let (mut states, mut origins) = (vec![start], vec![0_u32]);
        let (mut findings, mut phases) = (Findings::default(), 0);
        let (mut next, mut at) = (Vec::new(), 0);
        while let Some(packed) = states.get(at).copied() {
            let world = World::unpacked(packed);
            assert_eq!(world.packed(owners), packed, "{world:?}");
            phases |= recorded(&world);
            findings.posted += usize::from(world.posted() == 1);
            findings.both += usize::from(world.workers.iter().all(Option::is_some));
            if let Some(wrong) = self.judge(&world) {
                findings.add(wrong, || self.trace(&states, &origins, at));
                if until == Some(wrong) {
                    break;
                }
            }
            next.clear();
            self.moves(&world, &mut next);
            for next in &next {
                let packed = next.world.packed(owners);
                if known.insert(packed) {
                    states.push(packed);
                    origins.push(u32::try_from(at).expect("there are not so many"));
                }
            }
            at += 1;
        }
        findings.states = states.len();
        let seen = (0..16).filter(|number| phases & 1 << number != 0);
        findings.phases = seen.map(phase_of).collect();
        findings
    }

    /// How a state was reached. The workers are called by name, and so one that was the first in a state of
    /// the exploration may be the second here.
    fn trace(&self, states: &[u128], origins: &[u32], mut at: usize) -> String {
        let mut path = Vec::new();
        while at > 0 {
            path.push(states[at]);
            at = origins[at] as usize;
        }
        let owners = self.rules.unique_epochs;
        let (mut world, mut trace) = (World::default(), String::new());
        for packed in path.into_iter().rev() {
            let mut next = Vec::new();
            self.moves(&world, &mut next);
            let step = next.into_iter().find(|next| next.world.packed(owners) == packed);
            let step = step.expect("a state is reached from the one before");
            world = step.world;
            let (journal, tasks) =
                (listed(world.journal.phases()), listed(world.tasks.iter().flatten()));
            let Move { who, what, .. } = step;
            writeln!(trace, "  {who:8}  {what:48}  journal: {journal}; TikTok: {tasks}")
                .expect("a string takes everything");
        }
        trace
    }
}

/// The phases in the journal, a bit each.
fn recorded(world: &World) -> u16 {
    world.journal.phases().fold(0, |seen, phase| seen | 1 << number_of_phase(phase))
}

fn listed(items: impl Iterator<Item = impl Debug>) -> String {
    let items = items.map(|item| format!("{item:?}")).collect::<Vec<_>>();
    if items.is_empty() { "nothing".to_owned() } else { items.join(", ") }
}

/// A hash for keys that are all different, and of which nobody chooses any.
#[derive(Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u128((*byte).into());
        }
    }

    fn write_u128(&mut self, value: u128) {
        let half = |value: u128| u64::try_from(value & u128::from(u64::MAX)).unwrap_or_default();
        let (low, high) = (half(value), half(value >> 64));
        let mixed = (low ^ high.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = (mixed ^ mixed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
        self.0 ^= self.0 >> 32;
    }
}
