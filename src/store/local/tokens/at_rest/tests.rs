use std::collections::BTreeSet;
use std::fs as files;

use serde_json::Value;
use tempfile::TempDir;

use super::super::{Document, TokenFile};
use super::*;
use crate::clock::Clock;
use crate::encrypt::{Encryption, Key, Scheme};
use crate::exit::Exit;
use crate::fs::{self, PRIVATE_FILE};
use crate::model::account::Account;
use crate::model::fixtures::account;
use crate::output::Explain as _;
use crate::secret::Secret;
use crate::store::{AccountError, Edit};

struct Home {
    dir: TempDir,
    key: Key,
}

impl Home {
    /// Two logins, not encrypted.
    fn new() -> Self {
        let home = Self { dir: tempfile::tempdir().unwrap(), key: Key::random().unwrap() };
        put(&home.locked(), account("anna")).unwrap();
        put(&home.locked(), account("ben")).unwrap();
        home
    }

    /// The same, encrypted.
    fn encrypted() -> Self {
        let home = Self::new();
        home.store().encrypt(&home.encryption(), &everybody()).unwrap();
        home
    }

    fn locked(&self) -> TokenFile {
        TokenFile::open(self.dir.path(), Clock::default()).unwrap()
    }

    fn store(&self) -> TokenFile {
        self.locked().with_key(self.key.clone())
    }

    fn encryption(&self) -> Encryption {
        Encryption { scheme: Scheme::KeyFile, key: self.key.id(), wrapped: None }
    }

    fn text(&self) -> String {
        files::read_to_string(self.locked().path()).unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    fn rewrite(&self, change: impl FnOnce(&mut Value)) {
        let mut json = self.json();
        change(&mut json);
        files::write(self.locked().path(), json.to_string()).unwrap();
    }
}

fn put(store: &TokenFile, account: Account) -> Result<Option<Account>, AccountError> {
    let open_id = account.open_id.clone();
    store.edit(&open_id, |_, _| Ok(Edit::Put(Box::new(account))))
}

fn everybody() -> BTreeSet<String> {
    ["anna", "ben"].map(str::to_owned).into()
}

#[test]
fn an_encrypted_store_has_no_token_in_it_and_all_else_is_readable_without_the_key() {
    let home = Home::encrypted();
    let text = home.text();
    assert!(!text.contains("act.") && !text.contains("rft."), "{text}");
    assert_eq!(home.json()["version"], 2, "a program that does not know of keys leaves it alone");
    assert_eq!(home.json()["encryption"]["key"], home.key.id().to_string());
    let accounts = home.locked().accounts().unwrap();
    let names: Vec<_> = accounts.iter().map(|one| (&*one.open_id, one.issued_at)).collect();
    assert_eq!(names, ["anna", "ben"].map(|id| (id, account(id).issued_at)));
    home.locked().set_alias("anna", Some("shop")).unwrap();
    home.locked().set_paused("anna", Some(jiff::Timestamp::UNIX_EPOCH)).unwrap();
    assert_eq!(home.store().login("shop").unwrap().access_token.expose(), "act.anna.1");
    home.locked().edit_at_rest::<AccountError>("ben", |_, _| Ok(Edit::Remove)).unwrap();
    assert_eq!(home.locked().accounts().unwrap().len(), 1);
}

#[test]
fn with_the_key_tokens_are_read_changed_and_encrypted_again() {
    let home = Home::encrypted();
    let store = home.store();
    assert_eq!(store.login("anna").unwrap().refresh_token.expose(), "rft.anna.1");
    let others = home.json()["accounts"]["ben"].clone();
    let saved = store.edit::<AccountError>("anna", |current, _| {
        let current = current.unwrap();
        assert_eq!(current.access_token.expose(), "act.anna.1");
        let access_token = Secret::new("act.anna.2");
        Ok(Edit::Put(Box::new(Account { access_token, ..current.clone() })))
    });
    assert_eq!(saved.unwrap().unwrap().access_token.expose(), "act.anna.2");
    assert_eq!(store.login("anna").unwrap().access_token.expose(), "act.anna.2");
    assert!(!home.text().contains("act."));
    assert_eq!(home.json()["accounts"]["ben"], others, "others are as they were");
    put(&store, account("carl")).unwrap();
    assert!(!home.text().contains("carl.1"));
}

#[test]
fn without_the_key_or_with_another_nothing_is_read_and_nothing_written() {
    let home = Home::encrypted();
    let before = home.text();
    for store in [home.locked(), home.locked().with_key(Key::random().unwrap())] {
        let refused = [
            store.login("anna").unwrap_err(),
            put(&store, account("anna")).unwrap_err(),
            put(&store, account("carl")).unwrap_err(),
            store.edit::<AccountError>("anna", |_, _| panic!("looked at")).unwrap_err(),
            store.decrypt(&everybody()).unwrap_err(),
        ];
        for error in refused {
            assert!(matches!(error, AccountError::NoKey { key, .. } if key == home.key.id()));
            assert_eq!(error.exit(), Exit::Local);
            assert!(error.to_string().contains(&home.key.id().to_string()), "{error}");
        }
        assert_eq!(home.text(), before);
    }
}

#[test]
fn a_probe_gives_the_key_that_a_save_encrypts_with_and_changes_nothing() {
    let home = Home::encrypted();
    let before = home.text();
    assert_eq!(home.store().probe(9).unwrap().unwrap().id(), home.key.id());
    assert!(matches!(home.locked().probe(9), Err(AccountError::NoKey { .. })));
    assert_eq!(home.text(), before);
    // Put back into plain text meanwhile: a key at hand is not used.
    home.store().decrypt(&everybody()).unwrap();
    assert_eq!(home.store().probe(9).unwrap(), None);
}

#[test]
fn a_token_that_was_moved_or_changed_is_refused() {
    let home = Home::encrypted();
    let encrypted = |json: &Value, id: &str, field: &str| json["accounts"][id][field].clone();
    for (id, field) in [("ben", "access_token"), ("anna", "refresh_token")] {
        let home = Home::encrypted();
        home.rewrite(|json| {
            json["accounts"]["anna"]["access_token"] = encrypted(json, id, field);
        });
        let error = home.store().login("anna").unwrap_err();
        assert!(matches!(&error, AccountError::Undecrypted { account, .. } if account == "anna"));
        assert_eq!(error.exit(), Exit::Local);
    }
    // Nor is a plain one taken, which no version of this program writes there.
    home.rewrite(|json| json["accounts"]["anna"]["access_token"] = "act.anna.1".into());
    assert!(matches!(home.store().login("anna"), Err(AccountError::Undecrypted { .. })));
    // What the file says about itself cannot be taken out, either.
    let home = Home::encrypted();
    home.rewrite(|json| _ = json.as_object_mut().unwrap().remove("encryption"));
    assert!(matches!(home.store().login("anna"), Err(AccountError::Newer { .. })));
    home.rewrite(|json| json["version"] = 1.into());
    assert!(matches!(home.store().login("anna"), Err(AccountError::NoKey { .. })));
}

#[test]
fn a_store_goes_there_and_back_and_again_as_often_as_one_likes() {
    let home = Home::new();
    let (before, store) = (home.json(), home.store());
    let moved = |logins, changed| Migrated { logins, changed };
    for _ in 0..2 {
        let to = home.encryption();
        assert_eq!(store.encrypt(&to, &everybody()).unwrap(), moved(2, true));
        let encrypted = home.text();
        assert_eq!(store.encrypt(&to, &everybody()).unwrap(), moved(2, false));
        assert_eq!(home.text(), encrypted);
        assert_eq!(store.decrypt(&everybody()).unwrap(), moved(2, true));
        assert_eq!(store.decrypt(&everybody()).unwrap(), moved(2, false));
        assert_eq!(home.json(), before);
    }
}

#[test]
fn an_empty_store_is_encrypted_before_its_first_login() {
    let home = Home { dir: tempfile::tempdir().unwrap(), key: Key::random().unwrap() };
    home.store().encrypt(&home.encryption(), &BTreeSet::new()).unwrap();
    assert!(put(&home.locked(), account("anna")).is_err());
    put(&home.store(), account("anna")).unwrap();
    assert!(!home.text().contains("act."));
    home.locked().edit_at_rest::<AccountError>("anna", |_, _| Ok(Edit::Remove)).unwrap();
    home.locked().decrypt(&BTreeSet::new()).unwrap();
    assert_eq!(home.locked().encryption().unwrap(), None, "an empty store needs no key");
}

#[test]
fn what_would_need_two_keys_and_who_came_meanwhile_is_refused() {
    let home = Home::encrypted();
    let before = home.text();
    let other = Key::random().unwrap();
    let encryption = Encryption { key: other.id(), ..home.encryption() };
    let error = home.locked().with_key(other).encrypt(&encryption, &everybody()).unwrap_err();
    assert!(matches!(error, AccountError::Encrypted { key, .. } if key == home.key.id()));
    let only_ben = ["ben".to_owned()].into();
    let error = home.store().decrypt(&only_ben).unwrap_err();
    assert!(matches!(&error, AccountError::MovedOn { account } if account == "anna"));
    assert_eq!(error.exit(), Exit::Temporary);
    assert_eq!(home.text(), before);
}

#[test]
fn what_a_newer_version_has_written_survives_a_migration() {
    let home = Home::new();
    home.rewrite(|json| {
        json["future"] = "kept".into();
        json["accounts"]["anna"]["future"] = "kept, too".into();
    });
    home.store().encrypt(&home.encryption(), &everybody()).unwrap();
    assert_eq!(home.json()["future"], "kept");
    assert_eq!(home.json()["accounts"]["anna"]["future"], "kept, too");
}

#[test]
fn a_thousand_logins_fit_and_none_costs_a_derivation() {
    let home = Home { dir: tempfile::tempdir().unwrap(), key: Key::random().unwrap() };
    let mut document = Document::default();
    for n in 0..1000 {
        let one = account(&format!("-000mhrLh91{n:04}Zq3Kp8xW7vN2bT6yU5dS1fG0hJ4l"));
        document.accounts_mut().insert(one.open_id.clone(), one);
    }
    let all: BTreeSet<_> = document.accounts.iter().map(|one| one.open_id.clone()).collect();
    fs::write_atomic(&home.locked().path(), &document.encode(), PRIVATE_FILE).unwrap();
    home.store().encrypt(&home.encryption(), &all).unwrap();
    let read = home.locked().accounts().unwrap();
    assert_eq!(read.len(), 1000);
    home.store().decrypt(&all).unwrap();
}
