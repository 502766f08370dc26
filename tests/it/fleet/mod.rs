//! Machines that share a database: servers that crash, fail over or stand still, connections that are cut, workers
//! that are killed and stopped.

mod checker;
mod cuts;
mod failover;
mod late;
mod machines;
mod pair;
#[cfg(target_os = "linux")]
mod spaces;
mod storm;
mod wire;

/// Whether nobody has a lease: whoever could not give its own back has it a while longer.
const NO_LEASE: &str = "NOT EXISTS (SELECT FROM tiktok_up.leases WHERE until > clock_timestamp())";
