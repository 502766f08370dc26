//! The apps of the settings, as logins and accounts' tokens ask for them.

use std::sync::Arc;

use crate::api::App;
use crate::auth::{Account, Apps as AccountApps, NotUsable};
use crate::commands::Context;
use crate::output::{Everywhere, Failure, Printer};
use crate::settings::{Apps, KnownApp, NoApp, SettingsError};
use crate::text::{key_start, plain};

/// The apps of a run, with somebody to tell of credentials that look odd.
#[derive(Clone, Debug)]
pub(super) struct AppsInUse {
    pub(super) apps: Apps,
    pub(super) printer: Printer,
}

impl AppsInUse {
    fn find(&self, account: &Account) -> Result<&KnownApp, NotUsable> {
        if let Some(only) = self.apps.only().filter(|only| only.client_key != account.client_key) {
            return Err(NotUsable::NotAskedFor { asked: only.name.clone().unwrap_or_default() });
        }
        if let Some(app) = self.apps.with_key(&account.client_key) {
            return Ok(app);
        }
        if let (true, Err(error)) = (self.apps.is_empty(), self.apps.for_login()) {
            return Err(NotUsable::NoApp(Arc::new(error)));
        }
        let named = account.app.as_deref().and_then(|name| self.apps.named(name));
        Err(NotUsable::NotConfigured { now: named.map(|app| key_start(&app.client_key)) })
    }

    fn fetch(&self, app: &KnownApp) -> Result<App, Arc<SettingsError>> {
        app.fetch(|lookalike| self.printer.warn(lookalike.to_string()))
    }
}

impl AccountApps for AppsInUse {
    fn check(&self, account: &Account) -> Result<(), NotUsable> {
        self.find(account).map(|_| ())
    }

    fn app(&self, account: &Account) -> Result<App, NotUsable> {
        let app = self.find(account)?;
        self.fetch(app).map_err(|error| NotUsable::NoSecret(error))
    }
}

/// The apps of a run.
pub(super) fn in_use(context: &Context) -> AppsInUse {
    AppsInUse { apps: context.settings.apps.clone(), printer: context.printer.clone() }
}

/// The app to log in with, not yet with its secret. That the environment's wins over `--app` is
/// said.
pub(super) fn for_login(context: &Context) -> Result<&KnownApp, Failure> {
    let apps = &context.settings.apps;
    let app = apps.for_login()?;
    if let Some((asked, used)) = apps.overruled() {
        context.printer.warn(format!(
            "TIKTOK_CLIENT_KEY is set and wins over `--app {}`: the app with the client key {} \
             is used; unset TIKTOK_CLIENT_KEY and TIKTOK_CLIENT_SECRET to use {}",
            plain(asked.name.as_deref().unwrap_or_default()),
            key_start(&used.client_key),
            asked.label(),
        ));
    }
    Ok(app)
}

/// That app with its secret. May take long: somebody may have to type a passphrase for it.
pub(super) fn fetched_for_login(context: &Context) -> Result<App, Failure> {
    let app = for_login(context)?;
    Ok(in_use(context).fetch(app)?)
}

/// Whether a run is about an account, unless it is named: with `--app`, only about those whose
/// tokens that app has made.
pub(super) fn is_about(context: &Context, account: &Account) -> bool {
    context.settings.apps.only().is_none_or(|only| only.client_key == account.client_key)
}

/// Nobody's tokens are of use where no app is configured.
pub(super) fn is_there_one(context: &Context) -> Result<(), Failure> {
    let app = context.settings.apps.for_login();
    if let Err(error @ SettingsError::NoApp(NoApp::Nowhere { .. })) = app {
        return Err(Failure::from(error).met_everywhere(Everywhere::NoApp));
    }
    context.printer.settle_everywhere(Everywhere::NoApp);
    Ok(())
}
