//! Byte offsets turned into lines and columns.

/// How far apart the known places are: what one look-up has to walk at most.
const STEP: usize = 1024;

/// Where things are in a text.
///
/// Places are noted every [`STEP`] bytes, so that a file of one enormous line costs no more than
/// any other.
#[derive(Debug)]
pub(super) struct Places<'t> {
    text: &'t str,
    marks: Vec<Mark>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    offset: usize,
    line: usize,
    column: usize,
}

impl Mark {
    /// Walks over `text`, which begins here. A line ends with LF, CR LF or a lone CR.
    fn step(&mut self, character: char, next: Option<u8>) {
        self.offset += character.len_utf8();
        if character == '\n' || character == '\r' && next != Some(b'\n') {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
    }
}

impl<'t> Places<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let mut here = Mark { offset: 0, line: 1, column: 1 };
        let mut marks = vec![here];
        let mut due = STEP;
        for character in text.chars() {
            if here.offset >= due {
                marks.push(here);
                due = here.offset + STEP;
            }
            let next = here.offset + character.len_utf8();
            here.step(character, text.as_bytes().get(next).copied());
        }
        Self { text, marks }
    }

    /// Line and column, in characters, of a byte offset; both counted from 1.
    pub(super) fn locate(&self, offset: usize) -> (usize, usize) {
        let after = self.marks.partition_point(|mark| mark.offset <= offset);
        let mut here = self.marks[after.saturating_sub(1)];
        for character in self.text[here.offset..].chars() {
            if here.offset >= offset {
                break;
            }
            let next = here.offset + character.len_utf8();
            here.step(character, self.text.as_bytes().get(next).copied());
        }
        (here.line, here.column)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn columns_count_characters() {
        let text = "äöü x";
        assert_eq!(Places::new(text).locate(text.find('x').unwrap()), (1, 5));
    }

    #[test]
    fn every_kind_of_line_end_counts_once() {
        let text = "a\nb\r\nc\rd";
        let places = Places::new(text);
        for (line, letter) in ["a", "b", "c", "d"].into_iter().enumerate() {
            assert_eq!(places.locate(text.find(letter).unwrap()), (line + 1, 1), "{letter}");
        }
    }

    #[test]
    fn the_end_of_the_text_is_a_place() {
        assert_eq!(Places::new("").locate(0), (1, 1));
        assert_eq!(Places::new("ab\n").locate(3), (2, 1));
    }

    proptest! {
        #[test]
        fn a_place_is_what_counting_from_the_beginning_gives(
            text in "[aé\n😀]{0,3000}",
            pick in any::<prop::sample::Index>(),
        ) {
            let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let offset = starts[pick.index(starts.len())];
            let before = &text[..offset];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            prop_assert_eq!(Places::new(&text).locate(offset), (line, column));
        }
    }
}
