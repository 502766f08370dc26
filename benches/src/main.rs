//! Measures `tiktok-up` beside what a user would use instead, on this machine, in one run: docs/PERFORMANCE.md
//! has the tables.

#![allow(missing_docs, clippy::print_stdout, clippy::print_stderr, reason = "a program of its own")]

mod bed;
#[cfg(target_os = "linux")]
mod link;
#[cfg(target_os = "linux")]
mod links;
mod many;
mod measure;
mod plot;
mod rehearsal;
mod run;
mod sandbox;
mod scale;
mod scratch;
mod sink;
mod stats;
mod upload;

use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(about = "Measures tiktok-up beside what a user would use instead")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// One upload over TLS on loopback beside `curl -T`
    Upload(upload::Args),
    /// The same over emulated links: their rate, their delay, their loss (Linux, as root)
    #[cfg(target_os = "linux")]
    Links(links::Args),
    /// Many accounts in one run, beside each of them by itself, against the sandbox
    Many(many::Args),
    /// How fast the sandbox takes what one upload sends
    Sandbox(sandbox::Args),
    /// What commands cost by the number of accounts and of posts
    Scale(scale::Args),
    /// The server that takes the bytes and throws them away
    #[command(hide = true)]
    Sink {
        /// Where its certificate and key are written
        dir: PathBuf,
        /// Where it listens
        address: SocketAddrV4,
        /// What it is called
        host: String,
        /// How long it takes to answer for tokens, in ms
        delay: u64,
    },
    /// Runs a command and writes what it took as JSON into a file
    #[command(hide = true)]
    Run {
        report: PathBuf,
        #[arg(trailing_var_arg = true)]
        command: Vec<std::ffi::OsString>,
    },
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Upload(args) => upload::bench(&args),
        #[cfg(target_os = "linux")]
        Command::Links(args) => links::bench(&args),
        Command::Many(args) => many::bench(&args),
        Command::Sandbox(args) => sandbox::bench(&args),
        Command::Scale(args) => scale::bench(&args),
        Command::Sink { dir, address, host, delay } => {
            sink::serve(&dir, address, host, Duration::from_millis(delay))
        }
        Command::Run { report, command } => run::run(&report, &command),
    }
}
