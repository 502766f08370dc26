//! `tiktok-up`: publish to TikTok from a terminal, a server or a script.
//!
//! ARCHITECTURE.md says what each module does and who may import whom. `limits` holds what `video_probe`
//! finds in a file against what TikTok takes; `commands` starts a `tiktok_sandbox`, an offline TikTok. Both
//! are crates of their own, and know nothing of this one.

mod api;
mod auth;
mod cli;
mod clock;
mod commands;
mod console;
mod encrypt;
mod engine;
mod exit;
mod fault;
mod fs;
mod hooks;
mod limits;
mod manifest;
mod model;
mod output;
mod problem;
mod process;
mod resources;
mod retry;
mod runtime;
mod settings;
mod signals;
mod source;
mod store;
mod sys;
mod text;
mod timing;
mod worker;

#[doc(hidden)]
pub mod testing;

use tiktok_open::secret;

use std::ffi::OsString;
use std::panic::catch_unwind;

use crate::cli::{Cli, Early, GlobalArgs, JsonLines};
pub use crate::exit::Exit;
use crate::output::{Failure, OutputOptions, Printer};
use crate::settings::Environment;

/// Runs the program on a command line, its first word being the program's name.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    process::harden();
    // A write beyond the limit on the size of files is an error like others, from the first one on.
    sys::survive(libc::SIGXFSZ);
    output::report_panics();
    let args: Vec<OsString> = args.into_iter().collect();
    // The panic hook has told where it was.
    catch_unwind(|| enter(args, &|name| std::env::var_os(name))).unwrap_or(Exit::Failed)
}

fn enter(args: Vec<OsString>, env: &Environment<'_>) -> Exit {
    let early = Early::pre_parse(&args);
    let cli = match Cli::read(args) {
        Ok(cli) => cli,
        Err(error) => {
            let printer = Printer::new(output_options(early, env));
            return printer.usage(&error).worst(printer.finish());
        }
    };
    let printer = Printer::new(global_options(&cli, env));
    output::listen(&printer);
    let _last = printer.last_words();
    let exit = perform(cli, &printer, env).unwrap_or_else(|failure| {
        // What a signal has ended was ended on purpose.
        if !matches!(failure.exit, Exit::Signal(_)) {
            printer.failure(&failure);
        }
        failure.exit
    });
    exit.worst(printer.finish())
}

/// What the command line says about output.
fn global_options(cli: &Cli, env: &Environment<'_>) -> OutputOptions {
    let global = &cli.global;
    let GlobalArgs { json, quiet, verbose, color, .. } = *global;
    // Of round after round only what is new is of interest.
    let quiet = quiet || (cli.command.is_endless() && verbose == 0);
    let (json, events) = (json.is_some(), json == Some(JsonLines::Events));
    let options = OutputOptions { json, events, quiet, verbose, ..OutputOptions::default() };
    options.on_streams(color.asked(), !global.no_progress, env)
}

/// The same of a command line that could not be read.
fn output_options(early: Early, env: &Environment<'_>) -> OutputOptions {
    let options = OutputOptions { json: early.json, ..OutputOptions::default() };
    options.on_streams(early.color.asked(), false, env)
}

fn perform(cli: Cli, printer: &Printer, env: &Environment<'_>) -> Result<Exit, Failure> {
    let runtime = runtime::start()?;
    let outcome = runtime.block_on(commands::dispatch(cli, printer, env));
    // A read of standard input that nobody waits for any more must not keep the process.
    runtime.shutdown_background();
    outcome
}
