//! The handle that a Rust program moves a sandbox with.

use std::fmt;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::accounts::AccountPatch;
use crate::builder::Builder;
use crate::control::{self, ControlError};
use crate::faults::{Outcome, Script};
use crate::log::LogEntry;
use crate::oauth::consent::ConsentPlan;
use crate::oauth::qr;
use crate::secret::Secret;
use crate::state::Core;
use crate::view::{self, PostView, StateView};

/// A sandbox that serves until it is dropped or shut down.
pub struct Sandbox {
    pub(super) core: Arc<Core>,
    pub(super) serving: JoinHandle<()>,
}

impl Sandbox {
    /// A sandbox to be set up and started; without settings it is as [`Options::default`] says.
    ///
    /// [`Options::default`]: crate::Options::default
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// `http://127.0.0.1:PORT`: the base of the API and of the authorize page.
    pub fn url(&self) -> &str {
        &self.core.origin
    }

    /// The address of the page that shows the state, for a browser.
    pub fn page(&self) -> String {
        format!("{}/_sandbox/", self.core.origin)
    }

    /// Key of the first app.
    pub fn client_key(&self) -> String {
        self.core.world().apps[0].client_key.clone()
    }

    /// Secret of the first app.
    pub fn client_secret(&self) -> Secret {
        self.core.world().apps[0].client_secret.clone()
    }

    /// Every secret that this sandbox has given or been given: client secrets, codes, verifiers,
    /// tokens and the secret parts of upload URLs. For checks that none of them is said anywhere.
    pub fn secrets(&self) -> Vec<Secret> {
        self.core.world().secrets.all().to_vec()
    }

    /// The `open_id` of an account towards the first app.
    pub fn open_id(&self, handle: &str) -> Option<String> {
        let world = self.core.world();
        world.find_account(handle).map(|account| world.accounts[account].open_id(0))
    }

    /// Puts the clock forward.
    pub fn advance(&self, by: SignedDuration) {
        self.core.world().clock.advance(by);
    }

    /// Adds a fault script or one rule, see [`crate::faults`].
    pub fn fault(&self, json: &Value) -> Result<(), ControlError> {
        let script = Script::parse(json)?;
        self.core.world().faults.add(script);
        Ok(())
    }

    /// Removes all fault rules.
    pub fn clear_faults(&self) {
        self.core.world().faults.clear();
    }

    /// Decides the next authorize request.
    pub fn consent(&self, plan: ConsentPlan) -> Result<(), ControlError> {
        control::plan_consent(&mut self.core.world(), plan)
    }

    /// Changes an account.
    pub fn account(&self, handle: &str, patch: AccountPatch) -> Result<(), ControlError> {
        control::change_account(&mut self.core.world(), handle, patch)
    }

    /// Makes a post what it is from now on.
    pub fn set_post(&self, publish_id: &str, outcome: Outcome) -> Result<(), ControlError> {
        control::change_post(&mut self.core.world(), publish_id, outcome)
    }

    /// The creator removes every app.
    pub fn remove_apps(&self, handle: &str) -> Result<(), ControlError> {
        control::remove_apps(&mut self.core.world(), handle)
    }

    /// The phone scans the URL of a QR code; the token of the code comes back.
    pub fn scan(&self, url: &str) -> Result<String, ControlError> {
        let mut world = self.core.world();
        let now = world.now();
        Ok(qr::scan(&mut world, url, now)?)
    }

    /// The person confirms a scanned code, as an account, with every scope.
    pub fn confirm(&self, token: &str, handle: &str) -> Result<(), ControlError> {
        control::confirm_qr(&mut self.core.world(), token, Some(handle), None)
    }

    /// The person refuses, or the code ends.
    pub fn end_qr(&self, token: &str) -> Result<(), ControlError> {
        let mut world = self.core.world();
        let now = world.now();
        Ok(qr::end(&mut world, token, now)?)
    }

    /// The whole state.
    pub fn state(&self) -> StateView {
        view::view(&self.core.world())
    }

    /// The posts, oldest first.
    pub fn posts(&self) -> Vec<PostView> {
        self.state().posts
    }

    /// The request log, oldest first.
    pub fn requests(&self) -> Vec<LogEntry> {
        self.core.world().log.entries().cloned().collect()
    }

    /// Stops serving and cuts every connection.
    pub async fn shutdown(mut self) {
        self.serving.abort();
        // Only the abort itself can be the error here.
        let _ = (&mut self.serving).await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Shows no credential.
impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("url", &self.core.origin).finish_non_exhaustive()
    }
}
