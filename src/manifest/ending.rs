//! Why a text ends before it is a manifest.

use super::fault::Fault;
use super::foreign::EXAMPLE;
use super::grammar::{Expects, Walk};
use super::place::Places;
use super::token::{Bracket, Kind, Tokens};

/// The end of the file, where more must come.
pub(super) fn cut_short(text: &str, walk: &Walk, end: usize) -> Fault {
    if matches!(walk.expects, Expects::Colon | Expects::Field) {
        return Fault::new(end, "the file ends here, within an object that is never closed")
            .hint("it was cut off: write or copy it again");
    }
    let Some((bracket, at)) = walk.open.last() else {
        return Fault::new(end, "the file ends here, and a value is missing").hint(EXAMPLE);
    };
    if let Some(fault) = swallowed(text) {
        return fault;
    }
    let closers: String = walk.open.iter().rev().map(|(bracket, _)| bracket.closer()).collect();
    let twice = walk.open.iter().any(|(bracket, at)| is_doubled(text, *bracket, *at));
    let hint = if twice {
        format!("write {closers} at the end, or take one of the two `[` away")
    } else {
        format!(
            "write {closers} where it ends, at the latest at the end; a file that was cut off is copied again"
        )
    };
    Fault::new(*at, never_closed(*bracket)).hint(hint)
}

/// The posts, where they stand in `defaults`, which has no such field.
fn swallowed(text: &str) -> Option<Fault> {
    let mut walk = Walk::new();
    let mut outermost = "";
    for token in Tokens::new(text, 0) {
        if token.kind == Kind::Text && walk.expects == Expects::Key {
            let name = text.get(token.start..token.end)?;
            match walk.open.as_slice() {
                [_] => outermost = name,
                [_, (Bracket::Object, opened)]
                    if name == "\"posts\"" && outermost == "\"defaults\"" =>
                {
                    let (line, _) = Places::new(text).locate(*opened);
                    let fault = Fault::new(token.start, "`}` is missing before `\"posts\"`");
                    return Some(fault.hint(format!(
                        "it closes the object that begins on line {line}: write }}, before it"
                    )));
                }
                _ => {}
            }
        }
        if !walk.step(&token) {
            return None;
        }
    }
    None
}

pub(super) fn never_closed(bracket: Bracket) -> String {
    format!("the {} that begins here is never closed", bracket.name())
}

/// Whether a list begins with a list, which no manifest does.
pub(super) fn is_doubled(text: &str, bracket: Bracket, at: usize) -> bool {
    let inner = || Tokens::new(text, at + 1).next().map(|inner| inner.kind);
    bracket == Bracket::List && inner() == Some(Kind::Open(Bracket::List))
}
