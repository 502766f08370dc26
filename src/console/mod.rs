//! The console of `serve`, as a browser sees it: who listens and who may come in (`server`, `access`), and what the
//! pages look like (`pages`). It knows nothing of TikTok, of accounts or of posts: `commands/serve` gathers what a page
//! shows, and does what its buttons ask for through the other commands' own functions.

pub(crate) mod access;
pub(crate) mod pages;
pub(crate) mod server;
