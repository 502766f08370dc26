//! The objects of `--json`: one on a line, their shapes a promise.

use std::borrow::Cow;
use std::fmt::Write as _;

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use serde::Serialize;
use serde_json::Value;

use super::error;
use super::failure::{Failure, post_hint};
use super::tally::Tally;
use crate::engine::Progress;
use crate::exit::Exit;
use crate::model::{Media, PostError, PostOutcome, PostRef, PostState};
use crate::secret::redact;
use crate::text::is_hostile;

/// The JSON Schema of all objects of `--json`, and of what hooks are given.
pub(crate) const EVENTS_SCHEMA: &str = include_str!("events.json");

/// One object on one line, without the secrets of this process. Characters that could drive a terminal
/// are escaped, so that the line is harmless on one and still says the same.
pub(super) fn line(value: &impl Serialize) -> String {
    hide(&verbatim(value))
}

/// The same as a value, for whoever tells of it elsewhere.
pub(crate) fn json_of(value: &impl Serialize) -> Value {
    serde_json::from_str(&line(value)).unwrap_or_default()
}

/// A post of an account, by its `open_id`, that no manifest names, as it is told.
pub(crate) fn post_json(report: &PostOutcome, account: &str) -> Value {
    json_of(&PostEvent::aside(report, account))
}

/// Takes the secrets out of every text of an object. Its keys and numbers are this program's own.
fn hide(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(start) = rest.find('"') {
        let (before, text) = rest.split_at(start);
        let (text, after) = text.split_at(end_of_text(text));
        out.push_str(before);
        rest = after;
        let read: Option<String> = serde_json::from_str(text).ok();
        match read.as_deref().map(redact) {
            Some(Cow::Owned(redacted)) if !after.starts_with(':') => {
                out.push_str(&verbatim(&redacted));
            }
            _ => out.push_str(text),
        }
    }
    out.push_str(rest);
    out
}

/// Where the text ends that a piece of JSON begins with, its quotes included.
fn end_of_text(json: &str) -> usize {
    let mut escaped = true;
    let end = json.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        // The first quote opens.
        escaped = byte == b'\\' && !escaped;
        closes
    });
    end.map_or(json.len(), |end| end + 1)
}

/// The same with the secrets that it is meant to show.
pub(super) fn verbatim(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
    if !json.contains(is_escaped) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len() + 8);
    for c in json.chars() {
        // All of them are in the basic plane, and inside a string.
        if is_escaped(c) {
            _ = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// What stands in a line as `\u` and a number: what could drive a terminal, and what some readers take for
/// the end of a line.
fn is_escaped(c: char) -> bool {
    is_hostile(c) || matches!(c, '\u{2028}' | '\u{2029}')
}

/// How a post ended its run.
#[derive(Debug, Serialize)]
pub(super) struct PostEvent<'a> {
    event: &'static str,
    /// Its place in the manifest. None: it is not in there.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    /// Its alias, else its `open_id`.
    account: &'a str,
    open_id: Option<&'a str>,
    display_name: Option<&'a str>,
    /// Its number in the journal, as `status` has it.
    post: Option<u32>,
    video: &'a str,
    state: &'static str,
    publish_id: Option<&'a str>,
    /// As text: they exceed what a double holds.
    post_ids: Vec<String>,
    url: Option<&'a str>,
    bytes: u64,
    seconds: f64,
    /// When it may be tried again, or is due, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<Timestamp>,
    /// What was measured of the video.
    #[serde(skip_serializing_if = "Option::is_none")]
    media: Option<MediaFacts<'a>>,
    /// What was warned of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<&'a str>,
    /// What there is to say beside the state.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    error: Option<PostFailure<'a>>,
}

/// Who an account is, beside what people call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AccountNames {
    pub(super) open_id: String,
    pub(super) display_name: Option<String>,
}

/// What went wrong with a post.
#[derive(Debug, Serialize)]
struct PostFailure<'a> {
    /// Stable name: TikTok's code, or one of ours.
    code: &'a str,
    message: &'a str,
    hint: Option<String>,
    /// Whether running the same command again may help.
    retryable: bool,
    /// TikTok's id of the answer.
    log_id: Option<&'a str>,
}

impl<'a> PostFailure<'a> {
    fn of(error: &'a PostError) -> Self {
        Self {
            code: &error.code,
            message: &error.message,
            hint: post_hint(error),
            retryable: error.retryable,
            log_id: error.log_id.as_deref(),
        }
    }
}

/// What was measured of a video; null where the file does not say it.
#[derive(Debug, Serialize)]
struct MediaFacts<'a> {
    container: Option<&'static str>,
    /// In seconds.
    duration: Option<f64>,
    width: Option<u32>,
    height: Option<u32>,
    frame_rate: Option<f64>,
    variable_frame_rate: bool,
    codec: Option<&'a str>,
}

impl<'a> MediaFacts<'a> {
    fn of(media: &'a Media) -> Self {
        let (width, height) = media.size.unzip();
        Self {
            container: media.container,
            duration: media.duration.map(|duration| thousandths(duration.as_secs_f64())),
            width,
            height,
            frame_rate: media.frame_rate.map(thousandths),
            variable_frame_rate: media.variable_frame_rate,
            codec: media.codec.as_deref(),
        }
    }
}

/// Thousandths are enough, and do not end in 0.30000000000000004.
fn thousandths(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

impl<'a> PostEvent<'a> {
    /// `warned` is what was warned of during the run, beside what the outcome has.
    pub(super) fn of(
        report: &'a PostOutcome,
        account: Option<&'a AccountNames>,
        warned: &'a [String],
    ) -> Self {
        Self {
            event: "post",
            index: Some(report.post_ref.index),
            account: &report.post_ref.account,
            open_id: account.map(|account| &*account.open_id),
            display_name: account.and_then(|account| account.display_name.as_deref()),
            post: report.number.map(|number| number.0),
            video: &report.post_ref.video,
            state: report.state.as_str(),
            publish_id: report.publish_id.as_deref(),
            post_ids: report.post_ids.iter().map(ToString::to_string).collect(),
            url: report.url.as_deref(),
            bytes: report.bytes,
            seconds: thousandths(report.took.as_secs_f64()),
            not_before: report.at.filter(|_| report.state != PostState::Skipped).map(whole_second),
            media: report.media.as_ref().map(MediaFacts::of),
            warnings: report.warnings.iter().chain(warned).map(String::as_str).collect(),
            note: report.note.as_deref(),
            error: report.post_error.as_ref().map(PostFailure::of),
        }
    }

    /// What came of a post that is not in the manifest; `open_id` is its account's.
    pub(super) fn aside(report: &'a PostOutcome, open_id: &'a str) -> Self {
        let event = Self::of(report, None, &[]);
        Self { event: "earlier_post", index: None, open_id: Some(open_id), ..event }
    }
}

/// The next whole second.
fn whole_second(at: Timestamp) -> Timestamp {
    let up = TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Ceil);
    at.round(up).unwrap_or(at)
}

/// What a run came to.
#[derive(Debug, Serialize)]
pub(super) struct SummaryEvent {
    event: &'static str,
    published: u64,
    inbox: u64,
    skipped: u64,
    deferred: u64,
    processing: u64,
    failed: u64,
    unresolved: u64,
    /// Only a dry run has any.
    #[serde(skip_serializing_if = "Option::is_none")]
    planned: Option<u64>,
    exit: u8,
}

impl SummaryEvent {
    pub(super) fn of(tally: &Tally, exit: Exit) -> Self {
        use PostState as State;
        Self {
            event: "summary",
            published: tally.of(State::Published),
            inbox: tally.of(State::Inbox),
            skipped: tally.of(State::Skipped),
            deferred: tally.of(State::Deferred),
            processing: tally.of(State::Processing),
            failed: tally.of(State::Failed),
            unresolved: tally.of(State::Unresolved),
            planned: Some(tally.of(State::Planned)).filter(|n| *n > 0),
            exit: exit.code(),
        }
    }
}

/// What happens to a post on the way.
#[derive(Debug, Serialize)]
pub(super) struct ProgressEvent<'a> {
    event: &'static str,
    index: usize,
    account: &'a str,
    open_id: &'a str,
    display_name: Option<&'a str>,
    video: &'a str,
    phase: &'static str,
    /// Up to where bytes of the file were handed over, or are stored.
    sent: Option<u64>,
    size: Option<u64>,
    chunk: Option<u32>,
    chunks: Option<u32>,
    /// How long it is waited for, in seconds.
    wait: Option<f64>,
    message: Option<String>,
}

impl<'a> ProgressEvent<'a> {
    /// `words`: what people are told of it.
    pub(super) fn of(
        post: &'a PostRef,
        account: &'a AccountNames,
        progress: &Progress,
        words: Option<String>,
    ) -> Self {
        let event = Self {
            event: "progress",
            index: post.index,
            account: &post.account,
            open_id: &account.open_id,
            display_name: account.display_name.as_deref(),
            video: &post.video,
            phase: "note",
            sent: None,
            size: None,
            chunk: None,
            chunks: None,
            wait: None,
            message: words,
        };
        match *progress {
            Progress::Sending { size, stored, chunks } => Self {
                phase: "sending",
                sent: Some(stored),
                size: Some(size),
                chunks: Some(chunks),
                ..event
            },
            Progress::Position { sent } => Self { phase: "sending", sent: Some(sent), ..event },
            Progress::ChunkStored { chunk, of } => {
                Self { phase: "stored", chunk: Some(chunk), chunks: Some(of), ..event }
            }
            Progress::Retrying { wait, .. } => {
                Self { phase: "retrying", wait: Some(wait.as_secs_f64()), ..event }
            }
            Progress::Waiting { wait, .. } => {
                Self { phase: "waiting", wait: Some(wait.as_secs_f64()), ..event }
            }
            Progress::Processing => Self { phase: "processing", ..event },
            Progress::Warning(_) | Progress::Early(_) => Self { phase: "warning", ..event },
            Progress::Creator { .. } | Progress::Note(_) => event,
        }
    }
}

/// The error that ended a run.
#[derive(Debug, Serialize)]
pub(super) struct ErrorEvent<'a> {
    event: &'static str,
    error: RunError<'a>,
}

#[derive(Debug, Serialize)]
struct RunError<'a> {
    /// TikTok's code, or ours for a call that failed; null for what no call led to.
    code: Option<&'a str>,
    message: String,
    hint: Option<&'a str>,
    log_id: Option<&'a str>,
    exit: u8,
}

impl<'a> ErrorEvent<'a> {
    pub(super) fn of(failure: &'a Failure) -> Self {
        let call = failure.error.chain().find_map(Call::of);
        Self {
            event: "error",
            error: RunError {
                code: call.as_ref().map(|call| call.code),
                message: error::told(failure).join(": "),
                hint: failure.hint.as_deref(),
                log_id: call.and_then(|call| call.log_id),
                exit: failure.exit.code(),
            },
        }
    }
}

/// What a call that failed is told by.
struct Call<'a> {
    code: &'a str,
    log_id: Option<&'a str>,
}

impl<'a> Call<'a> {
    /// An error as such a call. The errors around one hold it in a box or not, and some the refusal alone.
    fn of(cause: &'a (dyn std::error::Error + 'static)) -> Option<Self> {
        let call = cause
            .downcast_ref::<tiktok_open::Error>()
            .or_else(|| cause.downcast_ref::<Box<tiktok_open::Error>>().map(AsRef::as_ref));
        let refusal = cause
            .downcast_ref::<tiktok_open::Refusal>()
            .or_else(|| cause.downcast_ref::<Box<tiktok_open::Refusal>>().map(AsRef::as_ref))
            .or_else(|| call?.refusal());
        let code = call.map(tiktok_open::Error::code).or_else(|| Some(refusal?.code.as_str()))?;
        Some(Self { code, log_id: refusal.and_then(|refusal| refusal.log_id.as_deref()) })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::output::upload::testing::{post_error, report};
    use crate::secret::Secret;

    #[test]
    fn only_texts_are_looked_through_for_secrets() {
        let _secrets = ["key-Quokka-7Q", "90817263546", "n-Quokka-7Q"].map(Secret::new);
        let value = serde_json::json!({ "key-Quokka-7Q": 90_817_263_546_u64, "text": "a \"\n-Quokka-7Q\" b\\" });
        let expected = r#"{"key-Quokka-7Q":90817263546,"text":"a \"\n-Quokka-7Q\" b\\"}"#;
        assert_eq!(line(&value), expected);
        let expected = r#"["a (redacted) b","(redacted)"]"#;
        assert_eq!(line(&["a n-Quokka-7Q b", "90817263546"]), expected);
    }

    fn names() -> AccountNames {
        AccountNames { open_id: "-000a".into(), display_name: Some("Alice".into()) }
    }

    #[test]
    fn a_post_has_exactly_the_documented_fields() {
        let post = PostOutcome {
            post_ids: vec![7_400_000_000_000_000_001],
            url: Some("https://www.tiktok.com/@alice/video/7400000000000000001".into()),
            ..report(PostState::Published)
        };
        assert_eq!(
            line(&PostEvent::of(&post, Some(&names()), &[])),
            r#"{"event":"post","index":3,"account":"alice","open_id":"-000a","display_name":"Alice","post":7,"video":"clips/a.mp4","state":"published","publish_id":"v_pub_file~v2-1.1","post_ids":["7400000000000000001"],"url":"https://www.tiktok.com/@alice/video/7400000000000000001","bytes":1234567,"seconds":1.235,"error":null}"#
        );
    }

    #[test]
    fn a_failed_post_says_why_and_whether_to_try_again() {
        let post = PostOutcome { post_error: Some(post_error()), ..report(PostState::Failed) };
        let json = line(&PostEvent::of(&post, Some(&names()), &[]));
        assert!(
            json.ends_with(
                r#""error":{"code":"invalid_params","message":"TikTok refused it","hint":"log in with `--paste` instead","retryable":false,"log_id":"L1"}}"#
            ),
            "{json}"
        );
    }

    #[test]
    fn what_was_measured_and_warned_of_is_told() {
        let media = Media {
            container: Some("webm"),
            duration: Some(Duration::from_micros(4_634_400)),
            size: Some((360, 640)),
            frame_rate: Some(6.714_316),
            variable_frame_rate: true,
            codec: Some("vp8".into()),
        };
        let warnings = vec!["it is slow".to_owned()];
        let post = PostOutcome { media: Some(media), warnings, ..report(PostState::Planned) };
        let json = line(&PostEvent::of(&post, None, &["the link is slow".to_owned()]));
        let media = r#""media":{"container":"webm","duration":4.634,"width":360,"height":640,"frame_rate":6.714,"variable_frame_rate":true,"codec":"vp8"}"#;
        let warnings = r#""warnings":["it is slow","the link is slow"]"#;
        assert!(json.contains(media) && json.contains(warnings), "{json}");
    }

    #[test]
    fn a_summary_counts_every_state() {
        let mut tally = Tally::default();
        for state in [PostState::Published, PostState::Published, PostState::Failed] {
            tally.add(&report(state));
        }
        assert_eq!(
            line(&SummaryEvent::of(&tally, Exit::Failed)),
            r#"{"event":"summary","published":2,"inbox":0,"skipped":0,"deferred":0,"processing":0,"failed":1,"unresolved":0,"exit":1}"#
        );
    }

    #[test]
    fn a_dry_run_counts_what_it_would_post() {
        let mut tally = Tally::default();
        tally.add(&report(PostState::Planned));
        let json = line(&SummaryEvent::of(&tally, Exit::Done));
        assert!(json.ends_with(r#""planned":1,"exit":0}"#), "{json}");
    }

    #[test]
    fn a_secret_is_taken_out_and_the_line_stays_json() {
        let secret = Secret::new("in \"JSON\"\\ too, 31");
        let value = serde_json::json!({ "message": format!("you sent {}\\", secret.expose()) });
        let json = line(&value);
        assert_eq!(json, r#"{"message":"you sent (redacted)\\"}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&verbatim(&value)).unwrap(), value);
    }

    #[test]
    fn t23_terminal_escapes_are_escaped_and_nothing_is_lost() {
        let hostile = "a\u{1b}[31m\u{9b}0m\u{202e}\u{7f}\r\n\tz\u{2028}\u{2029}";
        let json = line(&hostile);
        assert!(!json.contains(is_hostile), "{json:?}");
        assert!(!json.contains(['\u{2028}', '\u{2029}']), "{json:?}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), hostile);
    }
}
