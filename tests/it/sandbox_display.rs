//! Tests of `sandbox_display`.
