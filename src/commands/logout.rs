//! `logout`: revokes a login at TikTok, then forgets it; forgets it in any case.

use std::time::Duration;

use serde_json::json;

use crate::auth::AuthError;
use crate::auth::logout::{Revocation, logout};
use crate::cli::LogoutArgs;
use crate::commands::stores::Stores;
use crate::commands::{Context, about, at_rest};
use crate::exit::Exit;
use crate::output::Failure;
use crate::store::{Lease, LeaseError, LeaseKind, StoreError};
use crate::text::chain;

/// Runs the command.
pub(super) async fn run(context: &Context, args: &LogoutArgs) -> Result<Exit, Failure> {
    let store = context.store().await?;
    let account = store.shared.accounts().find(Some(&args.account)).await?;
    // Without its key a login can still be forgotten.
    let store = if args.local_only { store } else { at_rest::unlocked(context, store).await? };
    let tokens = context.tokens(&store).await?;
    if let Some(signal) = context.shutdown.asked() {
        return Ok(signal.exit());
    }
    let _upload = alone(context, &store, args, &account.open_id).await?;
    // From here to its end: half of it would leave tokens here that TikTok does not take any more.
    context.printer.step(format!("ending the login of {}", account.name()));
    let left = logout(&tokens, &account.open_id, args.local_only).await;
    // Also after an error: a refresh that has begun must reach the disk before the program ends.
    tokens.flush().await;
    let (_, revocation) = match (left, context.shutdown.asked()) {
        (Err(AuthError::Stopped), Some(signal)) => return Ok(signal.exit()),
        (left, _) => left?,
    };
    let printer = &context.printer;
    let left = match &revocation {
        Revocation::Done | Revocation::NotAsked => None,
        Revocation::Refused(error) => Some(chain(error)),
        Revocation::NoToken(error) | Revocation::Over(error) => Some(chain(error)),
    };
    if printer.is_json() {
        let outcome = match &revocation {
            Revocation::Done => "revoked",
            _ => "forgotten",
        };
        let event = json!({
            "event": "logout",
            "alias": account.alias,
            "outcome": outcome,
            "revoked": matches!(revocation, Revocation::Done),
            "reason": left,
        });
        printer.json(&about(&account, event));
    } else {
        let place = match context.settings.database {
            Some(_) => "by all machines that share the database",
            None => "here",
        };
        printer.note(format!("{} is forgotten {place}", account.name()));
    }
    if account.is_exported() {
        printer.note("the login lives on the machine that it was handed over to");
    } else if let Revocation::Over(_) = &revocation {
        printer.note(
            "TikTok takes none of its tokens any more, so there was nothing to revoke with: if the app still \
             stands in the TikTok app under Settings > Security > Manage app permissions, remove it there",
        );
    } else if let Some(reason) = left {
        printer.warn(format!(
            "the login was not revoked at TikTok ({reason}); remove the app in the TikTok app under \
             Settings > Security > Manage app permissions"
        ));
    }
    Ok(Exit::Done)
}

/// Keeps runs from beginning with the account. `None`: they are not kept from it, and the login ends all the same. An error
/// if one is posting for it, wherever it runs: TikTok could not be asked any more what becomes of its posts.
async fn alone(
    context: &Context,
    store: &Stores,
    args: &LogoutArgs,
    open_id: &str,
) -> Result<Option<Box<dyn Lease>>, Failure> {
    match store.shared.leases().acquire(LeaseKind::Upload, open_id, Duration::ZERO).await {
        Ok(lease) => Ok(Some(lease)),
        Err(StoreError::Lease(LeaseError::Held { holder, .. })) if args.local_only => {
            let by = holder.map(|holder| format!(" ({holder})")).unwrap_or_default();
            context.printer.warn(format!(
                "a run is posting for the account{by}: it gets no further than its token does"
            ));
            Ok(None)
        }
        Err(error @ StoreError::Lease(LeaseError::Held { .. })) => {
            let hint = "wait for that run to end, or stop it where it runs, then log out; `--local-only` forgets the \
                        login without waiting, and TikTok can then not be asked what becomes of its posts";
            let failure = Failure::from(error).context("a run is posting for the account");
            Err(failure.hint(hint))
        }
        Err(_) => Ok(None),
    }
}
