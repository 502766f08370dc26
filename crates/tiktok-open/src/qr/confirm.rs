//! The code in a confirmed answer, which the documentation's table and examples put in different
//! places.

use crate::callback::{Denial, Query, percent_decode};
use crate::{QrCheck, Secret};

/// What a confirmed QR code is exchanged with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QrConfirmed {
    /// The authorization code, decoded once.
    pub code: Secret,
    /// The redirect URI that TikTok named, without query and fragment.
    pub redirect_uri: Option<String>,
}

/// Why a confirmed answer leads to no exchange.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QrRefused {
    /// The state in it is of another login.
    #[error("the answer is for another login")]
    State,
    /// There is no code in it.
    #[error("confirmed without a code")]
    Empty,
    /// There is an error in it instead.
    #[error("TikTok refused the login: {0}")]
    Denied(Denial),
}

/// Finds the code: in the query of `redirect_uri`, or of a URL in `code`, or `code` itself.
pub(super) fn confirmed(check: &QrCheck, state: &Secret) -> Result<QrConfirmed, QrRefused> {
    let texts = [check.redirect_uri.as_ref(), check.code.as_ref()];
    let addresses: Vec<Address<'_>> =
        texts.into_iter().flatten().filter_map(|text| Address::of(text.expose())).collect();
    let mut states = vec![check.state.clone()];
    states.extend(addresses.iter().map(|address| address.query.state.clone()));
    // The ticket has tied this answer to us already; a state is not always sent along.
    if states.into_iter().flatten().any(|found| !found.is_empty() && found != *state) {
        return Err(QrRefused::State);
    }
    if let Some(denial) = addresses.iter().find_map(|address| address.query.denial()) {
        return Err(QrRefused::Denied(denial));
    }
    let in_address = addresses.iter().find_map(|address| address.query.code.clone());
    let bare = || {
        let text = check.code.as_ref().map(Secret::expose).filter(|text| !text.contains("://"))?;
        Some(Secret::new(percent_decode(text).unwrap_or_else(|_| text.to_owned())))
    };
    let code = in_address.or_else(bare).filter(|code| !code.is_empty()).ok_or(QrRefused::Empty)?;
    let code = Secret::new(code.expose());
    let redirect_uri = addresses.first().map(|address| address.base.to_owned());
    Ok(QrConfirmed { code, redirect_uri })
}

/// A URL taken apart.
struct Address<'a> {
    base: &'a str,
    query: Query,
}

impl<'a> Address<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let text = text.split_once('#').map_or(text, |(before, _)| before);
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let query = Query::parse(query).ok()?;
        base.contains("://").then_some(Self { base, query })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = "5ec2e7";

    fn check(rest: &str) -> QrCheck {
        let json = format!(r#"{{"client_ticket":"t","status":"confirmed"{rest}}}"#);
        serde_json::from_str(&json).unwrap()
    }

    fn judged(rest: &str) -> Result<QrConfirmed, QrRefused> {
        confirmed(&check(rest), &Secret::new(STATE))
    }

    #[test]
    fn every_documented_shape_holds_the_code() {
        let uri = Some("https://example.com");
        for (rest, redirect_uri) in [
            (r#","code":"c*!1""#, None),
            (r#","code":"c%2A%211""#, None),
            (r#","code":"https://example.com?code=c%2A%211""#, uri),
            (r#","redirect_uri":"https://example.com?code=c%2A%211""#, uri),
            (r#","redirect_uri":"https://example.com?code=c*!1&state=5ec2e7&scopes=a#f""#, uri),
            (r#","redirect_uri":"https://example.com","code":"c*!1""#, uri),
            (r#","redirect_uri":"https://example.com?code=c*!1","code":"other""#, uri),
            (r#","state":"5ec2e7","code":"c*!1""#, None),
            (r#","state":"","code":"c*!1""#, None),
        ] {
            let found = judged(rest).unwrap();
            assert_eq!(found.code.expose(), "c*!1", "{rest}");
            assert_eq!(found.redirect_uri.as_deref(), redirect_uri, "{rest}");
        }
    }

    #[test]
    fn a_code_is_decoded_exactly_once() {
        let found = judged(r#","redirect_uri":"https://e.com/?code=%252A""#).unwrap();
        assert_eq!(found.code.expose(), "%2A");
    }

    #[test]
    fn a_state_that_is_there_must_be_ours() {
        for rest in [
            r#","state":"other","code":"c""#,
            r#","redirect_uri":"https://example.com?code=c&state=other""#,
            r#","state":"5ec2e7","redirect_uri":"https://example.com?code=c&state=other""#,
        ] {
            assert_eq!(judged(rest), Err(QrRefused::State), "{rest}");
        }
    }

    #[test]
    fn an_answer_without_a_code_is_empty() {
        for rest in ["", r#","code":"""#, r#","redirect_uri":"https://example.com?scopes=a""#] {
            assert_eq!(judged(rest), Err(QrRefused::Empty), "{rest}");
        }
    }

    #[test]
    fn an_error_in_the_address_is_a_refusal() {
        let rest = r#","redirect_uri":"https://example.com?error=access_denied&state=5ec2e7""#;
        assert!(
            matches!(judged(rest), Err(QrRefused::Denied(denial)) if denial.error == "access_denied")
        );
    }
}
