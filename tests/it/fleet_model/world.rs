//! All that a state consists of, and how it is kept small.

use tiktok_up::testing::{Action, Failed, Phase, Step};

/// Room for so many attempts in the journal, and as many at TikTok.
pub(super) const ROOM: usize = 3;

/// Epochs are counted so far.
pub(super) const LAST_EPOCH: u8 = 3;

/// An attempt in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) phase: Phase,
    /// Its `publish_id`: where it lies in [`World::tasks`].
    pub(super) task: Option<usize>,
}

/// The post in the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Journal {
    /// Its attempts, the first one first.
    pub(super) rows: [Option<Row>; ROOM],
    /// That of the last take-over; 0 before the first. Of unique ones it is 1 or 2, by the worker: what a
    /// worker knew under an earlier one of its own is gone with its crash. Others are counted.
    pub(super) epoch: u8,
}

/// An attempt as TikTok sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// There are chunks that it has not.
    Partial {
        /// Chunks that it has.
        stored: u32,
        /// Whether its `upload_url` is too old.
        expired: bool,
    },
    /// It has everything.
    Whole,
    /// It is posted.
    Posted,
    /// It will never be.
    Failed,
}

/// A worker who has taken the post over, and may have lost it since without knowing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Worker {
    /// What it knows of the attempt: its number.
    pub(super) row: usize,
    /// Its phase.
    pub(super) phase: Phase,
    /// Its `publish_id` and `upload_url`.
    pub(super) task: Option<usize>,
    /// Whether the last block of the final chunk may have been handed over, by this worker or by another.
    pub(super) handed_over: bool,
    /// Whether it has just seen that it has the lease.
    pub(super) checked: bool,
    /// The epoch of its take-over.
    pub(super) epoch: u8,
    pub(super) next: Next,
}

/// What a worker is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// This.
    Do(Action),
    /// To record the phase, and then do the action.
    Record(Step),
}

/// Everything: the state that is explored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct World {
    /// As all workers see it.
    pub(super) journal: Journal,
    /// As it is after a failover.
    pub(super) standby: Journal,
    pub(super) tasks: [Option<Task>; ROOM],
    pub(super) workers: [Option<Worker>; 2],
    /// How often a standby has become the primary.
    pub(super) failovers: u8,
}

impl Journal {
    pub(super) fn last(&self) -> Option<usize> {
        self.rows.iter().rposition(Option::is_some)
    }

    pub(super) fn phase(&self, row: usize) -> Option<Phase> {
        Some(self.rows[row]?.phase)
    }

    pub(super) fn phases(&self) -> impl Iterator<Item = Phase> {
        self.rows.iter().flatten().map(|row| row.phase)
    }
}

impl World {
    pub(super) fn posted(&self) -> usize {
        self.tasks.iter().filter(|task| **task == Some(Task::Posted)).count()
    }

    /// The state in a number. It does not matter which worker is which. `owners`: epochs tell whose they are.
    pub(super) fn packed(&self, owners: bool) -> u128 {
        let mut rest = Bits(0);
        rest.put(2, self.failovers);
        for row in self.journal.rows.iter().chain(&self.standby.rows) {
            match row {
                Some(row) => {
                    rest.put(2, number_of_place(row.task));
                    rest.put(5, number_of_phase(row.phase) + 1);
                }
                None => rest.put(7, 0),
            }
        }
        for task in &self.tasks {
            rest.put(4, task.map_or(0, number_of_task));
        }
        let epochs = [self.journal.epoch, self.standby.epoch];
        let [one, two] = self.workers.map(|worker| match worker {
            Some(worker) => (worker.packed(), worker.epoch),
            None => (0, 0),
        });
        let other = |epoch: u8| if owners { [0, 2, 1, 3][usize::from(epoch)] } else { epoch };
        let crossed = [two, one].map(|(worker, epoch)| (worker, other(epoch)));
        rest.with(epochs, [one, two]).min(rest.with(epochs.map(other), crossed))
    }

    pub(super) fn unpacked(value: u128) -> Self {
        let mut bits = Bits(value);
        let mut world = Self::default();
        for worker in world.workers.iter_mut().rev() {
            *worker = Worker::unpacked(&mut bits);
        }
        world.standby.epoch = bits.take(2);
        world.journal.epoch = bits.take(2);
        for task in world.tasks.iter_mut().rev() {
            *task = task_of(bits.take(4));
        }
        for journal in [&mut world.standby, &mut world.journal] {
            for row in journal.rows.iter_mut().rev() {
                let phase = bits.take(5).checked_sub(1);
                let task = place_of(bits.take(2));
                *row = phase.map(|phase| Row { phase: phase_of(phase), task });
            }
        }
        world.failovers = bits.take(2);
        world
    }
}

/// What a worker takes in a packed state, without its epoch.
const WORKER: u32 = 19;

impl Worker {
    /// All but the epoch; never 0.
    fn packed(&self) -> u32 {
        let (is_record, phase, action) = match self.next {
            Next::Do(action) => (false, 0, action),
            Next::Record(step) => (true, number_of_phase(step.phase), step.action),
        };
        let mut bits = Bits(0);
        bits.put(4, phase);
        bits.put(4, number_of_action(action));
        bits.put(1, is_record.into());
        bits.put(1, self.checked.into());
        bits.put(1, self.handed_over.into());
        bits.put(2, number_of_place(self.task));
        bits.put(4, number_of_phase(self.phase));
        bits.put(2, number_of_place(Some(self.row)));
        let [a, b, c, d, ..] = bits.0.to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    fn unpacked(bits: &mut Bits) -> Option<Self> {
        let epoch = bits.take(2);
        let row = place_of(bits.take(2));
        let phase = phase_of(bits.take(4));
        let task = place_of(bits.take(2));
        let [handed_over, checked, is_record] = [0; 3].map(|_| bits.take(1) == 1);
        let action = action_of(bits.take(4));
        let step = Step { phase: phase_of(bits.take(4)), action };
        let next = if is_record { Next::Record(step) } else { Next::Do(action) };
        Some(Self { row: row?, phase, task, handed_over, checked, epoch, next })
    }
}

/// Small numbers in a big one; what was put in last is taken out first.
#[derive(Clone, Copy)]
struct Bits(u128);

impl Bits {
    fn put(&mut self, width: u32, value: u8) {
        self.0 = self.0 << width | u128::from(value);
    }

    /// Up to eight bits.
    fn take(&mut self, width: u32) -> u8 {
        let [low, ..] = self.0.to_le_bytes();
        self.0 >>= width;
        low & ((1 << width) - 1)
    }

    /// With the parts that change if the two workers change places.
    fn with(mut self, epochs: [u8; 2], workers: [(u32, u8); 2]) -> u128 {
        for epoch in epochs {
            self.put(2, epoch);
        }
        for (worker, epoch) in workers {
            self.0 = self.0 << WORKER | u128::from(worker);
            self.put(2, epoch);
        }
        self.0
    }
}

fn number_of_place(place: Option<usize>) -> u8 {
    match place {
        None => 0,
        Some(0) => 1,
        Some(1) => 2,
        Some(_) => 3,
    }
}

fn place_of(number: u8) -> Option<usize> {
    [None, Some(0), Some(1), Some(2)][usize::from(number)]
}

pub(super) fn number_of_phase(phase: Phase) -> u8 {
    match phase {
        Phase::InitIntent => 0,
        Phase::Open { stored } => 1 + small(stored),
        Phase::FinalIntent { stored } => 4 + small(stored),
        Phase::Uploaded => 8,
        Phase::Rejected => 9,
        Phase::Lost => 10,
        Phase::Abandoned => 11,
        Phase::Failed(Failed::Internal) => 12,
        Phase::Failed(_) => 13,
        Phase::Published | Phase::Inboxed => 14,
        Phase::Unresolved => 15,
    }
}

pub(super) fn phase_of(number: u8) -> Phase {
    match number {
        0 => Phase::InitIntent,
        1..4 => Phase::Open { stored: u32::from(number) - 1 },
        4..8 => Phase::FinalIntent { stored: u32::from(number) - 4 },
        8 => Phase::Uploaded,
        9 => Phase::Rejected,
        10 => Phase::Lost,
        11 => Phase::Abandoned,
        12 => Phase::Failed(Failed::Internal),
        13 => Phase::Failed(Failed::Final),
        14 => Phase::Published,
        _ => Phase::Unresolved,
    }
}

fn number_of_action(action: Action) -> u8 {
    match action {
        Action::Init => 0,
        Action::Intend => 1,
        Action::Ask => 2,
        Action::Prove => 3,
        Action::Again => 4,
        Action::Stop => 5,
        Action::Send { index } => 6 + small(index),
    }
}

fn action_of(number: u8) -> Action {
    match number {
        0 => Action::Init,
        1 => Action::Intend,
        2 => Action::Ask,
        3 => Action::Prove,
        4 => Action::Again,
        5 => Action::Stop,
        _ => Action::Send { index: u32::from(number) - 6 },
    }
}

fn number_of_task(task: Task) -> u8 {
    match task {
        Task::Partial { stored, expired } => 1 + 2 * small(stored) + u8::from(expired),
        Task::Whole => 7,
        Task::Posted => 8,
        Task::Failed => 9,
    }
}

fn task_of(number: u8) -> Option<Task> {
    Some(match number {
        0 => return None,
        1..7 => {
            let stored = (u32::from(number) - 1) / 2;
            Task::Partial { stored, expired: number.is_multiple_of(2) }
        }
        7 => Task::Whole,
        8 => Task::Posted,
        _ => Task::Failed,
    })
}

/// Of chunks there are three at the most.
fn small(number: u32) -> u8 {
    let [small, ..] = number.to_le_bytes();
    small
}
