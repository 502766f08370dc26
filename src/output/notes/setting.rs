//! Which setting an error is about: what is set once is told once, however many accounts it meets.

use crate::model::account::Account;
use crate::output::is_connection;
use crate::problem::ErrorCode;

/// What an account shares its settings by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SettingsOf {
    open_id: String,
    /// The client key of the app that made its tokens.
    app: String,
    /// The API that issued them, if that is known.
    api: Option<String>,
}

impl From<&Account> for SettingsOf {
    fn from(account: &Account) -> Self {
        Self {
            open_id: account.open_id.clone(),
            app: account.client_key.clone(),
            api: account.api.clone(),
        }
    }
}

impl SettingsOf {
    /// The setting that an error of this code is about.
    pub(super) fn subject(&self, code: ErrorCode) -> String {
        use ErrorCode as E;
        match code {
            code if is_connection(code) => of_network(),
            E::OtherApi | E::OtherApiIsTikTok => self.of_api(),
            E::AppNotConfigured | E::AppMissing | E::OtherApp => self.of_app(),
            // What TikTok lets an app do it may let it do for another account.
            E::InvalidScope | E::RefreshNotAllowed | E::UnauthorizedClient => self.of_account(),
            _ => self.of_secret(),
        }
    }

    /// The same if other accounts have the setting, too.
    pub(crate) fn shared(&self, code: ErrorCode) -> Option<String> {
        Some(self.subject(code)).filter(|subject| *subject != self.of_account())
    }

    /// The settings that are right once TikTok took the account's access token, which needs no secret.
    pub(crate) fn used(&self) -> [String; 4] {
        [of_network(), self.of_api(), self.of_app(), self.of_account()]
    }

    /// The settings that are right once TikTok has renewed the account's tokens.
    pub(crate) fn renewed(&self) -> [String; 5] {
        let [network, api, app, account] = self.used();
        [network, api, app, account, self.of_secret()]
    }

    fn of_api(&self) -> String {
        format!("setting api {}", self.api.as_deref().unwrap_or_default())
    }

    fn of_app(&self) -> String {
        format!("setting app {}", self.app)
    }

    fn of_secret(&self) -> String {
        format!("setting secret {}", self.app)
    }

    fn of_account(&self) -> String {
        format!("setting {}", self.open_id)
    }
}

fn of_network() -> String {
    "setting network".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_setting_is_one_subject_and_another_one_is_not() {
        let of = |open_id: &str, app: &str, api: &str| SettingsOf {
            open_id: open_id.into(),
            app: app.into(),
            api: Some(api.into()),
        };
        let (ada, bea) = (of("a", "key", "https://one"), of("b", "key", "https://two"));
        let cy = of("c", "other", "https://one");
        let secret = ErrorCode::InvalidClientKey;
        assert_eq!(ada.shared(secret), bea.shared(secret));
        assert_ne!(ada.shared(secret), cy.shared(secret));
        let api = ErrorCode::OtherApi;
        assert_eq!(ada.shared(api), cy.shared(api));
        assert_ne!(ada.shared(api), bea.shared(api));
        assert_eq!(ada.shared(ErrorCode::ProxyUnknown), cy.shared(ErrorCode::ProxyUnknown));
        assert_eq!(ada.shared(ErrorCode::InvalidScope), None);
        assert_ne!(ada.subject(ErrorCode::InvalidScope), bea.subject(ErrorCode::InvalidScope));
        // A token that lives says nothing of the secret.
        assert!(!ada.used().contains(&ada.subject(secret)));
        assert!(ada.renewed().contains(&ada.subject(secret)));
    }
}
