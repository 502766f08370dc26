//! A login or refresh as people see it.

use super::printer::Printer;
use crate::auth::{Notice, Reporter};

/// Tells what happens to logins and tokens, on standard error.
#[derive(Debug)]
pub struct AuthOutput {
    printer: Printer,
}

impl AuthOutput {
    /// For one run.
    pub fn new(printer: &Printer) -> Self {
        Self { printer: printer.clone() }
    }
}

impl Reporter for AuthOutput {
    fn notice(&self, notice: Notice) {
        match notice {
            // Asked for by the user's command: shown even when quiet.
            Notice::Visit { .. } | Notice::QrCode { .. } => {
                self.printer.demand(notice.to_string());
            }
            notice if notice.is_warning() => self.printer.warn(notice.to_string()),
            notice => self.printer.note(notice.to_string()),
        }
    }
}
