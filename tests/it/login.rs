//! Tests of: login.
