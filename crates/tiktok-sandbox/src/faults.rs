//! Scripted faults: which call of which endpoint goes wrong, and how.
//!
//! A script is JSON, read by [`Script::read`] or given by `POST /_sandbox/faults` while the sandbox runs,
//! or from Rust with [`Sandbox::fault`](crate::Sandbox::fault):
//!
#![doc = include_str!("faults.md")]

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::watch;

use crate::call::Endpoint;

/// What a script is made of, as this module's documentation has it, in Markdown.
pub const REFERENCE: &str = include_str!("faults.md");

/// A fault script.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The rules, in the order in which they are asked.
    pub faults: Vec<Rule>,
}

impl Script {
    /// Reads a script: `{"faults": […]}`, or one rule by itself.
    pub fn parse(json: &Value) -> Result<Self, serde_json::Error> {
        Self::read(&json.to_string())
    }

    /// Reads the text of a script; an error names line and column.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        if serde_json::from_str::<Value>(text)?.get("faults").is_some() {
            serde_json::from_str(text)
        } else {
            serde_json::from_str(text).map(|rule| Self { faults: vec![rule] })
        }
    }
}

/// One rule of a script; see the module's documentation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    endpoint: Target,
    #[serde(default = "one")]
    nth: u64,
    #[serde(default = "one")]
    times: u64,
    account: Option<String>,
    #[serde(rename = "do")]
    fault: Fault,
    /// Calls that this rule speaks of, so far.
    #[serde(skip)]
    seen: u64,
}

fn one() -> u64 {
    1
}

impl Rule {
    fn hits(&mut self, name: &str, account: Option<&str>) -> bool {
        let wanted = self.account.as_deref().map(|handle| handle.trim_start_matches('@'));
        let account = account.map(|handle| handle.trim_start_matches('@'));
        if !self.endpoint.names(name) || (wanted.is_some() && wanted != account) {
            return false;
        }
        self.seen += 1;
        let first = self.nth.max(1);
        self.seen >= first && (self.times == 0 || self.seen - first < self.times)
    }
}

/// An endpoint by its name in a script.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Target(String);

impl Target {
    fn names(&self, name: &str) -> bool {
        self.0 == "any" || self.0 == name || (self.0 == "token" && name.starts_with("token_"))
    }
}

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let grants = ["any", "token_code", "token_refresh", "token_client"];
        if grants.contains(&name.as_str()) || Endpoint::ALL.iter().any(|e| e.name() == name) {
            Ok(Self(name))
        } else {
            Err(format!("there is no endpoint called `{name}`"))
        }
    }
}

/// What goes wrong, and when.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RawFault")]
pub(super) struct Fault {
    pub(super) action: Action,
    pub(super) when: When,
    /// Answer an upload without reading its bytes.
    pub(super) early: bool,
}

/// What goes wrong.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Answer(Canned),
    Garbage,
    Oversized(u64),
    Refuse(RefuseWith),
    Echo(Echo),
    Drop,
    Stall(Duration),
    Slow(u64),
    Outcome(Outcome),
}

/// The moment of a fault, relative to the work that the call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum When {
    Before,
    Middle,
    After,
}

/// An answer that is not TikTok's own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Canned {
    pub(super) status: u16,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) body: Value,
}

/// An error code to answer with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefuseWith {
    pub(super) code: String,
    pub(super) status: Option<u16>,
    pub(super) message: Option<String>,
}

/// Where the request comes back.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Echo {
    pub(super) field: String,
    pub(super) status: Option<u16>,
}

/// What becomes of a post.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// One of the words of `status/fetch`, or any other.
    pub status: String,
    /// The reason that comes with `FAILED`.
    pub fail_reason: Option<String>,
    /// The ids of the public posts.
    pub post_ids: Option<Vec<i64>>,
    /// The progress that is told, whatever really arrived.
    pub uploaded_bytes: Option<u64>,
}

/// The JSON of `do`, before it is known to be exactly one action.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFault {
    answer: Option<Canned>,
    garbage: Option<bool>,
    oversized: Option<u64>,
    refuse: Option<RefuseWith>,
    echo: Option<Echo>,
    drop: Option<When>,
    stall: Option<SignedDuration>,
    slow: Option<u64>,
    outcome: Option<Outcome>,
    when: Option<When>,
    #[serde(default)]
    early: bool,
}

impl TryFrom<RawFault> for Fault {
    type Error = &'static str;

    fn try_from(raw: RawFault) -> Result<Self, &'static str> {
        let mut when = raw.when.unwrap_or(When::Before);
        let mut actions = Vec::new();
        actions.extend(raw.answer.map(Action::Answer));
        actions.extend(raw.garbage.filter(|yes| *yes).map(|_| Action::Garbage));
        actions.extend(raw.oversized.map(Action::Oversized));
        actions.extend(raw.refuse.map(Action::Refuse));
        actions.extend(raw.echo.map(Action::Echo));
        if let Some(moment) = raw.drop {
            when = moment;
            actions.push(Action::Drop);
        }
        if let Some(length) = raw.stall {
            let length = length.try_into().map_err(|_| "a stall is no negative length")?;
            actions.push(Action::Stall(length));
        }
        if let Some(rate) = raw.slow {
            actions.push(Action::Slow(rate.max(1)));
        }
        actions.extend(raw.outcome.map(Action::Outcome));
        let replaces = matches!(
            actions.first(),
            Some(
                Action::Answer(_)
                    | Action::Garbage
                    | Action::Oversized(_)
                    | Action::Refuse(_)
                    | Action::Echo(_)
            )
        );
        if replaces && when == When::Middle {
            return Err("an answer replaces the work `before` or `after` it, not in the `middle`");
        }
        match (actions.pop(), actions.is_empty()) {
            (Some(action), true) => Ok(Self { action, when, early: raw.early }),
            _ => Err("`do` takes exactly one of answer, garbage, oversized, refuse, echo, drop, \
                      stall, slow and outcome"),
        }
    }
}

/// The rules that are in force.
#[derive(Debug, Default)]
pub(super) struct Faults {
    rules: Vec<Rule>,
    /// Tells those who are held by a stall that the rules were removed.
    cleared: watch::Sender<()>,
}

/// A stall under way.
#[derive(Clone, Debug)]
pub(super) struct Hold {
    length: Duration,
    cleared: watch::Receiver<()>,
}

impl Hold {
    /// Returns when the time is over or the rules are removed.
    pub(super) async fn wait(mut self) {
        // A sandbox that is gone removes nothing.
        let cleared = async {
            if self.cleared.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = tokio::time::sleep(self.length) => {}
            () = cleared => {}
        }
    }
}

impl Faults {
    pub(super) fn add(&mut self, script: Script) {
        self.rules.extend(script.faults);
    }

    pub(super) fn clear(&mut self) {
        self.rules.clear();
        self.cleared.send_replace(());
    }

    /// A stall of this length, from now on.
    pub(super) fn hold(&self, length: Duration) -> Hold {
        Hold { length, cleared: self.cleared.subscribe() }
    }

    /// Counts a call and says what goes wrong with it.
    pub(super) fn strike(&mut self, name: &str, account: Option<&str>) -> Option<Fault> {
        let mut struck = None;
        for rule in &mut self.rules {
            if rule.hits(name, account) && struck.is_none() {
                struck = Some(rule.fault.clone());
            }
        }
        struck
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(script: &Value) -> Faults {
        let mut faults = Faults::default();
        faults.add(Script::parse(script).unwrap());
        faults
    }

    #[test]
    fn a_rule_hits_its_nth_call_and_so_many_after_it() {
        let mut faults =
            faults(&json!({"endpoint": "upload", "nth": 2, "times": 2, "do": {"drop": "after"}}));
        let hits: Vec<bool> = (0..5).map(|_| faults.strike("upload", None).is_some()).collect();
        assert_eq!(hits, [false, true, true, false, false]);
    }

    #[test]
    fn zero_times_is_for_ever() {
        let mut faults = faults(&json!({"endpoint": "any", "times": 0, "do": {"garbage": true}}));
        assert!((0..9).all(|_| faults.strike("status", None).is_some()));
    }

    #[test]
    fn token_means_every_grant_and_a_named_grant_only_that() {
        let mut faults = faults(&json!({"faults": [
            {"endpoint": "token", "do": {"slow": 1}},
            {"endpoint": "token_refresh", "do": {"garbage": true}}]}));
        assert!(matches!(faults.strike("token_code", None).unwrap().action, Action::Slow(1)));
        assert!(matches!(faults.strike("token_refresh", None).unwrap().action, Action::Garbage));
    }

    #[test]
    fn a_rule_for_an_account_does_not_count_the_calls_of_others() {
        let mut faults = faults(
            &json!({"endpoint": "status", "nth": 2, "account": "@ada", "do": {"drop": "before"}}),
        );
        assert!(faults.strike("status", Some("@ada")).is_none());
        assert!(faults.strike("status", Some("@bea")).is_none());
        assert!(faults.strike("status", None).is_none());
        assert!(faults.strike("status", Some("@ada")).is_some());
    }

    #[test]
    fn a_script_with_a_mistake_is_refused() {
        for script in [
            json!({"endpoint": "uplaod", "do": {"drop": "after"}}),
            json!({"endpoint": "upload", "do": {}}),
            json!({"endpoint": "upload", "do": {"drop": "after", "slow": 1}}),
            json!({"endpoint": "upload", "do": {"drop": "later"}}),
            json!({"endpoint": "upload", "do": {"stall": "soon"}}),
            json!({"endpoint": "upload", "do": {"stall": "-1s"}}),
            json!({"endpoint": "upload", "do": {"garbage": true, "when": "middle"}}),
            json!({"endpoint": "upload", "when": "after", "do": {"garbage": true}}),
            json!({"faults": [], "more": 1}),
        ] {
            assert!(Script::parse(&script).is_err(), "{script}");
        }
    }
}
