//! Quotes that a spreadsheet doubled, as it does within the cells of a CSV file.
//!
//! <https://www.rfc-editor.org/rfc/rfc4180#section-2>

use super::fault::Fault;
use super::grammar::Walk;
use super::token::Tokens;

/// That the quotes of a text are doubled, all of them, where it can be read farther with each of them once.
pub(super) fn doubled(text: &str) -> Option<Fault> {
    let at = text.find('"')?;
    let whole = text.trim();
    let within = |text: &str| {
        let inner = text.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        inner.map(str::to_owned)
    };
    let lines = || {
        let lines = whole.lines().map(|line| within(line).unwrap_or_else(|| line.to_owned()));
        lines.collect::<Vec<_>>().join("\n")
    };
    let is_doubled = |inner: &str| {
        !inner.replace("\"\"", "").contains('"')
            && pieces(&inner.replace("\"\"", "\"")) > pieces(text)
    };
    let once = "write each of them once";
    let hint = if is_doubled(whole) {
        once.to_owned()
    } else if within(whole).is_some_and(|inner| is_doubled(&inner)) {
        format!("{once}, and take away the pair around the whole")
    } else if is_doubled(&lines()) {
        format!("{once}, and take away the pair around each line")
    } else {
        return None;
    };
    Some(Fault::new(at, "quotes are doubled, as in a CSV file").hint(hint))
}

/// How many pieces of a text can be read.
fn pieces(text: &str) -> usize {
    let mut walk = Walk::new();
    Tokens::new(text, 0).take_while(|token| token.fault.is_none() && walk.step(token)).count()
}
