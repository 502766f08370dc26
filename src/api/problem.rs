//! The errors of `tiktok-open` as data: which they are, and what kind of trouble that is for a run.

use std::io;

use tiktok_open::{
    BuildError, Code, EndpointsError, Error, FailReason, Reaction, Refusal, UploadUrlError,
};

use crate::model::PostError;
use crate::problem::{Coded, ErrorCode, ErrorKind, Problem};
use crate::resources::Shortage;

impl Coded for BuildError {
    fn problem(&self) -> Problem {
        ErrorCode::ClientNotBuilt.into()
    }
}

impl Coded for EndpointsError {
    fn problem(&self) -> Problem {
        ErrorCode::EndpointInvalid.into()
    }
}

impl Coded for UploadUrlError {
    fn problem(&self) -> Problem {
        ErrorCode::UploadUrlInvalid.into()
    }
}

impl Coded for Error {
    fn problem(&self) -> Problem {
        match self {
            Self::NotSent { os_error, .. } => match shortage(*os_error) {
                Some(shortage) => shortage.behind(),
                None => ErrorCode::NotSent.into(),
            },
            Self::NoAnswer { .. } => ErrorCode::NoAnswer.into(),
            Self::NotTikTok { status: 404, .. } => ErrorCode::NotTikTokPath.into(),
            Self::NotTikTok { .. } => ErrorCode::NotTikTok.into(),
            Self::Refused(refusal) => refusal_problem(refusal),
        }
    }
}

/// What this machine lacked for a request that never left, if that was the cause: a system that gives no
/// socket says so in words of the network.
fn shortage(os_error: Option<i32>) -> Option<Shortage> {
    Shortage::in_error(&io::Error::from_raw_os_error(os_error?))
}

fn refusal_problem(refusal: &Refusal) -> Problem {
    let kind = if refusal.may_pass() { ErrorKind::Temporary } else { code_kind(&refusal.code) };
    Problem::new(narrower(refusal).unwrap_or_else(|| error_code(&refusal.code))).of_kind(kind)
}

/// An error of the API as a post reports it.
pub(crate) fn post_error(error: &Error) -> PostError {
    let problem = error.problem();
    PostError {
        code: error.code().to_owned(),
        theirs: error.refusal().map(|refusal| refusal.code.clone()),
        retryable: error.is_temporary(),
        log_id: error.refusal().and_then(|refusal| refusal.log_id.clone()),
        ..PostError::new(problem.code, error.to_string(), problem)
    }
}

/// What kind of trouble a refusal with this code is.
pub(crate) fn code_kind(code: &Code) -> ErrorKind {
    match code.reaction() {
        Reaction::Final | Reaction::StopsAccount => ErrorKind::Final,
        Reaction::RenewToken | Reaction::Login => ErrorKind::Login,
        Reaction::Quota | Reaction::SlowDown | Reaction::Later => ErrorKind::Temporary,
    }
}

/// The case of a code that only TikTok's message tells.
fn narrower(refusal: &Refusal) -> Option<ErrorCode> {
    let message = refusal.message.to_ascii_lowercase();
    let says = |word: &str| message.contains(word);
    Some(match refusal.code {
        Code::InvalidParams if says("chunk size") => ErrorCode::InvalidParamsChunkSize,
        Code::InvalidRequest if says("verifier") || says("challenge") => {
            ErrorCode::InvalidRequestVerifier
        }
        Code::InvalidRequest if says("redirect_uri") => ErrorCode::InvalidRequestRedirect,
        Code::InvalidRequest if says("malformed") => ErrorCode::InvalidRequestForm,
        Code::InvalidRequest if says("secret") => ErrorCode::InvalidRequestSecret,
        _ => return None,
    })
}

/// TikTok's code of a refusal as one of ours.
pub(crate) fn error_code(code: &Code) -> ErrorCode {
    match code {
        Code::AccessTokenInvalid => ErrorCode::AccessTokenInvalid,
        Code::ScopeNotAuthorized => ErrorCode::ScopeNotAuthorized,
        Code::ScopePermissionMissed => ErrorCode::ScopePermissionMissed,
        Code::InvalidParams => ErrorCode::InvalidParams,
        Code::InvalidFileUpload => ErrorCode::InvalidFileUpload,
        Code::RateLimitExceeded => ErrorCode::RateLimitExceeded,
        Code::InternalError => ErrorCode::InternalError,
        Code::TooManyPosts => ErrorCode::TooManyPosts,
        Code::Banned => ErrorCode::Banned,
        Code::TooManyPendingShares => ErrorCode::TooManyPendingShares,
        Code::ActiveUserCap => ErrorCode::ActiveUserCap,
        Code::UnauditedClient => ErrorCode::UnauditedClient,
        Code::UrlOwnershipUnverified => ErrorCode::UrlOwnershipUnverified,
        Code::PrivacyLevelMismatch => ErrorCode::PrivacyLevelMismatch,
        Code::InvalidPublishId => ErrorCode::InvalidPublishId,
        Code::PublishIdNotOurs => ErrorCode::PublishIdNotOurs,
        Code::NotCancellable => ErrorCode::NotCancellable,
        Code::AppVersion => ErrorCode::AppVersion,
        Code::AccessDenied => ErrorCode::AccessDenied,
        Code::InvalidClient => ErrorCode::InvalidClient,
        Code::InvalidGrant => ErrorCode::InvalidGrant,
        Code::InvalidRequest => ErrorCode::InvalidRequest,
        Code::InvalidScope => ErrorCode::InvalidScope,
        Code::UnauthorizedClient => ErrorCode::UnauthorizedClient,
        Code::UnsupportedGrantType => ErrorCode::UnsupportedGrantType,
        Code::UnsupportedResponseType => ErrorCode::UnsupportedResponseType,
        Code::ServerError => ErrorCode::ServerError,
        Code::TemporarilyUnavailable => ErrorCode::TemporarilyUnavailable,
        // `Other`, and what a later `tiktok-open` knows besides.
        _ => ErrorCode::RefusalUnlisted,
    }
}

/// TikTok's reason for not posting what it has.
pub(crate) fn fail_code(reason: &FailReason) -> ErrorCode {
    match reason.0.as_str() {
        "file_format_check_failed" => ErrorCode::FailedFormat,
        "duration_check_failed" => ErrorCode::FailedDuration,
        "frame_rate_check_failed" => ErrorCode::FailedFrameRate,
        "picture_size_check_failed" => ErrorCode::FailedPictureSize,
        "internal" => ErrorCode::FailedInternal,
        "video_pull_failed" => ErrorCode::FailedVideoPull,
        "photo_pull_failed" => ErrorCode::FailedPhotoPull,
        "publish_cancelled" => ErrorCode::FailedCancelled,
        "auth_removed" => ErrorCode::FailedAuthRemoved,
        "spam_risk_too_many_posts" => ErrorCode::FailedSpamPosts,
        "spam_risk_user_banned_from_posting" => ErrorCode::FailedSpamBanned,
        "spam_risk_text" => ErrorCode::FailedSpamText,
        "spam_risk" => ErrorCode::FailedSpam,
        _ => ErrorCode::FailedUnlisted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;
    use crate::output::Explain as _;
    use crate::problem::Origin;

    fn not_sent(os_error: Option<i32>) -> Error {
        Error::NotSent { host: "host".into(), reason: "reason".into(), os_error }
    }

    #[test]
    fn a_machine_without_a_socket_to_give_is_not_the_network() {
        for errno in [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE, rustix::io::Errno::NOBUFS]
        {
            let error = not_sent(Some(errno.raw_os_error()));
            assert_eq!(error.exit(), Exit::Local);
            assert!(!error.hint().unwrap().contains("network"), "{error:?}");
        }
        for os_error in [None, Some(rustix::io::Errno::CONNREFUSED.raw_os_error())] {
            let error = not_sent(os_error);
            assert_eq!(error.exit(), Exit::Temporary);
            assert!(error.hint().unwrap().contains("network"));
        }
    }

    #[test]
    fn every_code_of_tiktoks_keeps_its_spelling_and_is_the_trouble_that_its_reaction_says() {
        for code in ErrorCode::ALL.iter().filter(|code| code.origin() == Origin::Refusal) {
            let name = code.as_str().split('.').next().unwrap();
            let theirs = Code::from(name);
            let same = error_code(&theirs);
            assert_eq!(same.as_str(), name);
            assert_eq!(theirs.is_listed(), same != ErrorCode::RefusalUnlisted, "{name}");
            assert_eq!((code_kind(&theirs), same.kind()), (code.kind(), code.kind()), "{name}");
            assert_eq!(theirs.is_temporary(), code.kind() == ErrorKind::Temporary, "{name}");
        }
    }

    #[test]
    fn every_reason_of_tiktoks_keeps_its_spelling() {
        for code in ErrorCode::ALL.iter().filter(|code| code.origin() == Origin::FailReason) {
            assert_eq!(fail_code(&FailReason(code.as_str().to_owned())), *code);
        }
    }
}
