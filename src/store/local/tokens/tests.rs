use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::exit::Exit;
use crate::model::account::AliasError;
use crate::model::fixtures::{account, grant};
use crate::output::Explain as _;
use crate::secret::Secret;

struct Home {
    _dir: TempDir,
    store: TokenFile,
}

fn home() -> Home {
    let dir = tempfile::tempdir().unwrap();
    let store = TokenFile::open(dir.path(), Clock::default()).unwrap();
    Home { _dir: dir, store }
}

impl Home {
    fn put(&self, account: Account) -> Account {
        let open_id = account.open_id.clone();
        let put =
            |_: Option<&Account>, _: &Accounts| Ok::<_, AccountError>(Edit::Put(account.into()));
        self.store.edit(&open_id, put).unwrap().unwrap()
    }

    fn write(&self, text: &str) {
        fs::write(self.store.path(), text).unwrap();
        fs::set_permissions(self.store.path(), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn text(&self) -> String {
        fs::read_to_string(self.store.path()).unwrap()
    }

    /// Tries to save, as a login would.
    fn save_fails(&self) -> AccountError {
        let put = |_: Option<&Account>, _: &Accounts| {
            Ok::<_, AccountError>(Edit::Put(account("new").into()))
        };
        self.store.edit("new", put).unwrap_err()
    }
}

#[test]
fn what_was_saved_is_read_back() {
    let home = home();
    let saved = home.put(Account { alias: Some("anna".into()), ..account("id") });
    assert_eq!(home.store.account(Some("anna")).unwrap(), saved);
}

#[test]
fn an_absent_store_has_no_accounts_and_is_not_created_by_looking() {
    let home = home();
    assert!(home.store.accounts().unwrap().is_empty());
    assert!(!home.store.path().exists());
    assert_eq!(home.store.account(None).unwrap_err().exit(), Exit::Login);
}

#[test]
fn the_file_has_a_version_and_its_accounts_by_open_id() {
    let home = home();
    home.put(account("id"));
    let json: Value = serde_json::from_str(&home.text()).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["accounts"]["id"]["access_token"], "act.id.1");
    assert_eq!(json["accounts"]["id"]["generation"], 1);
}

#[test]
fn t13_store_and_locks_are_closed_to_others() {
    let home = home();
    home.put(account("id"));
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&home.store.path()), 0o600);
    assert_eq!(mode(&home.store.dir.join("user_tokens.json.lock")), 0o600);
    assert_eq!(mode(&home.store.locks), 0o700);
}

#[test]
fn t13_f11_a_store_that_others_can_read_is_refused() {
    let home = home();
    home.put(account("id"));
    for mode in [0o644, 0o640, 0o604] {
        fs::set_permissions(home.store.path(), fs::Permissions::from_mode(mode)).unwrap();
        let error = home.store.accounts().unwrap_err();
        assert_eq!(error.exit(), Exit::Local);
        let line = format!("chmod 600 {}", home.store.path().display());
        assert!(error.hint().unwrap().contains(&line));
    }
}

#[test]
fn t14_links_in_place_of_store_or_lock_are_refused_and_their_targets_untouched() {
    for name in ["user_tokens.json", "user_tokens.json.lock"] {
        for hard in [false, true] {
            let home = home();
            let target = home.store.dir.join("precious");
            fs::write(&target, "precious").unwrap();
            fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
            let link = home.store.dir.join(name);
            if hard {
                fs::hard_link(&target, &link).unwrap();
            } else {
                symlink(&target, &link).unwrap();
            }
            assert_eq!(home.save_fails().exit(), Exit::Local, "{name}, hard: {hard}");
            assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
        }
    }
}

#[test]
fn f12_what_is_not_a_store_is_refused_and_never_overwritten() {
    let home = home();
    home.put(account("id"));
    let whole = home.text();
    let cut = &whole[..whole.len() / 2];
    for text in ["", "{", "[]", "{}", "null", "not json", r#"{"version":1}"#, cut] {
        home.write(text);
        for error in [home.store.accounts().unwrap_err(), home.save_fails()] {
            assert!(matches!(error, AccountError::Corrupt { .. }), "{text}");
            assert_eq!(error.exit(), Exit::Local);
            assert!(error.hint().unwrap().contains("log in again"));
        }
        assert_eq!(home.text(), text);
    }
}

#[test]
fn f12_a_newer_store_is_refused_and_never_overwritten() {
    let home = home();
    let newer = r#"{"version":3,"vaults":[]}"#;
    home.write(newer);
    assert!(matches!(home.save_fails(), AccountError::Newer { version: 3, .. }));
    assert_eq!(home.text(), newer);
}

#[test]
fn t18_a_corrupt_store_is_not_quoted() {
    let home = home();
    home.write(r#"{"version":1,"accounts":{"id":{"generation":"act.canary"}}}"#);
    let error = home.store.accounts().unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    home.write(r#"{"version":"act.canary"}"#);
    let error = home.store.accounts().unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
}

#[test]
fn what_a_newer_program_added_survives_a_save() {
    let home = home();
    home.put(account("id"));
    let mut json: Value = serde_json::from_str(&home.text()).unwrap();
    json["colour"] = "blue".into();
    json["accounts"]["id"]["mood"] = serde_json::json!({"now": [1, 2]});
    home.write(&json.to_string());
    home.put(account("other"));
    let refreshed = home.store.account(Some("id")).unwrap().refreshed(grant("id", 2), None, now());
    home.put(refreshed);
    let json: Value = serde_json::from_str(&home.text()).unwrap();
    assert_eq!(json["colour"], "blue");
    assert_eq!(json["accounts"]["id"]["mood"]["now"][1], 2);
    assert_eq!(json["accounts"]["id"]["access_token"], "act.id.2");
}

fn now() -> jiff::Timestamp {
    Clock::default().now()
}

#[test]
fn t16_a_delayed_writer_changes_the_entry_as_it_is_now() {
    let home = home();
    home.put(account("id"));
    let stale = home.store.account(None).unwrap();
    home.put(stale.refreshed(grant("id", 2), None, now()));
    home.store.set_alias("id", Some("anna")).unwrap();
    let account = home.store.account(Some("anna")).unwrap();
    assert_eq!(account.access_token, Secret::new("act.id.2"));
    assert_eq!(account.generation, 3);
}

#[test]
fn t16_saves_at_once_lose_nobody() {
    let home = home();
    std::thread::scope(|scope| {
        for n in 0..16 {
            let home = &home;
            scope.spawn(move || home.put(account(&format!("id-{n}"))));
        }
    });
    assert_eq!(home.store.accounts().unwrap().len(), 16);
}

#[test]
fn t16_the_generation_is_never_lowered() {
    let home = home();
    home.put(account("id"));
    home.put(Account { generation: 0, ..account("id") });
    assert_eq!(home.store.account(None).unwrap().generation, 2);
    let forget = |_: Option<&Account>, _: &Accounts| Ok::<_, AccountError>(Edit::Remove);
    home.store.edit("id", forget).unwrap();
    assert_eq!(home.put(account("id")).generation, 3);
}

#[test]
fn t28_a_restored_store_needs_a_login() {
    let home = home();
    home.put(account("id"));
    let backup = home.text();
    home.put(account("id").refreshed(grant("id", 2), None, now()));
    home.put(account("other"));
    home.write(&backup);
    let restored = home.store.account(Some("id")).unwrap();
    assert_eq!(restored.needs_login.unwrap().reason, Reason::Restored);
    let renewed = home.put(account("id"));
    assert_eq!(renewed.generation, 3);
    assert_eq!(home.store.account(Some("id")).unwrap().needs_login, None);
}

/// Also after others of it were saved, and whichever save was the last one before.
#[test]
fn t28_each_account_of_a_restored_store_needs_a_login() {
    let home = home();
    home.put(account("a"));
    home.put(account("b"));
    let backup = home.text();
    home.put(account("a").refreshed(grant("a", 2), None, now()));
    home.put(account("b").refreshed(grant("b", 2), None, now()));
    let last = home.text();
    let needs = |name| home.store.account(Some(name)).unwrap().needs_login.map(|it| it.reason);
    home.write(&backup);
    assert_eq!([needs("a"), needs("b")], [Some(Reason::Restored); 2]);
    home.put(account("a"));
    assert_eq!([needs("a"), needs("b")], [None, Some(Reason::Restored)]);
    home.store.set_journal_mark(&Mark { journal: "a".to_owned(), counter: 1 }).unwrap();
    assert_eq!([needs("a"), needs("b")], [None, Some(Reason::Restored)]);
    home.write(&last);
    assert_eq!([needs("a"), needs("b")], [Some(Reason::Restored), None]);
    home.write(&backup);
    home.put(account("a"));
    home.put(account("b"));
    assert_eq!([needs("a"), needs("b")], [None, None]);
}

/// An older version of the program leaves the mark of the last save as it was, and so may a disk that is full.
#[test]
fn t28_a_mark_of_the_last_save_that_lags_lets_no_backup_pass() {
    let home = home();
    home.put(account("id"));
    let (backup, mark) = (home.text(), fs::read(home.store.last_save()).unwrap());
    home.put(account("id").refreshed(grant("id", 2), None, now()));
    fs::write(home.store.last_save(), mark).unwrap();
    home.write(&backup);
    let restored = home.store.account(Some("id")).unwrap();
    assert_eq!(restored.needs_login.unwrap().reason, Reason::Restored);
}

#[test]
fn a_save_that_comes_between_is_not_taken_for_a_restored_backup() {
    let home = home();
    // Looking into so many accounts takes longer than a save does.
    let mut document = Document::clone(&*home.store.read_as_stored().unwrap());
    for number in 0..400 {
        let open_id = format!("id-{number:03}");
        document.accounts_mut().insert(open_id.clone(), account(&open_id));
    }
    home.write(std::str::from_utf8(&document.encode()).unwrap());
    std::thread::scope(|scope| {
        let saves = scope.spawn(|| (0..60).for_each(|_| drop(home.put(account("id-399")))));
        while !saves.is_finished() {
            let read = home.store.account(Some("id-399")).unwrap();
            assert_eq!(read.needs_login, None);
        }
    });
}

#[test]
fn f14_leftover_temp_files_are_removed_by_the_next_save() {
    let home = home();
    let leftover = home.store.dir.join(".user_tokens.json.tmp-0123456789abcdef");
    fs::write(&leftover, "torn").unwrap();
    home.put(account("id"));
    assert!(!leftover.exists());
}

#[test]
fn t14_a_hostile_open_id_names_no_path() {
    let home = home();
    for open_id in ["../../etc/passwd", "/etc/passwd", "a/b", "..", "", "\0"] {
        for path in [home.store.refresh_lock(open_id), home.store.upload_lock(open_id)] {
            assert_eq!(path.parent().unwrap(), home.store.locks);
        }
        assert_eq!(home.store.refresh_log().answer_path(open_id).parent().unwrap(), home.store.dir);
    }
}

#[test]
fn an_alias_of_somebody_else_is_refused() {
    let home = home();
    home.put(Account { alias: Some("anna".into()), ..account("id-1") });
    home.put(account("id-2"));
    let error = home.store.set_alias("id-2", Some("anna")).unwrap_err();
    assert!(matches!(error, AccountError::Alias(AliasError::Taken { .. })));
    assert_eq!(error.exit(), Exit::Usage);
}

#[test]
fn a_directory_that_others_can_write_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let error = TokenFile::open(dir.path(), Clock::default()).unwrap_err();
    assert_eq!(error.exit(), Exit::Local);
    assert!(error.hint().unwrap().contains("chmod 700"));
}

/// It is written in place, so that a save that is killed leaves nothing beside it, and what is torn says nothing.
#[test]
fn f14_a_generation_mark_that_is_torn_is_written_anew_by_the_next_save() {
    let home = home();
    home.put(account("id"));
    let mark = home.store.generation_file("id");
    for torn in ["", "9", "9\n\n7"] {
        fs::write(&mark, torn).unwrap();
        home.put(account("id"));
        let generation = home.store.login("id").unwrap().generation;
        assert_eq!(fs::read_to_string(&mark).unwrap(), format!("{generation}\n"), "{torn:?}");
    }
    let beside = fs::read_dir(mark.parent().unwrap()).unwrap().flatten();
    let temps = beside.filter(|entry| entry.file_name().to_string_lossy().contains(".tmp-"));
    assert_eq!(temps.count(), 0);
}

#[test]
fn the_mark_of_the_journal_is_kept_by_every_save_and_never_set_back() {
    let home = home();
    let mark = |journal: &str, counter| Mark { journal: journal.to_owned(), counter };
    assert_eq!(home.store.journal_mark().unwrap(), None);
    home.put(account("id"));
    assert!(!home.text().contains("journal"));
    home.store.set_journal_mark(&mark("a", 2)).unwrap();
    home.put(account("other"));
    home.store.set_journal_mark(&mark("a", 1)).unwrap();
    assert_eq!(home.store.journal_mark().unwrap(), Some(mark("a", 2)));
    assert_eq!(home.store.accounts().unwrap().iter().count(), 2);
    home.store.set_journal_mark(&mark("b", 1)).unwrap();
    assert_eq!(home.store.journal_mark().unwrap(), Some(mark("b", 1)));
    let mut document: Value = serde_json::from_str(&home.text()).unwrap();
    assert_eq!(document["journal"], serde_json::json!({ "id": "b", "counter": 1 }));
    // What a newer version adds to it survives a save.
    document["journal"]["since"] = "2026".into();
    home.write(&document.to_string());
    home.put(account("third"));
    assert!(home.text().contains("\"since\""));
}

#[test]
fn one_account_does_not_depend_on_the_files_of_another() {
    let home = home();
    home.put(account("id"));
    home.put(account("other"));
    let mark = home.store.generation_file("other");
    fs::set_permissions(&mark, fs::Permissions::from_mode(0o644)).unwrap();
    // Of the last save made here nothing is looked up.
    assert_eq!(home.store.accounts().unwrap().len(), 2);
    let text = home.text();
    home.write(&format!("{text} "));
    assert_eq!(home.store.login("id").unwrap().generation, 1);
    home.put(account("id").refreshed(grant("id", 2), None, now()));
    assert_eq!(home.store.login("id").unwrap().generation, 2);
    assert_eq!(home.store.login("other").unwrap_err().exit(), Exit::Local);
    assert_eq!(home.store.accounts().unwrap_err().exit(), Exit::Local);
}
