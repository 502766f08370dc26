//! The pages that the browser sees: no script, nothing to load, and nothing in them that whoever asks could
//! have put there, unless it came with this login's state.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use sha2::{Digest as _, Sha256};
use tiktok_open::callback::Denial;

use crate::secret::redact;
use crate::text::plain;

/// A page. What it says of a login or of a refusal is text, whatever is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// The login is made.
    LoggedIn {
        /// Who it is.
        name: String,
        /// What was not granted, a sentence for each.
        missing: Vec<String>,
    },
    /// TikTok has answered, and no login came of it.
    Failed {
        /// What failed.
        what: String,
    },
    /// The user, or TikTok, has said no.
    Denied {
        /// In TikTok's words, if they say more than that.
        words: Option<String>,
    },
    /// For this login's callback at another name of this machine.
    Elsewhere {
        /// Where the login waits.
        uri: String,
    },
    /// For everything that does not count.
    NotHere,
}

/// The longest text from elsewhere on a page, in characters.
const LONGEST: usize = 600;

const CLOSE: &str = "You can close this window.";

impl Page {
    /// The page of a refusal.
    pub(crate) fn denied(denial: &Denial) -> Self {
        let words = (denial.error != "access_denied").then(|| denial.to_string());
        Self::Denied { words }
    }

    /// Its HTML.
    pub(crate) fn html(&self) -> Bytes {
        match self {
            Self::LoggedIn { name, missing } if missing.is_empty() => {
                let says = format!("{} is logged in.", strong(name));
                render("ok", TICK, "Logged in", &says, CLOSE)
            }
            Self::LoggedIn { name, missing } => {
                let lines: Vec<_> =
                    missing.iter().map(|line| format!("<br>{}.", escaped(line))).collect();
                let lines = lines.concat();
                let says = format!("{} is logged in, but not for everything:{lines}", strong(name));
                let next = format!(
                    "To grant it after all, log in again and leave everything ticked. {CLOSE}"
                );
                render("ok", TICK, "Logged in", &says, &next)
            }
            Self::Failed { what } => {
                let says = format!("TikTok has answered, but: {}.", escaped(what));
                let next = format!("Your terminal says what to do. {CLOSE}");
                render("no", CROSS, "Not logged in", &says, &next)
            }
            Self::Denied { words: None } => render(
                "no",
                CROSS,
                "Not connected",
                "Access was not granted, so nothing was stored.",
                "You can close this window, and log in again whenever you like.",
            ),
            Self::Denied { words: Some(words) } => {
                let says = format!(
                    "Access was not granted, so nothing was stored. TikTok says: {}.",
                    escaped(words)
                );
                let next = format!("Your terminal says what to do. {CLOSE}");
                render("no", CROSS, "Not connected", &says, &next)
            }
            Self::Elsewhere { uri } => {
                let says = format!(
                    "This login waits at <code>{}</code>. In the address bar, put that in the place of \
                     everything before the question mark, and press Enter.",
                    escaped(uri)
                );
                let next = "If nothing is there, the browser runs on another machine: log in with \
                            <code>--paste</code> instead.";
                render("off", DASH, "Almost there", &says, next)
            }
            Self::NotHere => render(
                "off",
                DASH,
                "Nothing to see here",
                "This address only waits for TikTok to answer a login that was started in a terminal.",
                "If that was you, go on in the tab where TikTok asks for your consent.",
            ),
        }
    }
}

fn strong(text: &str) -> String {
    format!("<strong>{}</strong>", escaped(text))
}

/// Text as HTML shows it and never reads it: without control characters, without the secrets of this
/// process, and not endless.
fn escaped(text: &str) -> String {
    let plain = plain(&redact(text));
    let end = plain.trim_end_matches('.').chars();
    let mut out = String::new();
    for (at, char) in end.enumerate() {
        match char {
            _ if at == LONGEST => {
                out.push('…');
                break;
            }
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// The headers of every answer, whatever its status.
pub(crate) fn headers() -> HeaderMap {
    static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
        let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'"
        );
        // Base64 and the text above are visible ASCII; without the hash the page is only unstyled.
        HeaderValue::try_from(policy)
            .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
    });
    HeaderMap::from_iter([
        (CONTENT_SECURITY_POLICY, POLICY.clone()),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
    ])
}

fn render(tone: &str, mark: &str, title: &str, says: &str, next: &str) -> Bytes {
    Bytes::from(format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} · tiktok-up</title>
<style>{STYLE}</style>
</head>
<body>
<main class="{tone}">
<svg viewBox="0 0 64 64" width="64" height="64" aria-hidden="true"><circle cx="32" cy="32" r="30"/><path d="{mark}"/></svg>
<h1>{title}</h1>
<p>{says}</p>
<p class="next">{next}</p>
</main>
<footer><svg viewBox="0 0 32 32" width="20" height="20" aria-hidden="true"><rect width="32" height="32" rx="8"/><path d="M16 24V9m0 0-6 6m6-6 6 6"/></svg>tiktok-up</footer>
</body>
</html>
"#
    ))
}

const TICK: &str = "M20 33l8.5 8.5L45 24";
const CROSS: &str = "M23 23l18 18M41 23L23 41";
const DASH: &str = "M21 32h22";

/// The one style sheet, in the console's colours; its hash is in the policy.
const STYLE: &str = concat!(
    include_str!("../../console/assets/tokens.css"),
    "\
*{box-sizing:border-box}
html{font:100%/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}
body{margin:0;min-height:100vh;display:grid;grid-template-rows:1fr auto;place-items:center;padding:1.5rem;background:var(--ground);color:var(--text)}
main{width:100%;max-width:27rem;padding:clamp(1.75rem,7vw,2.75rem) clamp(1.25rem,6vw,2.25rem);background:var(--card);border:1px solid var(--line);border-radius:12px;box-shadow:0 1px 2px rgb(15 20 40/4%);text-align:center}
main svg{fill:none;stroke-width:3.5;stroke-linecap:round;stroke-linejoin:round;padding:.25rem;border-radius:50%}
.ok svg{stroke:var(--good);background:var(--good-tint)}
.no svg{stroke:var(--bad);background:var(--bad-tint)}
.off svg{stroke:var(--calm);background:var(--calm-tint)}
main circle{display:none}
h1{margin:1.1rem 0 .5rem;font-size:1.5rem;line-height:1.25;font-weight:700;letter-spacing:-.01em}
p{margin:0;text-wrap:balance;overflow-wrap:anywhere}
code{font:.9em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--sunken);border:1px solid var(--line);border-radius:5px;padding:0 .3em}
.next{margin-top:1.25rem;padding-top:1.25rem;border-top:1px solid var(--line);color:var(--soft);font-size:.9375rem}
footer{display:flex;align-items:center;gap:.5rem;padding-top:1.5rem;color:var(--soft);font-size:.875rem;font-weight:600}
footer rect{fill:var(--accent)}
footer path{fill:none;stroke:var(--on-accent);stroke-width:3.2;stroke-linecap:round;stroke-linejoin:round}
"
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn all() -> [Page; 7] {
        let denial = |error: &str| Denial { error: error.into(), description: Some("no".into()) };
        [
            Page::LoggedIn { name: "Ada".into(), missing: Vec::new() },
            Page::LoggedIn { name: "Ada".into(), missing: vec!["`a` was not granted".into()] },
            Page::Failed { what: "failed to exchange the authorization code".into() },
            Page::denied(&denial("access_denied")),
            Page::denied(&denial("invalid_scope")),
            Page::Elsewhere { uri: "(where)".into() },
            Page::NotHere,
        ]
    }

    fn text(page: &Page) -> String {
        String::from_utf8(page.html().to_vec()).unwrap()
    }

    #[test]
    fn the_policy_names_the_hash_of_the_style_of_every_page() {
        let policy = headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        for page in all() {
            let html = text(&page);
            let style = html.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
            let hash = BASE64_STANDARD.encode(Sha256::digest(style.as_bytes()));
            assert!(policy.contains(&format!("style-src 'sha256-{hash}';")));
        }
    }

    #[test]
    fn t05_t06_no_page_can_be_framed_or_tell_where_it_came_from() {
        let headers = headers();
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        for rule in ["default-src 'none'", "base-uri 'none'", "form-action 'none'"] {
            assert!(policy.contains(rule));
        }
        assert!(policy.ends_with("frame-ancestors 'none'"));
        assert_eq!(headers[REFERRER_POLICY], "no-referrer");
        assert_eq!(headers[CACHE_CONTROL], "no-store");
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
    }

    #[test]
    fn t06_no_page_loads_or_runs_or_links_anything() {
        for page in all() {
            let html = text(&page);
            for word in
                ["http:", "https:", "<script", "<link", "<img", "<a ", "url(", " style=", "@import"]
            {
                assert!(!html.contains(word), "{word} in {page:?}");
            }
        }
    }

    #[test]
    fn each_page_has_its_own_words() {
        let words = [
            "<strong>Ada</strong> is logged in.",
            "`a` was not granted.",
            "failed to exchange the authorization code",
            "Access was not granted",
            "TikTok says: invalid_scope (no).",
            "waits at <code>(where)</code>",
            "started in a terminal",
        ];
        for (page, words) in all().iter().zip(words) {
            assert!(text(page).contains(words), "{words} in {page:?}");
        }
    }

    #[test]
    fn t04_a_text_on_a_page_is_nothing_but_text() {
        let odd = "<script>alert('x')</script>&\"\u{1b}[2J\u{202e}";
        for page in [
            Page::LoggedIn { name: odd.into(), missing: vec![odd.into()] },
            Page::Failed { what: odd.into() },
            Page::Denied { words: Some(odd.into()) },
            Page::Elsewhere { uri: odd.into() },
        ] {
            let html = text(&page);
            assert!(html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;[2J"));
            assert!(!html.contains("<script") && !html.contains('\u{1b}'), "{html}");
            assert!(!html.contains('\u{202e}'), "{html}");
        }
    }

    #[test]
    fn t18_no_secret_and_no_book_is_on_a_page() {
        let secret = Secret::new("act.canary-on-a-page-1234");
        let what = format!("{} {}", secret.expose(), "x".repeat(9000));
        let html = text(&Page::Failed { what });
        assert!(!html.contains("canary") && html.len() < 6000, "{html}");
    }
}
