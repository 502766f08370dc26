//! Tests of `sandbox_posting`.
