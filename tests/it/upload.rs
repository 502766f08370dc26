//! Tests of: upload.
