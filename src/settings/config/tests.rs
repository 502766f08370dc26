use tiktok_open::Privacy;

use super::*;

fn read(text: &str) -> Result<Config, Mistakes> {
    Config::read(text, Path::new("/etc/here"))
}

fn mistakes(text: &str) -> Vec<String> {
    read(text).unwrap_err().iter().map(ToString::to_string).collect()
}

const APP_LINES: &str = "[apps.a]\nclient_key = \"k\"\nclient_secret = \"s\"\n";

#[test]
fn apps_and_defaults_are_read() {
    let config = read(
        r#"
        [defaults]
        app = "shop"
        privacy_level = "SELF_ONLY"
        disable_duet = true
        mode = "draft"
        user_id = "alice"

        [apps.shop]
        client_key = " sbaw123 "
        client_secret = "s3cret"
        redirect_uri = "http://127.0.0.1:3456/callback/"
        scopes = ["user.info.basic", "video.upload"]

        [apps.other]
        client_key = "aw9"
        client_secret_file = "other.secret"
        scopes = "video.publish"

        [apps.third]
        client_key = "aw8"
        client_secret_command = ["pass", "show", "tiktok"]

        [apps.fourth]
        client_key = "aw7"
        client_secret_command = "pass show tiktok | head -1"
        "#,
    )
    .unwrap();
    assert_eq!(config.app.as_deref(), Some("shop"));
    assert_eq!(config.defaults.privacy(), Some(Privacy::SelfOnly));
    assert_eq!(config.defaults.flag(Field::DisableDuet), Some(true));
    assert_eq!(config.defaults.mode(), Some(Mode::Draft));
    assert_eq!(config.defaults.text(Field::UserId), Some("alice"));
    let shop = &config.apps["shop"];
    assert_eq!(shop.client_key, "sbaw123");
    assert!(matches!(&shop.secret, SecretSource::Here(secret) if secret.expose() == "s3cret"));
    assert_eq!(shop.scopes, Some("user.info.basic,video.upload".parse().unwrap()));
    let other = &config.apps["other"].secret;
    assert!(matches!(other, SecretSource::File(p) if p == Path::new("/etc/here/other.secret")));
    let third = &config.apps["third"].secret;
    assert!(matches!(third, SecretSource::Command(words) if words == &["pass", "show", "tiktok"]));
    let fourth = &config.apps["fourth"].secret;
    assert!(matches!(fourth, SecretSource::Command(w) if w[..2] == ["sh", "-c"] && w.len() == 3));
}

#[test]
fn an_empty_file_is_fine() {
    let config = read("# nothing yet\n").unwrap();
    assert!(config.apps.is_empty() && !config.holds_a_secret());
}

#[test]
fn only_a_secret_in_the_file_itself_makes_it_secret() {
    assert!(read(APP_LINES).unwrap().holds_a_secret());
    let elsewhere = "[apps.a]\nclient_key = \"k\"\nclient_secret_file = \"f\"";
    assert!(!read(elsewhere).unwrap().holds_a_secret());
}

#[test]
fn an_unknown_key_has_its_place_and_a_guess() {
    assert_eq!(
        mistakes("[defaults]\n  privcy_level = \"SELF_ONLY\"\n"),
        ["line 2, column 3: unknown key `privcy_level`; did you mean `privacy_level`?"]
    );
    assert_eq!(
        mistakes("colour = 1\n"),
        [
            "line 1, column 1: unknown key `colour`; the keys here are `accounts`, `apps`, `defaults`, `hooks`, `serve`, `slots`, `sources`, `store`"
        ]
    );
}

#[test]
fn a_store_of_videos_has_an_address_and_no_login_in_it() {
    let text = "[sources]\ns3_endpoint = \"http://127.0.0.1:9000/\"\ns3_region = \"garage\"\n";
    let sources = read(text).unwrap().sources;
    assert_eq!(sources.s3.as_deref(), Some("http://127.0.0.1:9000"));
    assert_eq!((sources.s3_region.as_deref(), sources.gs), (Some("garage"), None));
    for odd in [
        "s3.example.com",
        "ftp://a.example",
        "https://me:canary@a.example",
        "https://a.example?sig=canary",
    ] {
        let found = mistakes(&format!("[sources]\naz_endpoint = \"{odd}\""));
        assert!(found[0].starts_with("line 2, column 15: not the address of a store"), "{found:?}");
        assert!(!found[0].contains("canary"), "{found:?}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_in_their_order() {
    let text =
        format!("{APP_LINES}secrets = 1\n[defaults]\nis_aigc = \"yes\"\nprivacy_level = \"ALL\"");
    let found = mistakes(&text);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("line 4, column 1: unknown key `secrets`"), "{found:?}");
    assert_eq!(found[1], "line 6, column 11: must be true or false, not a string");
    assert!(found[2].starts_with("line 7, column 17: not a privacy level"), "{found:?}");
}

#[test]
fn an_app_needs_a_key_and_exactly_one_secret() {
    assert_eq!(
        mistakes("[apps.a]\nclient_secret = \"s\""),
        ["line 1, column 7: the app has no `client_key`"]
    );
    assert!(mistakes("[apps.a]\nclient_key = \"k\"")[0].contains("has no `client_secret`"));
    let two = format!("{APP_LINES}client_secret_file = \"f\"");
    assert!(mistakes(&two)[0].contains("more than one kind of client secret"));
}

#[test]
fn a_default_app_must_be_there() {
    let text = format!("{APP_LINES}[defaults]\napp = \"b\"");
    assert_eq!(mistakes(&text), ["line 5, column 7: there is no `[apps.b]`"]);
}

#[test]
fn what_is_no_toml_has_its_place() {
    assert!(mistakes("[apps.a]\nclient_key = \n")[0].starts_with("line 2, column 1"));
}

#[test]
fn no_message_quotes_a_value() {
    for text in [
        "client_secret = \"canary\"",
        "[apps.a]\nclient_key = \"k\"\nclient_secret = canary",
        "[apps.a]\nclient_key = \"k\"\nclient_secret = [\"canary\"]",
        "[apps]\na = \"canary\"",
        "[apps.a]\nclient_key = \"k\"\nclient_secret = \"canary",
        "[apps.a]\nclient_key = \"k\"\nclient_secret = \"s\"\nclient_secret = \"canary\"",
        "[apps.a]\nredirect_uri = \"canary\"",
        "[defaults]\nmode = \"canary\"",
    ] {
        let found = mistakes(text).join("\n");
        assert!(!found.contains("canary"), "{found}");
    }
}

#[test]
fn a_redirect_uri_is_one_that_can_be_registered() {
    for bad in [
        "callback",
        "ftp://127.0.0.1:1/callback/",
        "http://127.0.0.1:1/callback/?x=1",
        "http://127.0.0.1:1/#x",
        "http://127.0.0.1/callback/",
        "http://example.com/callback/",
    ] {
        let text = format!("{APP_LINES}redirect_uri = \"{bad}\"");
        assert_eq!(mistakes(&text).len(), 1, "{bad}");
    }
    for good in ["http://127.0.0.1:*/callback/", "http://localhost:8080", "https://example.com/x"] {
        let text = format!("{APP_LINES}redirect_uri = \"{good}\"");
        assert!(read(&text).is_ok(), "{good}");
    }
}

#[test]
fn a_terminal_escape_in_a_key_does_no_harm() {
    assert!(!mistakes("\"a\\u001b[31m\" = 1")[0].contains('\u{1b}'));
}

fn store(text: &str) -> Option<Encrypt> {
    read(&format!("[store]\n{text}")).unwrap().store
}

fn store_mistakes(text: &str) -> Vec<String> {
    mistakes(&format!("[store]\n{text}"))
}

#[test]
fn the_store_is_encrypted_as_asked() {
    assert_eq!(store(""), None);
    assert_eq!(
        store("encrypt = \"key-file\""),
        Some(Encrypt::KeyFile("/etc/here/store.key".into()))
    );
    assert_eq!(
        store("encrypt = \"key-file\"\nkey_file = \"/run/credentials/key\""),
        Some(Encrypt::KeyFile("/run/credentials/key".into()))
    );
    let words = ["sh", "-c", "pass key"].map(str::to_owned).to_vec();
    assert_eq!(
        store("encrypt = \"key-file\"\nkey_command = \"pass key\""),
        Some(Encrypt::KeyCommand(words.clone()))
    );
    assert_eq!(store("encrypt = \"passphrase\""), Some(Encrypt::Passphrase(PassphraseFrom::Typed)));
    assert_eq!(
        store("encrypt = \"passphrase\"\npassphrase_file = \"p\""),
        Some(Encrypt::Passphrase(PassphraseFrom::File("/etc/here/p".into())))
    );
    assert_eq!(
        store("encrypt = \"passphrase\"\npassphrase_command = \"pass key\""),
        Some(Encrypt::Passphrase(PassphraseFrom::Command(words)))
    );
}

#[test]
fn what_does_not_fit_the_way_to_encrypt_is_a_mistake() {
    for (text, says) in [
        ("encrypt = \"aes\"", "line 2, column 11: not a way to encrypt; there are `keyring`"),
        ("encrypt = true", "must be a string"),
        ("key_file = \"k\"", "line 2, column 1: of no use without `encrypt`"),
        ("encrypt = \"passphrase\"\nkey_file = \"k\"", "line 3, column 1: only with"),
        ("encrypt = \"key-file\"\npassphrase_file = \"k\"", "only with `encrypt = \"passphrase\"`"),
        ("encrypt = \"key-file\"\nkey_file = \"k\"\nkey_command = \"k\"", "one of a file"),
        ("encrypt = \"key-file\"\nkeyfile = \"k\"", "did you mean `key_file`?"),
        ("encrypt = \"key-file\"\nkey_command = []", "the command is empty"),
    ] {
        let found = store_mistakes(text);
        assert!(found.len() == 1 && found[0].contains(says), "{text}: {found:?}");
    }
    assert!(mistakes("store = 1")[0].contains("store must be a table"));
}

#[test]
fn a_build_without_a_keyring_says_so_with_the_place() {
    let text = "[store]\nencrypt = \"keyring\"";
    if cfg!(feature = "keyring") {
        assert_eq!(read(text).unwrap().store, Some(Encrypt::Keyring));
    } else {
        let found = mistakes(text);
        assert!(
            found[0].contains("line 2, column 11: this build cannot use a keyring"),
            "{found:?}"
        );
    }
}
