//! URLs that TikTok can pull from.

use thiserror::Error;
use url::{Host, ParseError, Url};

use crate::model::Source;
use crate::text;

/// Why TikTok cannot pull from a URL.
///
/// <https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum NotPullable {
    /// No URL at all.
    #[error("not a URL")]
    Form,
    /// Another scheme.
    #[error("must be an https URL")]
    Scheme,
    /// An address instead of a name.
    #[error("the host must be a name, not an IP address")]
    Address,
    /// A name that only the machine itself or its own network knows.
    #[error(
        "TikTok cannot reach this host: its name is known on this machine or its network alone"
    )]
    Unreachable,
    /// `https://user:password@…`.
    #[error("the URL must not carry a user name or password")]
    UserInfo,
    /// White space or control characters, which would be read differently here and there.
    #[error("the URL must not contain white space, control characters or backslashes")]
    Characters,
    /// Characters that nobody sees.
    #[error("the URL must not contain characters that nobody sees")]
    Hidden,
    /// A port beyond 65535, or none at all.
    #[error("the port of the URL is none: they go from 1 to 65535")]
    Port,
}

impl NotPullable {
    /// What to do about `text`, which is meant to be a URL of `photo`s or of a video.
    pub(super) fn hint(self, text: &str, photo: bool) -> Option<String> {
        let schemed = text.trim_start().get(..4).is_some_and(|it| it.eq_ignore_ascii_case("http"));
        let hint = match self {
            Self::Form | Self::Scheme if schemed => "write it like https://cdn.example.com/name",
            Self::Form | Self::Scheme if text::begins_with_host(text) => "write https:// before it",
            Self::Form | Self::Scheme if photo => {
                "photos cannot come from this machine: TikTok pulls them over https from a domain that \
                 the app has verified"
            }
            Self::Form | Self::Scheme => {
                "TikTok pulls over https only; a file on this machine goes into `video_path`"
            }
            Self::Address => "TikTok pulls only from domains that the app has verified",
            Self::Unreachable if photo => {
                "TikTok's own servers pull the photos: put them on a public host"
            }
            Self::Unreachable => {
                "TikTok's own servers pull the video: put it on a public host, or send the file itself with \
                 `video_path`"
            }
            Self::UserInfo => return None,
            Self::Port => "leave the port out, or write the right one",
            Self::Characters | Self::Hidden => {
                return Some(match text::listed(text) {
                    Some(hidden) => format!("it holds {hidden}: take it away"),
                    None if text.trim() != text => {
                        "take away the space at its beginning or end".to_owned()
                    }
                    None if text.contains('\\') => "a URL has `/` where this has `\\`".to_owned(),
                    None => "write a space as %20".to_owned(),
                });
            }
        };
        Some(hint.to_owned())
    }
}

/// Whether TikTok can pull from this URL, as far as its form tells.
pub(super) fn check(text: &str) -> Result<(), NotPullable> {
    if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err(NotPullable::Characters);
    }
    if text::listed(text).is_some() {
        return Err(NotPullable::Hidden);
    }
    let url = Url::parse(text).map_err(|error| match error {
        ParseError::InvalidPort => NotPullable::Port,
        _ => NotPullable::Form,
    })?;
    if url.scheme() != "https" {
        return Err(NotPullable::Scheme);
    }
    // The URL goes to TikTok as it is written, so what a lenient parser mends is not good enough.
    if !text.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"))
        || text[8..].starts_with('/')
    {
        return Err(NotPullable::Form);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(NotPullable::UserInfo);
    }
    if url.port() == Some(0) {
        return Err(NotPullable::Port);
    }
    match url.host() {
        // The parser lets through what no name of a host has.
        Some(Host::Domain(name)) if name.contains(|c: char| !is_of_host(c)) => {
            Err(NotPullable::Form)
        }
        Some(Host::Domain(name)) if is_local(name) => Err(NotPullable::Unreachable),
        Some(Host::Domain(_)) => Ok(()),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => Err(NotPullable::Address),
        None => Err(NotPullable::Form),
    }
}

/// Why TikTok cannot pull from this URL, of a photo or of a video, and what to do about it: a sentence without the URL
/// and without the fields of a manifest.
pub(crate) fn refusal(text: &str, photo: bool) -> Option<String> {
    let error = check(text).err()?;
    let hint = error.hint(text, photo).filter(|hint| !hint.contains('`'));
    let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
    Some(format!("{error}{hint}"))
}

/// Whether names of hosts, in ASCII, have this character; some have an underscore.
fn is_of_host(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_')
}

/// Whether a host has a name that the public DNS does not have: a single label, or one of those that are set
/// aside or in use for local networks.
///
/// <https://www.iana.org/assignments/special-use-domain-names>
fn is_local(host: &str) -> bool {
    const LOCAL: [&str; 8] =
        ["localhost", "local", "internal", "lan", "home", "corp", "intranet", "home.arpa"];
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_below = |domain: &&str| {
        host.strip_suffix(*domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    !host.contains('.') || LOCAL.iter().any(is_below)
}

/// What the URLs of a post are named after, where that is a format that TikTok does not take: a sentence, as
/// what is behind a name may be something else.
///
/// <https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide>
pub(super) fn other_formats(source: &Source) -> Option<String> {
    let urls = source.urls();
    let (photos, taken) = match source {
        Source::Photos { .. } => (true, "photos as JPEG or WebP"),
        _ => (false, "videos as MP4, MOV or WebM"),
    };
    let named: Vec<_> = urls.iter().enumerate().collect();
    let mut named: Vec<_> = named
        .into_iter()
        .filter_map(|(at, url)| Some((at + 1, other_format(url, photos)?)))
        .collect();
    let first = named.first()?.1;
    let places = named.iter().map(|(at, _)| at.to_string()).collect::<Vec<_>>();
    let (what, ends) = match places.split_last() {
        _ if !photos => ("the address".to_owned(), "ends"),
        Some((last, [])) => (format!("photo {last}"), "ends"),
        Some((last, before)) => (format!("photos {} and {last}", before.join(", ")), "end"),
        None => return None,
    };
    named.dedup_by_key(|(_, extension)| *extension);
    let extensions =
        if named.len() > 1 { format!("`.{first}` and the like") } else { format!("`.{first}`") };
    Some(format!(
        "{what} {ends} in {extensions}: TikTok takes {taken}, and fails the post for anything else"
    ))
}

/// That a URL of a post leads to a site whose addresses are pages, and whose name nobody's app can verify: a
/// sentence.
///
/// <https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide>
pub(super) fn page(source: &Source) -> Option<String> {
    const SITES: [&str; 23] = [
        "1drv.ms",
        "box.com",
        "dailymotion.com",
        "dropbox.com",
        "facebook.com",
        "fb.watch",
        "flickr.com",
        "drive.google.com",
        "photos.google.com",
        "photos.app.goo.gl",
        "icloud.com",
        "imgur.com",
        "instagram.com",
        "mega.nz",
        "onedrive.live.com",
        "pinterest.com",
        "tiktok.com",
        "twitch.tv",
        "twitter.com",
        "vimeo.com",
        "wetransfer.com",
        "x.com",
        "youtube.com",
    ];
    let site = source.urls().iter().find_map(|url| {
        let url = Url::parse(url).ok()?;
        let host = url.host_str()?.to_ascii_lowercase();
        if host == "youtu.be" {
            return Some("youtube.com");
        }
        // Not the hosts below them from which files come.
        let host =
            ["www.", "m."].iter().find_map(|start| host.strip_prefix(start)).unwrap_or(&host);
        SITES.into_iter().find(|site| *site == host)
    })?;
    Some(format!(
        "the address is one of {site}, where pages are and not files: TikTok pulls a file, and only from a domain or \
         address that the app has verified as its owner's"
    ))
}

/// The extension of the last name in a URL's path, if it is that of a format that TikTok surely does not
/// take there, and the query does not ask for one that it takes.
fn other_format(url: &str, photo: bool) -> Option<&'static str> {
    const PICTURES: [&str; 11] =
        ["avif", "bmp", "dng", "gif", "heic", "heif", "jxl", "png", "svg", "tif", "tiff"];
    const PHOTOS: [&str; 4] = ["jpeg", "jpg", "jfif", "webp"];
    const FILMS: [&str; 3] = ["mp4", "mov", "webm"];
    const OTHER_FILMS: [&str; 10] =
        ["avi", "flv", "m3u8", "mkv", "mpd", "mpeg", "mpg", "mxf", "ogv", "wmv"];
    let url = Url::parse(url).ok()?;
    let name = url.path_segments()?.next_back()?;
    let extension = name.rsplit_once('.')?.1.to_ascii_lowercase();
    let query = url.query().unwrap_or_default().to_ascii_lowercase();
    let (taken, beyond): (&[&str], &[&str]) =
        if photo { (&PHOTOS, &FILMS) } else { (&FILMS, &PHOTOS) };
    if taken.iter().any(|format| query.contains(format)) {
        return None;
    }
    let mut others = PICTURES.iter().chain(&OTHER_FILMS).chain(beyond);
    others.find(|other| **other == extension).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_https_url_with_a_name_is_taken() {
        for url in [
            "https://cdn.example.com/a.mp4",
            "HTTPS://CDN.example.com:8443/a%20b.mp4?sig=x%2Fy&z#f",
            "https://münchen.example/ä.mp4",
            "https://local.example.com/a.mp4",
            "https://mylocal.com/a.mp4",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn other_urls_are_refused_with_the_reason() {
        for (url, reason) in [
            ("", NotPullable::Form),
            ("clip.mp4", NotPullable::Form),
            ("https://", NotPullable::Form),
            ("https:cdn.example.com/a.mp4", NotPullable::Form),
            ("https:///cdn.example.com/a.mp4", NotPullable::Form),
            ("http://cdn.example.com/a.mp4", NotPullable::Scheme),
            ("file:///home/me/a.mp4", NotPullable::Scheme),
            ("https://${HOST}.example.com/a.mp4", NotPullable::Form),
            ("https://{{host}}/a.mp4", NotPullable::Form),
            ("https://192.0.2.7/a.mp4", NotPullable::Address),
            ("https://127.1/a.mp4", NotPullable::Address),
            ("https://[2001:db8::7]/a.mp4", NotPullable::Address),
            ("https://localhost/a.mp4", NotPullable::Unreachable),
            ("https://LOCALHOST:8443/a.mp4", NotPullable::Unreachable),
            ("https://localhost./a.mp4", NotPullable::Unreachable),
            ("https://nas/a.mp4", NotPullable::Unreachable),
            ("https://nas.local/a.mp4", NotPullable::Unreachable),
            ("https://cdn.dev.internal/a.mp4", NotPullable::Unreachable),
            ("https://box.home.arpa/a.mp4", NotPullable::Unreachable),
            ("https://app.localhost/a.mp4", NotPullable::Unreachable),
            ("https://me:pw@cdn.example.com/a.mp4", NotPullable::UserInfo),
            ("https://me@cdn.example.com/a.mp4", NotPullable::UserInfo),
            ("https://cdn.example.com/a b.mp4", NotPullable::Characters),
            (" https://cdn.example.com/a.mp4", NotPullable::Characters),
            ("https:\\\\cdn.example.com\\a.mp4", NotPullable::Characters),
            ("https://cdn.example.com/\n", NotPullable::Characters),
            ("https://cdn.example.com/a.mp4\u{200b}", NotPullable::Hidden),
            ("https://cdn.example.com:99999/a.mp4", NotPullable::Port),
            ("https://cdn.example.com:0/a.mp4", NotPullable::Port),
        ] {
            assert_eq!(check(url), Err(reason), "{url:?}");
        }
    }

    #[test]
    fn what_to_do_depends_on_what_is_wrong() {
        for (url, photo, says) in [
            ("a.jpg", true, "photos cannot come from this machine"),
            ("a.mp4", false, "goes into `video_path`"),
            ("https://cdn.example.com/a.mp4 ", false, "take away the space"),
            ("https://cdn.example.com/a b.mp4", false, "%20"),
            ("https://cdn.example.com/a.mp4\u{200b}", false, "a zero-width space (U+200B)"),
            ("https://cdn.example.com:99999/a.mp4", false, "port"),
            ("https://localhost/a.mp4", false, "`video_path`"),
            ("https://localhost/a.jpg", true, "public host"),
        ] {
            let hint = check(url).unwrap_err().hint(url, photo).unwrap();
            assert!(hint.contains(says), "{url}: {hint}");
        }
    }

    fn photos(urls: &[&str]) -> Option<String> {
        let urls = urls.iter().map(|url| format!("https://cdn.example.com/{url}")).collect();
        other_formats(&Source::Photos { urls, cover_index: 0 })
    }

    #[test]
    fn a_name_of_a_format_that_tiktok_does_not_take_is_told() {
        let said = photos(&["1.jpg", "2.PNG", "3.webp", "4.png?sig=1"]).unwrap();
        assert_eq!(
            said,
            "photos 2 and 4 end in `.png`: TikTok takes photos as JPEG or WebP, and fails the post for \
             anything else"
        );
        assert!(photos(&["a.heic", "b.gif"]).unwrap().contains("`.heic` and the like"));
        assert!(photos(&["a.mp4"]).unwrap().starts_with("photo 1 ends in `.mp4`"));
        let video = |name| other_formats(&Source::Url(format!("https://cdn.example.com/{name}")));
        assert!(
            video("a.mkv").unwrap().starts_with("the address ends in `.mkv`: TikTok takes videos")
        );
        assert_eq!(video("a.mp4"), None);
    }

    #[test]
    fn a_name_that_says_nothing_of_the_format_is_not_told() {
        assert_eq!(
            photos(&["a.jpeg", "b.JPG", "c.webp", "png", "d.png/view", "e", "f.php?x=.png"]),
            None
        );
        // The server converts it.
        assert_eq!(photos(&["a.png?format=webp", "b.heic?fm=jpg"]), None);
        assert_eq!(other_formats(&Source::File(std::path::PathBuf::from("a.mkv").into())), None);
    }

    #[test]
    fn a_page_of_a_site_is_told() {
        let page = |url: &str| page(&Source::Url(url.to_owned()));
        for url in [
            "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
            "https://youtu.be/dQw4w9WgXcQ",
            "https://m.facebook.com/watch/?v=1",
            "https://drive.google.com/file/d/1/view?usp=sharing",
            "https://www.dropbox.com/s/1/a.mp4?dl=0",
            "https://WWW.TIKTOK.COM/@ada/video/1",
        ] {
            assert!(page(url).unwrap().contains("pages are and not files"), "{url}");
        }
        for url in ["https://cdn.example.com/youtube.com/a.mp4", "https://myx.com/a.mp4"] {
            assert_eq!(page(url), None, "{url}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = check(&text);
        }
    }
}
