//! The authorize page: who asks, for what, and a person's answer.

use axum::http::StatusCode;

use super::html::{escape, page};
use crate::sandbox::envelope::Answer;
use crate::sandbox::oauth::consent::Request;
use crate::sandbox::oauth::scopes;
use crate::sandbox::state::World;

/// The page that names a mistake in the app's configuration. It never leads back to the app.
pub(in crate::sandbox) fn mistake(parameter: &str) -> Answer {
    let main = format!(
        "<main class=\"card\"><h1>Something went wrong</h1>\
         <p>We couldn't log in with TikTok. This may be due to specific app settings.</p>\
         <p>If you're a developer, correct the following and try again:</p>\
         <ul><li><code>{}</code></li></ul></main>",
        escape(parameter)
    );
    page(StatusCode::OK, "We couldn't log in", &main, "'none'", None)
}

/// The page that asks; `id` is good for one answer.
pub(in crate::sandbox) fn ask(world: &World, request: &Request, id: &str) -> Answer {
    let scopes: String = request
        .scopes
        .iter()
        .map(|scope| {
            let fixed = if scope == scopes::ALWAYS { " disabled" } else { "" };
            format!(
                "<label><input type=\"checkbox\" name=\"scope\" value=\"{scope}\" checked{fixed}> \
                 <span>{}<small>{scope}</small></span></label>",
                escape(scopes::described(scope)),
                scope = escape(scope),
            )
        })
        .collect();
    let accounts: String = world
        .accounts
        .iter()
        .enumerate()
        .map(|(at, account)| {
            format!(
                "<label><input type=\"radio\" name=\"account\" value=\"{handle}\"{checked}> \
                 <span>{name}<small>@{handle} · {kind}</small></span></label>",
                handle = escape(&account.handle),
                name = escape(&account.display_name),
                kind = if account.private { "private" } else { "public" },
                checked = if at == 0 { " checked" } else { "" },
            )
        })
        .collect();
    let main = format!(
        "<main class=\"card\"><h1>Log in</h1>\
         <p>The app <code>{app}</code> would like to:</p>\
         <form method=\"post\" action=\"/_sandbox/decide\">\
         <input type=\"hidden\" name=\"consent\" value=\"{id}\">\
         <fieldset><legend>Access</legend>{scopes}</fieldset>\
         <fieldset><legend>Continue as</legend>{accounts}</fieldset>\
         <p class=\"actions\"><button name=\"decision\" value=\"deny\" class=\"quiet\">Deny</button>\
         <button name=\"decision\" value=\"allow\">Allow</button></p></form>\
         <p class=\"small\">You go back to <code>{uri}</code></p></main>",
        app = escape(&world.apps[request.app].client_key),
        id = escape(id),
        uri = escape(&request.redirect_uri),
    );
    // Browsers hold the redirect after a form against the policy too.
    let back = origin(&request.redirect_uri);
    page(StatusCode::OK, "Log in", &main, &format!("'self' {back}"), None)
}

fn origin(uri: &str) -> String {
    url::Url::parse(uri).map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
}
