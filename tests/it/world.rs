//! Tests of: world.
