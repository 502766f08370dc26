//! Reports for tests.

use std::time::Duration;

use crate::exit::Exit;
use crate::model::{PostError, PostOutcome, PostRef, PostState};

pub(in crate::output) fn subject() -> PostRef {
    PostRef { index: 3, account: "alice".into(), video: "clips/a.mp4".into() }
}

pub(in crate::output) fn report(state: PostState) -> PostOutcome {
    PostOutcome {
        subject: subject(),
        state,
        publish_id: Some("v_pub_file~v2-1.1".into()),
        post_ids: Vec::new(),
        url: None,
        bytes: 1_234_567,
        took: Duration::from_micros(1_234_567),
        at: None,
        media: None,
        warnings: Vec::new(),
        note: None,
        trouble: None,
        exit: Exit::Done,
    }
}

pub(in crate::output) fn trouble() -> PostError {
    PostError {
        code: "invalid_params".into(),
        message: "TikTok refused it".into(),
        hint: Some("change it".into()),
        retryable: false,
        log_id: Some("L1".into()),
    }
}
