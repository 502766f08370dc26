//! One file per command: the only room that joins the others.

pub mod sandbox;

use crate::cli::{Cli, Command, GlobalArgs};
use crate::exit::{Exit, Failure};
use crate::output::Printer;
use crate::settings::{Environment, Settings};
use crate::signals::Shutdown;
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
    /// Whether the run was asked to stop. A command that works with a context must listen: the
    /// signals no longer end the process by themselves.
    pub shutdown: Shutdown,
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

    /// The same for settings that are known already. Needs a running tokio runtime.
    pub fn new(settings: Settings, printer: Printer) -> Result<Self, Failure> {
        let client =
            Client::new(settings.endpoints.clone(), settings.clock, settings.timing.clone())?;
        let shutdown = Shutdown::listen()
            .map_err(|error| Failure::unexpected(error).context("cannot listen for signals"))?;
        Ok(Self { settings, printer, client, shutdown })
    }
}

/// Runs the command. Only those that need settings read them: a faulty `config.toml` is no reason
/// not to run the others.
pub async fn dispatch(cli: Cli, printer: &Printer, env: &Environment<'_>) -> Result<Exit, Failure> {
    let _ = env;
    match cli.command {
        Command::Sandbox(args) => {
            sandbox::run(args, printer.is_json(), &mut printer.stream()).await
        }
    }
}
