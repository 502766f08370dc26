//! Why a text stops being JSON at a place: the least change with which it could be read on.
//!
//! A slip of a hand is one piece too few, too many or another. Each that could have led here is undone in
//! turn, the text is read on from a little before, and the one that leads farthest is told; of several, the
//! first. What stands for itself, such as `True` or `0x10`, needs no trial.

use std::ops::Range;

use super::ending::{cut_short, is_doubled, never_closed};
use super::fault::Fault;
use super::foreign::{ASCII_COLON, ASCII_COMMA, EXAMPLE, IN_QUOTES};
use super::foreign::{ascii, bare_name, call, filler, instead_of_word, is_number, is_quote, mark};
use super::grammar::{Expects, Walk};
use super::place::Places;
use super::review::{excerpt, pasted};
use super::token::{Bracket, Kind, Token, Tokens, is_of_number};
use crate::text::template;

/// What is said of posts within an object's brackets.
const SEVERAL: &str =
    "several posts are a list: write [ for this {, and ] for the } that closes it";

/// How many pieces before the place a change may concern.
const BACK: usize = 3;

/// How far a text is read on behind a change, in bytes.
const AHEAD: usize = 4096;

/// How many quotes of a line are tried as the end of a text.
const QUOTES: usize = 16;

/// The place at which a text cannot be read on.
struct Stumble<'t> {
    text: &'t str,
    /// Before the piece that may not stand here.
    walk: &'t Walk,
    next: &'t Token,
    /// The pieces before it, the nearest first.
    before: Vec<Token>,
    /// A little before the place: where, and what was read until there.
    from: (usize, Walk),
}

/// A change that may mend the text, and what it mends.
struct Repair {
    cut: Range<usize>,
    insert: String,
    fault: Fault,
}

/// How far a text can be read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// To a piece that begins at this byte.
    To(usize),
    /// To its end, with nothing left open, as far as it was looked at.
    End,
}

/// Why a text cannot be read on at `next`, or at its end.
pub(super) fn cause(text: &str, walk: &Walk, next: Option<&Token>) -> Fault {
    let skipped = walk.count.saturating_sub(BACK);
    let mut from = (0, Walk::new());
    for token in Tokens::new(text, 0).take(skipped) {
        from.1.step(&token);
        from.0 = token.end;
    }
    let mut before: Vec<_> = Tokens::new(text, from.0).take(walk.count - skipped).collect();
    before.reverse();
    match next {
        Some(next) => Stumble { text, walk, next, before, from }.cause(),
        None => cut_short(text, walk, before.first().map_or(0, |last| last.end)),
    }
}

impl Stumble<'_> {
    fn cause(&self) -> Fault {
        let here = self.here();
        let told = (self.template())
            .or_else(|| self.joined())
            .or_else(|| self.several())
            .or_else(|| self.outermost());
        if let Some(told) = told {
            return told;
        }
        let told = match self.next.kind {
            Kind::Word => (self.word()).or_else(|| self.call()).or_else(|| self.best(self.any())),
            Kind::Foreign if self.next.fault.is_some() => (self.sign(&here))
                .or_else(|| self.before_quote())
                .or_else(|| self.best(self.marks().into_iter().chain(self.quotes()).collect()))
                .or_else(|| self.next.fault.clone()),
            Kind::Foreign => (self.filler())
                .or_else(|| self.sign(&here))
                .or_else(|| self.thousands())
                .or_else(|| self.number())
                .or_else(|| self.best(self.any())),
            _ => self.thousands().or_else(|| self.best(self.any())),
        };
        told.unwrap_or_else(|| self.anything())
    }

    /// The piece that may not stand here, as a message shows it.
    fn here(&self) -> String {
        excerpt(self.written(self.next))
    }

    fn written(&self, token: &Token) -> &str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    fn last(&self) -> Option<&Token> {
        self.before.first()
    }

    /// Whether a value may stand here.
    fn wants_value(&self) -> bool {
        matches!(self.walk.expects, Expects::Document | Expects::Element | Expects::Field)
    }

    fn unexpected(&self) -> Fault {
        Fault::new(self.next.start, format!("unexpected `{}`", self.here()))
    }

    /// What is said where no change leads on.
    fn anything(&self) -> Fault {
        let at = self.next.start;
        match (self.walk.expects, self.next.kind) {
            // A name and no bracket before it.
            (Expects::Nothing, Kind::Colon) if self.walk.count == 1 => {
                let start = self.last().map_or(at, |name| name.start);
                Fault::new(start, "`{` is missing before this field").hint(
                    "a post is written [{ … }]: write [{ before its fields and }] behind them",
                )
            }
            (Expects::Nothing, _) if is_json_lines(self.text, at) => {
                Fault::new(at, "this is JSON Lines, a value on each line, not one list")
                    .hint("put all posts into one list, with commas between them: [ … ]")
            }
            (Expects::Nothing, Kind::Word) => {
                Fault::new(at, "something follows the end of the manifest")
                    .hint("take away what stands behind its last bracket")
            }
            (Expects::Nothing, _) => Fault::new(at, "something follows the end of the manifest")
                .hint("put all posts into one array: [ … ]"),
            (Expects::Colon, _) => Fault::new(at, "a colon is missing before this"),
            (Expects::Key, Kind::Word | Kind::Value) => {
                self.unexpected().hint(name_hint(self.written(self.next)))
            }
            (Expects::Key, _) => self
                .unexpected()
                .hint("each field is written \"name\": value, its name in double quotes"),
            (_, Kind::Word) => self.unexpected().hint(IN_QUOTES),
            _ => self.unexpected(),
        }
    }

    /// A template that nobody filled in.
    fn template(&self) -> Option<Fault> {
        let at = self.next.start;
        let (before, behind) = (self.text.get(..at)?, self.text.get(at..)?);
        let start = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
        let end = behind.find(['\n', '\r']).map_or(self.text.len(), |end| at + end);
        let (piece_at, piece) = template::around(self.text.get(start..end)?, at - start)?;
        // What a text holds is not what it stumbles over.
        let from = start + piece_at;
        let within =
            |token: &Token| token.kind == Kind::Text && (token.start..token.end).contains(&from);
        if self.before.iter().any(within) {
            return None;
        }
        Some(Fault::new(from, template::words(piece)).hint(template::FILL_IN))
    }

    /// Texts that are put together, as other languages do it.
    fn joined(&self) -> Option<Fault> {
        let first = self.last().filter(|last| last.kind == Kind::Text)?;
        if !matches!(self.written(self.next), "+" | ".") || self.walk.expects != Expects::Comma {
            return None;
        }
        let mut whole = String::new();
        let mut rest = Tokens::new(self.text, first.start);
        while let Some(text) = rest.next().filter(|token| token.kind == Kind::Text) {
            whole.push_str(self.written(&text).trim_matches('"'));
            let between = rest.next();
            match between.as_ref().map(|between| self.written(between)) {
                Some("+" | ".") => {}
                // That was the name of the next field.
                Some(":") => return None,
                _ => {
                    let hint = if whole == excerpt(&whole) {
                        format!("write one text: \"{whole}\"")
                    } else {
                        "write one text".to_owned()
                    };
                    let message = format!("unexpected `{}`: JSON cannot join texts", self.here());
                    return Some(Fault::new(self.next.start, message).hint(hint));
                }
            }
        }
        let message = format!("unexpected `{}`: JSON cannot join texts", self.here());
        (self.written(self.next) == "+")
            .then(|| Fault::new(self.next.start, message).hint("write one text"))
    }

    /// A list that is written as an object, or that lacks its name.
    fn several(&self) -> Option<Fault> {
        let (bracket, opened) = *self.walk.open.last()?;
        let (last, at) = (self.last()?, self.next.start);
        let in_list = self.walk.open.iter().any(|(bracket, _)| *bracket == Bracket::List);
        let head = |to: usize| self.text.get(..to).unwrap_or_default().trim_end();
        match (bracket, self.walk.expects, self.next.kind) {
            (Bracket::Object, Expects::Key, Kind::Open(Bracket::Object))
                if last.start == opened =>
            {
                let is_doubled = in_list || at == last.end;
                let fault = Fault::new(opened, "`{` stands where several posts begin");
                (!is_doubled).then(|| fault.hint(SEVERAL))
            }
            (Bracket::Object, Expects::Key, Kind::Open(Bracket::Object)) => {
                if head(self.walk.closed).ends_with("\"posts\":") {
                    let fault = Fault::new(self.walk.closed, "`[` is missing before this");
                    return Some(fault.hint("several posts are a list: [ … ]"));
                }
                let names_defaults = head(self.walk.closed).ends_with("\"defaults\":");
                let fault = Fault::new(at, "`\"posts\": [` is missing before this");
                names_defaults.then(|| fault.hint("beside `defaults` the list of posts has a name"))
            }
            (Bracket::Object, Expects::Key, Kind::Open(Bracket::List)) => {
                let fault = Fault::new(at, "`\"posts\":` is missing before this");
                Some(fault.hint("within an object the list of posts has a name"))
            }
            (Bracket::List, Expects::Comma, Kind::Colon)
                if matches!(self.written(last), "\"posts\"" | "\"defaults\"") =>
            {
                let fault = Fault::new(opened, "a list has no fields");
                Some(fault.hint("write { for this [, and } for the ] that closes it"))
            }
            _ => None,
        }
    }

    /// The fields of a manifest without the object around them.
    fn outermost(&self) -> Option<Fault> {
        let first = self.last().filter(|_| self.walk.count == 1)?;
        if self.next.kind != Kind::Colon {
            return None;
        }
        let mut walk = Walk::new();
        let opener = Kind::Open(Bracket::Object);
        walk.step(&Token { kind: opener, start: first.start, end: first.start, fault: None });
        let mut of_manifest = false;
        let is_closed = Tokens::new(self.text, first.start).all(|token| {
            of_manifest |= walk.expects == Expects::Key
                && walk.open.len() == 1
                && matches!(self.written(&token), "\"posts\"" | "\"defaults\"");
            walk.step(&token)
        }) && walk.expects == Expects::Nothing;
        if !of_manifest {
            return None;
        }
        let behind = if is_closed { "" } else { " and } at the end" };
        let fault = Fault::new(first.start, "`{` is missing before this field");
        Some(fault.hint(format!(
            "`defaults` and `posts` stand within an object: write {{ before this{behind}"
        )))
    }

    /// A call of a programming language, where a value belongs.
    fn call(&self) -> Option<Fault> {
        let rest = self.text.get(self.next.start..).filter(|_| self.wants_value())?;
        let (begins, advice) = call(rest)?;
        let message = format!("`{}(…)` is a call of a programming language", excerpt(begins));
        Some(Fault::new(self.next.start, message).hint(advice))
    }

    /// A word that other languages have for a value, or before anything of JSON came.
    fn word(&self) -> Option<Fault> {
        let alone = self.run().trim_end() == self.written(self.next);
        let instead =
            instead_of_word(self.written(self.next)).filter(|_| alone && self.wants_value());
        let begins = self.before.is_empty().then_some(EXAMPLE);
        Some(self.unexpected().hint(instead.or(begins)?))
    }

    /// What stands for something that was left out, or is a comment of another language.
    fn filler(&self) -> Option<Fault> {
        let rest = self.text.get(self.next.start..)?;
        let (written, mut hint) = filler(rest)?;
        let is_alone = written.trim_matches(['.', '…', '-']).is_empty();
        let is_left_out = is_alone || written.starts_with(['.', '…']);
        let behind = rest.get(written.len()..)?;
        let mut end = written.len();
        match self.walk.expects {
            Expects::Field if is_alone => {
                hint = "write the value, or leave the field out";
            }
            // A text, as it seems.
            Expects::Field if is_left_out => return None,
            // There is a comma before it.
            Expects::Element | Expects::Key if is_left_out && behind.starts_with(',') => end += 1,
            _ => {}
        }
        let message = format!("unexpected `{}`", excerpt(rest.get(..end)?));
        Some(Fault::new(self.next.start, message).hint(hint))
    }

    /// A mark of other languages.
    fn sign(&self, here: &str) -> Option<Fault> {
        let hint = match here {
            "'" if self.before.is_empty() => EXAMPLE,
            "'" => IN_QUOTES,
            ";" if self.walk.expects == Expects::Colon => mark("=")?,
            _ => mark(here)?,
        };
        let shown = match here {
            "`" => "unexpected backtick".to_owned(),
            _ => format!("unexpected `{}`", self.written(self.next)),
        };
        Some(Fault::new(self.next.start, shown).hint(hint))
    }

    /// The comma or space that some write between the digits of a number.
    fn thousands(&self) -> Option<Fault> {
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let digits = self.written(self.next);
        let (first, between) = match self.before.as_slice() {
            [comma, first, ..] if comma.kind == Kind::Comma => (first, ','),
            [first, ..] => (first, ' '),
            [] => return None,
        };
        let adjoin = self.next.start == first.end + 1;
        if !is_digits(digits)
            || !adjoin
            || first.kind != Kind::Value
            || !is_digits(self.written(first).trim_start_matches('-'))
            || self.text.as_bytes().get(first.end) != Some(&u8::try_from(between).ok()?)
        {
            return None;
        }
        let rest = self.text.get(first.start..)?;
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != between && c != '-');
        let written = rest.get(..end.unwrap_or(rest.len()))?.trim_end_matches(between);
        let thousands = written.split(between).skip(1).all(|group| group.len() == 3);
        let (what, mended) = if thousands {
            ("numbers have no thousands separators", written.replace(between, ""))
        } else if between == ',' {
            ("numbers have a decimal point", written.replacen(between, ".", 1))
        } else {
            return None;
        };
        let fault = Fault::new(first.start, format!("`{}`: {what}", excerpt(written)));
        Some(if is_number(&mended) {
            fault.hint(format!("write {}", excerpt(&mended)))
        } else {
            fault
        })
    }

    /// A number of other languages, and how JSON writes it.
    fn number(&self) -> Option<Fault> {
        let written = self.written(self.next);
        let start = self.next.start;
        let unsigned = written.trim_start_matches(['+', '-']);
        let shown = excerpt(written);
        if !written.chars().all(is_of_number) || !self.wants_value() {
            return None;
        }
        if matches!(unsigned, "Infinity" | "NaN") && unsigned != written {
            return Some(self.unexpected().hint(instead_of_word(unsigned)?));
        }
        if !unsigned.trim_start_matches('.').starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let sign = if written.starts_with('-') { "-" } else { "" };
        let zeros = unsigned.strip_prefix('0').map(|rest| rest.trim_start_matches('0'));
        if let Some(rest) = zeros {
            let rest = match rest.bytes().next() {
                Some(b'0'..=b'9') => rest.to_owned(),
                _ => format!("0{rest}"),
            };
            let right = format!("{sign}{rest}");
            if is_number(&right) && unsigned != rest {
                let fault = Fault::new(start, format!("`{shown}`: numbers have no leading zeros"));
                let right = excerpt(&right);
                return Some(fault.hint(format!("write {right}, or \"{shown}\" if it is a text")));
            }
        }
        let hex = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X"));
        let right = if let Some(Ok(number)) = hex.map(|digits| u64::from_str_radix(digits, 16)) {
            format!("{sign}{number}")
        } else {
            let plain = unsigned.replace('_', "");
            let plain = plain.strip_suffix('.').unwrap_or(&plain);
            let zero = if plain.starts_with('.') { "0" } else { "" };
            format!("{sign}{zero}{plain}")
        };
        let fault = Fault::new(start, format!("`{shown}` is not a number as JSON writes it"));
        Some(if is_number(&right) {
            fault.hint(format!("write {}", excerpt(&right)))
        } else {
            fault.hint(IN_QUOTES)
        })
    }

    /// What leads farthest, and farther than to the piece behind the one that may not stand here.
    fn best(&self, repairs: Vec<Repair>) -> Option<Fault> {
        let mut best: Option<(Reach, Fault)> = None;
        for repair in repairs {
            let reach = self.reach(&repair);
            let far = match reach {
                Reach::End => true,
                Reach::To(at) => at > self.next.end && self.walk.expects != Expects::Nothing,
            };
            if far && best.as_ref().is_none_or(|(farthest, _)| reach > *farthest) {
                best = Some((reach, repair.fault));
            }
        }
        best.map(|(_, fault)| fault)
    }

    /// How far the text can be read with a change.
    fn reach(&self, Repair { cut, insert, .. }: &Repair) -> Reach {
        let early = cut.start < self.from.0;
        let (from, mut walk) = if early { (0, Walk::new()) } else { self.from.clone() };
        let mut end = self.text.len().min(cut.end.max(self.next.end) + AHEAD);
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let head = self.text.get(from..cut.start).unwrap_or_default();
        let tail = self.text.get(cut.end..end).unwrap_or_default();
        let changed = [head, insert, tail].concat();
        let shift = changed.len() - tail.len();
        for mut token in Tokens::new(&changed, 0) {
            // Of a manifest with marks of another script each is told by itself.
            if let Some(kind) = token.meant(&changed) {
                token = Token { kind, fault: None, ..token };
            }
            let cut_off = end < self.text.len() && token.end == changed.len();
            if cut_off {
                return Reach::End;
            }
            if token.fault.is_some() || !walk.step(&token) {
                return Reach::To((token.start + cut.end).saturating_sub(shift));
            }
        }
        if walk.expects == Expects::Nothing || end < self.text.len() {
            Reach::End
        } else {
            Reach::To(end)
        }
    }

    fn any(&self) -> Vec<Repair> {
        let mut all = self.pieces();
        all.extend(self.quotes());
        all
    }

    /// Pieces that may be missing, too many, or others.
    fn pieces(&self) -> Vec<Repair> {
        let next = self.next;
        let end = self.last().map_or(0, |last| last.end);
        let insert = |at: usize, piece: &str, fault| Repair {
            cut: at..at,
            insert: format!(" {piece} "),
            fault,
        };
        let comma = insert(end, ",", Fault::new(end, "a comma is missing here"));
        let colon = insert(end, ":", Fault::new(next.start, "a colon is missing before this"));
        let value = Fault::new(end, "a value is missing here")
            .hint("write it behind the colon, or leave the field out");
        let field = Fault::new(end, "a colon and a value are missing here")
            .hint("each field is written \"name\": value");
        let mut all = self.names();
        all.extend([comma, colon]);
        match self.walk.expects {
            Expects::Field => all.push(insert(end, "0", value)),
            Expects::Colon => all.push(insert(end, ": 0", field)),
            _ => {}
        }
        // What has just been opened is not to be closed at once.
        let open = self.walk.open.last();
        let open = open.filter(|(_, opened)| self.last().is_none_or(|last| last.start != *opened));
        if let Some((bracket, opened)) = open {
            let closer = bracket.closer();
            let missing = |at| {
                if is_doubled(self.text, *bracket, *opened) {
                    return Fault::new(*opened, never_closed(*bracket))
                        .hint("close it, or take one of the two `[` away");
                }
                let (line, _) = Places::new(self.text).locate(*opened);
                let hint = format!("it closes the {} that begins on line {line}", bracket.name());
                Fault::new(at, format!("`{closer}` is missing here")).hint(hint)
            };
            all.push(insert(end, closer, missing(end)));
            all.push(insert(end, &format!("{closer},"), missing(end)));
            // Before the comma that was meant to part what is closed from what follows.
            let comma = self.before.iter().take(2).position(|token| token.kind == Kind::Comma);
            if let Some(before) = comma.and_then(|at| self.before.get(at + 1)) {
                all.push(insert(before.end, closer, missing(before.end)));
            }
        }
        all.extend(self.crossed());
        if let (Some((bracket, opened)), Kind::Close(other)) = (open, next.kind)
            && other != *bracket
        {
            let (line, _) = Places::new(self.text).locate(*opened);
            let (wrong, right) = (other.closer(), bracket.closer());
            let fault = Fault::new(next.start, format!("`{wrong}` where `{right}` belongs"));
            let hint =
                format!("the {} that begins on line {line} is closed by {right}", bracket.name());
            let (cut, insert) = (next.start..next.end, right.to_owned());
            all.push(Repair { cut, insert, fault: fault.hint(hint) });
        }
        // Where two texts adjoin, a quote is amiss.
        if next.kind != Kind::Text || next.start != end {
            let (cut, insert) = (next.start..next.end, " ".to_owned());
            all.push(Repair { cut, insert, fault: self.excess() });
        }
        let other = |piece: &str, hint: &str| Repair {
            cut: next.start..next.end,
            insert: format!(" {piece} "),
            fault: self.unexpected().hint(hint),
        };
        if matches!(next.kind, Kind::Colon | Kind::Comma | Kind::Foreign) {
            all.push(other(",", "a comma belongs here"));
            all.push(other(":", "a colon belongs here, between a name and its value"));
        }
        all.extend(self.openers());
        all
    }

    /// A mark of another script or width that stands before a quote of that kind.
    fn before_quote(&self) -> Option<Fault> {
        let kind = self.next.meant(self.text)?;
        let behind = self.text.get(self.next.end..)?.trim_start();
        let meant = Token { kind, fault: None, ..self.next.clone() };
        let is_quoted = behind.starts_with(|c| c == '\'' || is_quote(c));
        self.next.fault.clone().filter(|_| is_quoted && self.walk.clone().step(&meant))
    }

    /// The marks that one of another script or width may stand for; or it is one too many.
    fn marks(&self) -> Vec<Repair> {
        let next = self.next;
        let Some(kind) = next.meant(self.text) else { return Vec::new() };
        let instead = |insert: &str, fault| Repair {
            cut: next.start..next.end,
            insert: format!(" {insert} "),
            fault,
        };
        let own = next.fault.clone().unwrap_or_else(|| self.unexpected());
        let mut all = match kind {
            Kind::Colon => {
                vec![instead(":", own), instead(",", self.unexpected().hint(ASCII_COMMA))]
            }
            Kind::Comma => {
                vec![instead(",", own), instead(":", self.unexpected().hint(ASCII_COLON))]
            }
            Kind::Open(bracket) => vec![instead(bracket.opener(), own)],
            Kind::Close(bracket) => vec![instead(bracket.closer(), own)],
            Kind::Text | Kind::Value | Kind::Word | Kind::Foreign => Vec::new(),
        };
        all.push(instead("", self.excess()));
        all
    }

    /// Two brackets that close what is open in the wrong order.
    fn crossed(&self) -> Option<Repair> {
        let behind = Tokens::new(self.text, self.next.end).next()?;
        let (Kind::Close(first), Kind::Close(second)) = (self.next.kind, behind.kind) else {
            return None;
        };
        let right = format!("{}{}", second.closer(), first.closer());
        let message = format!(
            "the `{}` and the `{}` are the wrong way round",
            first.closer(),
            second.closer()
        );
        let fault = Fault::new(self.next.start, message).hint(format!("write {right}"));
        (first != second).then_some(Repair {
            cut: self.next.start..behind.end,
            insert: right,
            fault,
        })
    }

    /// Brackets that may be missing, or too many, some pieces before.
    fn openers(&self) -> Vec<Repair> {
        let mut all = Vec::new();
        if let (Kind::Colon, Some(name)) = (self.next.kind, self.last()) {
            let fault = Fault::new(name.start, "`{` is missing before this field");
            let hint =
                "fields stand within an object; if that before goes on here, take its `}` away";
            let (cut, insert) = (name.start..name.start, " { ".to_owned());
            all.push(Repair { cut, insert, fault: fault.hint(hint) });
        }
        if let Some(first) = self.before.get(2).filter(|first| first.kind == Kind::Text) {
            let fault = Fault::new(first.start, "`[` is missing before this");
            let hint = "several values of a field are a list: [ … ]";
            let (cut, insert) = (first.start..first.start, " [ ".to_owned());
            all.push(Repair { cut, insert, fault: fault.hint(hint) });
        }
        let next = self.next.kind;
        let several = match self.before.as_slice() {
            [last, ..] if next == Kind::Comma => Some(last),
            [comma, last, ..] if comma.kind == Kind::Comma && matches!(next, Kind::Open(_)) => {
                Some(last)
            }
            _ => None,
        };
        if several.is_some_and(|last| last.kind == Kind::Close(Bracket::Object)) {
            let at = self.walk.closed;
            let fault = Fault::new(at, "`[` is missing before this");
            let hint = "several posts are a list: [ … ]";
            all.push(Repair { cut: at..at, insert: " [ ".to_owned(), fault: fault.hint(hint) });
        }
        for token in [self.before.first(), self.before.get(2)].into_iter().flatten() {
            if let Kind::Close(bracket) = token.kind {
                let message = format!("`{}` comes too early", bracket.closer());
                let hint = format!("the {} goes on behind it: take it away", bracket.name());
                let fault = Fault::new(token.start, message).hint(hint);
                all.push(Repair { cut: token.start..token.end, insert: " ".to_owned(), fault });
            }
        }
        all
    }

    /// That the piece that may not stand here is one too many.
    fn excess(&self) -> Fault {
        let at = self.next.start;
        let too_many = Fault::new(at, format!("one `{}` too many", self.here()));
        match self.next.kind {
            Kind::Close(bracket) => too_many
                .hint(format!("take it away, or write the `{}` that it closes", bracket.opener())),
            Kind::Open(_) | Kind::Colon | Kind::Comma => too_many.hint("take it away"),
            Kind::Text => Fault::new(at, "a second text for one field")
                .hint("join the two into one, or take one of them away"),
            Kind::Value | Kind::Word | Kind::Foreign => self.unexpected().hint("take it away"),
        }
    }

    /// A name or a text that lacks its quotes, or the first of them.
    fn names(&self) -> Vec<Repair> {
        let start = self.next.start;
        let is_key = self.walk.expects == Expects::Key;
        let written = self.run();
        if written.is_empty() || !(is_key || self.wants_value()) {
            return Vec::new();
        }
        let opening = Fault::new(start, "a quote is missing before this")
            .hint("names and texts begin and end with a double quote: \"…\"");
        let bare = self.unexpected();
        let bare = if is_key { bare.hint(name_hint(written)) } else { bare.hint(IN_QUOTES) };
        vec![
            Repair { cut: start..start, insert: "\"".to_owned(), fault: opening },
            Repair { cut: start..start + written.len(), insert: "\"\"".to_owned(), fault: bare },
        ]
    }

    /// What is written without quotes from here on; nothing, if this is a text or a bracket.
    fn run(&self) -> &str {
        if !matches!(self.next.kind, Kind::Word | Kind::Value | Kind::Foreign) {
            return "";
        }
        let rest = self.text.get(self.next.start..).unwrap_or_default();
        let is_key = self.walk.expects == Expects::Key;
        let end =
            |c| matches!(c, ',' | '[' | ']' | '{' | '}' | '"' | '\n' | '\r') || is_key && c == ':';
        rest.get(..rest.find(end).unwrap_or(rest.len())).unwrap_or_default().trim_end()
    }

    /// Quotes that may be missing, too many, or part of the text before.
    fn quotes(&self) -> Vec<Repair> {
        let Some(text) = self.last().filter(|last| last.kind == Kind::Text) else {
            return Vec::new();
        };
        let between = self.text.get(text.end..self.next.start).unwrap_or_default();
        if between.contains(['\n', '\r']) {
            return Vec::new();
        }
        let mut all = self.closing(text);
        let adjoin = between.is_empty();
        if adjoin && (self.next.kind == Kind::Text || text.end - text.start == 2) {
            let at = if self.next.kind == Kind::Text { text.end } else { text.start };
            let fault = Fault::new(at, "one quote too many")
                .hint("take this one away; within a text it is written \\\"");
            all.push(Repair { cut: at..at + 1, insert: String::new(), fault });
        }
        if !adjoin && self.next.kind == Kind::Text {
            return all;
        }
        let line = self.text.get(text.end..).unwrap_or_default();
        let line = line.get(..line.find(['\n', '\r']).unwrap_or(line.len())).unwrap_or_default();
        let pieces: Vec<_> = line.split('"').collect();
        for (count, (at, _)) in line.match_indices('"').take(QUOTES).enumerate() {
            // The name of the next field is none of the text.
            let is_name = |[before, _, behind]: &[&str; 3]| {
                before.trim_end().ends_with([',', '{']) && behind.trim_start().starts_with(':')
            };
            if pieces.get(..count + 2).unwrap_or_default().array_windows().any(is_name) {
                break;
            }
            let fault =
                Fault::new(text.end - 1, "the text ends at this quote, and goes on behind it")
                    .hint("within a text a quote is written \\\"");
            let cut = text.start..text.end + at + 1;
            all.push(Repair { cut, insert: "\"\"".to_owned(), fault });
        }
        all
    }

    /// A text that took in what stands behind its missing quote.
    fn closing(&self, text: &Token) -> Vec<Repair> {
        let written = self.written(text);
        let content = written.get(..written.len() - 1).unwrap_or_default();
        let content = content.trim_end_matches([' ', '\t', '[', '{']);
        let is_mark = |c| matches!(ascii(c).unwrap_or(c), ',' | ':');
        let Some(content) = content.strip_suffix(is_mark) else { return Vec::new() };
        let inner = content.trim_end_matches([' ', '\t', ']', '}']);
        let places = [content.trim_end(), inner].map(|content| text.start + content.len());
        let fault = Fault::new(text.start, "the text that begins here lacks its closing quote");
        let fault = match content.chars().next_back() {
            Some(quote @ ('”' | '“' | '’' | '»' | '＂' | '＇')) => {
                fault.hint(format!("it ends in {quote}: write a straight quote \""))
            }
            _ => fault.hint("close it with \""),
        };
        places
            .into_iter()
            .filter(|at| *at > text.start)
            .map(|at| Repair { cut: at..at, insert: "\"".to_owned(), fault: fault.clone() })
            .collect()
    }
}

fn name_hint(name: &str) -> String {
    let name = pasted(bare_name(name)).map(|name| format!(": {name}"));
    format!("field names are written in double quotes{}", name.unwrap_or_default())
}

/// Whether an object ended where another one begins on the next line.
fn is_json_lines(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    text.get(at..).is_some_and(|rest| rest.starts_with('{'))
        && before.trim_start().starts_with('{')
        && before.trim_end_matches([' ', '\t']).ends_with(['\n', '\r'])
}
