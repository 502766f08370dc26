//! The sweep of every n-th operation over a database: the connection is cut at the n-th message, for every n until a
//! run passes untouched. A message of the program's never arrives; one of the server's was preceded by what it
//! confirms. Then the command is run again in peace, and TikTok's own count decides.
//!
//! `TIKTOK_UP_SWEEP_STEP` cuts only every n-th message, from a random first one (its seed is printed;
//! `TIKTOK_UP_SEED` sets it).

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use tiktok_sandbox::Options;

use super::pair::Pair;
use super::wire::{From, Wire};
use crate::stage::{Kind, number, say};
use crate::world::{ADA, Ran, World, sha256};

/// How far apart the cut messages are, unless the environment says otherwise.
const STEP: u64 = 97;

/// As those of the other sweep, with leases that end soon, since whoever is cut off cannot give its own back.
const TIMING: &str =
    "proof_gap=60ms,stall=2s,chunk_answer=2s,final_wait=2s,answer=5s,quota_window=5s,lease=500ms";

/// A database behind a wire, and one post after the other.
struct Sweep {
    pair: Pair,
    wire: Wire,
    world: World,
    name: &'static str,
    step: u64,
    first: u64,
    rounds: u64,
    cut: u64,
    unknown: u64,
    exits: BTreeMap<String, u64>,
    wrong: Vec<String>,
}

impl Sweep {
    fn new(name: &'static str) -> Option<Self> {
        let pair = Pair::start()?;
        let wire = Wire::to(pair.socket(), "127.0.0.1");
        let options = Options {
            daily_posts: usize::MAX,
            pending_drafts: usize::MAX,
            download: Duration::ZERO,
            ..Options::default()
        };
        let world = World::with(options).timing(TIMING).in_database(wire.url());
        world.login(ADA).exits(0);
        let step = number("TIKTOK_UP_SWEEP_STEP", STEP);
        let seed = number("TIKTOK_UP_SEED", u64::from(std::process::id()));
        let first = StdRng::seed_from_u64(seed).random_range(1..=step);
        if step > 1 {
            say(&format!("cuts, {name}: every {step}th message from {first}, seed {seed}"));
        }
        let (exits, wrong) = (BTreeMap::new(), Vec::new());
        Some(Self {
            pair,
            wire,
            world,
            name,
            step,
            first,
            rounds: 0,
            cut: 0,
            unknown: 0,
            exits,
            wrong,
        })
    }

    /// Cuts at each message of both sides; `one` makes what is to be run, runs it, and says what is wrong after it.
    fn cut_each(mut self, one: impl Fn(&mut Self) -> Result<Option<i32>, String>) {
        let sides = [From::Program, From::Server];
        let before = sides.map(|side| self.wire.seen(side));
        one(&mut self).unwrap();
        let after = sides.map(|side| self.wire.seen(side));
        let messages = [after[0] - before[0], after[1] - before[1]];
        for (side, messages) in sides.into_iter().zip(messages) {
            // Another run may have a few more.
            for n in
                (self.first..messages + messages / 4).step_by(usize::try_from(self.step).unwrap())
            {
                let cut = self.wire.cut(side);
                self.wire.cut_in(side, n);
                let code = one(&mut self);
                if self.wire.cut(side) == cut {
                    self.wire.cut_nothing();
                    code.unwrap();
                    break;
                }
                self.cut += 1;
                match code {
                    Ok(code) => {
                        let exit = code.map_or("killed".to_owned(), |code| format!("exit {code}"));
                        *self.exits.entry(exit).or_default() += 1;
                    }
                    Err(what) => {
                        let what = format!("{side:?} {n}: {what}");
                        say(&format!("cuts, {}: WRONG at {what}", self.name));
                        self.wrong.push(what);
                    }
                }
            }
        }
        say(&format!(
            "cuts, {}: {} and {} messages, every {}th cut: {} cuts, {} unknown outcomes, {} wrong; \
             broken runs: {:?}",
            self.name,
            messages[0],
            messages[1],
            self.step,
            self.cut,
            self.unknown,
            self.wrong.len(),
            self.exits
        ));
        assert!(self.wrong.is_empty(), "{:#?}", self.wrong);
    }

    /// A post that is cut off, and brought to its end in peace. The exit code of the first run.
    fn post(&mut self, kind: Kind) -> Result<Option<i32>, String> {
        // Past the minute in which TikTok counts inits.
        self.world.advance(SignedDuration::from_secs(61));
        self.rounds += 1;
        let (number, caption) = (self.rounds, format!("round {}", self.rounds));
        let mut post = json!({ "user_id": self.world.open_id(ADA), "privacy_level": "SELF_ONLY",
            "description": caption });
        let mut video = None;
        match kind {
            Kind::OneChunk | Kind::ThreeChunks => {
                let size = if kind == Kind::OneChunk { 100_000 } else { 15_800_000 };
                let path = self.world.video(&format!("{number}.mp4"), size);
                post["video_path"] = json!(path);
                video = Some(path);
            }
            Kind::Pull | Kind::Photos => {
                post["video_url"] = json!(format!("https://verified.example/{number}.mp4"));
            }
        }
        let manifest = self.world.manifest(&json!([post]));
        let broken = self.world.upload(&manifest);
        self.wire.cut_nothing();
        let made = |world: &World| {
            let mut posts = world.posts();
            posts.retain(|post| post.title == caption && post.status == "PUBLISH_COMPLETE");
            posts
        };
        let fits = match broken.code {
            Some(0) => made(&self.world).len() == 1,
            Some(5) => true,
            Some(6) => kind.init_posts(),
            _ => false,
        };
        if !fits {
            return Err(format!("the run that was cut off: {broken:#?}"));
        }
        let code = self.settle(&manifest)?;
        let made = made(&self.world);
        let rows = self.pair.sql(&format!(
            "SELECT phase, publish_id FROM tiktok_up.attempts JOIN tiktok_up.posts ON id = post
             WHERE caption = '{caption}' ORDER BY number DESC LIMIT 1"
        ));
        let row: Vec<&str> = rows.iter().flatten().map(String::as_str).collect();
        match (made.as_slice(), code, row.as_slice()) {
            ([post], 0, ["published", id]) if *id == post.publish_id => {
                let wanted = video.as_deref().map(sha256);
                if post.sha256 != wanted {
                    return Err(format!("other bytes were posted: {post:#?}"));
                }
            }
            ([] | [_], 6, ["unresolved", ..]) if kind.init_posts() => self.unknown += 1,
            _ => {
                return Err(format!(
                    "exit {code}, TikTok has {made:#?}, the journal {row:?}; {broken:#?}"
                ));
            }
        }
        if let Some(video) = video {
            std::fs::remove_file(video).unwrap();
        }
        Ok(broken.code)
    }

    /// Runs again without faults, time passing in between, until there is nothing more to do.
    fn settle(&mut self, manifest: &str) -> Result<i32, String> {
        let mut said = Vec::new();
        // As the other sweep's.
        for minutes in [0, 2, 80, 61, 61, 61] {
            self.pair.wait_until(super::NO_LEASE);
            self.world.advance(SignedDuration::from_mins(minutes));
            let ran = self.world.upload(manifest);
            match ran.code {
                Some(code @ (0 | 6)) => return Ok(code),
                Some(5) => said.push(ran),
                _ => return Err(format!("a run without faults: {ran:#?}, after {said:#?}")),
            }
        }
        Err(format!("never settled: {said:#?}"))
    }

    /// A refresh that is cut off, and one in peace that finds what it left.
    fn refresh(&mut self) -> Result<Option<i32>, String> {
        self.world.advance(SignedDuration::from_hours(25));
        let broken = self.world.run(&["refresh"]);
        self.wire.cut_nothing();
        let wrong = |what: &str, ran: &Ran| Err(format!("{what}: {ran:#?}, after {broken:#?}"));
        if !matches!(broken.code, Some(0 | 5)) {
            return wrong("the refresh that was cut off", &broken);
        }
        self.pair.wait_until(super::NO_LEASE);
        let again = self.world.run(&["refresh"]);
        if again.code != Some(0) {
            return wrong("the next refresh", &again);
        }
        let forced = self.world.run(&["refresh", "--force"]);
        if forced.code != Some(0) {
            return wrong("a forced refresh", &forced);
        }
        let refused = self.world.calls("token_refresh").iter().any(|call| call.code.is_some());
        if refused { wrong("a refresh was refused by TikTok", &forced) } else { Ok(broken.code) }
    }
}

#[test]
fn a_one_chunk_post_survives_a_cut_at_every_message() {
    let Some(sweep) = Sweep::new("one chunk") else { return };
    sweep.cut_each(|sweep| sweep.post(Kind::OneChunk));
}

#[test]
fn a_three_chunk_post_survives_a_cut_at_every_message() {
    let Some(sweep) = Sweep::new("three chunks") else { return };
    sweep.cut_each(|sweep| sweep.post(Kind::ThreeChunks));
}

#[test]
fn a_pull_survives_a_cut_at_every_message() {
    let Some(sweep) = Sweep::new("pull") else { return };
    sweep.cut_each(|sweep| sweep.post(Kind::Pull));
}

#[test]
fn a_refresh_survives_a_cut_at_every_message() {
    let Some(sweep) = Sweep::new("refresh") else { return };
    sweep.cut_each(Sweep::refresh);
}
