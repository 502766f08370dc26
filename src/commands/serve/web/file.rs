//! Files, from browsers and to them.

use axum::body::Body;
use axum::extract::{FromRequest as _, Multipart, Path, Query, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use http_body_util::Limited;
use tower_http::services::ServeFile;

use super::flash::Flash;
use super::forms::{PieceQuery, SourceForm};
use super::{App, on};
use crate::commands::serve::composing;
use crate::commands::serve::posting::spool::{self, Part, SpoolError};
use crate::console::access::Visitor;
use crate::console::pages::ENGLISH;
use crate::text::chain;

/// What a form with a file is longer than its file, in bytes.
const REST_OF_FORM: u64 = 64 << 10;

/// The most that a field beside a file has, in bytes.
const SHORT: usize = 1 << 10;

/// How many bytes of a file that a browser sends are there.
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");

/// The text of a field that is short. `None`: it is not, or it did not arrive whole.
async fn short_text(part: &mut Part<'_>) -> Option<String> {
    let mut text = Vec::new();
    while let Some(piece) = part.chunk().await.ok()? {
        if text.len() + piece.len() > SHORT {
            return None;
        }
        text.extend_from_slice(&piece);
    }
    String::from_utf8(text).ok()
}

/// A file by a form, without the script: all of it at once.
pub(super) async fn upload(
    State(console): State<App>,
    visitor: Visitor,
    request: Request,
) -> Redirect {
    let mut account = String::new();
    let trouble = |why: String| vec![Flash::bad(why)];
    let refused = |why: &str| on(&console, &visitor, "/compose", vec![Flash::bad(why)]);
    // What is said to be too long is not waited for.
    let length = request.headers().get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let limit = console.context().settings.serve.upload_limit.saturating_add(REST_OF_FORM);
    if length.is_some_and(|length| length > limit) {
        return refused(ENGLISH.upload_too_long);
    }
    // Nor is it taken where nothing is said.
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let request = request.map(|body| Body::new(Limited::new(body, limit)));
    let Ok(mut parts) = Multipart::from_request(request, &()).await else {
        return refused(ENGLISH.upload_broken);
    };
    loop {
        let mut part = match parts.next_field().await {
            Ok(Some(part)) => part,
            Ok(None) => return refused(ENGLISH.source_missing),
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                return refused(ENGLISH.upload_too_long);
            }
            Err(_) => return refused(ENGLISH.upload_broken),
        };
        match part.name() {
            Some("account") => match short_text(&mut part).await {
                Some(text) => account = text,
                None => return refused(ENGLISH.upload_broken),
            },
            Some("file") => {
                let name = part.file_name().unwrap_or_default().to_owned();
                let size = console.context().settings.serve.upload_limit;
                let form = SourceForm {
                    account,
                    source: "upload".into(),
                    name,
                    size,
                    ..SourceForm::default()
                };
                let draft = match composing::begin(&console, &form).await {
                    Ok(draft) => draft,
                    Err(wrong) => {
                        return on(&console, &visitor, "/compose", trouble(wrong.message));
                    }
                };
                let id = draft.id.clone();
                return match composing::take_whole(&console, draft, &mut part).await {
                    Ok(draft) => {
                        on(&console, &visitor, &format!("/compose/{}", draft.id), Vec::new())
                    }
                    Err(error) => {
                        // A form is sent as a whole the next time.
                        _ = composing::discard(&console, &id).await;
                        on(&console, &visitor, "/compose", trouble(said(&error)))
                    }
                };
            }
            _ => {}
        }
    }
}

fn said(error: &SpoolError) -> String {
    match error {
        SpoolError::TooLong => ENGLISH.upload_too_long.to_owned(),
        SpoolError::BrokenOff => ENGLISH.upload_broken.to_owned(),
        error => chain(error),
    }
}

/// The very file that is to be posted, in parts as a browser asks for them.
pub(super) async fn media(
    State(console): State<App>,
    _: Visitor,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let draft = console.posting.drafts.find(&id).ok().flatten();
    let Some(draft) = draft else { return StatusCode::NOT_FOUND.into_response() };
    let Some(path) = composing::playable(&console, &draft).await else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = match path.extension().and_then(|end| end.to_str()) {
        Some(end) if end.eq_ignore_ascii_case("webm") => "video/webm",
        Some(end) if end.eq_ignore_ascii_case("mov") => "video/quicktime",
        _ => "video/mp4",
    };
    match ServeFile::new(path).try_call(request).await {
        Ok(response) => {
            let mut response = response.map(Body::new);
            // Whatever it holds, it is a video to the browser.
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            response
        }
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

/// How much of a file is there.
pub(super) async fn received(
    State(console): State<App>,
    _: Visitor,
    Path(id): Path<String>,
) -> Response {
    match console.posting.drafts.find(&id) {
        Ok(Some(draft)) => {
            let there = console.posting.drafts.received(&draft);
            ([(OFFSET, there.to_string())], StatusCode::NO_CONTENT).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A piece of a file.
pub(super) async fn piece(
    State(console): State<App>,
    _: Visitor,
    Path(id): Path<String>,
    Query(query): Query<PieceQuery>,
    request: Request,
) -> Response {
    let Ok(Some(draft)) = console.posting.drafts.find(&id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let taken =
        spool::take(&console.posting.drafts, &draft, query.offset, request.into_body()).await;
    let there = console.posting.drafts.received(&draft);
    let status = match &taken {
        Ok(_) => StatusCode::NO_CONTENT,
        Err(SpoolError::Elsewhere { .. } | SpoolError::Busy) => StatusCode::CONFLICT,
        Err(SpoolError::TooLong) => StatusCode::PAYLOAD_TOO_LARGE,
        Err(SpoolError::NotSent) => StatusCode::NOT_FOUND,
        Err(SpoolError::BrokenOff) => StatusCode::REQUEST_TIMEOUT,
        Err(SpoolError::Io(_)) => StatusCode::INSUFFICIENT_STORAGE,
    };
    let why = match &taken {
        Err(SpoolError::TooLong) => ENGLISH.upload_grown.to_owned(),
        Err(error) => said(error),
        Ok(_) => String::new(),
    };
    ([(OFFSET, there.to_string())], (status, why)).into_response()
}
