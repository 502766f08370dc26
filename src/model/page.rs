//! Where posts and profiles are seen in a browser.

use url::Url;

use super::source::SourceKind;

/// The page of a profile. The handle is TikTok's, and no other page than a profile's comes of it.
pub(crate) fn profile_page(handle: &str) -> Option<Url> {
    page(handle, &[])
}

/// The page of a public post.
pub(crate) fn post_page(handle: &str, id: u64, kind: SourceKind) -> Option<Url> {
    let what = match kind {
        SourceKind::Photos => "photo",
        SourceKind::File | SourceKind::Url => "video",
    };
    page(handle, &[what, &id.to_string()])
}

fn page(handle: &str, rest: &[&str]) -> Option<Url> {
    if handle.is_empty() {
        return None;
    }
    let mut url = Url::parse("https://www.tiktok.com").ok()?;
    url.path_segments_mut().ok()?.push(&format!("@{handle}")).extend(rest);
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_post_is_one_whatever_the_handle_is() {
        let url = |handle| post_page(handle, 7, SourceKind::File).map(String::from);
        assert_eq!(url("ada.l_1").unwrap(), "https://www.tiktok.com/@ada.l_1/video/7");
        assert_eq!(
            url("a b/../c?d#e%").unwrap(),
            "https://www.tiktok.com/@a%20b%2F..%2Fc%3Fd%23e%25/video/7"
        );
        assert_eq!(url("жа").unwrap(), "https://www.tiktok.com/@%D0%B6%D0%B0/video/7");
        assert_eq!(url("..").unwrap(), "https://www.tiktok.com/@../video/7");
        assert_eq!(url(""), None);
    }

    #[test]
    fn photos_have_a_path_of_their_own() {
        let url = post_page("ada", 7, SourceKind::Photos).map(String::from);
        assert_eq!(url.unwrap(), "https://www.tiktok.com/@ada/photo/7");
        assert_eq!(profile_page("ada").map(String::from).unwrap(), "https://www.tiktok.com/@ada");
    }
}
