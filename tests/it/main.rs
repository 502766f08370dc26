//! The real executable against the real sandbox, over sockets.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod account_defaults;
mod accounts;
mod apps;
mod arrows;
mod at_rest;
#[cfg(feature = "faults")]
mod auth_sweep;
mod awkward_input;
mod browser;
mod canary;
mod carry;
mod causes;
mod chromium;
mod clocks;
mod config;
mod console;
mod console_client;
mod console_compose;
mod console_demo;
mod console_errors;
mod console_history;
mod console_limits;
mod console_login;
mod console_look;
mod console_queue;
mod console_settings;
mod console_sure;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod counts;
mod database;
#[cfg(feature = "faults")]
mod disk_full;
mod display;
mod doctor;
mod documents;
mod dry_run;
#[cfg(feature = "cloud")]
mod emulators;
mod events;
mod faults_chunk;
mod faults_file;
mod faults_init;
mod faults_journal;
mod faults_signal;
mod faults_status;
#[cfg(feature = "postgres")]
mod fleet;
mod fleet_model;
mod forms;
mod help;
mod hidden;
mod hooks;
mod hostile_callback;
mod init;
mod kill_rounds;
mod likeness;
mod limits;
mod links;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod local_faults;
mod login;
mod login_pitfalls;
mod login_ways;
mod matters;
mod media;
mod memory;
mod mended;
mod model;
mod narrow;
mod near_misses;
mod other_api;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod outside;
mod packaging;
mod pause;
mod person;
mod post;
mod process;
mod proxy;
mod pty;
mod qr;
mod queue;
mod quiet;
mod refresh;
mod rehearsal;
mod sandbox_auth;
mod sandbox_client;
mod sandbox_display;
mod sandbox_faults;
mod sandbox_options;
mod sandbox_posting;
mod sandbox_upload;
#[cfg(feature = "postgres")]
#[path = "../../src/store/postgres/testing/server.rs"]
mod server;
mod shelf;
mod shell;
mod signals;
mod slots;
mod stage;
mod stopping;
mod store;
mod stores;
mod storms;
#[cfg(feature = "faults")]
mod sweep;
mod taken_over;
mod terminal;
mod together;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod tracer;
mod twice;
mod unfinished;
mod upload;
mod watch;
mod words;
mod world;
