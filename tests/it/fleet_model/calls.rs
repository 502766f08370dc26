//! The calls to TikTok: what each may do, and what the worker may hear of it.

use tiktok_up::testing::{Event, Failed, ReportedStatus};

use super::moves::Moves;
use super::world::{Task, Worker, World};

impl Moves<'_> {
    /// An init: it arrives or not, and is answered or not. That of a pull gives TikTok all that it needs.
    pub(super) fn init(&mut self, who: usize, worker: Worker) {
        let new =
            if self.is_pull() { Task::Whole } else { Task::Partial { stored: 0, expired: false } };
        if let Some(at) = self.world.tasks.iter().position(Option::is_none) {
            let arrives = move |world: &mut World| world.tasks[at] = Some(new);
            let answered = Worker { task: Some(at), ..worker };
            let accepted = (answered, Event::InitAccepted);
            self.called(who, "has an init accepted", true, accepted, arrives);
            let unclear = (worker, Event::InitUnclear);
            self.called(who, "sends an init, whose answer is lost", false, unclear, arrives);
        }
        let unclear = (worker, Event::InitUnclear);
        self.called(who, "sends an init, which does not arrive", false, unclear, |_| {});
        let refused = (worker, Event::InitRefused);
        self.called(who, "has an init refused", false, refused, |_| {});
    }

    /// One PUT: it arrives or not, and is answered or not.
    pub(super) fn put(&mut self, who: usize, worker: Worker, index: u32) {
        let is_last = index + 1 == self.model.chunks();
        let handed_over = Worker { handed_over: worker.handed_over || is_last, ..worker };
        // The worker's clock may be ahead.
        let too_old = (worker, Event::UrlExpired);
        self.called(who, "takes the upload_url for too old", false, too_old, |_| {});
        if is_last && self.model.around.shifty {
            let changed = Event::FileChanged { handed_over: worker.handed_over };
            let what = "sees the file change, and withholds the last block";
            self.called(who, what, false, (worker, changed), |_| {});
        }
        let what = "sends a chunk, which does not arrive as a whole";
        self.called(who, what, false, (worker, Event::ChunkUnclear), |_| {});
        let Some((at, task)) = worker.task.and_then(|at| Some((at, self.world.tasks[at]?))) else {
            return self.called(who, "has a chunk refused", true, (worker, Event::UrlGone), |_| {});
        };
        let unclear = (handed_over, Event::ChunkUnclear);
        match task {
            Task::Partial { expired: true, .. } => self.gone(who, handed_over),
            // 416.
            Task::Partial { stored, .. } if index > stored => {
                self.called(who, "sends a chunk too early", true, unclear, |_| {});
            }
            Task::Partial { stored, expired } => {
                let stored = stored.max(index + 1);
                let is_whole = stored == self.model.chunks();
                let task = if is_whole { Task::Whole } else { Task::Partial { stored, expired } };
                let arrives = move |world: &mut World| world.tasks[at] = Some(task);
                let event = if is_whole {
                    Event::AllStored { index }
                } else {
                    Event::ChunkStored { index }
                };
                let what = if is_last { "sends the last chunk" } else { "sends a chunk" };
                self.called(who, what, true, (handed_over, event), arrives);
                let what = if is_last {
                    "sends the last chunk, and hears nothing"
                } else {
                    "sends a chunk, and hears nothing"
                };
                self.called(who, what, false, unclear, arrives);
            }
            Task::Whole | Task::Posted | Task::Failed => {
                if is_last {
                    let again = (handed_over, Event::AllStored { index });
                    self.called(who, "sends the last chunk again", true, again, |_| {});
                }
                self.gone(who, handed_over);
            }
        }
    }

    /// The `upload_url` takes nothing any more.
    fn gone(&mut self, who: usize, worker: Worker) {
        self.called(who, "has a chunk refused", true, (worker, Event::UrlGone), |_| {});
        let unclear = (worker, Event::ChunkUnclear);
        self.called(who, "has a chunk refused, and hears nothing", false, unclear, |_| {});
    }

    /// Two reads with the margins that they must have: what lags behind has been made up for.
    pub(super) fn proof(&mut self, who: usize, worker: Worker) {
        let task = worker.task.and_then(|task| self.world.tasks[task]);
        if let Some(Task::Partial { expired: true, .. }) = task {
            let proved = (worker, Event::ProvedIncomplete);
            self.called(who, "has the proof that it stays incomplete", true, proved, |_| {});
        }
    }

    /// What status/fetch says.
    pub(super) fn status(&mut self, who: usize, worker: Worker) {
        let task = worker.task.and_then(|task| self.world.tasks[task]);
        let is_forgotten = self.model.around.forgetful || task.is_none();
        let is_lagging = self.model.around.lagging;
        let mut told = |what, smooth, status| {
            self.called(who, what, smooth, (worker, Event::Status(status)), |_| {});
        };
        match task {
            Some(Task::Posted) => told("hears that it is posted", true, ReportedStatus::Published),
            Some(Task::Failed) => {
                let failed = ReportedStatus::Failed;
                told("hears that TikTok failed it", true, failed(Failed::Internal));
                told("hears that TikTok failed it for good", false, failed(Failed::Final));
            }
            _ => {}
        }
        if is_forgotten {
            let smooth = task.is_none();
            told("hears that there is no such id", smooth, ReportedStatus::IdUnknown);
        }
        // What is still under way, or was.
        let (stored, is_true) = match task {
            None => return,
            Some(Task::Partial { stored, .. }) => (stored, true),
            Some(Task::Whole) => (self.model.chunks(), true),
            Some(Task::Posted | Task::Failed) => (self.model.chunks(), false),
        };
        if is_true || is_lagging {
            self.processing(who, worker, stored, is_true);
        }
        if is_lagging {
            for before in 0..stored {
                self.processing(who, worker, before, false);
            }
        }
    }

    fn processing(&mut self, who: usize, worker: Worker, stored: u32, smooth: bool) {
        let stored = Some(stored).filter(|_| !self.is_pull());
        let event = Event::Status(ReportedStatus::Processing { stored });
        self.called(who, "hears how much is stored", smooth, (worker, event), |_| {});
    }
}
