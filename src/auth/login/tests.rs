use super::*;

fn account() -> Account {
    let grant = Grant::new(Secret::new("act.an-access-token"), Secret::new("rft.a-refresh-token"));
    let issuer = Issuer { client_key: "key", app: None, api: "https://open.tiktokapis.com" };
    Account::new("_000someone".into(), grant, issuer, Clock::default().now())
}

#[test]
fn the_last_page_says_who_it_was_and_what_is_missing() {
    let done = LoggedIn {
        account: Account { display_name: Some("Ada".into()), ..account() },
        missing: Scopes::from_answer("video.publish"),
        again: false,
    };
    let Page::LoggedIn { name, missing } = last_page(&Ok(done)) else { panic!() };
    assert_eq!(name, "Ada");
    assert_eq!(missing, ["video.publish was not granted: posting directly will not work"]);
    let nameless = LoggedIn { account: account(), missing: Scopes::default(), again: false };
    let page = last_page(&Ok(nameless));
    assert_eq!(page, Page::LoggedIn { name: "_000someone".into(), missing: Vec::new() });
}

#[test]
fn a_new_login_keeps_what_was_said_of_the_account() {
    let known = Account {
        alias: Some("anna".into()),
        paused_since: Some(Clock::default().now()),
        ..account()
    };
    let merged = merged(account(), Some(&known), None, |_| Ok(())).unwrap();
    assert_eq!((merged.alias, merged.paused_since), (known.alias, known.paused_since));
}

#[test]
fn the_last_page_says_what_failed() {
    let source = Box::new(ApiError::NotSent {
        host: "open.tiktokapis.com".into(),
        reason: "connection refused".into(),
        os_error: None,
        obstacle: None,
    });
    let error = AuthError::Exchange { key: "`aw1234…`".into(), source };
    let Page::Failed { what } = last_page(&Err(error)) else { panic!() };
    assert!(what.starts_with("failed to exchange the authorization code: "), "{what}");
    assert!(what.contains("connection refused"), "{what}");
}
