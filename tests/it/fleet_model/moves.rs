//! All that can happen next, and what TikTok, the database and a person do of it.

use tiktok_up::testing::{Action, Phase, Transfer};

use super::Model;
use super::rules::{Guard, NotPosted};
use super::world::{Journal, Next, Row, Task, Worker, World};

/// Something that can happen, and what is then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    pub(super) who: &'static str,
    pub(super) what: &'static str,
    /// Whether it is what happens if nothing is in anybody's way.
    pub(super) smooth: bool,
    pub(super) world: World,
}

/// What a commit is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Commit {
    TakeOver,
    InitIntent,
    FinalIntent,
    Other,
}

/// What can happen in a state, as far as it is found.
pub(super) struct Moves<'m> {
    pub(super) model: &'m Model,
    pub(super) world: &'m World,
    pub(super) next: &'m mut Vec<Move>,
}

impl Model {
    /// All that can happen next, what happens smoothly first.
    pub(super) fn moves(&self, world: &World, next: &mut Vec<Move>) {
        let mut moves = Moves { model: self, world, next };
        moves.posting();
        moves.worker(0);
        moves.worker(1);
        moves.expiry();
        moves.person();
        moves.failover();
    }

    pub(super) fn chunks(&self) -> u32 {
        match self.around.transfer {
            Transfer::File { chunks } => chunks,
            Transfer::Pull => 0,
        }
    }

    /// Whether the database may still be replaced.
    fn may_fail_over(&self, world: &World) -> bool {
        world.failovers < self.around.failovers
    }

    /// Whether a commit waits until the standby has it.
    fn is_synchronous(&self, commit: Commit) -> bool {
        match commit {
            Commit::TakeOver => self.rules.sync_take_over,
            Commit::InitIntent => {
                self.rules.sync_init_intent && self.around.transfer == Transfer::Pull
            }
            Commit::FinalIntent => self.rules.sync_final_intent,
            Commit::Other => false,
        }
    }

    /// Whether writes are held against the phase that the worker knows.
    pub(super) fn knows_phase(&self) -> bool {
        matches!(self.rules.guard, Guard::PhaseAndEpoch | Guard::Phase)
    }

    /// Whether the record has a worker's epoch, as far as writes are held against that.
    pub(super) fn is_owner(&self, journal: &Journal, worker: &Worker) -> bool {
        let is_guarded = matches!(self.rules.guard, Guard::PhaseAndEpoch | Guard::Epoch);
        !is_guarded || journal.epoch == worker.epoch
    }

    /// Whether a write of a worker may be taken, now or after a failover.
    fn may_write(&self, world: &World, worker: &Worker) -> bool {
        let is_counted = !self.rules.unique_epochs;
        // What is counted may be counted once more, after a failover.
        let may = |journal: &Journal| {
            self.is_owner(journal, worker) || is_counted && journal.epoch < worker.epoch
        };
        let fails_over = self.may_fail_over(world);
        // What is over never returns to what a worker knows that has something to record.
        let is_over = world.journal.phase(worker.row).is_some_and(Phase::is_over);
        if self.knows_phase() && !fails_over && is_over && matches!(worker.next, Next::Record(_)) {
            return false;
        }
        may(&world.journal) || fails_over && may(&world.standby)
    }

    /// Whether nothing that a worker may still do changes anything: its writes fail, and its calls reach
    /// nothing that is still open.
    fn is_without_effect(&self, world: &World, worker: &Worker) -> bool {
        if self.may_write(world, worker) {
            return false;
        }
        match worker.next {
            Next::Record(_) | Next::Do(Action::Again | Action::Intend) => true,
            Next::Do(Action::Init) => false,
            Next::Do(_) => {
                let task = worker.task.and_then(|task| world.tasks[task]);
                !matches!(task, Some(Task::Partial { expired: false, .. }))
            }
        }
    }

    /// Leaves out what makes no difference any more, so that there are fewer states.
    fn tidy(&self, world: &mut World) {
        if !self.may_fail_over(world) {
            world.standby = world.journal;
        }
        if !self.tidies {
            return;
        }
        for who in 0..world.workers.len() {
            if let Some(worker) = world.workers[who]
                && self.is_without_effect(world, &worker)
            {
                world.workers[who] = None;
            }
        }
        // Of what is over nothing is asked any more.
        if self.knows_phase() {
            for journal in [&mut world.journal, &mut world.standby] {
                for row in journal.rows.iter_mut().flatten() {
                    row.task = row.task.filter(|_| !row.phase.is_over());
                }
            }
        }
        for task in 0..world.tasks.len() {
            let is_idle = match world.tasks[task] {
                None | Some(Task::Whole | Task::Posted) => false,
                Some(Task::Partial { .. } | Task::Failed) => true,
            };
            if is_idle && !is_known(world, task) {
                world.tasks[task] = None;
            }
        }
    }
}

/// Whether somebody knows of an attempt at TikTok.
fn is_known(world: &World, task: usize) -> bool {
    let worker = |worker: &Option<Worker>| worker.is_some_and(|worker| worker.task == Some(task));
    let row = |row: &Option<Row>| row.is_some_and(|row| row.task == Some(task));
    world.workers.iter().any(worker)
        || world.journal.rows.iter().any(row)
        || world.standby.rows.iter().any(row)
}

impl Moves<'_> {
    /// Something happens.
    pub(super) fn push(&mut self, who: &'static str, what: &'static str, smooth: bool, to: &World) {
        let mut world = *to;
        self.model.tidy(&mut world);
        self.next.push(Move { who, what, smooth, world });
    }

    /// Something is committed: the journal is that of `to`. Whoever commits it goes on as `to` says once that
    /// is acknowledged, and with nothing if it is not.
    pub(super) fn commit(
        &mut self,
        (who, name): (Option<usize>, &'static str),
        what: &'static str,
        smooth: bool,
        commit: Commit,
        to: &World,
    ) {
        self.push(name, what, smooth, &World { standby: to.journal, ..*to });
        if !self.model.rules.heeds_doubt {
            let World { journal, standby, .. } = *self.world;
            let lost = World { journal, standby, ..*to };
            self.push(name, "has its commit cut off, and goes on", false, &lost);
        }
        if !self.model.may_fail_over(self.world) {
            return;
        }
        if !self.model.is_synchronous(commit) {
            self.push(name, what, smooth, to);
        } else if self.model.around.cancelled_waits {
            let mut behind = *to;
            if let Some(who) = who.filter(|_| self.model.rules.heeds_doubt) {
                behind.workers[who] = None;
            }
            self.push(name, "has the wait for the standby cancelled", false, &behind);
        }
    }

    /// TikTok makes up its mind on what it has as a whole.
    fn posting(&mut self) {
        for (at, task) in self.world.tasks.iter().enumerate() {
            if *task == Some(Task::Whole) {
                for (task, what) in [(Task::Posted, "posts it"), (Task::Failed, "fails it")] {
                    let mut to = *self.world;
                    to.tasks[at] = Some(task);
                    self.push("TikTok", what, task == Task::Posted, &to);
                }
            }
        }
    }

    /// An `upload_url` gets too old.
    fn expiry(&mut self) {
        for (at, task) in self.world.tasks.iter().enumerate() {
            if let Some(Task::Partial { stored, expired: false }) = *task {
                let mut to = *self.world;
                to.tasks[at] = Some(Task::Partial { stored, expired: true });
                self.push("TikTok", "lets the upload_url expire", false, &to);
            }
        }
    }

    /// A person looks at the profile and tells what became of a post that is unresolved.
    fn person(&mut self) {
        let World { journal, tasks, workers, .. } = self.world;
        let Some(last) = journal.last() else { return };
        let phase = journal.phase(last).map(|phase| self.model.resumed(phase).phase);
        let is_undecided = tasks.contains(&Some(Task::Whole));
        if phase != Some(Phase::Unresolved) || is_undecided {
            return;
        }
        let is_idle = |who: usize| workers[who].is_none();
        let is_taken = match self.model.rules.not_posted {
            NotPosted::Never => return,
            NotPosted::AnyTime => true,
            NotPosted::HolderDead => match journal.epoch {
                0 => true,
                epoch => is_idle(usize::from(epoch) - 1),
            },
            NotPosted::AllDead => is_idle(0) && is_idle(1),
        };
        let (what, phase) = match self.world.posted() {
            0 if is_taken => ("says that it is not posted", Phase::Abandoned),
            0 => return,
            _ => ("says that it is posted", Phase::Published),
        };
        let mut to = *self.world;
        to.journal.rows[last] = Some(Row { phase, task: None });
        self.commit((None, "a person"), what, false, Commit::Other, &to);
    }

    /// The standby becomes the primary.
    fn failover(&mut self) {
        if !self.model.may_fail_over(self.world) {
            return;
        }
        let mut to = World { failovers: self.world.failovers + 1, ..*self.world };
        to.journal = to.standby;
        if self.model.rules.person_after_failover {
            // Nobody's from now on.
            to.journal.epoch = 0;
            let last = to.journal.last().unwrap_or_default();
            if !to.journal.phase(last).is_some_and(Phase::is_done) {
                to.journal.rows[last] = Some(Row { phase: Phase::Unresolved, task: None });
            }
        }
        self.push("database", "fails over", false, &to);
    }
}
