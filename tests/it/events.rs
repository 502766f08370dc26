//! The objects of `--json` are as src/output/events.json says, each field of them; docs/JSON.md tells the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::Signal;
use serde_json::{Map, Value, json};

use crate::process::Running;
use crate::world::{ADA, BEA, Ran, World};

const ALL_SCOPES: &str =
    "user.info.basic,user.info.profile,user.info.stats,video.list,video.publish,video.upload";

/// What `tiktok-up schema events` prints.
fn schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA
        .get_or_init(|| serde_json::from_str(include_str!("../../src/output/events.json")).unwrap())
}

/// The schemas of the objects, each with the name of its event.
fn objects() -> impl Iterator<Item = (&'static str, &'static Value)> {
    let all = schema()["oneOf"].as_array().unwrap();
    all.iter().map(|one| (one["properties"]["event"]["const"].as_str().unwrap(), one))
}

/// Fails if a line of `--json` is not as the schema says.
#[track_caller]
pub(crate) fn assert_known(line: &Value) {
    let wrong = of_event(line);
    assert!(wrong.is_empty(), "{wrong:#?}: {line:#}");
}

/// What is wrong with an object, by its `event`.
fn of_event(line: &Value) -> Vec<String> {
    let found = objects().find(|(name, _)| line["event"] == *name);
    let Some((_, object)) = found else { return vec![format!("no event {}", line["event"])] };
    wrong(object, line, "")
}

/// What of a value is not as a schema says. It knows the words that ours use, and no others.
fn wrong(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (word, says) in schema.as_object().unwrap() {
        match word.as_str() {
            "$schema" | "title" | "description" | "$defs" => {}
            "$ref" => {
                assert_eq!(says, "#");
                found.extend(of_event(value));
            }
            "type" => {
                let names = says.as_array().map_or_else(|| vec![says], |all| all.iter().collect());
                if !names.iter().any(|name| is_of_type(value, name.as_str().unwrap())) {
                    found.push(format!("{at} is not of type {says}: {value}"));
                }
            }
            "const" | "enum" => {
                if !(value == says || says.as_array().is_some_and(|words| words.contains(value))) {
                    found.push(format!("{at} is not {says}: {value}"));
                }
            }
            "format" => {
                assert_eq!(says, "date-time");
                let is_utc = |text: &str| text.ends_with('Z') && text.parse::<Timestamp>().is_ok();
                if value.as_str().is_some_and(|text| !is_utc(text)) {
                    found.push(format!("{at} is no time in UTC: {value}"));
                }
            }
            "required" => {
                let names = says.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
                let missing = names.filter(|name| value.is_object() && value.get(name).is_none());
                found.extend(missing.map(|name| format!("{at}.{name} is missing")));
            }
            "properties" => {
                for (name, says) in says.as_object().unwrap() {
                    if let Some(inner) = value.get(name) {
                        found.extend(wrong(says, inner, &format!("{at}.{name}")));
                    }
                }
            }
            "additionalProperties" => {
                assert_eq!(says, false);
                let known = schema["properties"].as_object().unwrap();
                let keys = value.as_object().into_iter().flat_map(Map::keys);
                let unknown = keys.filter(|key| !known.contains_key(*key));
                found.extend(unknown.map(|key| format!("{at}.{key} is not in the schema")));
            }
            "items" => {
                for (nth, item) in value.as_array().into_iter().flatten().enumerate() {
                    found.extend(wrong(says, item, &format!("{at}[{nth}]")));
                }
            }
            other => panic!("{other} at {at}"),
        }
    }
    found
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other}"),
    }
}

#[test]
fn what_is_not_in_the_schema_is_found() {
    let event = json!({ "event": "open", "url": "u", "opened": true, "account": "a", "open_id": "a",
        "display_name": null });
    assert_eq!(of_event(&event), Vec::<String>::new());
    for (name, value) in [("more", json!(1)), ("opened", json!("yes")), ("account", json!(null))] {
        let mut other = event.clone();
        other[name] = value;
        assert_eq!(of_event(&other).len(), 1, "{other:#}");
    }
    let mut less = event;
    less.as_object_mut().unwrap().remove("url");
    assert_eq!(of_event(&less).len(), 1);
    less["event"] = json!("opened");
    assert_eq!(of_event(&less).len(), 1);
    let names: Vec<_> = objects().map(|(name, _)| name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}

/// A schema as its table has it.
fn rows(object: &Value) -> String {
    let required = object["required"].as_array().unwrap();
    let mut rows = String::from("| field | type | what it is |\n|---|---|---|\n");
    let fields = object["properties"].as_object().unwrap();
    for (name, field) in fields.iter().filter(|(name, _)| *name != "event") {
        let left_out = if required.contains(&json!(name)) { "" } else { ", may be left out" };
        let mut what = field["description"].as_str().unwrap_or_default().to_owned();
        let words = field["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let words: Vec<_> = words.map(|word| format!("`{word}`")).collect();
        if !words.is_empty() {
            what = format!("{what} {}", words.join(", "));
        }
        let inner = if field["items"].is_object() { &field["items"] } else { field };
        if let Some(inner) = inner["properties"].as_object() {
            let tell = |(name, field): (&String, &Value)| {
                let said = field["description"].as_str().unwrap().trim_end_matches('.');
                format!("`{name}` ({}): {said}", type_of(field))
            };
            what = format!("{what} {}.", inner.iter().map(tell).collect::<Vec<_>>().join("; "));
        }
        let cells = [format!("`{name}`"), format!("{}{left_out}", type_of(field)), what];
        rows.extend(["| ", &cells.join(" | "), " |\n"]);
    }
    rows
}

fn type_of(field: &Value) -> String {
    let mut names: Vec<_> = match &field["type"] {
        Value::String(name) => vec![name.as_str()],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ if field["const"].is_u64() => vec!["integer"],
        _ if field["$ref"].is_string() => vec!["object"],
        _ => vec!["string"],
    };
    if field["enum"].as_array().is_some_and(|words| words.contains(&Value::Null)) {
        names.push("null");
    }
    if field["format"] == "date-time" {
        names[0] = "time";
    }
    if field["type"] == "array" {
        return format!("list of {}s", type_of(&field["items"]));
    }
    names.join(" or ")
}

#[test]
fn the_page_has_a_table_for_each_object() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/JSON.md");
    let page = fs::read_to_string(&path).unwrap();
    let (words, _) = page.split_once(" -->\n").unwrap();
    let mut made = format!("{words} -->\n");
    for (name, object) in objects() {
        let what = object["description"].as_str().unwrap();
        made.extend(["\n### `", name, "`\n\n", what, "\n\n", &rows(object)]);
    }
    let hook = &schema()["$defs"]["hook_message"];
    let what = "What hooks are given ([HOOKS.md](HOOKS.md)); it has no `event` itself.";
    made.extend(["\n### The message of a hook\n\n", what, "\n\n", &rows(hook)]);
    if std::env::var_os("TIKTOK_UP_REWRITE").is_some() {
        return fs::write(&path, &made).unwrap();
    }
    assert!(made == page, "run it with TIKTOK_UP_REWRITE=1 to write {}", path.display());
}

/// The events that were seen.
#[derive(Default)]
struct Seen(BTreeSet<String>);

impl Seen {
    #[track_caller]
    fn line(&mut self, line: &Value) {
        assert_known(line);
        self.0.insert(line["event"].as_str().unwrap().to_owned());
    }

    /// A run with `--json`; what else it is to come to, its caller asks.
    #[track_caller]
    fn run(&mut self, world: &World, args: &[&str]) -> Vec<Value> {
        self.command(world.command(&[&["--json"], args].concat()))
    }

    #[track_caller]
    fn command(&mut self, command: Command) -> Vec<Value> {
        let json = Ran::of(command).json();
        assert!(!json.is_empty());
        for line in &json {
            self.line(line);
        }
        json
    }

    /// The messages that a hook has written into a file, one on a line.
    fn messages(&mut self, file: &Path) {
        let text = fs::read_to_string(file).unwrap();
        for message in text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
            let found = wrong(&schema()["$defs"]["hook_message"], &message, "");
            assert!(found.is_empty(), "{found:#?}: {message:#}");
            for event in message["events"].as_array().unwrap() {
                self.line(&event["about"]);
            }
        }
    }
}

#[test]
fn every_command_prints_what_the_schema_says_and_no_field_more() {
    let mut seen = Seen::default();
    posts_and_accounts(&mut seen);
    what_goes_wrong(&mut seen);
    logins(&mut seen);
    this_machine(&mut seen);
    let mut known: BTreeSet<_> = objects().map(|(name, _)| name.to_owned()).collect();
    if !in_a_shared_store(&mut seen) {
        for event in ["enqueued", "queued", "dequeued", "worker"] {
            known.remove(event);
        }
    }
    assert_eq!(seen.0, known);
}

#[cfg(not(feature = "postgres"))]
fn in_a_shared_store(_: &mut Seen) -> bool {
    false
}

/// What only a database tells of. `false`: there is none to test with.
#[cfg(feature = "postgres")]
fn in_a_shared_store(seen: &mut Seen) -> bool {
    let Some(url) = crate::queue::database("queue_events") else { return false };
    let world = World::new().in_database(url);
    world.login(ADA).exits(0);
    let pull = world.pull();
    seen.run(&world, &["upload", &pull, "--enqueue"]);
    seen.run(&world, &["status"]);
    seen.run(&world, &["cancel", "q1"]);
    seen.run(&world, &["upload", &pull]);
    seen.run(&world, &["store", "workers"]);
    true
}

fn posts_and_accounts(seen: &mut Seen) {
    let world = World::new();
    world.account(BEA, &json!({ "private": false }));
    world.consent(&json!({ "account": BEA }));
    for line in world.login_with(&["--json", "--scopes", ALL_SCOPES]).exits(0).json() {
        seen.line(&line);
    }
    let bea = world.open_id(BEA);
    world.video("public.mp4", 100_000);
    let manifest = world.manifest(&json!([{ "video_path": "public.mp4", "id": "one",
        "privacy_level": "PUBLIC_TO_EVERYONE" }]));
    seen.run(&world, &["upload", &manifest, "--dry-run"]);
    seen.run(&world, &["upload", &manifest]);
    seen.run(&world, &["upload", &manifest]);
    world.video("draft.mp4", 100_001);
    let draft = world.path("draft.mp4");
    let draft = draft.to_str().unwrap();
    let on_the_way = seen.command(world.command(&["--json=events", "post", draft, "--draft"]));
    let phases: Vec<_> = on_the_way.iter().filter_map(|line| line["phase"].as_str()).collect();
    for phase in ["sending", "stored", "processing"] {
        assert!(phases.contains(&phase), "{phase}: {phases:?}");
    }
    for args in [
        &["accounts"][..],
        &["accounts", "show"],
        &["accounts", "alias", &bea, "bea"],
        &["accounts", "pause", "bea"],
        &["accounts", "resume", "bea"],
        &["status", "--all"],
        &["status", "1"],
        &["history"],
        &["history", "--numbers"],
        &["videos"],
        &["store", "check"],
        &["open", "1", "--no-browser"],
        &["resolve", "1", "--posted"],
        &["refresh"],
        &["refresh", "--force"],
        &["explain"],
        &["doctor"],
        &["doctor", "--repair-journal"],
        &["config", "path"],
        &["config", "get"],
        &["config", "get", "store.key_file"],
        &["config", "set", "hooks.desktop", "false"],
        &["config", "check"],
    ] {
        seen.run(&world, args);
    }
    // What is printed otherwise is looked through for tokens.
    let token = world.command(&["--json", "accounts", "token", &bea]).output().unwrap();
    seen.line(&serde_json::from_slice(&token.stdout).unwrap());
    seen.run(&world, &["logout", &bea]);
}

fn what_goes_wrong(seen: &mut Seen) {
    let world = World::downloading(Duration::from_hours(1)).timing("call_off=100ms");
    world.login(ADA);
    let told = world.path("told");
    let hook = format!("cat >> '{0}'; echo >> '{0}'", told.display());
    let broken = world.file("broken.json", "[{ \"video_path\": ");
    let broken = broken.to_str().unwrap();
    seen.run(&world, &["upload", broken, "--notify-command", &hook]);
    seen.run(&world, &["status"]);
    let manifest = world.short();
    world.say_status(1, &json!({ "status": "FAILED", "fail_reason": "spam_risk" }));
    seen.run(&world, &["upload", &manifest, "--notify-command", &hook]);
    seen.run(&world, &["resolve", "1", "--not-posted"]);
    let pull = world.pull();
    seen.run(&world, &["upload", &pull, "--no-wait"]);
    seen.run(&world, &["cancel", "2"]);
    world.video("other.mp4", 100_002);
    let other = world.one_post(ADA, "other.mp4");
    seen.run(&world, &["upload", &other, "--no-wait"]);
    world.refuse("token_refresh", 1, 100, "invalid_grant");
    seen.run(&world, &["refresh", "--force", "--notify-command", &hook]);
    seen.messages(&told);
    seen.run(&world, &["accounts"]);
    seen.run(&world, &["frobnicate"]);
    // A post of an earlier run.
    let world = World::logged_in();
    seen.run(&world, &["upload", &world.pull(), "--no-wait"]);
    world.video("other.mp4", 100_002);
    seen.run(&world, &["upload", &world.one_post(ADA, "other.mp4")]);
}

fn logins(seen: &mut Seen) {
    let world = World::logged_in();
    world.configure("[store]\nencrypt = \"key-file\"\n");
    seen.run(&world, &["accounts", "encrypt"]);
    seen.run(&world, &["accounts"]);
    seen.run(&world, &["accounts", "decrypt"]);
    world.configure("");
    let knowing = |args: &[&str]| {
        let mut command = world.command(&[&["--json"], args].concat());
        command.env("TIKTOK_UP_PASSPHRASE", "several words that nobody has");
        command
    };
    let export = seen.command(knowing(&["accounts", "export", &world.open_id(ADA)]));
    let file = world.file("ada.login", export[0]["file"].as_str().unwrap());
    seen.run(&world, &["accounts"]);
    seen.command(knowing(&["accounts", "import", file.to_str().unwrap()]));
}

fn this_machine(seen: &mut Seen) {
    let world = World::new();
    seen.run(&world, &["doctor", "--repair-journal"]);
    seen.run(&world, &["doctor", "--fix"]);
    let mut init = world.command(&["--json", "init", "--app", "main"]);
    let lines = world.file("lines", "sbawx1x2x3x4x5x6x7\naB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1eF\n");
    init.stdin(fs::File::open(lines).unwrap());
    seen.command(init);
    world.configure("[defaults]\nmode = \"drift\"\n");
    seen.run(&world, &["config", "check"]);
    let example = world.path("rehearsal");
    let mut sandbox = world.command(&["--json", "sandbox", "--port", "0", "--example"]);
    sandbox.arg(example);
    let sandbox = Running::of(sandbox);
    world.wait_until("it listens", |_| sandbox.listens());
    let manifest = world.path("rehearsal/videos_to_upload.json");
    world.wait_until("it waits", |_| manifest.exists() && sandbox.is_at_rest());
    sandbox.signal(Signal::INT);
    for line in sandbox.end().exits(0).json() {
        seen.line(&line);
    }
}
