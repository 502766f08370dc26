//! The queue of a shared store: posts that are put in anywhere are made once, by whichever worker comes to them.

use crate::world::World;

#[test]
fn a_store_of_one_machine_has_none_and_says_what_to_do() {
    let world = World::logged_in();
    let manifest = world.short();
    let commands = [
        &["upload", &*manifest, "--enqueue"][..],
        &["post", "clip.mp4", "--privacy", "SELF_ONLY", "--enqueue"],
        &["watch", "--queue"],
    ];
    for command in commands {
        world.run(command).exits(2).says("has a queue").says("docs/DATABASE.md");
    }
    world.run(&["store", "workers"]).exits(2).says("no database keeps the store");
    world.run(&["cancel", "q1"]).exits(2).says("there is no post q1 in the queue");
    world.run(&["watch"]).exits(2).says("MANIFEST");
    // What is the worker's to say is no option of who puts posts in, and the other way round.
    world.run(&["upload", &manifest, "--enqueue", "--repost"]).exits(2).says("cannot be used with");
    let watch = ["watch", "--queue", "--privacy", "PUBLIC_TO_EVERYONE"];
    world.run(&watch).exits(2).says("as it was put in");
    assert_eq!(world.inits(), 0);
}

/// The address of a new database of this name. `None`: there is no server to test with.
#[cfg(feature = "postgres")]
pub(crate) fn database(name: &str) -> Option<String> {
    let server = crate::server::server()?;
    let createdb = crate::server::programs().unwrap().join("createdb");
    let mut make = std::process::Command::new(createdb);
    make.args(["-U", "tiktok", "-h"]).arg(&server.folder).arg(name);
    assert!(make.status().unwrap().success());
    Some(format!("postgres:///{name}?host={}&user=tiktok", server.folder.display()))
}

#[cfg(feature = "postgres")]
mod shared {
    use std::fs;
    use std::path::PathBuf;
    use std::process::Command;

    use jiff::{SignedDuration, Timestamp};
    use rustix::process::Signal;
    use serde_json::{Value, json};

    use super::*;
    use crate::process::Running;
    use crate::shelf::{HOST, Shelf};
    use crate::world::{ADA, BEA, CHUNK, Ran, sha256};

    /// What waits in these tests waits so long.
    const TIMES: &str = "lease=2s,queue_poll=50ms";

    /// Machines, which are homes, that share a database of their own.
    struct Fleet {
        world: World,
        url: String,
    }

    impl Fleet {
        /// With `@ada` and `@bea` logged in. `None`: there is no server to test with.
        fn new(name: &str) -> Option<Self> {
            let url = database(name)?;
            let world = World::new().timing(TIMES).in_database(url.clone());
            for handle in [ADA, BEA] {
                world.login(handle).exits(0);
            }
            Some(Self { world, url })
        }

        fn home(&self, machine: &str) -> PathBuf {
            self.world.home().join(machine)
        }

        fn command(&self, machine: &str, args: &[&str]) -> Command {
            let mut command = self.world.command(args);
            command.env("TIKTOK_UP_HOME", self.home(machine));
            command.env("TIKTOK_UP_DATABASE_URL", &self.url);
            command
        }

        fn on(&self, machine: &str, args: &[&str]) -> Ran {
            Ran::of(self.command(machine, args))
        }

        fn worker(&self, machine: &str, more: &[&str]) -> Running {
            let args = [&["watch", "--queue", "--every", "1s"], more].concat();
            Running::of(self.command(machine, &args))
        }

        /// A manifest of videos that TikTok pulls, which any machine can post.
        fn pulls(&self, user: &str, names: &[&str]) -> String {
            let posts = names.iter().map(|name| {
                json!({ "user_id": self.world.open_id(user), "privacy_level": "SELF_ONLY", "id": name,
                    "video_url": format!("https://verified.example/{name}.mp4") })
            });
            self.world.manifest(&posts.collect())
        }

        fn queued(&self) -> Vec<Value> {
            let ran = self.on("a", &["status", "--json"]);
            let events = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap());
            events.filter(|event: &Value| event["event"] == "queued").collect()
        }

        fn wait_for_posts(&self, count: usize) {
            self.world.wait_until("all are posted", |world| world.published() == count);
        }

        fn wait_until_empty(&self) {
            self.world.wait_until("nothing is in the queue", |_| self.queued().is_empty());
        }
    }

    fn drains(run: Running) -> Ran {
        run.signal(Signal::TERM);
        run.end().exits(0)
    }

    #[test]
    fn what_is_put_in_anywhere_is_made_once_and_known_everywhere() {
        let Some(fleet) = Fleet::new("queue_once") else { return };
        let manifest = fleet.pulls(ADA, &["one", "two"]);
        let enqueue = ["upload", manifest.as_str(), "--enqueue"];
        fleet.on("a", &enqueue).exits(0).says("queued");
        fleet.on("b", &enqueue).exits(0).says("waits in the queue already");
        assert_eq!((fleet.queued().len(), fleet.world.inits()), (2, 0));
        let workers = ["a", "b", "c"].map(|machine| fleet.worker(machine, &[]));
        fleet.wait_for_posts(2);
        fleet.wait_until_empty();
        fleet.on("c", &enqueue).exits(0).says("posted already");
        fleet.on("a", &["store", "workers"]).exits(0).says("works");
        assert!(fleet.queued().is_empty());
        for worker in workers {
            drains(worker);
        }
        fleet.on("a", &["store", "workers"]).exits(0).says("ended");
        assert_eq!((fleet.world.published(), fleet.world.inits()), (2, 2));
    }

    #[test]
    fn a_worker_that_is_killed_in_its_last_chunk_is_followed_by_another_one() {
        let Some(fleet) = Fleet::new("queue_killed") else { return };
        let (world, shelf) = (&fleet.world, Shelf::new());
        shelf.put("/clip.mp4", fs::read(world.video("clip.mp4", 3 * CHUNK + 1000)).unwrap());
        let manifest = world.manifest(&json!([{ "user_id": world.open_id(ADA),
            "privacy_level": "SELF_ONLY", "transfer": "upload",
            "video_url": format!("https://{HOST}/clip.mp4?X-Amz-Signature=canary") }]));
        let enqueue = ["upload", manifest.as_str(), "--enqueue"];
        Ran::of(shelf.behind_proxy(fleet.command("a", &enqueue))).exits(0).never_says("canary");
        world.hold("upload", 3, "middle");
        let worker = |machine: &str| {
            let args = ["watch", "--queue", "--every", "1s", "--chunk-size", &CHUNK.to_string()];
            Running::of(shelf.behind_proxy(fleet.command(machine, &args)))
        };
        let first = worker("a");
        world.wait_until("some of the last chunk is there", |world| {
            world.posts().last().is_some_and(|post| post.received > 2 * CHUNK)
        });
        let second = worker("b");
        first.kill();
        world.let_go();
        fleet.wait_for_posts(1);
        fleet.wait_until_empty();
        drains(second).never_says("canary");
        assert_eq!((world.published(), world.inits()), (1, 1));
        let posted = world.posts();
        let sum = sha256(&world.path("clip.mp4"));
        assert_eq!(posted.last().unwrap().sha256.as_deref(), Some(sum.as_str()));
    }

    #[test]
    fn a_worker_that_is_to_stop_ends_the_chunk_and_leaves_the_rest() {
        let Some(fleet) = Fleet::new("queue_drained") else { return };
        let (world, shelf) = (&fleet.world, Shelf::new());
        shelf.put("/clip.mp4", fs::read(world.video("clip.mp4", 3 * CHUNK + 1000)).unwrap());
        let manifest = world.manifest(&json!([{ "user_id": world.open_id(ADA),
            "privacy_level": "SELF_ONLY", "transfer": "upload",
            "video_url": format!("https://{HOST}/clip.mp4") }]));
        let command = fleet.command("a", &["upload", &manifest, "--enqueue"]);
        Ran::of(shelf.behind_proxy(command)).exits(0);
        world.hold("upload", 2, "middle");
        let worker = |machine: &str| {
            let args = ["watch", "--queue", "--every", "1s", "--chunk-size", &CHUNK.to_string()];
            Running::of(shelf.behind_proxy(fleet.command(machine, &args)))
        };
        let first = worker("a");
        world.wait_until("some of the second chunk is there", |world| {
            world.posts().last().is_some_and(|post| post.received > CHUNK)
        });
        first.signal(Signal::TERM);
        world.wait_until("it says so", |_| {
            fleet.on("b", &["store", "workers"]).stdout.contains("drains")
        });
        world.let_go();
        first.end().exits(0);
        assert_eq!(world.published(), 0);
        let second = worker("b");
        fleet.wait_for_posts(1);
        drains(second);
        assert_eq!((world.published(), world.inits()), (1, 1));
    }

    #[test]
    fn a_file_of_one_machine_waits_for_that_machine() {
        let Some(fleet) = Fleet::new("queue_pinned") else { return };
        let world = &fleet.world;
        world.video("clip.mp4", 300_000);
        let manifest = world.one_post(ADA, "clip.mp4");
        fleet.on("a", &["upload", &manifest, "--enqueue"]).exits(0);
        let other = fleet.worker("b", &[]);
        // That of another account it makes meanwhile.
        let pulled = fleet.pulls(BEA, &["one"]);
        fleet.on("b", &["upload", &pulled, "--enqueue"]).exits(0);
        fleet.wait_for_posts(1);
        fleet.on("b", &["status"]).exits(0).says("its file is on");
        assert_eq!(fleet.queued().len(), 1);
        drains(other);
        let own = fleet.worker("a", &[]);
        fleet.wait_for_posts(2);
        drains(own);
    }

    #[test]
    fn what_is_wrong_with_one_keeps_no_other_from_being_made() {
        let Some(fleet) = Fleet::new("queue_refused") else { return };
        let world = &fleet.world;
        for name in ["gone.mp4", "good.mp4", "bad.mp4"] {
            world.video(name, 100_000 + u64::from(name.as_bytes()[0]));
        }
        let entry = |name: &str| json!({ "user_id": world.open_id(ADA), "privacy_level": "SELF_ONLY", "video_path": name });
        let manifest =
            world.manifest(&json!([entry("gone.mp4"), entry("bad.mp4"), entry("good.mp4")]));
        fleet.on("a", &["upload", &manifest, "--enqueue"]).exits(0);
        let kept = fs::read(world.path("gone.mp4")).unwrap();
        fs::remove_file(world.path("gone.mp4")).unwrap();
        fs::write(world.path("bad.mp4"), "no video").unwrap();
        let worker = fleet.worker("a", &[]);
        fleet.wait_for_posts(1);
        world.wait_until("it is known what is wrong", |_| {
            let queued = fleet.queued();
            queued.len() == 2 && queued.iter().all(|post| post["message"].is_string())
        });
        let state = |name: &str| {
            let queued = fleet.queued();
            let post = queued.iter().find(|post| post["video"] == name).unwrap();
            post["state"].as_str().unwrap().to_owned()
        };
        assert_eq!([state("gone.mp4"), state("bad.mp4")], ["waits", "failed"]);
        fleet.on("a", &["status"]).exits(1).says("bad.mp4: failed");
        fs::write(world.path("gone.mp4"), kept).unwrap();
        fleet.wait_for_posts(2);
        // What failed is tried again when somebody puts it in again.
        world.video("bad.mp4", 200_000);
        fleet.on("a", &["upload", &manifest, "--enqueue"]).exits(0).says("queued again");
        fleet.wait_for_posts(3);
        fleet.wait_until_empty();
        drains(worker);
        assert_eq!(world.inits(), 3);
    }

    #[test]
    fn settings_are_those_of_whoever_put_it_in() {
        let Some(fleet) = Fleet::new("queue_settings") else { return };
        let world = &fleet.world;
        let ada = world.open_id(ADA);
        let post = ["post", "--url", "https://verified.example/one.mp4", "--account", &ada];
        fleet.on("a", &[&post[..], &["--enqueue"]].concat()).exits(0);
        // The worker's own defaults would show it to everybody.
        fs::create_dir_all(fleet.home("b")).unwrap();
        let config = "[defaults]\nprivacy_level = \"PUBLIC_TO_EVERYONE\"\n";
        fs::write(fleet.home("b").join("config.toml"), config).unwrap();
        let worker = fleet.worker("b", &[]);
        fleet.wait_for_posts(1);
        drains(worker);
        assert_eq!(format!("{:?}", world.posts()[0].privacy), "Some(SelfOnly)");
    }

    #[test]
    fn what_waits_is_changed_taken_out_and_made_in_its_time() {
        let Some(fleet) = Fleet::new("queue_changed") else { return };
        let world = &fleet.world;
        let ada = world.open_id(ADA);
        let post = |name: &str, at: Option<Timestamp>| {
            let mut args = vec!["post".to_owned(), "--url".to_owned()];
            args.push(format!("https://verified.example/{name}.mp4"));
            args.extend(
                ["--account", &ada, "--privacy", "SELF_ONLY", "--enqueue"].map(str::to_owned),
            );
            args.extend(at.iter().flat_map(|at| ["--at".to_owned(), at.to_string()]));
            let args: Vec<_> = args.iter().map(String::as_str).collect();
            fleet.on("a", &args).exits(0)
        };
        let now = Timestamp::now();
        post("one", Some(now + SignedDuration::from_hours(5))).says("queued for");
        post("two", Some(now + SignedDuration::from_hours(5)));
        let worker = fleet.worker("a", &[]);
        let number = fleet
            .queued()
            .iter()
            .find(|it| it["video"].to_string().contains("two"))
            .unwrap()["number"]
            .to_string();
        fleet.on("b", &["cancel", &format!("q{number}")]).exits(0).says("taken out");
        fleet.on("b", &["cancel", &format!("q{number}")]).exits(2).says("there is no post");
        // Another time for the same post, and that comes.
        let soon = Timestamp::now() + SignedDuration::from_secs(2);
        post("one", Some(soon)).says("as it is asked for now");
        fleet.wait_for_posts(1);
        assert!(Timestamp::now() >= soon);
        fleet.wait_until_empty();
        drains(worker);
        assert_eq!(world.inits(), 1);
    }

    #[test]
    fn a_paused_account_waits_and_the_others_go_on() {
        let Some(fleet) = Fleet::new("queue_paused") else { return };
        let world = &fleet.world;
        let ada = world.open_id(ADA);
        fleet.on("a", &["accounts", "pause", &ada]).exits(0);
        for (user, name) in [(ADA, "one"), (BEA, "two")] {
            let manifest = fleet.pulls(user, &[name]);
            fleet.on("a", &["upload", &manifest, "--enqueue"]).exits(0);
        }
        let worker = fleet.worker("b", &["--jobs", "1"]);
        fleet.wait_for_posts(1);
        world.wait_until("it is known why", |_| {
            fleet.queued().iter().any(|post| post["message"].to_string().contains("paused"))
        });
        fleet.on("a", &["accounts", "resume", &ada]).exits(0);
        fleet.wait_for_posts(2);
        fleet.wait_until_empty();
        drains(worker);
    }

    #[test]
    fn two_machines_may_have_different_files_of_one_name() {
        let Some(fleet) = Fleet::new("queue_paths") else { return };
        let world = &fleet.world;
        world.video("clip.mp4", 300_000);
        let manifest = world.one_post(ADA, "clip.mp4");
        for machine in ["a", "b"] {
            fleet
                .on(machine, &["upload", &manifest, "--enqueue"])
                .exits(0)
                .says("clip.mp4: queued");
        }
        // Here they are the same one, which the journal knows.
        let workers = ["a", "b"].map(|machine| fleet.worker(machine, &[]));
        fleet.wait_for_posts(1);
        fleet.wait_until_empty();
        for worker in workers {
            drains(worker);
        }
        assert_eq!((world.published(), world.inits()), (1, 1));
    }

    #[test]
    fn a_post_in_hand_is_not_said_to_be_changed() {
        let Some(fleet) = Fleet::new("queue_in_hand") else { return };
        let world = &fleet.world;
        let ada = world.open_id(ADA);
        let post = |level: &str, at: &str| {
            let url = format!("https://verified.example/one.mp4{at}");
            let post = ["post", "--url", &url, "--account", &ada, "--privacy", level, "--enqueue"];
            fleet.on("a", &post)
        };
        post("SELF_ONLY", "?X-Amz-Signature=first&X-Amz-Expires=60").exits(0).says("queued");
        // A link that is signed anew leads to the same video.
        let again = post("SELF_ONLY", "?X-Amz-Signature=second&X-Amz-Expires=60").exits(0);
        again.says("as it is asked for now");
        assert_eq!(fleet.queued().len(), 1);
        world.hold("video_init", 1, "middle");
        let worker = fleet.worker("b", &[]);
        world.wait_until("it is at it", |world| world.calls("video_init").len() == 1);
        post("PUBLIC_TO_EVERYONE", "").exits(5).says("may make it as it was");
        let number = fleet.queued()[0]["number"].to_string();
        fleet.on("a", &["cancel", &format!("q{number}")]).exits(5).says("a worker on");
        world.let_go();
        fleet.wait_for_posts(1);
        fleet.wait_until_empty();
        drains(worker);
        assert_eq!(world.inits(), 1);
    }

    #[test]
    fn of_two_entries_of_one_post_the_first_is_made() {
        let Some(fleet) = Fleet::new("queue_doubled") else { return };
        let world = &fleet.world;
        let entry = |level: &str| {
            json!({ "user_id": world.open_id(ADA), "privacy_level": level,
                "video_url": "https://verified.example/one.mp4" })
        };
        let both = world.manifest(&json!([entry("SELF_ONLY"), entry("PUBLIC_TO_EVERYONE")]));
        fleet.on("a", &["upload", &both, "--enqueue"]).exits(0).says("the same post as an earlier");
        let worker = fleet.worker("a", &[]);
        fleet.wait_for_posts(1);
        fleet.wait_until_empty();
        drains(worker);
        assert_eq!(format!("{:?}", world.posts()[0].privacy), "Some(SelfOnly)");
    }
}
