//! How much one may post: calls a minute, posts a day, users a day, and who may post at all.
//!
//! <https://developers.tiktok.com/doc/content-sharing-guidelines> and the error tables of the
//! posting endpoints.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::post::Kind;
use crate::clock::after;
use crate::envelope::Refusal;
use crate::state::{Access, World};

/// Inits a minute, each endpoint by itself.
pub(super) const INITS_A_MINUTE: usize = 6;
/// `creator_info` calls a minute.
pub(super) const CREATOR_INFO_A_MINUTE: usize = 20;
/// `status/fetch` calls a minute; `cancel` states none and gets the same.
pub(super) const STATUS_A_MINUTE: usize = 30;
/// UTF-16 units of a video's caption.
pub(super) const CAPTION: usize = 2200;
/// UTF-16 units of a photo post's title.
pub(super) const PHOTO_TITLE: usize = 90;
/// UTF-16 units of a photo post's description.
pub(super) const PHOTO_DESCRIPTION: usize = 4000;
/// Pictures of a photo post.
pub(super) const PHOTOS: usize = 35;
/// Oldest TikTok app that takes photo drafts.
pub(super) const PHOTO_DRAFT_APP: (u32, u32) = (31, 8);
/// Users a day that an unaudited app has.
const UNAUDITED_USERS: usize = 5;

const DAY: Duration = Duration::from_hours(24);

/// Refuses a direct post that the creator may not make now, whatever it holds.
pub(super) fn may_post(world: &World, access: Access, now: Timestamp) -> Result<(), Refusal> {
    not_banned(world, access)?;
    let direct = |created: Timestamp, kind: Kind| kind == Kind::Direct && now < after(created, DAY);
    let posts = world.posts.all().filter(|post| direct(post.created, post.kind));
    if posts.filter(|post| post.account == access.account).count() >= world.rules.daily_posts {
        return Err(Refusal::coded("spam_risk_too_many_posts"));
    }
    let cap = match world.rules.active_users {
        Some(cap) => cap,
        None if world.rules.unaudited => UNAUDITED_USERS,
        None => return Ok(()),
    };
    let posts = world.posts.all().filter(|post| direct(post.created, post.kind));
    let active: BTreeSet<_> =
        posts.filter(|post| post.app == access.app).map(|post| post.account).collect();
    if active.len() >= cap && !active.contains(&access.account) {
        return Err(Refusal::coded("reached_active_user_cap"));
    }
    Ok(())
}

/// Refuses a draft that the creator has no room for.
pub(super) fn may_draft(world: &World, access: Access, now: Timestamp) -> Result<(), Refusal> {
    not_banned(world, access)?;
    let pending = world.posts.all().filter(|post| {
        post.kind == Kind::Draft
            && post.account == access.account
            && now < after(post.created, DAY)
            && post.is_pending(now, &world.rules)
    });
    if pending.count() >= world.rules.pending_drafts {
        return Err(Refusal::coded("spam_risk_too_many_pending_share"));
    }
    Ok(())
}

fn not_banned(world: &World, access: Access) -> Result<(), Refusal> {
    if world.accounts[access.account].banned {
        Err(Refusal::coded("spam_risk_user_banned_from_posting"))
    } else {
        Ok(())
    }
}
