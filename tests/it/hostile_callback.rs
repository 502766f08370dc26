//! Tests of `hostile_callback`.
