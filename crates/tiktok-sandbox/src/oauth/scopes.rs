//! The scopes of TikTok's platform.
//!
//! <https://developers.tiktok.com/doc/scopes-overview>

/// What a person can grant in Login Kit and this sandbox has endpoints for.
pub(crate) const GRANTABLE: [&str; 6] = [
    "user.info.basic",
    "user.info.profile",
    "user.info.stats",
    "video.list",
    "video.publish",
    "video.upload",
];

/// What every app has and every grant holds, asked for or not, and no person can untick.
pub(crate) const ALWAYS: &str = "user.info.basic";

/// Reads a comma-separated list against the app's scopes. `None`: empty, unknown or not the app's,
/// repeated, or separated by anything else.
pub(super) fn read(list: &str, allowed: &[String]) -> Option<Vec<String>> {
    let scopes: Vec<String> = list.split(',').map(str::to_owned).collect();
    let known = scopes.iter().all(|scope| scope == ALWAYS || allowed.contains(scope));
    let mut once = scopes.clone();
    once.sort_unstable();
    once.dedup();
    (known && once.len() == scopes.len()).then_some(scopes)
}

/// What a person grants of the scopes that were asked for; `None` is all of them.
pub(super) fn granted(asked: &[String], of: Option<&[String]>) -> Vec<String> {
    let wanted =
        |scope: &&String| scope.as_str() == ALWAYS || of.is_none_or(|list| list.contains(scope));
    let unasked = (!asked.iter().any(|scope| scope == ALWAYS)).then(|| ALWAYS.to_owned());
    unasked.into_iter().chain(asked.iter().filter(wanted).cloned()).collect()
}

/// What the consent page says about a scope.
pub(crate) fn described(scope: &str) -> &'static str {
    match scope {
        "user.info.basic" => "Read your open id, avatar and display name",
        "user.info.profile" => "Read your profile: bio, links, username, verified badge",
        "user.info.stats" => "Read your counts of followers, likes and videos",
        "video.list" => "Read your public videos",
        "video.publish" => "Post content to your profile",
        "video.upload" => "Send drafts to your inbox, for you to finish",
        _ => "Other access",
    }
}
