//! The authorize page: who asks, for what, and a person's answer.

use axum::http::StatusCode;

use super::html::{Html, Page};
use crate::envelope::Answer;
use crate::oauth::consent::Request;
use crate::oauth::scopes;
use crate::state::World;

/// The page that names a mistake in the app's configuration. It never leads back to the app.
pub(crate) fn mistake(parameter: &'static str) -> Answer {
    let main = Html::default()
        .raw("<main class=\"card ask\"><h1>Something went wrong</h1>")
        .raw("<p>We couldn't log in with TikTok. This may be due to specific app settings.</p>")
        .raw("<p>If you're a developer, correct the following and try again:</p><ul><li><code>")
        .text(parameter)
        .raw("</code></li></ul></main>");
    Page { title: "We couldn't log in", main, forms: None }.answer(StatusCode::OK)
}

/// The page that asks; `id` is good for one answer.
pub(crate) fn ask(world: &World, request: &Request, id: &str) -> Answer {
    let main = Html::default()
        .raw("<main class=\"card ask\"><h1>Log in</h1><p>The app <code>")
        .text(&world.apps[request.app].client_key)
        .raw("</code> would like to reach your account.</p>")
        .raw("<form method=\"post\" action=\"/_sandbox/decide\">")
        .raw("<input type=\"hidden\" name=\"consent\" value=\"")
        .text(id)
        .raw("\"><fieldset><legend>What it may do</legend>")
        .each(&request.scopes, scope)
        .raw("</fieldset><fieldset><legend>Continue as</legend>")
        .each(world.accounts.iter().enumerate(), |html, (at, account)| {
            html.raw("<label class=\"choice\"><input type=\"radio\" name=\"account\" value=\"")
                .text(&account.handle)
                .raw(if at == 0 { "\" checked>" } else { "\">" })
                .raw("<span>")
                .text(&account.display_name)
                .raw("<small>@")
                .text(&account.handle)
                .raw(if account.private { ", private account" } else { ", public account" })
                .raw("</small></span></label>")
        })
        .raw("</fieldset><p class=\"actions\">")
        // Enter presses the first button of a form, wherever in it one is.
        .raw("<button name=\"decision\" value=\"allow\" autofocus>Allow</button>")
        .raw("<button class=\"quiet\" name=\"decision\" value=\"deny\">Deny</button></p></form>")
        .raw("<p class=\"soft\">Then you go back to <code>")
        .text(&request.redirect_uri)
        .raw("</code></p></main>");
    let forms = url::Url::parse(&request.redirect_uri).ok();
    let forms = forms.map(|url| url.origin().ascii_serialization());
    Page { title: "Log in", main, forms }.answer(StatusCode::OK)
}

fn scope(html: Html, scope: &String) -> Html {
    html.raw("<label class=\"choice\"><input type=\"checkbox\" name=\"scope\" value=\"")
        .text(scope)
        .raw(if scope == scopes::ALWAYS { "\" checked disabled>" } else { "\" checked>" })
        .raw("<span>")
        .text(scopes::described(scope))
        .raw("<small>")
        .text(scope)
        .raw("</small></span></label>")
}
