//! An account changes in one step, and its tokens never go back.

use super::*;
use crate::model::account::{Account, NameError};
use crate::model::fixtures::{API, account, at, grant};

fn put(account: Account) -> Change {
    Box::new(move |_, _| Edit::Put(Box::new(account)))
}

async fn log_in(store: &Arc<dyn AccountStore>, open_id: &str) {
    store.change(open_id, put(account(open_id))).await.unwrap();
}

pub(super) async fn an_account_comes_back_as_it_was_stored(new: New<'_>) {
    let home = Home::new(new);
    let stored = home.accounts().change("id-1", put(account("id-1"))).await.unwrap().unwrap();
    assert_eq!((stored.open_id.as_str(), stored.generation), ("id-1", 1));
    let other = home.accounts();
    assert_eq!(other.login("id-1").await.unwrap(), stored);
    assert_eq!(other.find(None).await.unwrap(), stored);
    assert_eq!(other.all().await.unwrap().iter().collect::<Vec<_>>(), [&stored]);
}

pub(super) async fn nobody_and_an_unknown_name_are_told_apart(new: New<'_>) {
    let home = Home::new(new);
    let accounts = home.accounts();
    let name = |outcome: Result<Account, StoreError>| match outcome.unwrap_err() {
        StoreError::Account(AccountError::Name(error)) => error,
        error => panic!("{error}"),
    };
    assert_eq!(name(accounts.find(None).await), NameError::Nobody);
    log_in(&accounts, "id-1").await;
    let missing = accounts.find(Some("ana")).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Input);
    assert!(matches!(name(Err(missing)), NameError::Missing { .. }));
    assert!(matches!(name(accounts.login("id-2").await), NameError::Missing { .. }));
}

pub(super) async fn whether_anything_was_ever_kept_is_known(new: New<'_>) {
    let home = Home::new(new);
    log_in(&home.accounts(), "id-1").await;
    home.accounts().forget("id-1").await.unwrap();
    assert!(home.accounts().is_there().await.unwrap());
}

pub(super) async fn a_change_decides_on_what_is_stored_then(new: New<'_>) {
    let home = Home::new(new);
    log_in(&home.accounts(), "id-1").await;
    let changes = (0..8).map(|_| {
        let accounts = home.accounts();
        async move {
            accounts
                .decide("id-1", |current, all| {
                    let mut account = current.unwrap().clone();
                    let number: u32 =
                        account.display_name.as_deref().map_or(0, |name| name.parse().unwrap());
                    account.display_name = Some((number + 1).to_string());
                    (Edit::Put(Box::new(account)), all.len())
                })
                .await
                .unwrap()
                .1
        }
    });
    assert_eq!(at_once(changes.collect()).await, [1; 8]);
    let stored = home.accounts().login("id-1").await.unwrap();
    assert_eq!((stored.display_name.as_deref(), stored.generation), (Some("8"), 9));
}

pub(super) async fn accounts_that_change_at_once_do_not_lose_each_other(new: New<'_>) {
    let home = Home::new(new);
    let logins = (0..8).map(|number| {
        let accounts = home.accounts();
        async move { log_in(&accounts, &format!("id-{number}")).await }
    });
    at_once(logins.collect()).await;
    assert_eq!(home.accounts().all().await.unwrap().len(), 8);
}

pub(super) async fn what_is_kept_or_removed_is(new: New<'_>) {
    let home = Home::new(new);
    let accounts = home.accounts();
    log_in(&accounts, "id-1").await;
    let kept = accounts.change("id-1", Box::new(|_, _| Edit::Keep)).await.unwrap().unwrap();
    assert_eq!(kept.generation, 1);
    assert_eq!(accounts.change("id-2", Box::new(|_, _| Edit::Keep)).await.unwrap(), None);
    assert_eq!(accounts.change("id-1", Box::new(|_, _| Edit::Remove)).await.unwrap(), None);
    assert!(home.accounts().all().await.unwrap().is_empty());
    log_in(&accounts, "id-2").await;
    let forgotten = accounts.forget("id-2").await.unwrap().unwrap();
    assert_eq!(forgotten.open_id, "id-2");
    assert!(home.accounts().all().await.unwrap().is_empty());
    assert_eq!(accounts.forget("id-2").await.unwrap(), None);
    log_in(&accounts, "id-1").await;
    let generation = accounts.login("id-1").await.unwrap().generation;
    assert_eq!(generation, 2, "a login that comes back is newer than the one that went");
}

pub(super) async fn tokens_replace_those_that_were_spent_and_no_others(new: New<'_>) {
    let home = Home::new(new);
    let accounts = home.accounts();
    log_in(&accounts, "id-1").await;
    let before = accounts.login("id-1").await.unwrap();
    let (asked, spent) = (at("2026-11-02T12:00:00Z"), before.refresh_token.clone());
    let (second, third) = (grant("id-1", 2), grant("id-1", 3));

    let saved = accounts.rotate("id-1", &spent, &second, API, asked).await.unwrap();
    let Rotated::Saved(saved) = saved else { panic!("{saved:?}") };
    assert_eq!(saved.refresh_token, second.refresh_token);
    assert_eq!((saved.issued_at, saved.generation), (asked, before.generation + 1));

    // One that was slow, after another one: its tokens came from a token that is dead by now.
    let late = home.accounts().rotate("id-1", &spent, &third, API, asked).await.unwrap();
    assert_eq!(late, Rotated::Superseded(saved.clone()));
    assert_eq!(home.accounts().login("id-1").await.unwrap(), *saved);

    let gone = accounts.rotate("id-2", &spent, &third, API, asked).await.unwrap();
    assert_eq!(gone, Rotated::Gone);
    assert_eq!(accounts.all().await.unwrap().len(), 1, "and nothing comes back");
}

pub(super) async fn of_eight_that_rotate_the_same_token_one_does(new: New<'_>) {
    let home = Home::new(new);
    log_in(&home.accounts(), "id-1").await;
    let spent = home.accounts().login("id-1").await.unwrap().refresh_token;
    let rotations = (2..10).map(|number| {
        let (accounts, spent) = (home.accounts(), spent.clone());
        async move {
            let (grant, asked) = (grant("id-1", number), at("2026-11-02T12:00:00Z"));
            let outcome = accounts.rotate("id-1", &spent, &grant, API, asked).await.unwrap();
            matches!(outcome, Rotated::Saved(_))
        }
    });
    let saved = at_once(rotations.collect()).await;
    assert_eq!(saved.into_iter().filter(|saved| *saved).count(), 1);
}

pub(super) async fn tokens_that_nobody_waits_for_any_more_are_stored(new: New<'_>) {
    let home = Home::new(new);
    let accounts = home.accounts();
    log_in(&accounts, "id-1").await;
    let (spent, second) = (account("id-1").refresh_token, grant("id-1", 2));
    begin(accounts.rotate("id-1", &spent, &second, API, at("2026-11-02T12:00:00Z")));
    drop(accounts);
    let stored = home.accounts().login("id-1").await.unwrap();
    assert_eq!(stored.refresh_token, second.refresh_token);
}

pub(super) async fn an_alias_names_one_account(new: New<'_>) {
    let home = Home::new(new);
    let accounts = home.accounts();
    log_in(&accounts, "id-1").await;
    log_in(&accounts, "id-2").await;
    let named = accounts.set_alias("id-1", Some("anna")).await.unwrap();
    assert_eq!(home.accounts().find(Some("anna")).await.unwrap(), named);
    let taken = accounts.set_alias("id-2", Some("anna")).await.unwrap_err();
    assert!(matches!(taken, StoreError::Account(AccountError::Alias(_))));
    assert_eq!(taken.kind(), ErrorKind::Input);
    assert_eq!(accounts.set_alias("id-1", None).await.unwrap().alias, None);
    accounts.set_alias("id-2", Some("anna")).await.unwrap();
}

pub(super) async fn a_pause_keeps_the_time_of_the_first(new: New<'_>) {
    let home = Home::new(new);
    let accounts = home.accounts();
    log_in(&accounts, "id-1").await;
    let (first, second) = (at("2026-11-02T12:00:00Z"), at("2026-11-03T12:00:00Z"));
    for since in [first, second] {
        let paused = accounts.set_paused("id-1", Some(since)).await.unwrap();
        assert_eq!(paused.paused_since, Some(first));
        assert_eq!(home.accounts().find(Some("id-1")).await.unwrap(), paused);
    }
    for _ in 0..2 {
        assert_eq!(accounts.set_paused("id-1", None).await.unwrap().paused_since, None);
    }
    assert_eq!(home.accounts().find(Some("id-1")).await.unwrap().paused_since, None);
    accounts.set_paused("id-2", Some(first)).await.unwrap_err();
}

pub(super) async fn a_probe_changes_nothing_and_leaves_nothing(new: New<'_>) {
    let home = Home::new(new);
    let accounts = home.accounts();
    assert_eq!(accounts.probe(1).await.unwrap(), None, "before the first login, too");
    assert!(accounts.all().await.unwrap().is_empty());
    log_in(&accounts, "id-1").await;
    let stored = accounts.login("id-1").await.unwrap();
    let probes = (0..8).map(|_| {
        let accounts = home.accounts();
        async move { accounts.probe(16 * 1024).await.unwrap() }
    });
    let keys = at_once(probes.collect()).await;
    assert_eq!(keys, vec![None; 8], "tokens that are not encrypted need no key");
    assert_eq!(home.accounts().login("id-1").await.unwrap(), stored);
    assert!(!accounts.place().is_empty());
}
