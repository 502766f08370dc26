//! What a login may ask for, with what each of it is for.

use super::Words;

/// A scope that may be chosen.
#[derive(Debug)]
pub(crate) struct ScopeChoice {
    /// In TikTok's spelling.
    pub(crate) scope: &'static str,
    /// What it allows.
    pub(crate) words: &'static str,
    /// Whether it is asked for unless somebody chooses otherwise.
    pub(crate) is_usual: bool,
}

/// All that this program has a use for.
pub(crate) fn scope_choices(t: &Words, is_usual: impl Fn(&str) -> bool) -> Vec<ScopeChoice> {
    let all = [
        ("user.info.basic", t.scope_user_info_basic),
        ("video.publish", t.scope_video_publish),
        ("video.upload", t.scope_video_upload),
        ("video.list", t.scope_video_list),
        ("user.info.profile", t.scope_user_info_profile),
        ("user.info.stats", t.scope_user_info_stats),
    ];
    let choice = |(scope, words)| ScopeChoice { scope, words, is_usual: is_usual(scope) };
    all.into_iter().map(choice).collect()
}
