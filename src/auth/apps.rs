//! The apps that accounts' tokens belong to. Which there are and where their secrets come from, `commands`
//! knows from the settings.

use std::sync::Arc;

use crate::api::App;
use crate::model::account::Account;
use crate::problem::Coded;

/// Finds the app of an account: the one whose client key made its tokens.
pub(crate) trait Apps: Send + Sync {
    /// Whether that app may be used. Nothing is fetched for it.
    fn check(&self, account: &Account) -> Result<(), NotUsable>;

    /// That app with its secret. This may wait for a person who types a passphrase.
    fn app(&self, account: &Account) -> Result<App, NotUsable>;
}

/// Why the app of an account's tokens cannot be used.
#[derive(Clone, Debug)]
pub(crate) enum NotUsable {
    /// No app with that client key is configured.
    NotConfigured {
        /// The beginning of the client key that the app of the same name has now, if there is one.
        now: Option<String>,
    },
    /// Another app was asked for.
    NotAskedFor {
        /// Its name.
        asked: String,
    },
    /// Its secret cannot be had, or is none.
    NoSecret(Arc<dyn Coded>),
    /// No app is configured at all.
    NoApp(Arc<dyn Coded>),
}

/// Apps whose secrets are at hand.
impl Apps for Vec<App> {
    fn check(&self, account: &Account) -> Result<(), NotUsable> {
        self.app(account).map(|_| ())
    }

    fn app(&self, account: &Account) -> Result<App, NotUsable> {
        let ours = self.iter().find(|app| app.client_key == account.client_key);
        ours.cloned().ok_or(NotUsable::NotConfigured { now: None })
    }
}
