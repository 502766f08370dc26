//! Tests of `sandbox_auth`.
