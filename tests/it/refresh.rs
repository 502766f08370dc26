//! Tests of: refresh.
