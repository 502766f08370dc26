//! Everything that a run says: data on standard output, talk on standard error.
//!
//! Nothing else in the program writes to a terminal. Text from elsewhere loses whatever could drive
//! one on its way through [`Line`].

mod auth;
mod catalogue;
mod cells;
mod csv;
mod error;
mod failure;
mod json;
mod line;
mod live;
mod log;
mod notes;
mod panic;
mod patient;
mod printer;
mod progress;
mod span;
mod standing;
mod table;
mod tally;
mod terminal;
mod upload;

pub(crate) use self::auth::{AuthOutput, refresh_subjects};
pub(crate) use self::catalogue::{Explanation, explanations};
pub(crate) use self::csv::csv;
pub(crate) use self::error::told;
pub(crate) use self::failure::{Everywhere, Explain, Failure, hint_of_code, post_hint};
pub(crate) use self::json::{EVENTS_SCHEMA, json_of, post_json};
pub(crate) use self::line::Line;
pub(crate) use self::log::listen;
pub(crate) use self::notes::{
    Left, Matter, NAME as NOTES_FILE, Needs, Notes, Refusal, Remains, SettingsOf, UNREACHED, Why,
    account_subject, lasts_long,
};
pub(crate) use self::panic::report_panics;
pub(crate) use self::printer::{OutputOptions, Printer};
pub(crate) use self::progress::watching;
pub(crate) use self::span::{day, moment};
pub(crate) use self::table::Table;
pub(crate) use self::upload::{UploadOutput, is_connection};

#[cfg(test)]
mod testing;
