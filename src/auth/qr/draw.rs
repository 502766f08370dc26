//! A QR code as characters, and as a picture to send.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

use super::png;

/// The light border that scanners need, in modules.
const QUIET: usize = 4;

/// The side of a module in a picture, in pixels.
const SCALE: usize = 8;

/// What is known about the terminal's colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Paint {
    /// It takes colours: black on white, whatever its own are.
    #[default]
    Colours,
    /// No colours, light text on a dark ground.
    DarkGround,
    /// No colours, dark text on a light ground.
    LightGround,
}

/// Draws with half blocks, two rows of modules to a line of text, each line ended by a line break.
/// `None` if the text is too long for a QR code.
pub(crate) fn half_blocks(text: &str, paint: Paint) -> Option<String> {
    let modules = Modules::of(text)?;
    let (start, end) = match paint {
        // From the 256 colours: the first sixteen are what themes change.
        Paint::Colours => ("\u{1b}[38;5;16;48;5;231m", "\u{1b}[0m\n"),
        Paint::DarkGround | Paint::LightGround => ("", "\n"),
    };
    // With colours, and on a light ground, ink is dark; on a dark ground it is light.
    let inked = |x, y| modules.is_dark(x, y) != (paint == Paint::DarkGround);
    let mut drawn = String::new();
    for y in (0..modules.side).step_by(2) {
        drawn.push_str(start);
        drawn.extend((0..modules.side).map(|x| match (inked(x, y), inked(x, y + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        }));
        drawn.push_str(end);
    }
    Some(drawn)
}

/// Draws a PNG, eight pixels to a module. `None` if the text is too long for a QR code.
pub(crate) fn picture(text: &str) -> Option<Vec<u8>> {
    let modules = Modules::of(text)?;
    let side = modules.side * SCALE;
    Some(png::black_and_white(side, |x, y| modules.is_dark(x / SCALE, y / SCALE)))
}

/// Draws an SVG, a unit to a module, which is as large as whoever shows it wants. `None` if the text is too long for a
/// QR code.
pub(crate) fn vector(text: &str) -> Option<String> {
    let modules = Modules::of(text)?;
    let side = modules.side;
    let dark = (0..side).flat_map(|y| (0..side).map(move |x| (x, y)));
    let dark = dark.filter(|(x, y)| modules.is_dark(*x, *y));
    let mut path = String::new();
    for (x, y) in dark {
        _ = write!(path, "M{x} {y}h1v1h-1z");
    }
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path fill=\"#000\" d=\"{path}\"/></svg>"
    ))
}

/// The code with its border.
struct Modules {
    colours: Vec<Color>,
    inner: usize,
    side: usize,
}

impl Modules {
    fn of(text: &str) -> Option<Self> {
        // The lowest level of correction makes the smallest code, and a screen has no dirt.
        let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
        let inner = code.width();
        Some(Self { colours: code.into_colors(), inner, side: inner + 2 * QUIET })
    }

    /// Outside the code all is light.
    fn is_dark(&self, x: usize, y: usize) -> bool {
        let inside = |place: usize| place.checked_sub(QUIET).filter(|place| *place < self.inner);
        let place = inside(y).zip(inside(x)).map(|(y, x)| y * self.inner + x);
        place.and_then(|place| self.colours.get(place)) == Some(&Color::Dark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "aweme://authorize?client_ticket=mine";

    /// Reads the drawing back into rows of modules.
    fn modules(drawn: &str, ink: bool) -> Vec<Vec<bool>> {
        let plain = drawn.replace("\u{1b}[38;5;16;48;5;231m", "").replace("\u{1b}[0m", "");
        let mut rows = Vec::new();
        for line in plain.lines() {
            rows.push(line.chars().map(|c| matches!(c, '█' | '▀') == ink).collect());
            rows.push(line.chars().map(|c| matches!(c, '█' | '▄') == ink).collect());
        }
        rows
    }

    fn expected() -> Vec<Vec<bool>> {
        let modules = Modules::of(TEXT).unwrap();
        (0..modules.side.next_multiple_of(2))
            .map(|y| (0..modules.side).map(|x| modules.is_dark(x, y)).collect())
            .collect()
    }

    #[test]
    fn every_paint_shows_the_same_code() {
        for (paint, ink) in
            [(Paint::Colours, true), (Paint::LightGround, true), (Paint::DarkGround, false)]
        {
            assert_eq!(modules(&half_blocks(TEXT, paint).unwrap(), ink), expected(), "{paint:?}");
        }
    }

    #[test]
    fn there_is_a_light_border_of_four_modules() {
        let rows = expected();
        assert!(rows.iter().take(QUIET).flatten().all(|dark| !dark));
        assert!(rows.iter().all(|row| row[..QUIET].iter().all(|dark| !dark)));
        assert!(rows[QUIET][QUIET], "a finder pattern begins in the corner");
    }

    #[test]
    fn without_colours_there_is_no_escape() {
        assert!(!half_blocks(TEXT, Paint::DarkGround).unwrap().contains('\u{1b}'));
    }

    #[test]
    fn what_is_too_long_for_a_code_is_said() {
        assert!(half_blocks(&"x".repeat(3000), Paint::Colours).is_none());
        assert!(picture(&"x".repeat(3000)).is_none());
    }
}
