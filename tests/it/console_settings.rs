//! Settings that are changed in the browser: what the file says otherwise stays, and no secret comes back.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::console::Console;
use crate::console_client::{Answer, Visitor};
use crate::world::{Ran, World};

const SECRET: &str = "canary-secret-of-an-app-0123456789";

const CONFIG: &str = "# mine
[apps.demo]   # of the portal
client_key = \"demokey\"  # short
client_secret = \"demosecret\"

# where the videos are
[serve]
folders = [\"/srv/clips\"]

[slots.evening]
times = [\"18:30\"]  # after work
";

/// A console whose settings are those of the file alone.
fn start(world: &World) -> Console {
    start_with(world, CONFIG)
}

fn start_with(world: &World, config_is: &str) -> Console {
    let home = world.home().join("home");
    fs::create_dir_all(&home).unwrap();
    let config = home.join("config.toml");
    fs::write(&config, config_is).unwrap();
    fs::set_permissions(config, fs::Permissions::from_mode(0o600)).unwrap();
    let mut command: Command = world.command(&["serve", "--listen", "127.0.0.1:0", "--no-browser"]);
    command.env_remove("TIKTOK_CLIENT_KEY").env_remove("TIKTOK_CLIENT_SECRET");
    Console::of(crate::process::Running::of(command))
}

fn config(world: &World) -> String {
    fs::read_to_string(world.home().join("home").join("config.toml")).unwrap()
}

#[test]
fn a_setting_is_changed_and_all_else_in_the_file_stays() {
    let world = World::new();
    let console = start(&world);
    let visitor = Visitor::of(&world, &console);
    let set = |key: &str, value: &str| -> Answer {
        visitor.post("/settings/change", &[("key", key), ("value", value)])
    };
    visitor.get("/settings/change").is(200).says("demokey").says("[slots.evening]").says("18:30");
    set("apps.demo.client_key", "otherkey").is(303);
    set("apps.demo.client_secret", SECRET).is(303);
    set("serve.folders", "/srv/clips\n/srv/more clips").is(303);
    set("slots.evening.times", "18:30\n20:00").is(303);
    set("slots.evening.zone", "Europe/Berlin").is(303);
    let wanted = CONFIG
        .replace("demokey", "otherkey")
        .replace("demosecret", SECRET)
        .replace("\"/srv/clips\"", "\"/srv/clips\", \"/srv/more clips\"")
        .replace(
            "[\"18:30\"]  # after work\n",
            "[\"18:30\", \"20:00\"]  # after work\nzone = \"Europe/Berlin\"\n",
        );
    assert_eq!(config(&world), wanted);
    // The console goes by it at once.
    visitor.get("/compose").is(200);
    let page = visitor.get("/settings/change").is(200).says("/srv/more clips").says("otherkey");
    assert!(!page.text.contains(SECRET) && !visitor.get("/settings").text.contains(SECRET));
    visitor.post("/settings/change", &[("key", "slots.evening.zone"), ("unset", "yes")]).is(303);
    assert_eq!(config(&world), wanted.replace("zone = \"Europe/Berlin\"\n", ""));
    let audit = world.home().join("home").join("console").join("audit.jsonl");
    console.running.signal(rustix::process::Signal::TERM);
    console.running.end().exits(0).never_says(SECRET);
    let audit = fs::read_to_string(audit).unwrap();
    assert!(audit.contains("/settings/change") && !audit.contains(SECRET), "{audit}");
    Ran::of(world.command(&["config", "check"])).exits(0);
}

#[test]
fn a_mistake_stands_beside_its_field_and_changes_nothing() {
    let world = World::new();
    let console = start(&world);
    let visitor = Visitor::of(&world, &console);
    for (key, value) in [
        ("slots.evening.times", "25:00"),
        ("slots.evening.zone", "Europe/Nowhere"),
        ("serve.upload_limit", "much"),
        ("serve.origin", "http://post.example.com/path"),
        ("apps.demo.redirect_uri", "no address"),
        ("apps.demo.client_key", ""),
        ("apps.demo.client_secret", ""),
    ] {
        let page = visitor.post("/settings/change", &[("key", key), ("value", value)]).is(422);
        let (_, beside) = page.text.split_once(&format!("id=\"{key}-error\">")).unwrap();
        assert!(!beside.starts_with("</p>"), "{key}");
        assert!(!beside.split("</p>").next().unwrap().contains('`'), "{key}");
        assert!(value.is_empty() || page.text.contains(value), "{key}");
    }
    // What runs programs, or is of another table, is not changed from a browser.
    for key in [
        "apps.demo.client_secret_command",
        "apps.demo.client_secret_file",
        "hooks.notify_command",
        "hooks.webhook_secret_file",
        "store.key_command",
        "defaults.privacy_level",
        "nonsense",
    ] {
        let page = visitor.post("/settings/change", &[("key", key), ("value", "x")]).is(422);
        page.says("This setting is not changed here.");
    }
    assert_eq!(config(&world), CONFIG);
    console.end();
}

#[test]
fn an_app_is_added_once_and_its_secret_never_shown() {
    let world = World::new();
    let console = start(&world);
    let visitor = Visitor::of(&world, &console);
    let add = |name: &str| {
        let fields = [("name", name), ("client_key", "newkey"), ("client_secret", SECRET)];
        visitor.post("/settings/apps", &fields)
    };
    let refused = add("not plain").is(422).says("not plain");
    assert!(!refused.text.contains(SECRET));
    add("second").is(303);
    add("second").is(422);
    assert!(config(&world).starts_with(CONFIG) && config(&world).contains("[apps.second]"));
    let page = visitor.get("/accounts").is(200).says("<option value=\"second\">");
    assert!(!page.text.contains(SECRET));
    console.end();
}

/// What a page says beside a field.
fn beside<'a>(page: &'a Answer, field: &str) -> &'a str {
    let (_, rest) = page.text.split_once(&format!("id=\"{field}-error\">")).unwrap();
    rest.split("</p>").next().unwrap()
}

#[test]
fn the_first_slot_is_made_and_posts_may_go_to_it() {
    let world = World::new();
    let console = start_with(&world, "");
    let visitor = Visitor::of(&world, &console);
    // Folders and hooks are there before anything is written of them.
    let page = visitor.get("/settings/change").is(200).says("[serve]").says("[hooks]");
    assert!(page.text.contains("name=\"key\" value=\"serve.folders\""));
    let add = |name: &str, times: &str| {
        visitor.post("/settings/slots", &[("name", name), ("times", times)])
    };
    for (name, times, field, other) in [
        ("", "18:30", "slot-name", "slot-times"),
        ("two words", "18:30", "slot-name", "slot-times"),
        ("a.b", "18:30", "slot-name", "slot-times"),
        ("noon", "", "slot-times", "slot-name"),
        ("noon", "12:00\n25:00", "slot-times", "slot-name"),
        ("noon", "at noon", "slot-times", "slot-name"),
    ] {
        let page = add(name, times).is(422);
        assert!(!beside(&page, field).is_empty(), "{name} {times}");
        assert_eq!(beside(&page, other), "", "{name} {times}");
        assert!(page.text.contains(&format!("value=\"{name}\"")), "{name}");
        assert!(page.text.contains(&format!(">{times}</textarea>")), "{times}");
    }
    assert_eq!(config(&world), "");
    add(" noon ", "12:00\n12:30\n").is(303);
    assert_eq!(config(&world), "[slots.noon]\ntimes = [\"12:00\", \"12:30\"]\n");
    let page = add("noon", "18:00").is(422);
    assert!(beside(&page, "slot-name").contains("already"), "{page:?}");
    assert!(config(&world).contains("12:30") && !config(&world).contains("18:00"));
    visitor.get("/settings/change").says("[slots.noon]").says("slots.noon.days");
    Ran::of(world.command(&["config", "check"])).exits(0);
    console.end();
}

#[test]
fn a_long_list_has_room() {
    let world = World::new();
    let folders: Vec<_> = (0..6).map(|nth| format!("/srv/{nth}")).collect();
    let console = start_with(
        &world,
        &format!("[serve]\nfolders = {folders:?}\n\n[slots.noon]\ntimes = [\"12:00\"]\n"),
    );
    let visitor = Visitor::of(&world, &console);
    let page = visitor.get("/settings/change").is(200);
    let rows = |key: &str| {
        let (_, rest) = page.text.split_once(&format!("<textarea id=\"{key}\"")).unwrap();
        let (_, rest) = rest.split_once("rows=\"").unwrap();
        rest.split('"').next().unwrap().parse::<usize>().unwrap()
    };
    assert_eq!((rows("serve.folders"), rows("slots.noon.times")), (7, 3));
    console.end();
}
