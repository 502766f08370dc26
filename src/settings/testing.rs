//! An environment for tests.

use std::collections::HashMap;
use std::ffi::OsString;

/// An environment of exactly these variables.
pub(super) fn env(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<OsString> + use<> {
    let variables: HashMap<String, OsString> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect();
    move |name| variables.get(name).cloned()
}
