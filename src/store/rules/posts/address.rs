//! One address, many spellings: what is the same in two URLs of the same thing.
//!
//! The URL goes to TikTok as it was written; it is compared without what does not change what it names:
//! the case of the host, the default port, the fragment, dot segments, needless percent encoding (RFC
//! 3986, section 6.2), the order of parameters, and the signatures of object stores, which are other
//! ones each time that a link is made.

use url::Url;

/// A URL as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct Address {
    /// Scheme, host, port and path.
    pub(in crate::store) place: String,
    /// The parameters that are left, in the order of their names.
    parameters: Vec<String>,
    /// Whether it carried a signature of a known kind.
    pub(in crate::store) signed: bool,
}

/// Parameters of an Azure shared access signature
/// (<https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas>).
const AZURE: [&str; 23] = [
    "sv", "ss", "srt", "sp", "se", "st", "spr", "sig", "sr", "si", "sip", "skoid", "sktid", "skt",
    "ske", "sks", "skv", "sdd", "saoid", "suoid", "scid", "sduoid", "skdutid",
];

/// What else is part of a signature where its first two parameters are there: version 2 of S3, of Alibaba's OSS and
/// of Google Cloud Storage, and `CloudFront`.
const SCHEMES: [&[&str]; 4] = [
    &["awsaccesskeyid", "signature", "expires"],
    &["ossaccesskeyid", "signature", "expires", "security-token"],
    &["googleaccessid", "signature", "expires"],
    &["key-pair-id", "signature", "policy", "expires", "hash-algorithm"],
];

/// Names of parameters that make a link valid for a while in schemes of all kinds.
const PASSING: [&str; 11] = [
    "token",
    "signature",
    "expire",
    "credential",
    "secret",
    "hdnts",
    "hdnea",
    "hmac",
    "jwt",
    "nonce",
    "policy",
];

/// The same, where the whole name is meant.
const PASSING_WHOLE: [&str; 9] = ["e", "exp", "st", "ts", "sig", "auth", "md5", "ttl", "verify"];

impl Address {
    /// Reads a URL. A text that is none is its own place.
    pub(in crate::store) fn of(text: &str) -> Self {
        let Ok(mut url) = Url::parse(text) else {
            return Self { place: text.to_owned(), parameters: Vec::new(), signed: false };
        };
        url.set_fragment(None);
        let all: Vec<String> = url
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|parameter| !parameter.is_empty())
            .map(plain_encoding)
            .collect();
        url.set_query(None);
        let names: Vec<String> = all.iter().map(|parameter| name(parameter)).collect();
        let mut parameters: Vec<String> = all
            .iter()
            .zip(&names)
            .filter(|(_, name)| !is_signature(name, &names))
            .map(|(parameter, _)| parameter.clone())
            .collect();
        let signed = parameters.len() < all.len();
        // Stable: the order of several with one name may mean something.
        parameters.sort_by_key(|parameter| name(parameter));
        Self { place: plain_encoding(url.as_str()), parameters, signed }
    }

    /// The whole of it, as it is compared.
    pub(in crate::store) fn whole(&self) -> String {
        format!("{}?{}", self.place, self.parameters.join("&"))
    }

    /// Whether what is left of its query looks as if it made the link valid for a while.
    pub(in crate::store) fn seems_to_pass(&self) -> bool {
        self.parameters.iter().map(|parameter| name(parameter)).any(|name| {
            PASSING.iter().any(|part| name.contains(part)) || PASSING_WHOLE.contains(&name.as_str())
        })
    }
}

fn name(parameter: &str) -> String {
    parameter.split('=').next().unwrap_or_default().to_ascii_lowercase()
}

/// Whether a parameter belongs to a signature of a known kind; `all` are the names in the URL.
fn is_signature(name: &str, all: &[String]) -> bool {
    let has = |name: &str| all.iter().any(|other| other == name);
    // Version 4 of S3, which R2 and others speak as well, and of Google Cloud Storage:
    // <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>,
    // <https://cloud.google.com/storage/docs/authentication/canonical-requests>.
    let version_4 =
        |name: &str| ["x-amz-", "x-goog-", "x-oss-"].iter().any(|begin| name.starts_with(begin));
    version_4(name)
        || (name == "x-id" && all.iter().any(|other| version_4(other)))
        || (has("sig") && has("sv") && AZURE.contains(&name))
        || SCHEMES.iter().any(|scheme| has(scheme[0]) && has(scheme[1]) && scheme.contains(&name))
}

/// Percent encoding in its one normal form: characters that need none are bare, hex digits upper case.
fn plain_encoding(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let code = rest.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                out.push(char::from(byte));
                rest = &rest[2..];
            }
            Some(_) => {
                out.push('%');
                out.push_str(&rest[..2].to_ascii_uppercase());
                rest = &rest[2..];
            }
            None => out.push('%'),
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(one: &str, other: &str) -> bool {
        Address::of(one).whole() == Address::of(other).whole()
    }

    #[test]
    fn spellings_of_one_address_are_the_same() {
        let plain = "https://cdn.example.com/a/clip%20~1.mp4";
        for spelling in [
            "HTTPS://CDN.Example.COM:443/a/clip%20~1.mp4#t=1",
            "https://cdn.example.com/b/../a/./clip%20~1.mp4",
            "https://cdn.example.com/a/clip%20%7e1.mp4?",
            "https://cdn.example.com/%61/clip%20~1.mp4",
        ] {
            assert!(same(plain, spelling), "{spelling}");
        }
        assert!(same("https://a.example/x?b=%2f&a=1", "https://a.example/x?a=1&b=%2F"));
    }

    #[test]
    fn signatures_of_object_stores_are_left_out() {
        let plain = "https://s.example/clip.mp4";
        for query in [
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=k%2F1&X-Amz-Date=1&X-Amz-Expires=60\
             &X-Amz-SignedHeaders=host&X-Amz-Signature=a&X-Amz-Security-Token=t&x-id=GetObject",
            "AWSAccessKeyId=k&Signature=a%3D&Expires=1",
            "X-Goog-Algorithm=g&X-Goog-Signature=b&X-Goog-Date=2",
            "GoogleAccessId=me&Expires=1&Signature=s",
            "sv=2024-05-04&st=1&se=2&sr=b&sp=r&sig=x&skoid=1",
            "Policy=p&Signature=s&Key-Pair-Id=k",
            "Expires=1&Signature=s&Key-Pair-Id=k&Hash-Algorithm=SHA256",
        ] {
            let signed = format!("{plain}?{query}");
            assert!(same(plain, &signed), "{query}");
            assert!(Address::of(&signed).signed);
            let versioned = format!("{plain}?{query}&versionId=7");
            assert!(same(&format!("{plain}?versionId=7"), &versioned), "{query}");
        }
    }

    #[test]
    fn what_names_the_content_is_kept() {
        for (one, other) in [
            ("https://a.example/x", "https://a.example/X"),
            ("https://a.example/x", "https://a.example:8443/x"),
            ("https://a.example/x?v=1", "https://a.example/x?v=2"),
            ("https://a.example/x?v=1&v=2", "https://a.example/x?v=2&v=1"),
            ("https://a.example/a%2Fb", "https://a.example/a/b"),
            // Not a signature by itself.
            ("https://a.example/x?expires=1", "https://a.example/x"),
            ("https://a.example/x?sig=1", "https://a.example/x?sig=2"),
        ] {
            assert!(!same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn links_of_unknown_kinds_that_pass_are_told_from_names() {
        let seems =
            |query: &str| Address::of(&format!("https://a.example/x?{query}")).seems_to_pass();
        for query in ["token=a", "access_token=a", "Expires=1", "e=1&st=x", "verify=1-x", "sig=1"] {
            assert!(seems(query), "{query}");
        }
        for query in ["id=7", "v=2", "file=clip.mp4", "quality=hd", "key=clip"] {
            assert!(!seems(query), "{query}");
        }
    }

    proptest! {
        #[test]
        fn comparing_twice_changes_nothing(path in "[ -~]{0,40}") {
            let once = Address::of(&format!("https://a.example/{path}")).whole();
            prop_assert_eq!(Address::of(&once).whole(), once);
        }
    }
}
