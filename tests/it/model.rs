//! A brute-force model of one post: every order in which TikTok, the network, crashes and cron can
//! act on the engine, explored over the transition function that the engine itself uses.
//!
//! The server takes chunks, posts or fails as soon as it has all of them (a pull: at once), and lets
//! an `upload_url` expire, each at any time. A call is applied or not, and answered or not. The run
//! may end at any point, between a call and its record as well, and another one begins from what the
//! journal holds. A phase is durable before the action that follows it.
//!
//! Looked for: DOUBLE, two attempts of the post are posted; LOST, nobody works on the post, the
//! journal says that no attempt came to anything, and one is posted; FALSE DONE, the journal says
//! posted, and none is. Posting goes on after the end. What is sound must show none of them, and each
//! mutant must show them, or the model has lost its teeth.
//!
//! Not modelled: a PUT that is applied after the run has given it up (the margins of the server's
//! proof are for that), a `FAILED` that is posted later, two processes at once (the upload lock).

mod mutants;
mod sound;

use std::collections::HashMap;

use tiktok_up::testing::{
    Action, Event, Failed, Phase, ReportedStatus, Step, Transfer, resume, step,
};

/// How many attempts are explored.
const ATTEMPTS: usize = 3;

/// An attempt as TikTok sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Task {
    /// Chunks that it has.
    stored: u32,
    /// What became of it.
    outcome: Outcome,
    /// Whether its `upload_url` is too old.
    expired: bool,
    /// Whether it calls itself complete, whatever it has.
    closed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Outcome {
    None,
    Posted,
    Failed,
}

/// An attempt: what the journal says and what TikTok has, if the init arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Attempt {
    journal: Phase,
    task: Option<Task>,
}

/// A run of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Run {
    /// The phase that it knows.
    phase: Phase,
    /// What it is about to do.
    action: Action,
    /// Whether the last block of the final chunk may have been handed over, now or by an earlier run.
    handed_over: bool,
    /// Whether it began this attempt itself.
    begun_here: bool,
}

/// Everything: the state that is explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct World {
    attempts: [Option<Attempt>; ATTEMPTS],
    run: Option<Run>,
}

/// How hostile the surroundings are, beyond what is said above.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a dimension of its own")]
struct Environment {
    /// A PUT can get lost on its way, and be answered with an error.
    lossy: bool,
    /// The program's clock may call the `upload_url` expired before it is, at any time.
    hasty: bool,
    /// TikTok may forget a `publish_id`.
    forgetful: bool,
    /// The file may change under the run.
    shifty: bool,
    /// Every later run finds another file in place of the planned one.
    replaced: bool,
    /// `uploaded_bytes` may lag behind.
    lagging: bool,
    /// The margins that make a lagging `uploaded_bytes` no proof are not kept.
    marginless: bool,
    /// An init may provably not have left this machine.
    unsent: bool,
    /// TikTok may say 201 to a chunk that is not the last, and then post what it has.
    early: bool,
    /// A later run may find that the entry asks for other settings than its init declared.
    resettled: bool,
    /// The address of the chunks may be none to send bytes to.
    misdirected: bool,
}

/// The rules under test: the engine's, or a mutant of them.
#[derive(Clone, Copy)]
struct Rules {
    step: fn(Transfer, Phase, Event) -> Step,
    resume: fn(Transfer, Phase) -> Step,
    /// Whether a new attempt may follow one in that phase.
    is_dead: fn(Phase) -> bool,
    /// Whether the journal records that phase.
    records: fn(Phase) -> bool,
    /// What a 401 to a status call leads to.
    unauthorized: fn(Phase) -> Step,
}

/// The engine's own.
const SOUND: Rules = Rules {
    step,
    resume,
    is_dead: Phase::is_dead,
    records: |_| true,
    // The token is refreshed and the same call made again.
    unauthorized: |phase| Step { phase, action: Action::Ask },
};

/// What an exploration found.
#[derive(Debug, Default, PartialEq, Eq)]
struct Findings {
    states: usize,
    double: usize,
    lost: usize,
    false_done: usize,
    /// A final chunk was sent while the journal did not say so.
    naked: usize,
    /// The journal says posted, and what is posted lacks chunks.
    cut_short: usize,
    /// A post is unresolved although TikTok tells what became of it.
    needless: usize,
    /// Nothing that can happen leads to an end.
    trapped: usize,
}

struct Model {
    transfer: Transfer,
    around: Environment,
    rules: Rules,
}

impl World {
    const START: Self = Self { attempts: [None; ATTEMPTS], run: None };

    fn last(&self) -> Option<usize> {
        self.attempts.iter().rposition(Option::is_some)
    }

    fn phases(&self) -> impl Iterator<Item = Phase> {
        self.attempts.iter().flatten().map(|attempt| attempt.journal)
    }

    fn posted(&self) -> usize {
        let tasks = self.attempts.iter().flatten().filter_map(|attempt| attempt.task);
        tasks.filter(|task| task.outcome == Outcome::Posted).count()
    }

    fn with_task(mut self, index: usize, task: Task) -> Self {
        if let Some(attempt) = &mut self.attempts[index] {
            attempt.task = Some(task);
        }
        self
    }

    fn ended(self) -> Self {
        Self { run: None, ..self }
    }
}

/// What came of an action: the task as it is then, whether the final chunk was handed over, and what
/// the run hears.
type Effect = (Option<Task>, bool, Heard);

#[derive(Clone, Copy)]
enum Heard {
    Event(Event),
    Unauthorized,
}

impl Model {
    fn chunks(&self) -> u32 {
        match self.transfer {
            Transfer::File { chunks } => chunks,
            Transfer::Pull => 0,
        }
    }

    /// All that can happen next.
    fn moves(&self, world: World) -> Vec<World> {
        let mut next = Vec::new();
        for (index, attempt) in world.attempts.iter().enumerate() {
            if let Some(task) = attempt.and_then(|attempt| attempt.task) {
                let tasks = self.server(task);
                next.extend(tasks.into_iter().map(|task| world.with_task(index, task)));
            }
        }
        match (world.run, world.last()) {
            (None, None) => next.extend(self.begin(world)),
            (None, Some(index)) => {
                next.push(self.wake(world, index));
                next.extend(self.resettle(world, index));
            }
            (Some(run), Some(index)) => {
                next.push(world.ended());
                self.act(world, run, index, &mut next);
            }
            (Some(_), None) => unreachable!("a run has an attempt"),
        }
        next
    }

    /// What TikTok may do by itself.
    fn server(&self, task: Task) -> Vec<Task> {
        let mut next = Vec::new();
        let complete = task.closed || task.stored == self.chunks();
        if complete && task.outcome == Outcome::None {
            next.push(Task { outcome: Outcome::Posted, ..task });
            next.push(Task { outcome: Outcome::Failed, ..task });
        }
        if !task.expired && self.chunks() > 0 {
            next.push(Task { expired: true, ..task });
        }
        next
    }

    /// A new attempt, if every earlier one is dead. Durable before the init.
    fn begin(&self, world: World) -> Option<World> {
        let index = world.last().map_or(0, |last| last + 1);
        if index == ATTEMPTS || !world.phases().all(self.rules.is_dead) {
            return None;
        }
        let mut next = world;
        next.attempts[index] = Some(Attempt { journal: Phase::InitIntent, task: None });
        let (phase, action) = (Phase::InitIntent, Action::Init);
        next.run = Some(Run { phase, action, handed_over: false, begun_here: true });
        Some(next)
    }

    /// Another run finds the post in the journal.
    fn wake(&self, world: World, index: usize) -> World {
        let phase = world.attempts[index].map_or(Phase::InitIntent, |attempt| attempt.journal);
        let step = (self.rules.resume)(self.transfer, phase);
        let handed_over = matches!(phase, Phase::FinalIntent { .. });
        let run = Run { phase, action: step.action, handed_over, begun_here: false };
        self.record(world, index, step, run)
    }

    /// Another run finds the post with other settings, before it does anything with it.
    fn resettle(&self, world: World, index: usize) -> Option<World> {
        let phase = world.attempts[index]?.journal;
        if !self.around.resettled || phase.is_over() {
            return None;
        }
        let step = (self.rules.step)(self.transfer, phase, Event::SettingsChanged);
        let run = Run { phase, action: step.action, handed_over: false, begun_here: false };
        // Otherwise it goes on as it was.
        (step.phase == Phase::Abandoned).then(|| self.record(world, index, step, run))
    }

    /// The phase first, then the action.
    fn record(&self, world: World, index: usize, step: Step, run: Run) -> World {
        let mut next = world;
        if let Some(attempt) = &mut next.attempts[index]
            && (self.rules.records)(step.phase)
        {
            attempt.journal = step.phase;
        }
        next.run = Some(Run { phase: step.phase, action: step.action, ..run });
        next
    }

    fn act(&self, world: World, run: Run, index: usize, next: &mut Vec<World>) {
        match run.action {
            Action::Stop => return,
            Action::Again => return next.extend(self.begin(world)),
            _ => {}
        }
        let task = world.attempts[index].and_then(|attempt| attempt.task);
        for (task, handed_over, heard) in self.effects(run, task) {
            let world = task.map_or(world, |task| world.with_task(index, task));
            // The run may end between the call and the record. Not if TikTok closed the upload
            // early: against that and a crash at once no rule helps.
            if !task.is_some_and(|task| task.closed && task.stored < self.chunks()) {
                next.push(world.ended());
            }
            let step = match heard {
                Heard::Event(event) => (self.rules.step)(self.transfer, run.phase, event),
                Heard::Unauthorized => (self.rules.unauthorized)(run.phase),
            };
            next.push(self.record(world, index, step, Run { handed_over, ..run }));
        }
    }

    fn effects(&self, run: Run, task: Option<Task>) -> Vec<Effect> {
        let Some(task) = task else { return self.init() };
        let handed = run.handed_over;
        let heard = |event| (Some(task), handed, Heard::Event(event));
        let sends = matches!(run.action, Action::Intend | Action::Send { .. });
        if self.around.replaced && sends && !run.begun_here {
            return vec![heard(Event::FileReplaced)];
        }
        let mut effects = Vec::new();
        let file = self.chunks() > 0 && run.phase.needs_url();
        if file && (self.around.hasty || sends && task.expired) {
            effects.push(heard(Event::UrlExpired));
        }
        if self.around.shifty && sends {
            // Noticed before the last block, which is withheld.
            effects.push(heard(Event::FileChanged { handed_over: handed }));
        }
        if self.around.misdirected && sends {
            effects.push(heard(Event::BadUploadUrl));
        }
        match run.action {
            Action::Init => unreachable!("an init is sent once per attempt"),
            Action::Intend => effects.push(heard(Event::Intend)),
            Action::Send { index } => self.put(task, index, handed, &mut effects),
            Action::Ask | Action::Prove => {
                effects
                    .extend(self.status(task).into_iter().map(|seen| heard(Event::Status(seen))));
                effects.push((Some(task), handed, Heard::Unauthorized));
                if run.action == Action::Prove && self.is_proved(task) {
                    effects.push(heard(Event::ProvedIncomplete));
                }
            }
            Action::Again | Action::Stop => {}
        }
        effects
    }

    fn init(&self) -> Vec<Effect> {
        let task = Task { stored: 0, outcome: Outcome::None, expired: false, closed: false };
        let heard = |task, event| (task, false, Heard::Event(event));
        let mut effects = vec![
            heard(Some(task), Event::InitAccepted),
            heard(Some(task), Event::InitUnclear),
            heard(None, Event::InitUnclear),
            heard(None, Event::InitRefused),
            heard(None, Event::InitPutOff),
        ];
        if self.around.unsent {
            effects.push(heard(None, Event::InitNotSent));
        }
        effects
    }

    /// One PUT: applied or not, answered or not.
    fn put(&self, task: Task, index: u32, handed: bool, effects: &mut Vec<Effect>) {
        let last = index + 1 == self.chunks();
        let mut heard =
            |task, handed, event| effects.push((Some(task), handed, Heard::Event(event)));
        if task.expired {
            heard(task, handed || last, Event::UrlGone);
            heard(task, handed || last, Event::ChunkUnclear);
            return;
        }
        if self.around.lossy || index > task.stored {
            // Lost before its last block, or after it, or refused: 5xx, 416.
            heard(task, handed, Event::ChunkUnclear);
            heard(task, handed || last, Event::ChunkUnclear);
        }
        if index > task.stored {
            return;
        }
        let stored = task.stored.max(index + 1);
        let complete = stored == self.chunks();
        let task = Task { stored, closed: task.closed || complete, ..task };
        heard(task, handed || last, Event::ChunkUnclear);
        if self.around.early && !complete {
            heard(Task { closed: true, ..task }, handed, Event::AllStored { index });
        }
        // A chunk that was there already: no page says how it is answered.
        if complete {
            heard(task, handed || last, Event::AllStored { index });
        }
        if !last {
            heard(task, handed, Event::ChunkStored { index });
        }
    }

    /// What status/fetch may say.
    fn status(&self, task: Task) -> Vec<ReportedStatus> {
        let mut seen = match task.outcome {
            // A draft: in the inbox until the user finishes it.
            Outcome::Posted => vec![ReportedStatus::Published, ReportedStatus::Inboxed],
            Outcome::Failed => {
                vec![
                    ReportedStatus::Failed(Failed::Internal),
                    ReportedStatus::Failed(Failed::Final),
                ]
            }
            Outcome::None => {
                let least = if self.around.lagging { 0 } else { task.stored };
                let stored = (least..=task.stored).map(Some).chain([None]);
                stored.map(|stored| ReportedStatus::Processing { stored }).collect()
            }
        };
        if self.around.forgetful {
            seen.push(ReportedStatus::IdUnknown);
        }
        seen
    }

    /// Whether two reads of `uploaded_bytes` may say that the upload is incomplete and stays so.
    fn is_proved(&self, task: Task) -> bool {
        let incomplete = task.stored < self.chunks() && task.expired;
        let misread = self.around.marginless && self.around.lagging;
        task.outcome == Outcome::None && (incomplete || misread)
    }

    /// Explores all that can be reached, or until what is found is enough.
    fn explore(&self, enough: fn(&Findings) -> bool) -> Findings {
        let mut numbers = HashMap::from([(World::START, 0_usize)]);
        let mut worlds = vec![World::START];
        let mut leads_to = Vec::new();
        let mut findings = Findings::default();
        while let Some(world) = worlds.get(leads_to.len()).copied() {
            self.judge(&world, &mut findings);
            if enough(&findings) {
                return findings;
            }
            let next = self.moves(world).into_iter().map(|next| {
                *numbers.entry(next).or_insert_with(|| {
                    worlds.push(next);
                    worlds.len() - 1
                })
            });
            leads_to.push(next.collect::<Vec<_>>());
        }
        findings.states = worlds.len();
        findings.trapped = trapped(&worlds, &leads_to);
        findings
    }

    fn judge(&self, world: &World, findings: &mut Findings) {
        let posted = world.posted();
        let dead = world.last().is_some() && world.phases().all(Phase::is_dead);
        let done = world.phases().any(Phase::is_done);
        let unresolved = world.phases().any(|phase| phase == Phase::Unresolved);
        let file = self.transfer != Transfer::Pull;
        findings.double += usize::from(posted > 1);
        findings.lost += usize::from(world.run.is_none() && dead && posted > 0);
        findings.false_done += usize::from(done && posted == 0);
        findings.cut_short += usize::from(world.attempts.iter().flatten().any(|attempt| {
            attempt.journal.is_done()
                && attempt.task.is_some_and(|task| task.stored < self.chunks())
        }));
        findings.needless +=
            usize::from(unresolved && file && !self.around.forgetful && !self.around.early);
        if let (Some(Run { action: Action::Send { index }, .. }), Some(last)) =
            (world.run, world.last())
            && index + 1 == self.chunks()
        {
            let journal = world.attempts[last].map(|attempt| attempt.journal);
            findings.naked += usize::from(!matches!(journal, Some(Phase::FinalIntent { .. })));
        }
    }
}

/// How many worlds cannot come to an end any more: nobody works on the post, and it is over.
fn trapped(worlds: &[World], leads_to: &[Vec<usize>]) -> usize {
    let mut comes_from = vec![Vec::new(); worlds.len()];
    for (from, next) in leads_to.iter().enumerate() {
        for to in next {
            comes_from[*to].push(from);
        }
    }
    let mut ends = vec![false; worlds.len()];
    let mut open: Vec<usize> = (0..worlds.len())
        .filter(|number| {
            let world = &worlds[*number];
            let last = world.last().and_then(|last| world.attempts[last]);
            world.run.is_none() && last.is_some_and(|attempt| attempt.journal.is_over())
        })
        .collect();
    for number in &open {
        ends[*number] = true;
    }
    while let Some(number) = open.pop() {
        for from in &comes_from[number] {
            if !std::mem::replace(&mut ends[*from], true) {
                open.push(*from);
            }
        }
    }
    ends.iter().filter(|ends| !**ends).count()
}

const FILE: Transfer = Transfer::File { chunks: 2 };

/// No lost PUTs, no haste, nothing forgotten.
const CALM: Environment = Environment {
    lossy: false,
    hasty: false,
    forgetful: false,
    shifty: false,
    replaced: false,
    lagging: false,
    marginless: false,
    unsent: false,
    early: false,
    resettled: false,
    misdirected: false,
};
const LOSSY: Environment = Environment { lossy: true, ..CALM };
