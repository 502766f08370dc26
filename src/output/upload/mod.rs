//! An upload as people and programs see it.

mod bars;
mod cause;
mod outcome;
#[cfg(test)]
pub(super) mod testing;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::bars::Bars;
pub(crate) use self::cause::is_connection;
use self::cause::{Cause, Causes, Waits, is_failed_post};
use super::error;
use super::failure::post_hint;
use super::json::{AccountNames, PostEvent, ProgressEvent, SummaryEvent, json_of, post_json};
use super::notes::{Matter, SettingsOf, UNREACHED, account_subject, blocked_subject, post_subject};
use super::printer::Printer;
use super::progress::{note_words, quota, warning_words, words};
use super::tally::Tally;
use crate::engine::{Event, Prepared, PreparedPost, Progress, Warned, Warning};
use crate::exit::Exit;
use crate::model::{Mode, PostError, PostOutcome, PostRef, PostState};
use crate::problem::{ErrorCode, ErrorKind};
use serde_json::Value;
use tiktok_open::{Code, Reaction};

/// How far an upload is is told programs no more often.
const BETWEEN_POSITIONS: Duration = Duration::from_secs(1);

/// Tells one run of `upload`: progress as bars or lines on standard error, each post's outcome as a
/// line of data, and at the end what it all came to.
pub(crate) struct UploadOutput {
    printer: Printer,
    bars: Option<Bars>,
    tally: Mutex<Tally>,
    /// What was warned of, by the place of the post in the manifest.
    warned: Mutex<BTreeMap<usize, Vec<String>>>,
    /// Whose the posts are, by their place in the manifest.
    accounts: BTreeMap<usize, AccountNames>,
    /// The settings of those accounts, by the same.
    settings: BTreeMap<usize, SettingsOf>,
    /// What tells each entry from the others of its account, whatever its file holds, by the same.
    entries: BTreeMap<usize, String>,
    /// What a quiet run says of posts only once they are sent.
    held: Vec<Warned>,
    /// Posts of which something was sent in this run, by their place in the manifest.
    sent: Mutex<BTreeSet<usize>>,
    /// What a quiet run says of a post once it is sent.
    doubts: Mutex<BTreeMap<usize, Vec<(Matter, String)>>>,
    /// What kept posts from being made, each told once.
    causes: Mutex<Causes>,
    /// When programs were told last how far a post is, by its place in the manifest.
    positions: Mutex<HashMap<usize, Instant>>,
    /// Whether a post waits as its account is paused.
    paused: AtomicBool,
}

impl UploadOutput {
    /// For one run.
    pub(crate) fn new(printer: &Printer) -> Self {
        let bars = Bars::on(printer.live());
        Self {
            printer: printer.clone(),
            bars,
            tally: Mutex::default(),
            warned: Mutex::default(),
            accounts: BTreeMap::new(),
            settings: BTreeMap::new(),
            entries: BTreeMap::new(),
            held: Vec::new(),
            sent: Mutex::default(),
            doubts: Mutex::default(),
            causes: Mutex::default(),
            positions: Mutex::default(),
            paused: AtomicBool::new(false),
        }
    }

    /// Says which posts there are, and what is to be warned of. A quiet run says of a post that is done, or
    /// whose time has not come, nothing; of another one when it is sent.
    #[must_use]
    pub(crate) fn of(mut self, prepared: &Prepared) -> Self {
        for (account, posts) in &prepared.accounts {
            let names = AccountNames {
                open_id: account.open_id.clone(),
                display_name: account.display_name.clone(),
            };
            let indexes = || posts.iter().map(|post| post.post_ref.index);
            self.accounts.extend(indexes().map(|index| (index, names.clone())));
            let settings = SettingsOf::from(account);
            self.settings.extend(indexes().map(|index| (index, settings.clone())));
            self.entries.extend(indexes().zip(identities(posts)));
        }
        self.printer.standing().expect(self.accounts.len());
        if self.printer.options().quiet {
            self.held.clone_from(&prepared.warnings);
        } else {
            prepared.warnings.iter().for_each(|warning| self.printer.warn(warning.text.as_str()));
        }
        self
    }

    /// How a post ended, whose it is, and the same as `--json` tells of it.
    pub(crate) fn ended_post<'e>(
        &self,
        event: &'e Event,
    ) -> Option<(String, &'e PostOutcome, Value)> {
        match event {
            Event::Ended(report) => {
                let account = self.accounts.get(&report.post_ref.index);
                let about = json_of(&PostEvent::of(report, account, &[]));
                Some((account?.open_id.clone(), report, about))
            }
            Event::Settled { account, outcome } => {
                Some((account.clone(), outcome, post_json(outcome, account)))
            }
            _ => None,
        }
    }

    /// Whether anything was posted, or may have been.
    pub(crate) fn has_posted(&self) -> bool {
        let states = [PostState::Published, PostState::Inbox, PostState::Processing];
        let tally = self.tally();
        states.into_iter().chain([PostState::Unresolved]).any(|state| tally.of(state) > 0)
    }

    /// Whether a pause of its account has kept a post from being made.
    pub(crate) fn has_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }

    /// Tells what the run came to, and with which exit code it ends: the worst of its posts' and of
    /// `also`, where the caller puts what no post led to.
    pub(crate) fn finish(&self, also: Exit) -> Exit {
        self.printer.standing().end_posts();
        self.causes().summed_up().for_each(|line| self.printer.demand(line));
        let tally = self.tally();
        let exit = tally.exit().worst(also);
        if self.printer.is_json() {
            self.printer.json(&SummaryEvent::of(&tally, exit));
        } else {
            self.printer.talk(tally.to_string());
        }
        exit
    }

    /// Tells what happened.
    pub(crate) fn event(&self, event: &Event) {
        match event {
            Event::Started { .. } => {}
            Event::Progress { post, progress } => self.progress(post, progress),
            Event::Ended(outcome) => self.ended(outcome),
            Event::Settled { account, outcome } => self.settled_aside(account, outcome),
            Event::Quota(left) => self.printer.talk(quota(left)),
        }
    }

    fn progress(&self, post_ref: &PostRef, progress: &Progress) {
        self.printer.standing().progress(post_ref, progress);
        if matches!(progress, Progress::Sending { .. } | Progress::Processing) {
            self.sent().insert(post_ref.index);
        }
        if let Progress::Warning(warning) | Progress::Early(warning) = progress {
            self.warned().entry(post_ref.index).or_default().push(warning_words(warning));
        }
        if self.printer.options().events {
            self.progress_event(post_ref, progress);
        }
        if let Some(bars) = &self.bars
            && bars.show(post_ref, progress)
        {
            return;
        }
        self.line(post_ref, progress);
    }

    /// The same for programs. How far an upload is they are told once a second at most.
    fn progress_event(&self, post_ref: &PostRef, progress: &Progress) {
        let Some(account) = self.accounts.get(&post_ref.index) else { return };
        if matches!(progress, Progress::Position { .. }) {
            let mut told = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let before = told.get(&post_ref.index);
            if before.is_some_and(|before| now.duration_since(*before) < BETWEEN_POSITIONS) {
                return;
            }
            told.insert(post_ref.index, now);
        }
        let words = words(progress, true);
        self.printer.json(&ProgressEvent::of(post_ref, account, progress, words));
    }

    /// Says what happened, if it is worth a line: for logs and for terminals without bars.
    fn line(&self, post_ref: &PostRef, progress: &Progress) {
        let about = |text: &str| format!("{}: {}: {text}", post_ref.account, post_ref.video);
        match progress {
            Progress::Note(note) => self.printer.note(about(&note_words(note))),
            // Whether it was too slow shows at the end.
            Progress::Warning(Warning::SlowLink { .. }) if self.printer.options().quiet => {}
            // Of a post that is not made after all it is not true.
            Progress::Warning(doubt @ (Warning::Doubt { .. } | Warning::SameContent { .. }))
                if self.printer.options().quiet =>
            {
                let text = about(&warning_words(doubt));
                self.hold(post_ref, Matter::once(text.as_str(), ""), text);
            }
            // True of all drafts alike, so it is told with the first.
            Progress::Warning(Warning::LeftToApp { what }) if self.printer.options().quiet => {
                self.hold(post_ref, Matter::once(what.as_str(), ""), about(what));
            }
            // How far passes, and it is told once all the same.
            Progress::Warning(far @ Warning::FarAhead { at, .. })
                if self.printer.options().quiet =>
            {
                let matter = Matter::once(about("far ahead"), at);
                self.printer.warn_of(&matter, about(&warning_words(far)));
            }
            Progress::Warning(warning) if self.printer.options().quiet => {
                let text = about(&warning_words(warning));
                self.printer.warn_of(&Matter::once(text.as_str(), ""), text);
            }
            Progress::Warning(warning) => self.printer.warn(about(&warning_words(warning))),
            // A quiet run says it when the post is sent.
            Progress::Early(warning) if !self.printer.options().quiet => {
                let text = about(&warning_words(warning));
                self.printer.warn_once(&Matter::once(format!("early {text}"), ""), text);
            }
            Progress::Early(_) => {}
            other => {
                let all = self.printer.options().verbose > 0;
                if let Some(text) = words(other, all) {
                    self.printer.talk(about(&text));
                }
            }
        }
    }

    fn ended(&self, report: &PostOutcome) {
        if let Some(bars) = &self.bars {
            bars.end(&report.post_ref);
        }
        self.printer.standing().ended(&report.post_ref);
        let code = report.post_error.as_ref().map(|error| error.problem.code);
        if code == Some(ErrorCode::AccountPaused) {
            self.paused.store(true, Ordering::Relaxed);
        }
        self.tally().add(report);
        self.outcome(report);
        self.post_error(report);
        self.held_warnings(report);
    }

    /// Tells what came of a post that the manifest does not name; `account` is its `open_id`.
    fn settled_aside(&self, account: &str, report: &PostOutcome) {
        self.tally().add(report);
        if self.printer.is_json() {
            self.printer.json(&PostEvent::aside(report, account));
        } else if !self.printer.options().quiet {
            self.printer.data(outcome::line(report));
        }
        let Some(number) = report.number else { return };
        let subject = post_subject(account, number);
        let waiting = waiting(&subject);
        let Some(post_error) = &report.post_error else {
            return self.printer.settle(&[subject, waiting]);
        };
        let is_open = report.state == PostState::Processing;
        // By a run of the manifest that names it.
        if is_open && self.printer.notes().is_some_and(|notes| notes.has_told(&waiting)) {
            return;
        }
        self.printer.settle(&[waiting]);
        // It may be named elsewhere, and is made sure of there.
        let video = &report.post_ref.video;
        if is_open
            && self.printer.notes().is_some_and(|notes| notes.is_named(account, number, video))
        {
            return;
        }
        let PostRef { account: name, video, .. } = &report.post_ref;
        let message = format!("{name}: {video} (post {number}): {}", post_error.message);
        let publish_id = report.publish_id.as_deref();
        let matter = Matter::recorded_failure(account, number, &post_error.code, publish_id);
        let hint = post_hint(post_error);
        self.printer.tell(&matter, |since| {
            let message = error::since_words(message, since);
            // It may be there, and the exit code is not about it.
            let line = if is_open { error::warning(message) } else { error::label(message) };
            error::with_hint(line, hint.as_deref())
        });
    }

    /// What a quiet run says of a post that was sent: what somebody may have to mend there.
    fn held_warnings(&self, report: &PostOutcome) {
        let index = report.post_ref.index;
        if !self.sent().contains(&index) {
            return;
        }
        for (matter, doubt) in self.doubts().remove(&index).unwrap_or_default() {
            self.printer.warn_of(&matter, doubt);
        }
        let is_done = matches!(report.state, PostState::Published | PostState::Inbox);
        // What speaks against a video does not matter any more once TikTok has taken it.
        let is_moot =
            |text: &str| is_done && report.warnings.iter().any(|media| text.ends_with(media));
        for Warned { text, posts } in &self.held {
            if posts.contains(&index) && !is_moot(text) {
                self.printer.warn_of(&Matter::once(text.as_str(), ""), text.as_str());
            }
        }
    }

    /// Keeps what is said of a post until it is sent.
    fn hold(&self, post_ref: &PostRef, matter: Matter, text: String) {
        self.doubts().entry(post_ref.index).or_default().push((matter, text));
    }

    fn doubts(&self) -> MutexGuard<'_, BTreeMap<usize, Vec<(Matter, String)>>> {
        self.doubts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sent(&self) -> MutexGuard<'_, BTreeSet<usize>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn warned(&self) -> MutexGuard<'_, BTreeMap<usize, Vec<String>>> {
        self.warned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The outcome as a line of data. Quiet runs leave out what went as it should; what did not is
    /// told by [`Self::post_error`].
    fn outcome(&self, report: &PostOutcome) {
        let warned = self.warned().remove(&report.post_ref.index).unwrap_or_default();
        if self.printer.is_json() {
            let account = self.accounts.get(&report.post_ref.index);
            self.printer.json(&PostEvent::of(report, account, &warned));
        } else if !self.printer.options().quiet || report.state == PostState::Planned {
            self.printer.data(outcome::line(report));
        }
    }

    fn post_error(&self, report: &PostOutcome) {
        let Some(post_error) = &report.post_error else {
            // Nothing is settled where it is left to another entry of the same content.
            if report.is_named_before() {
                return;
            }
            return self.printer.settle(&self.settled(report));
        };
        if !matches!(report.failure, Some(ErrorKind::Temporary | ErrorKind::Interrupted(_))) {
            // It waits for nothing any more.
            let waiting = self.subjects(report).iter().map(|it| waiting(it)).collect::<Vec<_>>();
            self.printer.settle(&waiting);
        }
        let hint = post_hint(post_error);
        let setting = self.settings.get(&report.post_ref.index);
        let setting = setting.and_then(|it| it.shared(post_error.problem.code));
        let cause = Cause::of(report, post_error, hint.as_deref(), setting);
        let known = cause.as_ref().is_some_and(|cause| self.causes().is_known(cause));
        let PostRef { account, video, .. } = &report.post_ref;
        let message = format!("{account}: {video}: {}", post_error.message);
        let for_good = matches!(report.state, PostState::Failed | PostState::Unresolved);
        let line = |since| {
            let message = error::since_words(message, since);
            let code = Some(post_error.problem.code.as_str());
            let message = error::with_code(&message, code, &message);
            let told = if for_good { error::label(message) } else { error::warning(message) };
            error::with_hint(told, hint.as_deref())
        };
        let matters = self.matters(report, post_error, cause.as_ref());
        if known {
            // Counted with the first one.
            self.printer.tell_with_others(&matters, line);
            return;
        }
        let said = if !matters.is_empty() {
            self.printer.tell_widest_first(&matters, line)
        } else if self.printer.options().quiet {
            false
        } else {
            self.printer.demand(line(None));
            true
        };
        if let Some(cause) = cause {
            self.causes().add(cause, said);
        }
    }

    fn causes(&self) -> MutexGuard<'_, Causes> {
        self.causes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the error of a post is to whoever is told of it, the widest first. None: nothing to be told under
    /// cron.
    fn matters(
        &self,
        report: &PostOutcome,
        post_error: &PostError,
        cause: Option<&Cause>,
    ) -> Vec<Matter> {
        let account = self.account(report);
        let is_quota = post_error.theirs.as_ref().map(Code::reaction) == Some(Reaction::Quota);
        let cause_of_all = if is_quota { "quota" } else { "" };
        let of_account =
            || Matter::passing(waiting(&account_subject(account))).because_of(cause_of_all);
        let of_post = || Matter::passing(waiting(&self.subject(report)));
        // Whether TikTok has made it is not known as long as it waits.
        let own = report.publish_id.as_ref().map(|_| of_post());
        match (report.failure, cause.map(Cause::waits)) {
            (Some(ErrorKind::Temporary), None) => vec![of_post()],
            (Some(ErrorKind::Temporary), Some(Waits::Turn)) => vec![Matter::passing(turn(account))],
            // A full quota, too: where there are only more posts than room, one of them is sent each day.
            (Some(ErrorKind::Temporary), Some(Waits::Account)) => {
                [of_account()].into_iter().chain(own).collect()
            }
            // What one request of TikTok's does not answer, another one may.
            (Some(ErrorKind::Temporary), Some(Waits::Everyone)) => {
                [Matter::unreached(), of_account()].into_iter().chain(own).collect()
            }
            _ => self.matter(report, post_error).into_iter().collect(),
        }
    }

    /// The same of one that did not end with what passes.
    fn matter(&self, report: &PostOutcome, post_error: &PostError) -> Option<Matter> {
        let account = self.account(report);
        let (code, publish_id) = (post_error.code.as_str(), report.publish_id.as_deref());
        let reaction = post_error.theirs.as_ref().map(Code::reaction);
        match (report.failure, report.number) {
            // Whoever sent the signal, or paused the account, knows.
            (Some(ErrorKind::Interrupted(_) | ErrorKind::Wanted), _) => None,
            // A login that was not granted enough is worth no less to a refresh.
            (Some(ErrorKind::Login), _) if code == ErrorCode::ScopeNotAuthorized.as_str() => {
                Some(Matter::blocked(account, code))
            }
            // The access that a post was begun with is gone; the login may be another one by now.
            (Some(ErrorKind::Login), Some(post)) if is_failed_post(report) => {
                Some(Matter::recorded_failure(account, post, code, publish_id))
            }
            // One word for all posts of the account.
            (Some(ErrorKind::Login), _) => Some(Matter::login(account)),
            (Some(ErrorKind::Input), _) => {
                Some(Matter::setting(&self.settings(report), post_error.problem.code))
            }
            // One that TikTok took on and failed is a matter of its own.
            _ if reaction == Some(Reaction::StopsAccount) && !is_failed_post(report) => {
                Some(Matter::blocked(account, code))
            }
            // The next run tries it once more.
            _ if post_error.problem.code == ErrorCode::FailedAgain => {
                Some(Matter::passing(waiting(&self.subject(report))))
            }
            (_, Some(post)) if publish_id.is_some() || report.state == PostState::Unresolved => {
                Some(Matter::recorded_failure(account, post, code, publish_id))
            }
            // Each run tries again, and fails again. Once somebody has changed something, it is told anew.
            _ => {
                let what = format_args!("{code} {}", report.entry).to_string();
                Some(Matter::lasting(self.subject(report), what))
            }
        }
    }

    /// What nothing is the matter with, as a post ended its run well.
    fn settled(&self, report: &PostOutcome) -> Vec<String> {
        let mut settled = self.subjects(report);
        settled.extend(self.subjects(report).iter().map(|it| waiting(it)));
        // Whoever posts for an account has come to its turn.
        settled.push(turn(self.account(report)));
        if self.sent().contains(&report.post_ref.index) {
            let account = self.account(report);
            settled.extend([account_subject(account), blocked_subject(account)]);
            settled.extend([waiting(&account_subject(account)), UNREACHED.to_owned()]);
            settled.extend(self.settings(report).used());
        }
        settled
    }

    fn account<'a>(&'a self, report: &'a PostOutcome) -> &'a str {
        let names = self.accounts.get(&report.post_ref.index);
        names.map_or(&report.post_ref.account, |names| &names.open_id)
    }

    fn settings(&self, report: &PostOutcome) -> SettingsOf {
        self.settings.get(&report.post_ref.index).cloned().unwrap_or_default()
    }

    fn subject(&self, report: &PostOutcome) -> String {
        let account = self.account(report);
        report.number.map_or_else(|| self.entry(report), |post| post_subject(account, post))
    }

    /// Also as it was called before it had a number.
    fn subjects(&self, report: &PostOutcome) -> Vec<String> {
        let number = report.number.map(|post| post_subject(self.account(report), post));
        number.into_iter().chain([self.entry(report)]).collect()
    }

    fn entry(&self, report: &PostOutcome) -> String {
        let PostRef { index, video, .. } = &report.post_ref;
        format!("entry {} {}", self.account(report), self.entries.get(index).unwrap_or(video))
    }
}

/// What tells each entry of an account from its others: its `id`, else what it posts, and as what. An address
/// is compared without its query, which may be another one in each run: those that differ only there are
/// numbered.
fn identities(posts: &[PreparedPost]) -> Vec<String> {
    let mut known: HashMap<String, HashMap<String, usize>> = HashMap::new();
    let identity = |PreparedPost { post_ref, asked, .. }: &PreparedPost| {
        // No path and no address holds U+0000.
        let mode = if asked.mode == Mode::Draft { "draft\0" } else { "" };
        if let Some(id) = &asked.id {
            return format!("{mode}id\0{id}");
        }
        let name = format!("{mode}{}", post_ref.video);
        let alike = known.entry(name.clone()).or_default();
        let next = alike.len();
        match *alike.entry(format!("{:?}", asked.source)).or_insert(next) {
            0 => name,
            number => format!("{name}\0{number}"),
        }
    };
    posts.iter().map(identity).collect()
}

/// That posts of an account wait until another run leaves it to this one.
fn turn(account: &str) -> String {
    format!("turn {account}")
}

/// That a post waits for what passes.
fn waiting(subject: &str) -> String {
    format!("waiting {subject}")
}

impl fmt::Debug for UploadOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadOutput").field("tally", &self.tally).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{post_error, post_ref, report};
    use super::*;
    use crate::engine::Note;
    use crate::output::printer::OutputOptions;
    use crate::output::testing::{Screen, screen};
    use crate::problem::ErrorKind;

    fn run(options: OutputOptions, reports: &[PostOutcome]) -> (String, String, Exit) {
        let Screen { printer, out, err } = screen(options);
        let output = UploadOutput::new(&printer);
        for report in reports {
            output.ended(report);
        }
        let exit = output.finish(Exit::Done);
        (out.text(), err.text(), exit)
    }

    fn failed() -> PostOutcome {
        PostOutcome {
            post_error: Some(post_error()),
            failure: Some(ErrorKind::Final),
            ..report(PostState::Failed)
        }
    }

    #[test]
    fn each_post_is_a_line_of_data_and_the_rest_is_talk() {
        let (out, err, exit) =
            run(OutputOptions::default(), &[report(PostState::Published), failed()]);
        assert_eq!(out.lines().count(), 2, "{out}");
        assert!(out.starts_with("published   alice: clips/a.mp4"), "{out}");
        assert_eq!(
            err,
            "error: alice: clips/a.mp4: TikTok refused it [qr_form]\n\nhint: log in with `--paste` instead\n1 published, 1 failed\n"
        );
        assert_eq!(exit, Exit::Failed);
    }

    #[test]
    fn a_quiet_run_tells_only_what_went_wrong() {
        let options = OutputOptions { quiet: true, ..OutputOptions::default() };
        let (out, err, _) = run(options, &[report(PostState::Published), failed()]);
        assert_eq!(out, "");
        assert!(
            err.starts_with("error: ") && err.ends_with("hint: log in with `--paste` instead\n"),
            "{err}"
        );
    }

    #[test]
    fn json_is_nothing_but_json() {
        let options = OutputOptions { json: true, ..OutputOptions::default() };
        let (out, _, _) = run(options, &[report(PostState::Published), failed()]);
        let events: Vec<serde_json::Value> =
            out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let kinds: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["post", "post", "summary"]);
        assert_eq!(events[2]["exit"], 1);
    }

    #[test]
    fn what_is_worth_another_run_is_a_warning() {
        let later = PostOutcome {
            post_error: Some(post_error()),
            failure: Some(ErrorKind::Temporary),
            ..report(PostState::Deferred)
        };
        let (_, err, exit) = run(OutputOptions::default(), &[later]);
        assert!(err.starts_with("warning: alice: clips/a.mp4: "), "{err}");
        assert_eq!(exit, Exit::Temporary);
    }

    #[test]
    fn what_no_post_led_to_counts_as_well() {
        let Screen { printer, .. } = screen(OutputOptions::default());
        let output = UploadOutput::new(&printer);
        output.ended(&failed());
        assert_eq!(output.finish(Exit::Local), Exit::Local);
    }

    #[test]
    fn t23_a_hostile_name_does_not_drive_the_terminal() {
        let Screen { printer, out, err } = screen(OutputOptions::default());
        let output = UploadOutput::new(&printer);
        let mut post = failed();
        post.post_ref.video = "a\u{1b}]0;x\u{7}.mp4".into();
        output.progress(
            &post.post_ref,
            &Progress::Note(Note::TryingOnceMore { why: "\u{9b}31m".into() }),
        );
        output.ended(&post);
        for text in [out.text(), err.text()] {
            assert!(!text.contains(crate::text::is_hostile), "{text:?}");
        }
    }

    #[test]
    fn without_bars_every_change_is_a_line() {
        let Screen { printer, err, .. } = screen(OutputOptions::default());
        let output = UploadOutput::new(&printer);
        let post_ref = post_ref();
        for progress in [
            Progress::Creator { nickname: "Alice".into() },
            Progress::Sending { size: 96_000_000, stored: 0, chunks: 3 },
            Progress::Position { sent: 1_000_000 },
            Progress::ChunkStored { chunk: 1, of: 3 },
            Progress::Processing,
        ] {
            output.progress(&post_ref, &progress);
        }
        assert_eq!(
            err.text(),
            "alice: clips/a.mp4: posting as Alice\n\
             alice: clips/a.mp4: sending 96.0 MB in 3 chunks\n\
             alice: clips/a.mp4: chunk 1 of 3 stored\n\
             alice: clips/a.mp4: TikTok is processing it\n"
        );
    }
}
