//! Tests of `awkward_input`.
