//! Files whose names begin with a hyphen, as an option does.

use std::ffi::OsString;
use std::path::Path;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::text;

/// Replaces the advice for an unknown option by one for a file of that name that lies there.
pub(super) fn told(mut error: clap::Error, args: &[OsString]) -> clap::Error {
    let is_file =
        |arg: &&OsString| arg.as_encoded_bytes().starts_with(b"-") && Path::new(arg).is_file();
    if error.kind() == ErrorKind::UnknownArgument
        && let Some(name) = args.iter().skip(1).find(is_file)
    {
        let path = text::quoted(&Path::new(".").join(name));
        let tip = StyledStr::from(format!("the file of that name is {path}"));
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
    error
}
