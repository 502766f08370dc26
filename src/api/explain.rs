//! What the errors of `tiktok-open` mean for a run: exit code, and what to do next.

use std::io;

use tiktok_open::{BuildError, Code, EndpointsError, Error, FailReason, Reaction, UploadUrlError};

use crate::exit::{Exit, Explain};
use crate::model::PostError;
use crate::resources::Shortage;

impl Explain for BuildError {
    fn exit(&self) -> Exit {
        Exit::Failed
    }

    fn hint(&self) -> Option<String> {
        Some("check SSL_CERT_FILE and the proxy variables".into())
    }
}

impl Explain for EndpointsError {
    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn hint(&self) -> Option<String> {
        Some("nothing was sent; unset the variable to use TikTok itself".into())
    }
}

impl Explain for UploadUrlError {
    fn exit(&self) -> Exit {
        Exit::Failed
    }

    fn hint(&self) -> Option<String> {
        Some("no byte of the video was sent; please report the host name".into())
    }
}

impl Explain for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::NotSent { os_error, .. } => {
                shortage(*os_error).map_or(Exit::Temporary, |shortage| shortage.exit())
            }
            Self::Refused(refusal) if refusal.may_pass() => Exit::Temporary,
            Self::Refused(refusal) => code_exit(&refusal.code),
            _ => Exit::Temporary,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotSent { os_error, .. } => match shortage(*os_error) {
                Some(shortage) => shortage.hint().map(|hint| format!("{shortage}: {hint}")),
                None => Some("check the network, then run the same command again".into()),
            },
            Self::NoAnswer { .. } => Some("run the same command again".into()),
            Self::NotTikTok { status: 404, .. } => Some(
                "this path or method is unknown there: check TIKTOK_UP_API_URL and any proxy"
                    .into(),
            ),
            Self::NotTikTok { .. } => Some(
                "a proxy or captive portal may have answered; check HTTPS_PROXY and the network, \
                 then run again"
                    .into(),
            ),
            Self::Refused(refusal) => code_hint(&refusal.code, &refusal.message).map(str::to_owned),
        }
    }
}

/// What this machine lacked for a request that never left, if that was the cause: a system that gives no
/// socket says so in words of the network.
fn shortage(os_error: Option<i32>) -> Option<Shortage> {
    Shortage::in_error(&io::Error::from_raw_os_error(os_error?))
}

/// An error of the API as a post reports it.
pub fn post_error(error: &Error) -> PostError {
    PostError {
        code: error.code().to_owned(),
        message: error.to_string(),
        hint: error.hint(),
        retryable: error.exit() == Exit::Temporary,
        log_id: error.refusal().and_then(|refusal| refusal.log_id.clone()),
    }
}

/// The exit code of a run that ended with a refusal of this code.
pub fn code_exit(code: &Code) -> Exit {
    match code.reaction() {
        Reaction::Final | Reaction::StopsAccount => Exit::Failed,
        Reaction::RenewToken | Reaction::Login => Exit::Login,
        Reaction::Cap | Reaction::SlowDown | Reaction::Later => Exit::Temporary,
    }
}

/// What to do next after a refusal, in words that name the setting to change; `message` is TikTok's.
pub fn code_hint(code: &Code, message: &str) -> Option<&'static str> {
    let message = message.to_ascii_lowercase();
    Some(match code {
        Code::InvalidParams if message.contains("chunk size") => {
            "TikTok did not take this chunk size; run again with another one, for example \
             `--chunk-size 10000000`, and report the file's size"
        }
        Code::InvalidRequest if message.contains("verifier") || message.contains("challenge") => {
            "the code verifier did not match this login attempt; start `tiktok-up login` again"
        }
        Code::InvalidRequest if message.contains("redirect_uri") => {
            "register exactly `http://127.0.0.1:*/callback/` (with the slash) under Login Kit > \
             Desktop in the developer portal"
        }
        Code::InvalidRequest if message.contains("malformed") => {
            "TikTok did not understand the request, which is not a matter of settings: please \
             report it with the log_id"
        }
        Code::InvalidRequest if message.contains("secret") => {
            "set TIKTOK_CLIENT_SECRET: TikTok wants the client secret from desktop apps too"
        }
        _ => return plain_hint(code),
    })
}

fn plain_hint(code: &Code) -> Option<&'static str> {
    Some(match code {
        Code::AccessTokenInvalid => "log in again with `tiktok-up login`",
        Code::ScopeNotAuthorized => {
            "the account did not grant this scope; run `tiktok-up login` again and leave it switched on"
        }
        Code::ScopePermissionMissed => "the request asks for a field outside the granted scopes",
        Code::RateLimitExceeded => "too many calls in a minute; run again in a minute",
        Code::InternalError | Code::ServerError | Code::TemporarilyUnavailable => {
            "TikTok has trouble; run the same command again later"
        }
        Code::TooManyPosts => {
            "this account's cap of posts by API (about 15 in 24 hours, all apps together) is \
             full; run again tomorrow, or post from the TikTok app"
        }
        Code::Banned => {
            "TikTok bars this account from posting; look for a notice in the TikTok app"
        }
        Code::TooManyPendingShares => {
            "five drafts wait in the account's inbox; finish or discard them in the TikTok app, \
             or run again in 24 hours"
        }
        Code::ActiveUserCap => {
            "the app's quota of posting accounts in 24 hours is used up (5 for an unaudited \
             app); run again tomorrow"
        }
        Code::UnauditedClient => {
            "an app that TikTok has not audited can post only to private accounts: switch the \
             *account* to private (TikTok app > Settings > Privacy), not just the post, or use `--draft`"
        }
        Code::UrlOwnershipUnverified => {
            "verify the URL's domain or prefix under \"URL properties\" of the app in the \
             developer portal, or use a local file with `video_path`"
        }
        Code::PrivacyLevelMismatch => {
            "choose one of the privacy levels that the account offers now; it changes when the \
             account becomes private or public"
        }
        Code::InvalidPublishId | Code::PublishIdNotOurs => {
            "TikTok no longer answers for this post; look at the profile"
        }
        Code::AppVersion => "photo drafts need the TikTok app 31.8 or newer on the user's phone",
        Code::AccessDenied => "access was denied in TikTok; run the login again and allow it",
        Code::InvalidClient => {
            "client key and secret do not belong together: check for spaces, and that both come \
             from the same app and environment (a sandbox has its own pair)"
        }
        Code::InvalidGrant => {
            "the login is no longer valid (expired, revoked, used elsewhere, or of another \
             app); log in again with `tiktok-up login`"
        }
        Code::InvalidScope => {
            "add the scope to the app in the developer portal (and press \"Apply changes\" for a \
             sandbox), or ask for fewer with `--scopes`"
        }
        Code::UnauthorizedClient => {
            "the app may not log this account in: add Login Kit to the app; in a sandbox add \
             the account as a target user and press \"Apply changes\""
        }
        _ => return None,
    })
}

/// Why a post failed in words, with what to do.
pub fn fail_hint(reason: &FailReason) -> &'static str {
    match reason.0.as_str() {
        "file_format_check_failed" => {
            "TikTok takes MP4, MOV and WebM with H.264, H.265, VP8 or VP9; re-encode the file, \
             for example with `ffmpeg -i IN -c:v libx264 -c:a aac OUT.mp4`"
        }
        "duration_check_failed" => "the video is shorter or longer than this creator may post",
        "frame_rate_check_failed" => "re-encode with 23 to 60 frames a second",
        "picture_size_check_failed" => "width and height must be 360 to 4096 pixels",
        "internal" => "TikTok had an internal error; it may work later",
        "video_pull_failed" => {
            "TikTok could not download the video: the URL must be public, https, without \
             redirects, and stay up for an hour"
        }
        "photo_pull_failed" => {
            "TikTok could not download a photo: the URLs must be public, https and without redirects"
        }
        "publish_cancelled" => "the download was cancelled",
        "auth_removed" => "the creator removed the app's access; log in again",
        "spam_risk_too_many_posts" => {
            "the account's cap of posts by API in 24 hours is full; post from the TikTok app"
        }
        "spam_risk_user_banned_from_posting" => "TikTok bars this account from posting",
        "spam_risk_text" => "TikTok judged the caption as spam or risky; change it",
        "spam_risk" => "TikTok judged the post as risky",
        _ => "TikTok gave a reason that its documentation does not list",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn the_unaudited_hint_names_the_account() {
        assert!(code_hint(&Code::UnauditedClient, "").unwrap().contains("*account*"));
    }

    #[test]
    fn a_code_that_may_pass_ends_a_run_as_temporary() {
        for code in ["spam_risk_too_many_posts", "rate_limit_exceeded", "internal_error", "x"] {
            let code = Code::from(code);
            assert_eq!(code.is_temporary(), code_exit(&code) == Exit::Temporary, "{code}");
        }
    }
}
