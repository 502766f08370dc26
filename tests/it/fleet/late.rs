//! Machines that stand still between the record of an init and the init: when they go on, others may have the account.

use super::pair::Pair;
use crate::world::{ADA, World};

/// The record of every first attempt is confirmed late: longer after it was asked for than a lease lasts.
const SLOW: &str = "
    CREATE FUNCTION tiktok_up.slow() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_sleep(1.5); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON tiktok_up.attempts DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.number = 1) EXECUTE FUNCTION tiktok_up.slow()";

#[test]
fn an_init_that_has_become_late_is_not_sent() {
    let Some(pair) = Pair::start() else { return };
    let world = World::new().timing("lease=700ms").in_database(pair.url());
    world.login(ADA).exits(0);
    pair.sql(SLOW);
    let open_id = world.open_id(ADA);
    let clip = world.video("clip.mp4", 100_000);
    let clip = clip.to_str().unwrap();
    let post = |source: &str, value: &str, mode: &str| {
        serde_json::json!([{ "user_id": open_id, "privacy_level": "SELF_ONLY", source: value,
            "mode": mode }])
    };
    let pulled = "https://verified.example/a.mp4";
    for (post, init) in [
        (post("video_url", pulled, "direct"), "video_init"),
        (post("video_path", clip, "direct"), "video_init"),
        (post("video_path", clip, "draft"), "inbox_init"),
    ] {
        let before = world.calls(init).len();
        world.upload(&world.manifest(&post)).exits(0);
        assert_eq!(world.calls(init).len() - before, 1, "{init}: only the second attempt's");
        let attempts = pair.sql(
            "SELECT phase, coalesce(code, '-') FROM tiktok_up.attempts
             WHERE post = (SELECT max(id) FROM tiktok_up.posts) ORDER BY number",
        );
        assert_eq!(attempts[0], ["lost", "not_sent"], "{attempts:?}");
        assert_eq!(attempts.len(), 2, "{attempts:?}");
    }
}
