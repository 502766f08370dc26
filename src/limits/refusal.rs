//! What a file that is no video means for the run, and what to do about it.

use video_probe::ProbeError;

use super::hints::hint_for;
use crate::exit::{Exit, Explain};

/// Each of them is as final as an error of [`check`](super::check()), but for trouble with reading.
impl Explain for ProbeError {
    fn exit(&self) -> Exit {
        match self {
            Self::Io(_) => Exit::Local,
            _ => Exit::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Empty | Self::NoIndex => {
                Some("wait until the file is complete, or export it again".to_owned())
            }
            Self::NotAVideo { looks_like } => Some(hint_for(*looks_like).to_owned()),
            Self::NoPicture => Some("export it with a picture".to_owned()),
            Self::Io(_) => None,
        }
    }
}
