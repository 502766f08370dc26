//! `accounts show`: who an account is, what it may post now, and its numbers.

use serde_json::json;
use tiktok_open::{CreatorInfo, Profile};

use super::with_token;
use crate::commands::{Context, about};
use crate::exit::Exit;
use crate::model::{Account, Mode};
use crate::output::{Failure, moment};

/// Runs the command.
pub(super) async fn run(context: &Context, name: Option<&str>) -> Result<Exit, Failure> {
    let account = with_token(context, name).await?;
    let asked = async {
        let profile = context.client.profile(&account.access_token, &account.scopes).await?;
        let creator = if account.scopes.has(Mode::Direct.scope()) {
            Some(context.client.creator_info(&account.access_token).await?)
        } else {
            None
        };
        Ok::<_, tiktok_open::Error>((profile, creator))
    };
    let (profile, creator) = tokio::select! {
        biased;
        signal = context.shutdown.requested() => return Ok(signal.exit()),
        asked = asked => asked?,
    };
    if context.printer.is_json() {
        context.printer.json(&event(&account, &profile, creator.as_ref()));
        return Ok(Exit::Done);
    }
    for (what, is) in lines(&account, &profile, creator.as_ref()) {
        context.printer.data(format!("{:<12} {is}", format!("{what}:")));
    }
    Ok(Exit::Done)
}

/// What is told to people, each thing with what it is.
fn lines(
    account: &Account,
    profile: &Profile,
    creator: Option<&CreatorInfo>,
) -> Vec<(&'static str, String)> {
    let mut lines =
        vec![("account", account.name().to_owned()), ("open_id", account.open_id.clone())];
    let name = profile.display_name.clone().or_else(|| account.display_name.clone());
    lines.extend(name.map(|name| ("name", name)));
    let handle = profile.username.clone().or(creator.map(|creator| creator.username.clone()));
    lines
        .extend(handle.filter(|it| !it.is_empty()).map(|handle| ("profile", format!("@{handle}"))));
    lines.extend(profile.url.clone().map(|url| ("address", url)));
    lines.extend(profile.bio.clone().map(|bio| ("says", bio)));
    let numbers = [
        ("followers", profile.followers),
        ("following", profile.following),
        ("likes", profile.likes),
        ("videos", profile.videos),
    ];
    lines.extend(numbers.into_iter().filter_map(|(what, count)| Some((what, count?.to_string()))));
    if let Some(creator) = creator {
        lines.push(("may post", creator.privacy_level_options.join(", ")));
        let limit = creator.max_video_duration.map(|it| format!("up to {} s", it.as_secs()));
        lines.extend(limit.map(|limit| ("videos of", limit)));
        let off = [
            ("comments", creator.comment_disabled),
            ("duets", creator.duet_disabled),
            ("stitches", creator.stitch_disabled),
        ];
        let off: Vec<_> = off.into_iter().filter(|(_, off)| *off).map(|(what, _)| what).collect();
        lines.extend((!off.is_empty()).then(|| ("switched off", off.join(", "))));
    }
    lines.push(("scopes", account.scopes.iter().collect::<Vec<_>>().join(", ")));
    let paused = account.paused_since.map(|since| format!("since {}", moment(since)));
    lines.extend(paused.map(|paused| ("paused", paused)));
    lines.push(("lasts", format!("until {} without use", moment(account.refresh_expires_at))));
    lines
}

fn event(account: &Account, profile: &Profile, creator: Option<&CreatorInfo>) -> serde_json::Value {
    about(
        account,
        json!({
            "event": "account_details",
            "username": profile.username.clone().or(creator.map(|creator| creator.username.clone())),
            "bio": profile.bio,
            "verified": profile.is_verified,
            "url": profile.url,
            "followers": profile.followers,
            "following": profile.following,
            "likes": profile.likes,
            "videos": profile.videos,
            "privacy_levels": creator.map(|creator| &creator.privacy_level_options),
            "longest_video_seconds":
                creator.and_then(|creator| creator.max_video_duration).map(|it| it.as_secs()),
            "comment_disabled": creator.map(|creator| creator.comment_disabled),
            "duet_disabled": creator.map(|creator| creator.duet_disabled),
            "stitch_disabled": creator.map(|creator| creator.stitch_disabled),
            "scopes": account.scopes.iter().collect::<Vec<_>>(),
            "refresh_expires_at": account.refresh_expires_at,
            "paused_since": account.paused_since,
        }),
    )
}
