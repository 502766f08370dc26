//! The frame that every page shares: text that is always escaped, one style, strict headers.

use axum::http::StatusCode;
use axum::http::header::HeaderName;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::envelope::Answer;

/// HTML under construction. Markup can only be a literal of this program; whatever comes from
/// anywhere else goes through [`Html::text`].
#[derive(Clone, Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Markup as it is.
    #[must_use]
    pub(super) fn raw(mut self, markup: &'static str) -> Self {
        self.0.push_str(markup);
        self
    }

    /// Text, in content and in quoted attributes.
    #[must_use]
    pub(super) fn text(mut self, text: impl AsRef<str>) -> Self {
        for char in text.as_ref().chars() {
            match char {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                other => self.0.push(other),
            }
        }
        self
    }

    /// A number.
    #[must_use]
    pub(super) fn show(self, value: impl Into<i128>) -> Self {
        self.text(value.into().to_string())
    }

    /// Something for each item.
    #[must_use]
    pub(super) fn each<T>(
        self,
        items: impl IntoIterator<Item = T>,
        part: impl FnMut(Self, T) -> Self,
    ) -> Self {
        items.into_iter().fold(self, part)
    }

    /// Something, if there is a value for it.
    #[must_use]
    pub(super) fn with<T>(self, value: Option<T>, part: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => part(self, value),
            None => self,
        }
    }
}

/// A page around its main part. None reloads by itself, under somebody who reads or types.
pub(super) struct Page {
    pub(super) title: &'static str,
    pub(super) main: Html,
    /// Where its forms may lead besides the sandbox: browsers hold redirects against it too.
    pub(super) forms: Option<String>,
}

impl Page {
    pub(super) fn answer(self, status: StatusCode) -> Answer {
        let page = Html::default()
            .raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
            .raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")
            .raw("<link rel=\"icon\" type=\"image/svg+xml\" href=\"/_sandbox/icon\">")
            .raw("<title>")
            .text(self.title)
            .raw("</title><style>")
            .raw(STYLE)
            .raw("</style></head><body><p class=\"banner\"><strong>Sandbox</strong>: ")
            .raw("an offline stand-in, not TikTok</p>");
        let page = page.0 + &self.main.0 + "</body></html>\n";
        let style = STANDARD.encode(Sha256::digest(STYLE));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{style}'; img-src 'self'; base-uri 'none'; \
             form-action 'self' {}; frame-ancestors 'none'",
            self.forms.unwrap_or_default()
        );
        let name = HeaderName::from_static("content-security-policy");
        Answer::html(status, page).header(name, &policy)
    }
}

const STYLE: &str = include_str!("style.css");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_html_reads_is_left_of_a_text() {
        let html = Html::default().raw("<b>").text("<a href=\"x\">'&'</a>").raw("</b>");
        assert_eq!(html.0, "<b>&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;</b>");
    }

    #[test]
    fn the_policy_names_the_hash_of_the_style_that_is_served() {
        let main = Html::default();
        let answer = Page { title: "t", main, forms: None }.answer(StatusCode::OK);
        let page = String::from_utf8(answer.body.to_vec()).unwrap();
        let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        let hash = format!("'sha256-{}'", STANDARD.encode(Sha256::digest(style)));
        let policy =
            answer.headers.iter().find(|(name, _)| name == "content-security-policy").unwrap();
        assert!(policy.1.to_str().unwrap().contains(&hash));
    }
}
