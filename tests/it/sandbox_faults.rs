//! Tests of `sandbox_faults`.
