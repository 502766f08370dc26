//! Reports for tests.

use std::time::Duration;

use crate::model::{PostError, PostNumber, PostOutcome, PostRef, PostState};
use crate::problem::ErrorCode;

pub(in crate::output) fn post_ref() -> PostRef {
    PostRef { index: 3, account: "alice".into(), video: "clips/a.mp4".into() }
}

pub(in crate::output) fn report(state: PostState) -> PostOutcome {
    PostOutcome {
        post_ref: post_ref(),
        number: Some(PostNumber(7)),
        entry: String::new(),
        state,
        publish_id: Some("v_pub_file~v2-1.1".into()),
        post_ids: Vec::new(),
        url: None,
        bytes: 1_234_567,
        took: Duration::from_micros(1_234_567),
        at: None,
        brought_to: None,
        media: None,
        warnings: Vec::new(),
        note: None,
        post_error: None,
        failure: None,
    }
}

pub(in crate::output) fn post_error() -> PostError {
    PostError {
        log_id: Some("L1".into()),
        ..PostError::new(ErrorCode::InvalidParams, "TikTok refused it", ErrorCode::QrForm)
    }
}
