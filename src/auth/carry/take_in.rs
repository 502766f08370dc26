//! The way in: a login from another machine, unless this one knows better.

use super::CarryError;
use crate::clock::Clock;
use crate::model::account::{Account, Reason};
use crate::store::Edit;
use crate::store::local::TokenFile;

/// What became of a login from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TakenIn {
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
/// an alias that the account has here stays. Gives the account as it is stored now.
pub(crate) fn take_in(
    store: &TokenFile,
    account: Account,
    clock: Clock,
) -> Result<(TakenIn, Account), CarryError> {
    if account.refresh_expires_at <= clock.now() {
        return Err(CarryError::Ended { account: account.name().to_owned() });
    }
    let open_id = account.open_id.clone();
    let arrived = Account { needs_login: None, ..account.clone() };
    let mut outcome = TakenIn::New;
    let stored = store.edit::<CarryError>(&open_id, |current, others| {
        let free = |alias: &String| others.check_alias(alias, &open_id).is_ok();
        let Some(current) = current else {
            let alias = arrived.alias.clone().filter(free);
            return Ok(Edit::Put(Box::new(Account { alias, ..arrived })));
        };
        if current.client_key != arrived.client_key {
            return Err(CarryError::OtherApp { account: current.name().to_owned() });
        }
        if arrived.api.as_deref().is_some_and(|api| current.other_api(api).is_some()) {
            return Err(CarryError::OtherApi { account: current.name().to_owned() });
        }
        outcome = judge(current, &arrived);
        Ok(match outcome {
            TakenIn::Older => Edit::Keep,
            TakenIn::Back => Edit::Put(Box::new(Account { needs_login: None, ..current.clone() })),
            TakenIn::New | TakenIn::Newer => {
                let alias = current.alias.clone().or_else(|| arrived.alias.clone().filter(free));
                Edit::Put(Box::new(Account { alias, ..arrived }))
            }
        })
    })?;
    Ok((outcome, stored.unwrap_or(account)))
}

fn judge(current: &Account, arrived: &Account) -> TakenIn {
    let same = current.refresh_token == arrived.refresh_token;
    let reason = current.needs_login.as_ref().map(|needs| needs.reason);
    match reason {
        Some(Reason::Exported) if same => TakenIn::Back,
        // Whatever the clocks of two machines say: what is here is of no use.
        Some(Reason::Rejected | Reason::Restored) if !same => TakenIn::Newer,
        _ if !same && current.issued_at < arrived.issued_at => TakenIn::Newer,
        _ => TakenIn::Older,
    }
}
