//! Tests of `upload`.
