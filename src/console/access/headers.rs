//! What every answer of the console tells the browser, so that no other page can frame, read or script it.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

use super::host::Origin;

/// Where a form of the console may lead besides its own pages: browsers of the Chromium family also stop a redirect
/// that answers a form.
const TIKTOK: &str = "https://www.tiktok.com";

/// The policy of all pages. `authorize` is where logins begin, if that is not TikTok's own site; `pictures` where
/// pictures of accounts are besides https.
pub(super) fn policy(authorize: Option<&Origin>, pictures: Option<&Origin>) -> HeaderValue {
    let more = |origin: Option<&Origin>| {
        let origin = origin.map(Origin::to_string).filter(|origin| origin != TIKTOK);
        origin.map_or_else(String::new, |origin| format!(" {origin}"))
    };
    let (authorize, pictures) = (more(authorize), more(pictures));
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:{pictures}; \
         media-src 'self'; connect-src 'self'; form-action 'self' {TIKTOK}{authorize}; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    // An origin has no letters that a header cannot have.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// Sets them, and takes away what would let other pages read an answer. Only an asset may be kept, as long as its
/// handler says, by the browser alone.
pub(super) fn set(headers: &mut HeaderMap, policy: &HeaderValue, is_asset: bool) {
    const FIXED: [(HeaderName, &str); 5] = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: with it, browsers say of the console's own forms that they come from `null`.
        (REFERRER_POLICY, "same-origin"),
        (X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let shared: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("access-control-"))
        .cloned()
        .collect();
    for name in shared {
        headers.remove(name);
    }
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
    if !is_asset {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    } else if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_may_lead_to_where_logins_begin() {
        let policy = |origin: &str| {
            let policy = policy(Origin::parse(origin).as_ref(), None);
            policy.to_str().unwrap().to_owned()
        };
        let sandbox = policy("http://127.0.0.1:9");
        let form = "form-action 'self' https://www.tiktok.com http://127.0.0.1:9;";
        assert!(sandbox.contains(form), "{sandbox}");
        assert!(policy(TIKTOK).contains("form-action 'self' https://www.tiktok.com;"));
        assert!(!sandbox.contains("unsafe") && sandbox.starts_with("default-src 'none'"));
    }

    #[test]
    fn nothing_is_shared_with_other_pages_or_kept() {
        let mut headers = HeaderMap::new();
        headers.insert("access-control-allow-origin", HeaderValue::from_static("*"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public"));
        set(&mut headers, &policy(None, None), false);
        assert!(!headers.contains_key("access-control-allow-origin"));
        assert_eq!(headers[CACHE_CONTROL], "no-store");
    }
}
