//! What keeps several posts from being made: told with the first of them, and the others counted.

use tiktok_open::{Code, Reaction};

use crate::model::{PostError, PostOutcome, PostState};
use crate::output::error;
use crate::output::line::Line;
use crate::problem::{ErrorCode, ErrorKind};
use crate::text::count;

/// What keeps posts from being made, whichever post it is.
#[derive(Clone, Debug)]
pub(super) struct Cause {
    /// Whose posts. `None`: those of several accounts.
    account: Option<String>,
    /// The setting that it is, if that is one for several accounts.
    setting: Option<String>,
    code: String,
    problem: ErrorCode,
    message: String,
    hint: Option<String>,
    /// Whether they failed for it; else they wait.
    failed: bool,
}

/// What a cause that passes by itself keeps waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    /// The posts of every account, for TikTok to be reached.
    Everyone,
    /// Those of one account, for TikTok to take them.
    Account,
    /// Those of one account, until another run leaves it to this one.
    Turn,
}

impl Cause {
    /// Of a post that ended with an error. `None`: the error is about this post. `setting`: which setting it
    /// is about, if several accounts have that and it is about one.
    pub(super) fn of(
        report: &PostOutcome,
        error: &PostError,
        hint: Option<&str>,
        setting: Option<String>,
    ) -> Option<Self> {
        let reaction = error.theirs.as_ref().map(Code::reaction);
        let is_shared = match report.failure? {
            ErrorKind::Login if is_failed_post(report) => false,
            ErrorKind::Login
            | ErrorKind::Local
            | ErrorKind::Input
            | ErrorKind::Interrupted(_)
            | ErrorKind::Wanted => true,
            ErrorKind::Temporary => {
                reaction == Some(Reaction::Quota)
                    || is_connection(error.problem.code)
                    || is_lock(error.problem.code)
                    || is_trouble_at_tiktok(error.problem.code)
            }
            ErrorKind::Final => reaction == Some(Reaction::StopsAccount),
            ErrorKind::Unknown => false,
        };
        let setting = setting.filter(|_| report.failure == Some(ErrorKind::Input));
        let is_everybodys = setting.is_some() || is_connection(error.problem.code);
        is_shared.then(|| Self {
            account: (!is_everybodys).then(|| report.post_ref.account.clone()),
            setting,
            code: error.code.clone(),
            problem: error.problem.code,
            message: error.message.clone(),
            hint: hint.map(str::to_owned),
            failed: report.state == PostState::Failed,
        })
    }

    /// What waits for it to pass.
    pub(super) fn waits(&self) -> Waits {
        match self.problem {
            _ if self.account.is_none() => Waits::Everyone,
            code if is_lock(code) => Waits::Turn,
            _ => Waits::Account,
        }
    }

    /// Whether both are one cause. The words of a setting name the account that came upon it.
    fn is_same(&self, other: &Self) -> bool {
        let kind = |it: &Self| (it.code.clone(), it.problem, it.failed);
        let words = |it: &Self| (it.message.clone(), it.hint.clone());
        (&self.account, &self.setting) == (&other.account, &other.setting)
            && kind(self) == kind(other)
            && (self.setting.is_some() || words(self) == words(other))
    }

    fn line(&self, more: u64) -> Line {
        let whose = self.account.as_ref().map(|account| format!("{account}: ")).unwrap_or_default();
        let (posts, message) = (count(more, "more post"), &self.message);
        let what = match (self.failed, more) {
            (true, 1) => "was not made",
            (true, _) => "were not made",
            (false, 1) => "waits",
            (false, _) => "wait",
        };
        let text = format!("{whose}{posts} {what} for the same reason: {message}");
        if self.failed { error::label(text) } else { error::warning(text) }
    }
}

/// Whether TikTok took a post on and failed it.
pub(super) fn is_failed_post(report: &PostOutcome) -> bool {
    report.state == PostState::Failed && report.publish_id.is_some()
}

/// Whether it is trouble on the way to TikTok, which is the same for every post of a run.
pub(crate) fn is_connection(code: ErrorCode) -> bool {
    use ErrorCode as E;
    matches!(
        code,
        E::DatabaseAway
            | E::NotSent
            | E::NoAnswer
            | E::NotTikTok
            | E::NotTikTokPath
            | E::NotTrusted
            | E::ProxyLogin
            | E::ProxyRefuses
            | E::ProxyTrouble
            | E::ProxyUnknown
    )
}

/// Whether another run keeps every post of an account waiting.
fn is_lock(code: ErrorCode) -> bool {
    use ErrorCode as E;
    matches!(
        code,
        E::AccountBusy
            | E::AccountBusyHere
            | E::AccountStopped
            | E::AccountTakenOver
            | E::DatabaseBusy
            | E::JournalBusy
            | E::LeaseLost
            | E::Locked
            | E::RefreshBusy
    )
}

/// Whether TikTok takes no post of an account for now.
fn is_trouble_at_tiktok(code: ErrorCode) -> bool {
    use ErrorCode as E;
    matches!(
        code,
        E::RateLimitExceeded | E::InternalError | E::ServerError | E::TemporarilyUnavailable
    )
}

/// The causes of a run.
#[derive(Debug, Default)]
pub(super) struct Causes(Vec<Told>);

#[derive(Debug)]
struct Told {
    cause: Cause,
    /// Whether it was said; a quiet run may not say what an earlier one did.
    said: bool,
    /// How many posts it kept from being made after the first.
    more: u64,
}

impl Causes {
    /// Whether a cause is known already: then this post is counted.
    pub(super) fn is_known(&mut self, cause: &Cause) -> bool {
        match self.0.iter_mut().find(|told| told.cause.is_same(cause)) {
            Some(told) => {
                told.more += 1;
                true
            }
            None => false,
        }
    }

    /// One that was not known.
    pub(super) fn add(&mut self, cause: Cause, said: bool) {
        self.0.push(Told { cause, said, more: 0 });
    }

    /// What was said with the first post of each, for all the others.
    pub(super) fn summed_up(&self) -> impl Iterator<Item = Line> {
        let shared = self.0.iter().filter(|told| told.said && told.more > 0);
        shared.map(|told| told.cause.line(told.more))
    }
}
