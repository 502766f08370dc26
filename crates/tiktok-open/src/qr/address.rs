//! The address in a QR code: checked, and nothing changed in it but the ticket.

use crate::callback::percent_decode;

/// Where the TikTok app is sent, as the documentation has it:
/// <https://developers.tiktok.com/doc/login-kit-qr-code-authorization>.
const START: &str = "aweme://authorize?";

/// The parameter whose value is ours to choose.
const TICKET: &str = "client_ticket";

/// The longest address, in bytes; a bigger one makes a code that no terminal shows whole.
const LONGEST: usize = 2048;

/// Why the address of a QR code is not of the documented form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QrAddressError {
    /// It leads somewhere else.
    #[error("it does not begin with aweme://authorize")]
    Start,
    /// It makes a code that no terminal shows whole.
    #[error("it is too long")]
    Length,
    /// It is not printable ASCII.
    #[error("it holds characters that no address has")]
    Characters,
    /// `client_ticket` is not in it, or twice.
    #[error("it has no place, or several, for the ticket")]
    Ticket,
}

/// Puts the ticket into the provider's address. Only the bytes of the ticket's value change:
/// serialising the query anew could alter the encoding of the rest.
pub(super) fn with_ticket(address: &str, ticket: &str) -> Result<String, QrAddressError> {
    let query = address.strip_prefix(START).ok_or(QrAddressError::Start)?;
    if address.len() > LONGEST {
        return Err(QrAddressError::Length);
    }
    if !address.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(QrAddressError::Characters);
    }
    let mut values = Vec::new();
    let mut start = START.len();
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if percent_decode(name).is_ok_and(|name| name == TICKET) {
            let from = start + name.len() + 1;
            // A bare name has no place for a value.
            values.push(pair.contains('=').then_some(from..from + value.len()));
        }
        start += pair.len() + 1;
    }
    let [Some(place)] = &values[..] else {
        return Err(QrAddressError::Ticket);
    };
    let mut whole = address.to_owned();
    whole.replace_range(place.clone(), ticket);
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_value_of_the_ticket_changes() {
        let given = "aweme://authorize?authType=100&client_key=k&client_ticket=tobefilled&\
                     state=a%20b&next=tobefilled&scope=user.info.basic%2Cvideo.list";
        let made = with_ticket(given, "mine").unwrap();
        let expected = "aweme://authorize?authType=100&client_key=k&client_ticket=mine&\
                        state=a%20b&next=tobefilled&scope=user.info.basic%2Cvideo.list";
        assert_eq!(made, expected);
    }

    #[test]
    fn the_ticket_may_stand_first_or_last_or_be_empty() {
        for (given, made) in [
            ("aweme://authorize?client_ticket=x&a=b", "aweme://authorize?client_ticket=t&a=b"),
            ("aweme://authorize?a=b&client_ticket=x", "aweme://authorize?a=b&client_ticket=t"),
            ("aweme://authorize?client_ticket=", "aweme://authorize?client_ticket=t"),
        ] {
            assert_eq!(with_ticket(given, "t").unwrap(), made);
        }
    }

    #[test]
    fn an_address_of_another_form_is_refused() {
        for given in [
            "https://evil.test/?client_ticket=x",
            "aweme://evil?client_ticket=x",
            "aweme://authorize.evil?client_ticket=x",
            "AWEME://authorize?client_ticket=x",
            "aweme://authorize?a=b",
            "aweme://authorize?client_ticket",
            "aweme://authorize?client_ticket=x&client_ticket=y",
            "aweme://authorize?client_ticket=x&client%5Fticket=y",
            "aweme://authorize?client_ticket=x&a=\u{1b}[2J",
            "aweme://authorize?client_ticket=x&a=b c",
            "",
        ] {
            assert!(with_ticket(given, "t").is_err(), "{given}");
        }
        assert!(
            with_ticket(&format!("{START}client_ticket=x&a={}", "b".repeat(3000)), "t").is_err()
        );
    }

    proptest! {
        #[test]
        fn everything_around_the_ticket_stays(
            before in "([a-z]{1,5}=[a-zA-Z0-9%.]{0,9}&){0,4}",
            old in "[a-zA-Z0-9]{0,12}",
            after in "(&[a-z]{1,5}=[a-zA-Z0-9%.]{0,9}){0,4}",
        ) {
            let given = format!("{START}{before}client_ticket={old}{after}");
            let made = with_ticket(&given, "ticket").unwrap();
            prop_assert_eq!(made, format!("{START}{before}client_ticket=ticket{after}"));
        }
    }
}
