//! Progress as bars: one for every post that is under way, on a line as wide as the terminal allows.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::Progress;
use crate::model::PostRef;
use crate::output::cells::{keep_end, keep_start, width};
use crate::output::live::{Drawing, Lines, Live};
use crate::output::progress::words;
use crate::output::span::span;
use crate::text::{plain, size};

/// The most cells of a line: what is no wider than the usual terminal stays whole when one becomes smaller.
const WIDEST: usize = 79;
/// The cells between the brackets of a bar.
const BAR: u64 = 12;
/// Between two pieces of a line.
const GAP: &str = "  ";
/// The cells that a subject has before anything is added to the shortest line.
const SUBJECT: usize = 16;
/// The fewest cells of a subject that says anything.
const SHORT_SUBJECT: usize = 4;
/// How far back the rate of an upload looks.
const WINDOW: Duration = Duration::from_secs(10);
/// The time between two positions that are remembered for that.
const SAMPLE: Duration = Duration::from_millis(250);
/// A sign that something moves, and how long each stands.
const SPINNER: [char; 4] = ['|', '/', '-', '\\'];
const TURN: Duration = Duration::from_millis(200);

/// The bars of a run.
pub(super) struct Bars {
    posts: Arc<Posts>,
    drawing: Drawing,
}

/// The posts under way, by their place in the manifest.
#[derive(Default)]
struct Posts(Mutex<BTreeMap<usize, Bar>>);

/// One post under way.
struct Bar {
    subject: String,
    stage: Stage,
    /// Why it pauses.
    message: Option<String>,
}

enum Stage {
    Sending { sent: u64, of: u64, samples: VecDeque<(Instant, u64)> },
    Processing { since: Instant },
}

impl Bars {
    /// On this terminal; `None` if nothing can be drawn there.
    pub(super) fn on(live: &Live) -> Option<Self> {
        let posts = Arc::new(Posts::default());
        let drawing = live.draw(Arc::clone(&posts) as Arc<dyn Lines>)?;
        Some(Self { posts, drawing })
    }

    /// Shows a change on the post's bar; false if it wants a line.
    pub(super) fn show(&self, post_ref: &PostRef, progress: &Progress) -> bool {
        let shown = self.posts.show(post_ref, progress, Instant::now());
        if shown && matches!(progress, Progress::Sending { .. } | Progress::Processing) {
            self.drawing.changed();
        }
        shown
    }

    /// Takes the post's bar away.
    pub(super) fn end(&self, post_ref: &PostRef) {
        self.posts.bars().remove(&post_ref.index);
        self.drawing.changed();
    }
}

impl Posts {
    fn bars(&self) -> MutexGuard<'_, BTreeMap<usize, Bar>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, post_ref: &PostRef, progress: &Progress, now: Instant) -> bool {
        let mut bars = self.bars();
        let stage = match progress {
            Progress::Sending { size, stored, .. } => {
                Stage::Sending { sent: *stored, of: *size, samples: [(now, *stored)].into() }
            }
            Progress::Processing => Stage::Processing { since: now },
            Progress::ChunkStored { .. } => return true,
            Progress::Position { sent } => {
                let Some(bar) = bars.get_mut(&post_ref.index) else { return false };
                bar.message = None;
                bar.stage.moves(*sent, now);
                return true;
            }
            Progress::Retrying { .. } | Progress::Waiting { .. } => {
                let Some(bar) = bars.get_mut(&post_ref.index) else { return false };
                bar.message = words(progress, true).map(|words| plain(&words));
                return true;
            }
            Progress::Creator { .. }
            | Progress::Note(_)
            | Progress::Warning(_)
            | Progress::Early(_) => return false,
        };
        let subject = plain(&format!("{}: {}", post_ref.account, post_ref.video));
        bars.insert(post_ref.index, Bar { subject, stage, message: None });
        true
    }

    fn lines_at(&self, cells: usize, now: Instant) -> Vec<String> {
        self.bars().values().map(|bar| bar.line(cells.min(WIDEST), now)).collect()
    }
}

impl Lines for Posts {
    fn lines(&self, cells: usize) -> Vec<String> {
        self.lines_at(cells, Instant::now())
    }
}

impl Stage {
    fn moves(&mut self, to: u64, now: Instant) {
        let Self::Sending { sent, samples, .. } = self else { return };
        *sent = to;
        if samples.back().is_none_or(|(at, _)| now.duration_since(*at) >= SAMPLE) {
            samples.push_back((now, to));
        }
        while samples.len() > 2 && samples.front().is_some_and(|(at, _)| now - *at > WINDOW) {
            samples.pop_front();
        }
    }

    /// What may stand behind the subject, the longest first.
    fn tails(&self, message: Option<&str>, now: Instant) -> Vec<String> {
        match self {
            Self::Sending { sent, of, samples } => sending(*sent, *of, samples, message, now),
            Self::Processing { since } => {
                let passed = now.duration_since(*since);
                let turns = passed.as_millis() / TURN.as_millis();
                let spinner = SPINNER[usize::try_from(turns).unwrap_or(0) % SPINNER.len()];
                let passed = span(Duration::from_secs(passed.as_secs()));
                let message = message.map(|why| format!("{GAP}{why}"));
                let whole = format!("{spinner} TikTok is processing it{GAP}{passed}");
                let mut tails = Vec::from_iter(message.map(|why| format!("{whole}{why}")));
                tails.extend([whole, format!("{spinner} processing{GAP}{passed}"), passed]);
                tails
            }
        }
    }
}

/// The same of an upload: a bar, how much, how fast, how long, or why it does not move.
fn sending(
    sent: u64,
    of: u64,
    samples: &VecDeque<(Instant, u64)>,
    message: Option<&str>,
    now: Instant,
) -> Vec<String> {
    let percent = sent.saturating_mul(100).checked_div(of).unwrap_or(100).min(100);
    let percent = format!("{percent}%");
    let filled = sent.saturating_mul(BAR).checked_div(of).unwrap_or(BAR).min(BAR);
    let bar = (0..BAR).map(|at| if at < filled { '=' } else { ' ' }).collect::<String>();
    let bar = format!("[{bar}]");
    if let Some(why) = message {
        return vec![[&*bar, &*percent, why].join(GAP), [&*percent, why].join(GAP), percent];
    }
    let amount = format!("{}/{}", size(sent), size(of));
    let Some((rate, left)) = pace(sent, of, samples, now) else {
        return vec![[&*bar, &*amount].join(GAP), [&*bar, &*percent].join(GAP), percent];
    };
    let (rate, left) = (format!("{}/s", size(rate)), format!("{} left", span(left)));
    vec![
        [&*bar, &*amount, &*rate, &*left].join(GAP),
        [&*bar, &*percent, &*rate, &*left].join(GAP),
        [&*bar, &*percent, &*left].join(GAP),
        [&*percent, &*left].join(GAP),
        percent,
    ]
}

/// Bytes a second, and how long the rest takes at that rate; `None` while nothing has moved.
fn pace(
    sent: u64,
    of: u64,
    samples: &VecDeque<(Instant, u64)>,
    now: Instant,
) -> Option<(u64, Duration)> {
    let (since, from) = samples.front()?;
    let millis = now.duration_since(*since).as_millis();
    let moved = u128::from(sent.checked_sub(*from)?);
    let rate = u64::try_from((moved * 1000).checked_div(millis)?).ok().filter(|rate| *rate > 0)?;
    Some((rate, Duration::from_secs(of.saturating_sub(sent).div_ceil(rate))))
}

impl Bar {
    /// One line of so many cells at most: as much as goes beside the end of its subject, which says most.
    fn line(&self, cells: usize, now: Instant) -> String {
        let tails = self.stage.tails(self.message.as_deref(), now);
        let beside = |tail: &String, subject: usize| {
            let room = cells.checked_sub(width(tail) + GAP.len())?;
            let enough = room >= subject.min(width(&self.subject));
            enough.then(|| format!("{}{GAP}{tail}", keep_end(&self.subject, room)))
        };
        let shortest = tails.last();
        tails
            .iter()
            .find_map(|tail| beside(tail, SUBJECT))
            .or_else(|| shortest.and_then(|tail| beside(tail, SHORT_SUBJECT)))
            .or_else(|| shortest.map(|tail| keep_start(tail, cells)))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::WaitReason;
    use crate::output::upload::testing::post_ref;

    const SENDING: Progress = Progress::Sending { size: 96_000_000, stored: 48_000_000, chunks: 3 };

    /// Bars, and the moment when the first of them began.
    fn bars(progress: &[Progress]) -> (Posts, Instant) {
        let (posts, now) = (Posts::default(), Instant::now());
        for progress in progress {
            assert!(posts.show(&post_ref(), progress, now), "{progress:?}");
        }
        (posts, now)
    }

    fn retry() -> Progress {
        let wait = Duration::from_secs(2);
        Progress::Retrying { why: "stalled".into(), attempt: 2, of: 6, wait }
    }

    #[test]
    fn a_bar_shows_what_was_sent_how_fast_and_for_how_long() {
        let (posts, now) = bars(&[SENDING]);
        let drawn = posts.lines_at(200, now);
        assert_eq!(drawn, ["alice: clips/a.mp4  [======      ]  48.0 MB/96.0 MB"]);
        let later = now + Duration::from_secs(2);
        posts.show(&post_ref(), &Progress::Position { sent: 72_000_000 }, later);
        assert_eq!(
            posts.lines_at(200, later),
            ["alice: clips/a.mp4  [=========   ]  72.0 MB/96.0 MB  12.0 MB/s  2s left"]
        );
    }

    #[test]
    fn a_narrow_terminal_gets_what_says_most() {
        let (posts, now) = bars(&[SENDING]);
        let later = now + Duration::from_secs(2);
        posts.show(&post_ref(), &Progress::Position { sent: 72_000_000 }, later);
        for (cells, line) in [
            (60, "…lice: clips/a.mp4  [=========   ]  75%  12.0 MB/s  2s left"),
            (48, "…: clips/a.mp4  [=========   ]  75%  2s left"),
            (30, "…e: clips/a.mp4  75%  2s left"),
            (19, "… clips/a.mp4  75%"),
            (9, "….mp4  75%"),
            (8, "75%"),
            (2, "7…"),
            (0, ""),
        ] {
            let [drawn] = &posts.lines_at(cells, later)[..] else { panic!() };
            assert!(width(drawn) <= cells, "{drawn}");
            let end = line.trim_start_matches('…');
            assert!(
                drawn.ends_with(end) || end.ends_with(drawn.trim_start_matches('…')),
                "{cells}: {drawn}"
            );
        }
    }

    #[test]
    fn a_bar_goes_when_its_post_ends() {
        let (posts, now) = bars(&[SENDING]);
        let other = PostRef { index: 9, account: "bob".into(), ..post_ref() };
        posts.show(&other, &SENDING, now);
        assert_eq!(posts.lines_at(80, now).len(), 2);
        posts.bars().remove(&post_ref().index);
        let [one] = &posts.lines_at(80, now)[..] else { panic!() };
        assert!(one.starts_with("bob: "), "{one}");
    }

    #[test]
    fn a_retry_is_shown_on_the_bar_until_bytes_flow_again() {
        let (posts, now) = bars(&[SENDING, retry()]);
        let drawn = posts.lines_at(79, now);
        assert!(drawn[0].ends_with("50%  stalled; try 2 of 6 in 2s"), "{drawn:?}");
        posts.show(&post_ref(), &Progress::Position { sent: 49_000_000 }, now);
        assert!(!posts.lines_at(79, now)[0].contains("stalled"));
    }

    #[test]
    fn without_a_bar_a_pause_wants_a_line() {
        let (posts, now) = bars(&[]);
        let wait = Duration::from_secs(2);
        let waiting = Progress::Waiting { why: WaitReason::SlowDown, wait };
        assert!(!posts.show(&post_ref(), &waiting, now));
    }

    #[test]
    fn the_rate_forgets_what_is_long_ago() {
        let (posts, now) = bars(&[SENDING]);
        let mut sent = 48_000_000;
        for second in 1..=30 {
            // As fast as can be at first, then a megabyte a second.
            sent += if second == 1 { 10_000_000 } else { 1_000_000 };
            let at = now + Duration::from_secs(second);
            posts.show(&post_ref(), &Progress::Position { sent }, at);
        }
        let drawn = posts.lines_at(79, now + Duration::from_secs(30));
        assert!(drawn[0].contains("1.0 MB/s  9s left"), "{drawn:?}");
    }

    #[test]
    fn what_is_processed_turns() {
        let (posts, now) = bars(&[SENDING, Progress::Processing]);
        assert_eq!(posts.lines_at(79, now), ["alice: clips/a.mp4  | TikTok is processing it  0ms"]);
        let drawn = posts.lines_at(79, now + Duration::from_millis(4200));
        assert_eq!(drawn, ["alice: clips/a.mp4  / TikTok is processing it  4s"]);
        assert_eq!(posts.lines_at(12, now + Duration::from_secs(4)), ["…s/a.mp4  4s"]);
    }

    proptest! {
        #[test]
        fn no_line_is_longer_than_the_terminal_is_wide(
            video in "(\\PC|[a東\u{301}\u{200d}👩👧🏽]){0,60}",
            cells in 0_usize..120,
            sent in 0_u64..=96_000_000,
            which in 0..3,
        ) {
            let posts = Posts::default();
            let post = PostRef { video, ..post_ref() };
            let now = Instant::now();
            posts.show(&post, &SENDING, now);
            posts.show(&post, &Progress::Position { sent }, now + Duration::from_secs(1));
            match which {
                0 => _ = posts.show(&post, &retry(), now),
                1 => _ = posts.show(&post, &Progress::Processing, now),
                _ => {}
            }
            let lines = posts.lines_at(cells, now + Duration::from_secs(3));
            prop_assert!(lines.iter().all(|line| width(line) <= cells), "{lines:?}");
        }
    }
}
