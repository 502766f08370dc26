//! What our own code traces, on standard error: its warnings in any case, the rest for `-v`.

use std::io;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, fmt, registry};

use super::printer::Printer;
use crate::clock::zone;

/// The crates that speak: this program and its client of TikTok's API.
const OURS: [&str; 2] = [env!("CARGO_CRATE_NAME"), "tiktok_open"];

/// Starts to listen to the program's own events, at the level that `-v` asks for. Libraries stay
/// silent at every level: their traces print headers, and headers carry tokens.
pub(crate) fn listen(printer: &Printer) {
    // A second listener in one process (a test) is no error.
    // From behind: whoever computes or sends must not wait for a terminal.
    _ = tracing::subscriber::set_global_default(subscriber(printer.behind()));
}

fn level(verbose: u8) -> LevelFilter {
    match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    }
}

fn subscriber(printer: Printer) -> Box<dyn tracing::Subscriber + Send + Sync> {
    let verbose = printer.options().verbose;
    let ours = OURS.map(|name| (name, level(verbose))).into_iter().collect::<Targets>();
    let layer = fmt::layer().with_target(false).with_writer(Lines(printer));
    if verbose == 0 {
        // As any other warning.
        Box::new(registry().with(layer.without_time().with_level(false).with_filter(ours)))
    } else {
        Box::new(registry().with(layer.with_timer(WallClock).with_filter(ours)))
    }
}

/// The time as people are told it, to the second.
struct WallClock;

impl FormatTime for WallClock {
    fn format_time(&self, w: &mut Writer<'_>) -> std::fmt::Result {
        let now = jiff::Timestamp::now().to_zoned(zone().clone());
        write!(w, "{}", now.strftime("%Y-%m-%d %H:%M:%S %:z"))
    }
}

/// Hands finished lines to the printer, so that they do not tear the progress bars.
struct Lines(Printer);

struct Event(Printer);

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Event;

    fn make_writer(&'a self) -> Event {
        Event(self.0.clone())
    }
}

impl io::Write for Event {
    /// The layer writes each event at once.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        match self.0.options().verbose {
            0 => self.0.warn(text.trim()),
            _ => self.0.demand(text.trim_end()),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::printer::OutputOptions;
    use crate::output::testing::{Screen, screen};
    use crate::secret::Secret;

    fn heard(verbose: u8) -> String {
        let Screen { printer, err, .. } =
            screen(OutputOptions { verbose, ..OutputOptions::default() });
        tracing::subscriber::with_default(subscriber(printer), || {
            let secret = Secret::new("canary");
            tracing::warn!(post = 1, "read twice");
            tracing::info!(status = 200, "called");
            tracing::debug!(%secret, "decided");
            tracing::trace!(?secret, name = "a\u{9b}31m", "looked");
            tracing::error!(target: "hyper::client", "authorization: Bearer canary");
        });
        err.text()
    }

    #[test]
    fn a_warning_is_heard_without_being_asked_for() {
        assert_eq!(heard(0), "warning: read twice post=1\n");
    }

    #[test]
    fn each_v_says_more() {
        assert!(heard(1).contains("called") && !heard(1).contains("decided"));
        assert!(heard(2).contains("decided") && !heard(2).contains("looked"));
        assert!(heard(3).contains("looked"));
    }

    #[test]
    fn libraries_and_secrets_are_not_heard_at_any_level() {
        let heard = heard(9);
        assert!(!heard.contains("canary") && !heard.contains("Bearer"), "{heard}");
    }

    #[test]
    fn t23_what_is_traced_cannot_drive_the_terminal() {
        assert!(!heard(3).contains('\u{9b}'));
    }
}
