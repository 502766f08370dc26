//! Pages of posts: what waits, what is under way, what was made.

mod calendar;
mod history;
pub(super) mod known;
mod listed;
mod overview;
mod post;
mod queue;

pub(crate) use self::calendar::calendar;
pub(crate) use self::history::{history, history_csv, history_json};
pub(crate) use self::known::{numbers, state_words, tone};
pub(crate) use self::overview::overview;
pub(crate) use self::post::post;
pub(crate) use self::queue::queue;
