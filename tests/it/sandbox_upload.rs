//! Tests of `sandbox_upload`.
