//! `/_sandbox/phone`: stands for the phone that scans a QR code.

use super::html::{Html, Page};
use crate::oauth::qr::QrCode;
use crate::state::World;

pub(super) fn page(world: &World, key: &str) -> Page {
    let now = world.now();
    let codes = world.qr.all();
    let open: Vec<_> = codes.iter().filter(|code| code.word(now) == "scanned").collect();
    let main = Html::default()
        .raw("<main><div class=\"head\"><h1>The phone</h1>")
        .raw("<a href=\"/_sandbox/\">Overview</a></div>")
        .raw("<h2>Scan a QR code</h2><form class=\"card row\" method=\"post\" action=\"/_sandbox/do\">")
        .raw("<input type=\"hidden\" name=\"key\" value=\"")
        .text(key)
        .raw("\"><input type=\"text\" name=\"url\" aria-label=\"URL in the QR code\" required ")
        .raw("placeholder=\"aweme://authorize?… as the QR code holds it\">")
        .raw("<button name=\"button\" value=\"scan\">Scan</button></form>")
        .raw("<h2>Confirm on the phone</h2>")
        .raw(if open.is_empty() { "<p class=\"card soft\">No code was scanned.</p>" } else { "" })
        .each(open, |html, code| scanned(html, world, code, key))
        .raw("<h2>All codes</h2><div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"All codes\">")
        .raw(if codes.is_empty() { "<p class=\"empty\">None was asked for.</p>" } else { "" })
        .raw("<table>")
        .each(codes, |html, code| {
            html.raw("<tr><td class=\"mono\">")
                .text(&code.token[..12])
                .raw("…</td><td>")
                .text(code.scopes.join(", "))
                .raw("</td><td>")
                .text(code.word(now))
                .raw("</td></tr>")
        })
        .raw("</table></div></main>");
    Page { title: "The phone", main, forms: None }
}

fn scanned(html: Html, world: &World, code: &QrCode, key: &str) -> Html {
    html.raw(
        "<form class=\"card\" method=\"post\" action=\"/_sandbox/do\"><p>An app asks for <code>",
    )
    .text(code.scopes.join(", "))
    .raw("</code></p><p class=\"row\"><input type=\"hidden\" name=\"key\" value=\"")
    .text(key)
    .raw("\"><input type=\"hidden\" name=\"token\" value=\"")
    .text(&code.token)
    .raw("\"><select name=\"account\" aria-label=\"Continue as\">")
    .each(&world.accounts, |html, account| {
        html.raw("<option value=\"")
            .text(&account.handle)
            .raw("\">@")
            .text(&account.handle)
            .raw("</option>")
    })
    .raw("</select><button name=\"button\" value=\"confirm\">Confirm</button>")
    .raw("<button class=\"quiet\" name=\"button\" value=\"refuse\">Refuse</button></p></form>")
}
