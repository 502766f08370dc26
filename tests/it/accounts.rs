//! Tests of: accounts.
