//! What a person sees: the authorize page and the overview. No script, nothing from elsewhere.

pub(super) mod consent;
mod html;
pub(super) mod overview;

pub(super) use overview::routes;
