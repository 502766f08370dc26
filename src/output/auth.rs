//! A login or refresh as people see it.

use std::path::PathBuf;

use anstyle::{Ansi256Color, Color, Style};

use super::line::Line;
use super::notes::Matter;
use super::printer::Printer;
use crate::auth::qr::draw::{Paint, half_blocks, picture};
use crate::auth::{AuthEvent, Reporter};
use crate::fs::write_atomic;

/// Black on white from the 256 colours: the first sixteen are what themes change.
const INK: Style = Style::new()
    .fg_color(Some(Color::Ansi256(Ansi256Color(16))))
    .bg_color(Some(Color::Ansi256(Ansi256Color(231))));

/// Tells what happens to logins and tokens, on standard error.
#[derive(Debug)]
pub(crate) struct AuthOutput {
    printer: Printer,
    png: Option<PathBuf>,
}

impl AuthOutput {
    /// For one run.
    pub(crate) fn new(printer: &Printer) -> Self {
        Self { printer: printer.clone(), png: None }
    }

    /// Writes each QR code to a file, too.
    #[must_use]
    pub(crate) fn with_png(self, png: Option<PathBuf>) -> Self {
        Self { png, ..self }
    }

    fn show_code(&self, url: &str) {
        let coloured = self.printer.options().colour_err;
        // Without colours most terminals show light text on a dark ground.
        let paint = if coloured { Paint::LightGround } else { Paint::DarkGround };
        for line in half_blocks(url, paint).unwrap_or_default().lines() {
            let style = if coloured { INK } else { Style::new() };
            self.printer.demand(Line::default().styled(style, line));
        }
        let Some(path) = &self.png else { return };
        let Some(picture) = picture(url) else { return };
        match write_atomic(path, &picture, 0o600) {
            Ok(()) => self.printer.note(format!("the code is in {}", path.display())),
            Err(error) => self.printer.warn(format!("cannot write the code to a file: {error}")),
        }
    }
}

impl Reporter for AuthOutput {
    fn report(&self, event: AuthEvent) {
        if let Some(step) = step(&event) {
            self.printer.step(step);
        }
        match &event {
            // Over in a moment, and no news to anybody.
            AuthEvent::Exchanging => {}
            AuthEvent::QrCode { url } => {
                self.show_code(url);
                self.printer.demand(Line::default().verbatim(event.to_string()));
            }
            // Asked for by the user's command: shown even when quiet, with the state that it carries.
            AuthEvent::Visit { .. } => {
                self.printer.demand(Line::default().verbatim(event.to_string()));
            }
            _ if event.is_warning() => match matter(&event) {
                Told::As(matter) => self.printer.warn_of(&matter, event.to_string()),
                Told::IfWatched if self.printer.options().quiet => {}
                Told::Always | Told::IfWatched => self.printer.warn(event.to_string()),
            },
            _ => self.printer.note(event.to_string()),
        }
    }
}

/// How often a warning is said.
enum Told {
    /// Each time.
    Always,
    /// As this matter is.
    As(Matter),
    /// Never by a quiet run: there is nothing to be done.
    IfWatched,
}

/// How often a quiet run says a warning that may come with every run.
fn matter(event: &AuthEvent) -> Told {
    Told::As(match event {
        AuthEvent::EndsSoon { account, at } => Matter::lasting(format!("end {account}"), at),
        AuthEvent::NotRenewable { account, until } => {
            Matter::lasting(format!("renewal {account}"), until)
        }
        AuthEvent::NotRenewed { account, .. } => Matter::passing(format!("renewing {account}")),
        AuthEvent::RefreshBusy { account, .. } => Matter::passing(format!("busy {account}")),
        AuthEvent::ClockWentBack { .. } | AuthEvent::ClockOff { .. } => {
            Matter::lasting("clock", "wrong")
        }
        AuthEvent::LeftoverKept { account, path } => {
            Matter::lasting(format!("leftover {account}"), path.display())
        }
        AuthEvent::LeftoverRemoved { .. } => return Told::IfWatched,
        _ => return Told::Always,
    })
}

/// What a run does from a notice on, for whoever asks. Addresses are left out: they hold secrets.
fn step(event: &AuthEvent) -> Option<String> {
    Some(match event {
        AuthEvent::QrCode { .. } => "waiting for the code to be scanned".to_owned(),
        AuthEvent::PasteHere { .. } => "waiting for the address to be pasted".to_owned(),
        AuthEvent::Finishing => "waiting for a refresh to end".to_owned(),
        AuthEvent::Waiting { .. } | AuthEvent::QrScanned | AuthEvent::Exchanging => {
            event.to_string()
        }
        _ => return None,
    })
}
