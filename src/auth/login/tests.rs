use super::*;
use crate::exit::Exit;
use crate::output::Explain as _;

fn app(redirect_uri: Option<&str>) -> App {
    App {
        name: None,
        client_key: "key".into(),
        client_secret: Secret::new("a secret of the app"),
        redirect_uri: redirect_uri.map(ToOwned::to_owned),
        scopes: None,
    }
}

#[test]
fn the_port_comes_from_the_registered_redirect_uri() {
    for (given, port) in [
        (None, PORT),
        (Some("http://127.0.0.1:*/callback/"), PORT),
        (Some("http://127.0.0.1:4000/callback/"), 4000),
    ] {
        assert_eq!(configured_port(&app(given)).unwrap(), port, "{given:?}");
    }
}

#[test]
fn a_redirect_uri_that_leads_elsewhere_is_a_usage_error() {
    for given in [
        "http://localhost:3456/callback/",
        "https://127.0.0.1:3456/callback/",
        "http://127.0.0.1:3456/callback",
        "http://127.0.0.1/callback/",
        "http://127.0.0.1:99999/callback/",
        "https://example.com/callback/",
    ] {
        let error = configured_port(&app(Some(given))).unwrap_err();
        assert_eq!(error.exit(), Exit::Usage, "{given}");
        assert!(error.hint().unwrap().contains("--paste"));
    }
}
