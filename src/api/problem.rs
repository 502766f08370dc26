//! The errors of `tiktok-open` as data: which they are, and what kind of trouble that is for a run.

use std::io;

use tiktok_open::{
    BuildError, Code, EndpointsError, Error, FailReason, Obstacle, ProxyName, ProxyProblem,
    Refusal, UploadUrlError,
};

use crate::model::PostError;
use crate::problem::{Coded, ErrorCode, ErrorKind, Problem};
use crate::resources::Shortage;

impl Coded for BuildError {
    fn problem(&self) -> Problem {
        match self {
            Self::Proxy(error) => {
                let hint = match error.problem {
                    ProxyProblem::NotText => "write it as plain text",
                    ProxyProblem::Scheme(_) => {
                        "known are http, https, socks4, socks4a, socks5 and socks5h"
                    }
                    _ => {
                        "write it like `http://proxy.example:3128`, or `http://USER:PASSWORD@...` with \
                         `%40` for an `@` in the password, `%23` for `#` and `%2F` for `/`"
                    }
                };
                Problem::new(ErrorCode::ProxyVariable)
                    .with("variable", error.variable)
                    .with("how", hint)
            }
            _ => ErrorCode::ClientNotBuilt.into(),
        }
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
            Self::NotSent { host, os_error, obstacle, .. } => match (shortage(*os_error), obstacle)
            {
                (Some(shortage), _) => shortage.behind(),
                (None, Some(obstacle)) => in_the_way(obstacle, host),
                (None, None) => ErrorCode::NotSent.into(),
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

/// What keeps requests to a host from leaving.
fn in_the_way(obstacle: &Obstacle, host: &str) -> Problem {
    let of = |code, proxy: &ProxyName| {
        let problem = Problem::new(code).with("host", host).with("proxy", proxy);
        problem.with("variable", proxy.variable)
    };
    match obstacle {
        Obstacle::Certificate { .. } => ErrorCode::NotTrusted.into(),
        Obstacle::ProxyUnknown(proxy) => of(ErrorCode::ProxyUnknown, proxy),
        Obstacle::ProxyLogin(proxy) => of(ErrorCode::ProxyLogin, proxy),
        Obstacle::ProxyRefuses(proxy) => of(ErrorCode::ProxyRefuses, proxy),
        Obstacle::Proxy(proxy) => of(ErrorCode::ProxyTrouble, proxy),
        Obstacle::Request => ErrorCode::NotARequest.into(),
        // What a later `tiktok-open` knows besides.
        _ => ErrorCode::NotSent.into(),
    }
}

fn refusal_problem(refusal: &Refusal) -> Problem {
    let code = narrower(refusal).unwrap_or_else(|| error_code(&refusal.code));
    let kind = if refusal.may_pass() { ErrorKind::Temporary } else { code.kind() };
    Problem::new(code).of_kind(kind)
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
    use tiktok_open::Reaction;

    /// What kind of trouble a refusal with this code is.
    fn code_kind(code: &Code) -> ErrorKind {
        match code.reaction() {
            Reaction::Final | Reaction::StopsAccount => ErrorKind::Final,
            Reaction::RenewToken | Reaction::Login => ErrorKind::Login,
            Reaction::Settings => ErrorKind::Input,
            Reaction::Quota | Reaction::SlowDown | Reaction::Later => ErrorKind::Temporary,
        }
    }

    fn not_sent(os_error: Option<i32>) -> Error {
        Error::NotSent { host: "host".into(), reason: "reason".into(), os_error, obstacle: None }
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
    fn what_does_not_pass_by_itself_is_not_called_temporary() {
        let proxy = ProxyName { variable: "https_proxy", host: "proxy.example".into(), port: 3128 };
        let error = |obstacle| Error::NotSent {
            host: "open.tiktokapis.com".into(),
            reason: "reason".into(),
            os_error: None,
            obstacle: Some(Box::new(obstacle)),
        };
        for (obstacle, exit, hint) in [
            (Obstacle::ProxyUnknown(proxy.clone()), Exit::Usage, "https_proxy"),
            (Obstacle::ProxyLogin(proxy.clone()), Exit::Usage, "USER:PASSWORD@proxy.example:3128"),
            (Obstacle::ProxyRefuses(proxy.clone()), Exit::Usage, "open.tiktokapis.com"),
            (Obstacle::Proxy(proxy), Exit::Temporary, "proxy.example:3128"),
            (Obstacle::Request, Exit::Failed, "tiktok-up login"),
        ] {
            let (error, passes) = (error(obstacle.clone()), obstacle.may_pass());
            assert_eq!((error.exit(), error.is_temporary()), (exit, passes), "{error}");
            assert!(error.hint().unwrap().contains(hint), "{error:?}");
            assert_eq!(error.code(), error.problem().code.as_str());
        }
        let authorities = tiktok_open::Authorities::default();
        let now = "2026-11-26T07:37:10.123Z".parse().unwrap();
        let distrusted = error(Obstacle::Certificate { authorities, now, proxy: None });
        assert_eq!(distrusted.exit(), Exit::Usage);
        assert!(distrusted.to_string().contains("SSL_CERT_FILE is not set"), "{distrusted}");
        assert!(distrusted.to_string().ends_with("2026-11-26 07:37 UTC"), "{distrusted}");
        assert!(distrusted.hint().unwrap().contains("SSL_CERT_FILE"));
    }

    #[test]
    fn every_code_of_tiktoks_keeps_its_spelling_and_is_the_trouble_that_its_reaction_says() {
        for code in ErrorCode::ALL.iter().filter(|code| code.origin() == Origin::Refusal) {
            let name = code.as_str().split('.').next().unwrap();
            let theirs = Code::from(name);
            let same = error_code(&theirs);
            assert_eq!(same.as_str(), name);
            assert_eq!(theirs.is_listed(), same != ErrorCode::RefusalUnlisted, "{name}");
            assert_eq!(code_kind(&theirs), same.kind(), "{name}");
            // Of a code that says little by itself, TikTok's message may name the setting.
            let by_message = code.as_str().contains('.') && code.kind() == ErrorKind::Input;
            assert!(by_message || code.kind() == same.kind(), "{}", code.as_str());
            assert_eq!(theirs.is_temporary(), same.kind() == ErrorKind::Temporary, "{name}");
        }
    }

    #[test]
    fn every_reason_of_tiktoks_keeps_its_spelling() {
        for code in ErrorCode::ALL.iter().filter(|code| code.origin() == Origin::FailReason) {
            assert_eq!(fail_code(&FailReason(code.as_str().to_owned())), *code);
        }
    }
}
