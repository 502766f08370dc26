//! A login or refresh as people see it.

use std::io;

use anstyle::{Ansi256Color, Color, Style};

use super::cells::width;
use super::line::Line;
use super::notes::{Matter, SettingsOf};
use super::printer::Printer;
use super::terminal::{self, Size};
use crate::auth::qr::draw::{Paint, half_blocks};
use crate::auth::{Account, AuthEvent, Reporter};

/// Black on white from the 256 colours: the first sixteen are what themes change.
const INK: Style = Style::new()
    .fg_color(Some(Color::Ansi256(Ansi256Color(16))))
    .bg_color(Some(Color::Ansi256(Ansi256Color(231))));

/// Tells what happens to logins and tokens, on standard error.
#[derive(Debug)]
pub(crate) struct AuthOutput {
    printer: Printer,
    /// Whether each QR code is in a picture, too.
    has_picture: bool,
}

impl AuthOutput {
    /// For one run. What it tells is said from within logins, refreshes and uploads, which must not wait
    /// for a terminal: new tokens may be in memory alone.
    pub(crate) fn new(printer: &Printer) -> Self {
        Self { printer: printer.behind(), has_picture: false }
    }

    /// Says whether each QR code is in a picture, too.
    #[must_use]
    pub(crate) fn with_picture(self, has_picture: bool) -> Self {
        Self { has_picture, ..self }
    }

    /// Draws the code where all of it can be seen at once; else names the other ways to it.
    fn show_code(&self, url: &str) {
        let coloured = self.printer.options().colour_err;
        // Without colours most terminals show light text on a dark ground.
        let paint = if coloured { Paint::LightGround } else { Paint::DarkGround };
        let drawn = half_blocks(url, paint).unwrap_or_default();
        let columns = drawn.lines().map(width).max().unwrap_or(0);
        // And the row of the cursor behind it.
        let rows = drawn.lines().count() + 1;
        match terminal::size(io::stderr()) {
            Some(Size { columns: wide, rows: high }) if wide < columns || high < rows => {
                let small = format!(
                    "the code takes {columns} columns and {rows} rows, and this terminal has {wide} \
                     and {high}"
                );
                self.printer.demand(if self.has_picture {
                    format!("{small}: look at the picture")
                } else {
                    format!(
                        "{small}: make it larger and log in again, or log in with `--qr-open` (the code \
                         in the desktop's picture viewer), `--qr-png FILE` (in a file) or `--paste` \
                         (without a code)"
                    )
                });
            }
            _ => {
                for line in drawn.lines() {
                    let style = if coloured { INK } else { Style::new() };
                    self.printer.demand(Line::default().styled(style, line));
                }
            }
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
                // First, so that nothing pushes the code off the screen.
                self.printer.demand(Line::default().verbatim(event.to_string()));
                self.show_code(url);
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

    fn renewed(&self, account: &Account) {
        self.printer.settle(&SettingsOf::from(account).renewed());
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

/// What nothing is the matter with once an account, by its name, was refreshed.
pub(crate) fn refresh_subjects(account: &str) -> [String; 2] {
    [format!("renewing {account}"), format!("busy {account}")]
}

/// How often a quiet run says a warning that may come with every run.
fn matter(event: &AuthEvent) -> Told {
    Told::As(match event {
        AuthEvent::EndsSoon { account, at } => Matter::lasting(format!("end {account}"), at),
        AuthEvent::NotRenewable { account, until } => {
            Matter::lasting(format!("renewal {account}"), until)
        }
        AuthEvent::NotRenewed { account, passes, .. } => {
            let [renewing, _] = refresh_subjects(account);
            if *passes {
                Matter::passing(renewing)
            } else {
                Matter::lasting(renewing, "not renewed")
            }
        }
        AuthEvent::RefreshBusy { account, .. } => {
            let [_, busy] = refresh_subjects(account);
            Matter::passing(busy)
        }
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
