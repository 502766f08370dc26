//! Videos that lie in an object store: `s3://BUCKET/KEY`.

use serde_json::json;

use crate::world::{ADA, World};

/// A manifest with one post of an object.
fn stored(world: &World, address: &str) -> String {
    world.manifest(&json!([{ "user_id": world.open_id(ADA), "privacy_level": "SELF_ONLY",
        "video_path": address }]))
}

#[cfg(not(feature = "cloud"))]
#[test]
fn a_build_without_stores_says_so_where_one_is_named() {
    let world = World::logged_in();
    let ran = world.run(&["upload", &stored(&world, "s3://clips/clip.mp4")]).exits(2);
    ran.says("line 1").says("field `video_path`").says("reads nothing from stores").says("cloud");
}

#[cfg(feature = "cloud")]
mod cloud {
    use std::fs;

    use super::*;
    use crate::process::{Ran, Running};
    use crate::shelf::Shelf;
    use crate::world::{CHUNK, sha256};

    /// What no message may repeat.
    const SECRET: &str = "aws-secret-canary";
    const ADDRESS: &str = "s3://clips/folder/clip.mp4";
    const PATH: &str = "/clips/folder/clip.mp4";

    fn put(world: &World, shelf: &Shelf) {
        shelf.put(PATH, fs::read(world.video("clip.mp4", 3 * CHUNK + 1000)).unwrap());
    }

    fn command(world: &World, shelf: &Shelf, manifest: &str) -> std::process::Command {
        in_chunks(CHUNK, world, shelf, manifest)
    }

    fn in_chunks(
        chunk: u64,
        world: &World,
        shelf: &Shelf,
        manifest: &str,
    ) -> std::process::Command {
        let mut command = world.command(&["upload", "--chunk-size", &chunk.to_string(), manifest]);
        command.env("AWS_ENDPOINT_URL", shelf.url()).env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", "id").env("AWS_SECRET_ACCESS_KEY", SECRET);
        command
    }

    fn upload(world: &World, shelf: &Shelf, manifest: &str) -> Ran {
        Ran::of(command(world, shelf, manifest)).never_says(SECRET)
    }

    #[track_caller]
    fn is_posted(world: &World) {
        let posted = world.posts();
        let posted = posted.last().unwrap();
        assert_eq!(posted.sha256.as_deref(), Some(sha256(&world.path("clip.mp4")).as_str()));
        assert_eq!((posted.source, world.published()), ("FILE_UPLOAD", 1));
    }

    #[test]
    fn an_object_is_read_in_parts_of_one_version_and_posted_once() {
        let (world, shelf) = (World::logged_in(), Shelf::new());
        put(&world, &shelf);
        let manifest = stored(&world, ADDRESS);
        upload(&world, &shelf, &manifest).exits(0).says(ADDRESS);
        is_posted(&world);
        let asked = shelf.conduct().asked.clone();
        let ranges: Vec<_> =
            asked.iter().map(|asked| asked.headers.get("range").cloned()).collect();
        assert!(asked.len() < 30, "{ranges:#?}");
        let pinned = asked.iter().filter(|asked| asked.headers.contains_key("if-match")).count();
        assert!(asked.iter().all(|asked| asked.headers.contains_key("authorization")));
        assert!(pinned + 4 >= asked.len(), "{asked:#?}");
        upload(&world, &shelf, &manifest).exits(0).says("already posted");
        // From the disk it is the same video.
        upload(&world, &shelf, &world.one_post(ADA, "clip.mp4")).exits(0).says("already posted");
        assert_eq!((world.inits(), world.published()), (1, 1));
    }

    /// Also behind one whose last block is a small one.
    #[test]
    fn a_chunk_goes_on_with_the_answer_that_the_one_before_it_was_read_from() {
        let (world, shelf) = (World::logged_in(), Shelf::new());
        put(&world, &shelf);
        let chunk = CHUNK + 100;
        let command = in_chunks(chunk, &world, &shelf, &stored(&world, ADDRESS));
        Ran::of(command).exits(0).says("in 3 chunks");
        is_posted(&world);
        let asked = shelf.conduct().asked.clone();
        let ranges: Vec<_> = asked.iter().filter_map(|asked| asked.headers.get("range")).collect();
        let again = format!("bytes={chunk}-");
        assert!(!ranges.iter().any(|range| range.starts_with(&again)), "{ranges:#?}");
    }

    #[test]
    fn a_killed_run_is_gone_on_with_and_another_object_starts_over() {
        for changes in [false, true] {
            let (world, shelf) = (World::logged_in(), Shelf::new());
            put(&world, &shelf);
            let manifest = stored(&world, ADDRESS);
            world.hold("upload", 2, "middle");
            let run = Running::of(command(&world, &shelf, &manifest));
            world.wait_until("some of the second chunk is there", |world| {
                world.posts().last().is_some_and(|post| post.received > CHUNK)
            });
            run.kill();
            world.let_go();
            if changes {
                let other = fs::read(world.video("clip.mp4", 3 * CHUNK + 2000)).unwrap();
                shelf.put(PATH, other);
            }
            upload(&world, &shelf, &manifest).exits(0);
            is_posted(&world);
            assert_eq!(world.inits(), 1 + usize::from(changes));
        }
    }

    #[test]
    fn what_breaks_is_asked_for_again() {
        let (world, shelf) = (World::logged_in(), Shelf::new());
        put(&world, &shelf);
        shelf.conduct().cuts = (4, 200_000);
        upload(&world, &shelf, &stored(&world, ADDRESS)).exits(0);
        is_posted(&world);
        assert_eq!(shelf.conduct().cuts.0, 0);
    }

    #[test]
    fn what_a_store_refuses_is_said_with_what_to_do() {
        let (world, shelf) = (World::logged_in(), Shelf::new());
        put(&world, &shelf);
        let manifest = stored(&world, ADDRESS);
        for (status, head, body, exit, says) in [
            (403, "", "<Error><Code>AccessDenied</Code></Error>", 2, "s3:GetObject"),
            (301, "x-amz-bucket-region: eu-west-3\r\n", "", 2, "AWS_REGION=eu-west-3"),
            (503, "", "<Error><Code>SlowDown</Code></Error>", 5, "SlowDown"),
        ] {
            shelf.conduct().status = Some((status, head, body));
            upload(&world, &shelf, &manifest).exits(exit).says(says);
        }
        shelf.conduct().status = None;
        shelf.conduct().whole = true;
        upload(&world, &shelf, &manifest).exits(2).says("gives no parts of it");
        shelf.conduct().whole = false;
        upload(&world, &shelf, &stored(&world, "s3://clips/none.mp4")).exits(2).says("HTTP 404");
        upload(&world, &shelf, &stored(&world, "s3://clips")).exits(2).says("s3://BUCKET/KEY");
        assert_eq!(world.inits(), 0);
    }

    #[test]
    fn a_profile_gives_the_credentials_where_the_environment_does_not() {
        let (world, shelf) = (World::logged_in(), Shelf::new());
        put(&world, &shelf);
        let text = format!("[clips]\naws_access_key_id = mine\naws_secret_access_key = {SECRET}\n");
        let file = world.file("credentials", text);
        let mut command = command(&world, &shelf, &stored(&world, ADDRESS));
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        command.env("AWS_SHARED_CREDENTIALS_FILE", file).env("AWS_PROFILE", "clips");
        Ran::of(command).exits(0).never_says(SECRET);
        let asked = shelf.conduct().asked.clone();
        assert!(
            asked.iter().all(|asked| asked.headers["authorization"].contains("Credential=mine/"))
        );
    }

    #[test]
    fn a_weak_tag_says_nothing_and_what_is_changed_starts_over() {
        let (world, shelf) = (World::logged_in(), Shelf::new());
        put(&world, &shelf);
        shelf.conduct().weak = true;
        let manifest = stored(&world, ADDRESS);
        upload(&world, &shelf, &manifest).exits(0);
        is_posted(&world);
        let asked = shelf.conduct().asked.clone();
        assert!(!asked.iter().any(|asked| asked.headers.contains_key("if-match")));
        shelf.conduct().undated = true;
        upload(&world, &shelf, &stored(&world, "s3://clips/folder/../folder/clip.mp4")).exits(2);
    }

    #[test]
    fn no_secret_of_a_profile_or_an_answer_is_repeated_whoever_says_it() {
        const TOKEN: &str = "session-token-canary";
        let bodies = [
            "<Error><Code>aws-secret-canary</Code></Error>",
            "<Error><Code>session-token-canary</Code></Error>",
        ];
        for body in bodies {
            let (world, shelf) = (World::logged_in(), Shelf::new());
            put(&world, &shelf);
            let file = world.file(
                "credentials",
                format!("[default]\naws_access_key_id = mine\naws_secret_access_key = {SECRET}\naws_session_token = {TOKEN}\n"),
            );
            let region = "x-amz-bucket-region: aws-secret-canary\r\n";
            for status in [301, 400, 403, 404, 412, 503] {
                shelf.conduct().status = Some((status, region, body));
                let mut command = command(&world, &shelf, &stored(&world, ADDRESS));
                command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
                command.env("AWS_SHARED_CREDENTIALS_FILE", &file).arg("-vvvv");
                Ran::of(command).never_says(SECRET).never_says(TOKEN);
            }
        }
        // The same of what a container is given.
        for (answer, exit) in [
            (
                r#"{"AccessKeyId":"mine","SecretAccessKey":"aws-secret-canary","Token":"session-token-canary","Expiration":"2099-01-01T00:00:00Z"}"#,
                2,
            ),
            (
                r#"{"AccessKeyId":"mine","SecretAccessKey":["aws-secret-canary"],"Token":"session-token-canary","Expiration":"session-token-canary"}"#,
                2,
            ),
            (r#""session-token-canary""#, 2),
        ] {
            let (world, shelf) = (World::logged_in(), Shelf::new());
            let bucket = "<Error><Code>aws-secret-canary</Code></Error>";
            shelf.put("/credentials", answer.as_bytes().to_vec());
            shelf.conduct().missing = Some(bucket);
            let mut command = command(&world, &shelf, &stored(&world, ADDRESS));
            command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
            command.env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null").arg("-vvvv");
            command
                .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/credentials", shelf.url()));
            command.env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", world.file("token", TOKEN));
            Ran::of(command).exits(exit).never_says(SECRET).never_says(TOKEN);
            assert!(shelf.conduct().asked.iter().any(|asked| asked.target == "/credentials"));
        }
    }
}
