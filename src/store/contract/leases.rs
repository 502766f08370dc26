//! A lease is one run's at a time.

use std::time::Duration;

use super::*;

const NOT_AT_ALL: Duration = Duration::ZERO;
const LONG: Duration = Duration::from_mins(1);

pub(super) async fn a_lease_excludes_others_and_tells_who_has_it(new: New<'_>) {
    let home = Home::new(new);
    let (one, other) = (home.store().leases(), home.store().leases());
    let held = one.acquire(LeaseKind::Upload, "ana", NOT_AT_ALL).await.unwrap();
    for again in [&one, &other] {
        let refused = again.acquire(LeaseKind::Upload, "ana", NOT_AT_ALL).await.unwrap_err();
        let StoreError::Lease(LeaseError::Held { holder, .. }) = &refused else {
            panic!("{refused}")
        };
        assert_eq!(holder.as_ref().unwrap().pid, std::process::id());
        assert_eq!(refused.kind(), ErrorKind::Temporary);
        assert_eq!(refused.problem().code, ErrorCode::Locked);
    }
    held.renew().await.unwrap();
    held.release().await.unwrap();
    other.acquire(LeaseKind::Upload, "ana", NOT_AT_ALL).await.unwrap();
}

pub(super) async fn leases_of_other_accounts_and_kinds_are_others(new: New<'_>) {
    let home = Home::new(new);
    let leases = home.store().leases();
    let mut held = Vec::new();
    for (kind, account) in [
        (LeaseKind::Upload, "ana"),
        (LeaseKind::Refresh, "ana"),
        (LeaseKind::Upload, "ben"),
        (LeaseKind::Refresh, "../ana"),
    ] {
        held.push(leases.acquire(kind, account, NOT_AT_ALL).await.unwrap());
    }
}

pub(super) async fn who_waits_gets_the_lease_when_it_is_given_back(new: New<'_>) {
    let home = Home::new(new);
    let (one, other) = (home.store().leases(), home.store().leases());
    let held = one.acquire(LeaseKind::Refresh, "ana", NOT_AT_ALL).await.unwrap();
    let waits = tokio::spawn(async move { other.acquire(LeaseKind::Refresh, "ana", LONG).await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!waits.is_finished());
    drop(held);
    waits.await.unwrap().unwrap();
}

pub(super) async fn waiting_for_a_lease_ends(new: New<'_>) {
    let home = Home::new(new);
    let leases = home.store().leases();
    let _held = leases.acquire(LeaseKind::Upload, "ana", NOT_AT_ALL).await.unwrap();
    let waited = leases.acquire(LeaseKind::Upload, "ana", Duration::from_millis(30)).await;
    assert!(matches!(waited, Err(StoreError::Lease(LeaseError::Held { .. }))));
}

pub(super) async fn a_lease_that_nobody_waits_for_any_more_is_not_kept(new: New<'_>) {
    let home = Home::new(new);
    let (one, other) = (home.store().leases(), home.store().leases());
    begin(one.acquire(LeaseKind::Upload, "ana", NOT_AT_ALL));
    other.acquire(LeaseKind::Upload, "ana", LONG).await.unwrap();
}
