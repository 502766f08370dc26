//! The way in: a login from another machine, unless this one knows better.

use super::TransferError;
use crate::clock::Clock;
use crate::model::account::{Account, Accounts, Reason};
use crate::store::{AccountStore, Edit};

/// What became of a login from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImportOutcome {
    /// It is stored now.
    New,
    /// It has replaced older tokens, or dead ones.
    Newer,
    /// It is the one that was handed over from here, and is used here again.
    Back,
    /// The store holds newer tokens, or the same, and keeps them.
    Older,
}

/// Stores a login, unless the store has newer tokens of it. Its alias comes with it if it is free;
/// an alias that the account has here stays. It is paused if it was so on either machine. Gives the account as
/// it is stored now.
pub(crate) async fn import(
    store: &dyn AccountStore,
    account: Account,
    clock: Clock,
) -> Result<(ImportOutcome, Account), TransferError> {
    if account.refresh_expires_at <= clock.now() {
        return Err(TransferError::Ended { account: account.name().to_owned() });
    }
    let arrived = Account { needs_login: None, ..account.clone() };
    let decide = move |current: Option<&Account>, others: &Accounts| match decide(
        current, arrived, others,
    ) {
        Ok((edit, outcome)) => (edit, Ok(outcome)),
        Err(error) => (Edit::Keep, Err(error)),
    };
    let (stored, outcome) = store.decide(&account.open_id, decide).await?;
    Ok((outcome?, stored.unwrap_or(account)))
}

fn decide(
    current: Option<&Account>,
    arrived: Account,
    others: &Accounts,
) -> Result<(Edit, ImportOutcome), TransferError> {
    let open_id = arrived.open_id.clone();
    let free = |alias: &String| others.check_alias(alias, &open_id).is_ok();
    let Some(current) = current else {
        let alias = arrived.alias.clone().filter(free);
        return Ok((Edit::Put(Box::new(Account { alias, ..arrived })), ImportOutcome::New));
    };
    if current.client_key != arrived.client_key {
        return Err(TransferError::OtherApp { account: current.name().to_owned() });
    }
    if arrived.api.as_deref().is_some_and(|api| current.other_api(api).is_some()) {
        return Err(TransferError::OtherApi { account: current.name().to_owned() });
    }
    let outcome = classify(current, &arrived);
    let edit = match outcome {
        ImportOutcome::Older => Edit::Keep,
        ImportOutcome::Back => {
            Edit::Put(Box::new(Account { needs_login: None, ..current.clone() }))
        }
        ImportOutcome::New | ImportOutcome::Newer => {
            let alias = current.alias.clone().or_else(|| arrived.alias.clone().filter(free));
            let paused_since = current.paused_since.or(arrived.paused_since);
            Edit::Put(Box::new(Account { alias, paused_since, ..arrived }))
        }
    };
    Ok((edit, outcome))
}

fn classify(current: &Account, arrived: &Account) -> ImportOutcome {
    let same = current.refresh_token == arrived.refresh_token;
    let reason = current.needs_login.as_ref().map(|needs| needs.reason);
    match reason {
        Some(Reason::Exported) if same => ImportOutcome::Back,
        // Whatever the clocks of two machines say: what is here is of no use.
        Some(Reason::Rejected | Reason::Restored) if !same => ImportOutcome::Newer,
        _ if !same && current.issued_at < arrived.issued_at => ImportOutcome::Newer,
        _ => ImportOutcome::Older,
    }
}
