//! Records what `--version --verbose` says of a build: its commit, target, profile and compiler.
//!
//! Nothing here fails: what cannot be found out is `unknown`.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The digits of a commit that are shown, as many as the kernel shows.
const DIGITS: usize = 12;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=TIKTOK_UP_COMMIT");
    let commit = given().or_else(packaged).or_else(checked_out);
    record("COMMIT", commit);
    record("TARGET", env::var("TARGET").ok());
    record("PROFILE", env::var("PROFILE").ok());
    record("FEATURES", Some(features()));
    let rustc = env::var("RUSTC").ok().and_then(|rustc| said(&rustc, &["--version"]));
    record("RUSTC", rustc.map(|said| said.trim_start_matches("rustc ").to_owned()));
}

fn record(name: &str, value: Option<String>) {
    let value = value.unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=TIKTOK_UP_BUILD_{name}={value}");
}

/// The cargo features of the build that are not on by themselves.
fn features() -> String {
    let variables = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let names =
        variables.filter_map(|name| Some(name.strip_prefix("CARGO_FEATURE_")?.to_lowercase()));
    let mut names: Vec<_> = names.filter(|name| name != "default").collect();
    names.sort();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// What somebody knows better who builds without the repository, in one line.
fn given() -> Option<String> {
    let commit = env::var("TIKTOK_UP_COMMIT").ok()?;
    let commit = commit.lines().next()?.trim();
    (!commit.is_empty()).then(|| commit.to_owned())
}

/// The commit that `cargo package` wrote down: a published crate has no repository.
fn packaged() -> Option<String> {
    let note = fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let commit = note.split("\"sha1\"").nth(1)?.split('"').nth(1)?;
    let changed = if note.contains("\"dirty\": true") { "-dirty" } else { "" };
    Some(format!("{}{changed}", commit.get(..DIGITS)?))
}

/// The commit of the repository whose top is this folder. One further up belongs to somebody who has copied
/// this source into it.
fn checked_out() -> Option<String> {
    // A folder, or in a further worktree a file that names one.
    if !Path::new(".git").exists() {
        return None;
    }
    watch_head();
    said("git", &["rev-parse", &format!("--short={DIGITS}"), "HEAD"])
}

/// Has cargo run this again when another commit is checked out, and for nothing else.
fn watch_head() {
    // A commit leaves HEAD as it is and moves the branch, whose file is not there while git has it packed; the
    // log of HEAD has a line for every move.
    let mut names = vec!["HEAD".to_owned(), "logs/HEAD".to_owned()];
    names.extend(said("git", &["symbolic-ref", "--quiet", "HEAD"]));
    for name in names {
        let path = said("git", &["rev-parse", "--git-path", &name]);
        // A path that is not there would have cargo run this each time.
        if let Some(path) = path.filter(|path| Path::new(path).exists()) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
}

/// The one line that a program writes; `None` if it is not there or fails.
fn said(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok()?;
    let line = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !line.is_empty() && !line.contains('\n')).then_some(line)
}
