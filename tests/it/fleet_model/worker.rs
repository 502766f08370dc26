//! What a worker does: it takes a post over, calls, and records what came of it.

use tiktok_up::testing::{Action, Event, Phase, Step, Transfer};

use super::moves::{Commit, Moves};
use super::rules::Guard;
use super::world::{Journal, LAST_EPOCH, Next, Row, Worker, World};
use super::{Model, allows_another};

const NAMES: [&str; 2] = ["worker A", "worker B"];

impl Model {
    /// What to do with an attempt that is found in the journal.
    pub(super) fn resumed(&self, phase: Phase) -> Step {
        (self.rules.resume)(self.around.transfer, phase)
    }

    /// What a worker does on an event.
    pub(super) fn heard(&self, worker: Worker, event: Event) -> Option<Worker> {
        let step = (self.rules.step)(self.around.transfer, worker.phase, event);
        go_on(Worker { checked: false, ..worker }, step)
    }

    /// Whether a new attempt may be recorded.
    fn may_begin(&self, journal: &Journal) -> bool {
        self.rules.guard == Guard::LeaseBeforeCalls || journal.phases().all(allows_another)
    }
}

/// A worker who is to take a step. `None`: it is done with the post.
fn go_on(worker: Worker, step: Step) -> Option<Worker> {
    if step.phase != worker.phase {
        return Some(Worker { next: Next::Record(step), ..worker });
    }
    acting(worker, step.action)
}

/// A worker who is to do something of which all is recorded.
fn acting(worker: Worker, action: Action) -> Option<Worker> {
    (action != Action::Stop).then_some(Worker { next: Next::Do(action), ..worker })
}

impl Moves<'_> {
    pub(super) fn worker(&mut self, who: usize) {
        let Some(worker) = self.world.workers[who] else { return self.take_over(who) };
        match worker.next {
            Next::Record(step) => self.record(who, worker, step),
            Next::Do(Action::Again) => self.begin(who, worker),
            Next::Do(Action::Intend) => self.intend(who, worker),
            Next::Do(action) if self.looks_first(worker) => self.look(who, worker, action),
            Next::Do(action) => self.call(who, worker, action),
        }
        self.becomes(who, "crashes", false, None);
    }

    /// A worker gets another state, and nothing else happens.
    fn becomes(&mut self, who: usize, what: &'static str, smooth: bool, worker: Option<Worker>) {
        let mut to = *self.world;
        to.workers[who] = worker;
        self.push(NAMES[who], what, smooth, &to);
    }

    /// A worker who has nothing to do takes the post over if there is something to be done. Nobody who may
    /// still have it is asked.
    fn take_over(&mut self, who: usize) {
        let journal = &self.world.journal;
        let last = journal.last();
        let row = last.and_then(|last| journal.rows[last]);
        let is_out = last == Some(self.model.around.attempts - 1);
        // Nothing was tried yet: that is as if what was tried had come to nothing.
        let phase = row.map_or(Phase::Lost, |row| row.phase);
        let is_dead = phase.is_dead();
        let step = self.model.resumed(phase);
        if is_dead && is_out || step == (Step { phase, action: Action::Stop }) {
            return;
        }
        let epoch = match self.model.rules {
            rules if rules.guard == Guard::Phase => 0,
            rules if rules.unique_epochs => [1, 2][who],
            _ if journal.epoch == LAST_EPOCH => return,
            _ => journal.epoch + 1,
        };
        let worker = Worker {
            row: last.unwrap_or_default(),
            phase,
            task: row.and_then(|row| row.task),
            // It cannot know.
            handed_over: matches!(phase, Phase::FinalIntent { .. }),
            checked: false,
            epoch,
            next: Next::Do(Action::Again),
        };
        let mut to = *self.world;
        to.journal.epoch = epoch;
        to.workers[who] = go_on(worker, step);
        let smooth = who == 0;
        self.commit((Some(who), NAMES[who]), "takes the post over", smooth, Commit::TakeOver, &to);
    }

    /// A new attempt, on record before its init is sent.
    fn begin(&mut self, who: usize, worker: Worker) {
        let journal = &self.world.journal;
        let row = journal.last().map_or(0, |last| last + 1);
        let may_begin = self.model.is_owner(journal, &worker) && self.model.may_begin(journal);
        if row == self.model.around.attempts || !may_begin {
            return self.becomes(who, "cannot record another attempt", true, None);
        }
        let mut to = *self.world;
        let phase = Phase::InitIntent;
        to.journal.rows[row] = Some(Row { phase, task: None });
        let worker = Worker { row, phase, task: None, handed_over: false, ..worker };
        to.workers[who] = acting(worker, Action::Init);
        let what = "records a new attempt";
        self.commit((Some(who), NAMES[who]), what, true, Commit::InitIntent, &to);
    }

    /// The final intent comes next, or the worker finds the `upload_url` too old.
    fn intend(&mut self, who: usize, worker: Worker) {
        let heard = |event| self.model.heard(worker, event);
        let (intends, too_old) = (heard(Event::Intend), heard(Event::UrlExpired));
        self.becomes(who, "has all chunks but the last sent", true, intends);
        self.becomes(who, "takes the upload_url for too old", false, too_old);
    }

    /// The one guarded write.
    fn record(&mut self, who: usize, worker: Worker, step: Step) {
        let journal = &self.world.journal;
        let row = journal.rows[worker.row];
        let is_known =
            row.is_some_and(|row| row.phase == worker.phase) || !self.model.knows_phase();
        let (Some(row), true) = (row, is_known && self.model.is_owner(journal, &worker)) else {
            return self.becomes(who, "finds that the record is not what it was", true, None);
        };
        // The init's answer brings the `publish_id`.
        let task = if worker.phase == Phase::InitIntent { worker.task } else { row.task };
        let mut to = *self.world;
        to.journal.rows[worker.row] = Some(Row { phase: step.phase, task });
        to.workers[who] = acting(Worker { phase: step.phase, ..worker }, step.action);
        let commit = match step.phase {
            Phase::FinalIntent { .. } => Commit::FinalIntent,
            _ => Commit::Other,
        };
        self.commit((Some(who), NAMES[who]), recorded(step.phase), true, commit, &to);
    }

    /// Whether a worker looks at its lease before it calls, and has not done so yet.
    fn looks_first(&self, worker: Worker) -> bool {
        self.model.rules.guard == Guard::LeaseBeforeCalls && !worker.checked
    }

    fn look(&mut self, who: usize, worker: Worker, action: Action) {
        let has_lease = self.world.journal.epoch == worker.epoch;
        let next = Next::Do(action);
        let worker = has_lease.then_some(Worker { checked: true, next, ..worker });
        let what = if has_lease { "sees that it has the lease" } else { "sees its lease lost" };
        self.becomes(who, what, true, worker);
    }

    /// TikTok was called, and this is what it and the worker know then.
    pub(super) fn called(
        &mut self,
        who: usize,
        what: &'static str,
        smooth: bool,
        (worker, event): (Worker, Event),
        with: impl FnOnce(&mut World),
    ) {
        let mut to = *self.world;
        with(&mut to);
        to.workers[who] = self.model.heard(worker, event);
        self.push(NAMES[who], what, smooth, &to);
    }

    fn call(&mut self, who: usize, worker: Worker, action: Action) {
        match action {
            Action::Init => self.init(who, worker),
            Action::Send { index } => self.put(who, worker, index),
            Action::Ask => self.status(who, worker),
            Action::Prove => {
                self.proof(who, worker);
                self.status(who, worker);
            }
            Action::Intend | Action::Again | Action::Stop => unreachable!("not a call"),
        }
    }

    pub(super) fn is_pull(&self) -> bool {
        self.model.around.transfer == Transfer::Pull
    }
}

fn recorded(phase: Phase) -> &'static str {
    match phase {
        Phase::InitIntent => "records the intent to send the init",
        Phase::Open { .. } => "records what is stored",
        Phase::FinalIntent { .. } => "records the final intent",
        Phase::Uploaded => "records that all is sent",
        Phase::Rejected => "records that the init was refused",
        Phase::Lost => "records that the init's answer is lost",
        Phase::Abandoned => "records that it gives the attempt up",
        Phase::Failed(_) => "records that TikTok failed it",
        Phase::Published | Phase::Inboxed => "records that it is posted",
        Phase::Unresolved => "records that nobody can tell",
    }
}
