//! Tests of the sandbox's posting endpoints.

use crate::sandbox_client::{MP4, World};

#[tokio::test]
async fn a_video_is_posted_from_login_to_profile() {
    let world = World::new();
    let token = world.login("@bea").await;
    let id = world.post(&token, MP4).await;
    assert_eq!(world.status(&token, &id).await.data()["status"], "PUBLISH_COMPLETE");
}
