//! The real executable against the real sandbox, over sockets.

mod accounts;
mod awkward_input;
mod hostile_callback;
mod login;
mod refresh;
mod sandbox_auth;
mod sandbox_client;
mod sandbox_display;
mod sandbox_faults;
mod sandbox_posting;
mod sandbox_upload;
mod upload;
mod world;
