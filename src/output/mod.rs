//! Everything that a run says: data on standard output, talk on standard error.
//!
//! Nothing else in the program writes to a terminal. Text from elsewhere loses whatever could drive
//! one on its way through [`Line`].

mod auth;
mod catalogue;
mod error;
mod failure;
mod json;
mod line;
mod log;
mod printer;
mod progress;
mod span;
mod standing;
mod table;
mod tally;
mod upload;

pub use self::auth::AuthOutput;
pub use self::failure::{Explain, Failure};
pub use self::line::Line;
pub use self::log::listen;
pub use self::printer::{OutputOptions, Printer};
pub use self::progress::watching;
pub use self::span::{moment, span};
pub use self::table::Table;
pub use self::upload::UploadOutput;

#[cfg(test)]
mod testing;
