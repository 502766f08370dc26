//! One file per command: the only room that joins the others.

use crate::cli::{Cli, GlobalArgs};
use crate::exit::{Exit, Failure};
use crate::output::Printer;
use crate::settings::{Environment, Settings};
use crate::tiktok::Client;

/// What a command works with.
#[derive(Clone, Debug)]
pub struct Context {
    /// What the run was told.
    pub settings: Settings,
    /// Where it talks.
    pub printer: Printer,
    /// TikTok.
    pub client: Client,
}

impl Context {
    /// Reads the settings, says so if they lead elsewhere than to TikTok, and makes the client.
    pub fn load(
        global: &GlobalArgs,
        printer: &Printer,
        env: &Environment<'_>,
    ) -> Result<Self, Failure> {
        let settings = Settings::load(global, env)?;
        let overrides = settings.endpoints.overrides();
        if !overrides.is_empty() {
            printer.warn(format!("this is not TikTok itself: {}", overrides.join(", ")));
        }
        Self::new(settings, printer.clone())
    }

    /// Makes the client for settings that are known already.
    pub fn new(settings: Settings, printer: Printer) -> Result<Self, Failure> {
        let client =
            Client::new(settings.endpoints.clone(), settings.clock, settings.timing.clone())?;
        Ok(Self { settings, printer, client })
    }
}

/// Runs the command. Only those that need settings read them: a faulty `config.toml` is no reason
/// not to run the others.
#[expect(clippy::unused_async, reason = "every command is async")]
pub async fn dispatch(cli: Cli, printer: &Printer, env: &Environment<'_>) -> Result<Exit, Failure> {
    let _ = (printer, env);
    match cli.command {}
}
