//! Login Kit and the token endpoints: authorize page, QR codes, tokens, revocation.

pub(super) mod authorize;
pub(super) mod client;
pub(super) mod consent;
pub(super) mod qr;
pub(super) mod redirect;
pub(super) mod revoke;
pub(super) mod scopes;
pub(super) mod token;
pub(super) mod tokens;
