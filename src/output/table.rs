//! Columns.

use super::line::{HEADING, Line};

/// Rows of text under a heading, in columns as wide as their widest cell.
#[derive(Clone, Debug)]
pub struct Table {
    heading: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// Between two columns.
const GAP: usize = 2;

impl Table {
    /// An empty table with these columns.
    pub fn new(heading: &[&str]) -> Self {
        Self { heading: heading.iter().map(|name| (*name).to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row with a cell for every column. A cell is one line: breaks become spaces.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| cell.replace('\n', " ")).collect());
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        let widths = self.widths();
        let heading = Line::default().styled(HEADING, aligned(&self.heading, &widths));
        let rows = self.rows.iter().map(|row| Line::from(aligned(row, &widths)));
        std::iter::once(heading).chain(rows).collect()
    }

    fn widths(&self) -> Vec<usize> {
        let all = || std::iter::once(&self.heading).chain(&self.rows);
        let columns = all().map(Vec::len).max().unwrap_or(0);
        let widest =
            |i: usize| all().filter_map(|row| row.get(i)).map(|cell: &String| width(cell)).max();
        (0..columns).map(|i| widest(i).unwrap_or(0)).collect()
    }
}

/// One row; nothing is padded behind its last cell.
fn aligned(cells: &[String], widths: &[usize]) -> String {
    let mut out = String::new();
    for (i, (cell, wide)) in cells.iter().zip(widths).enumerate() {
        out.push_str(cell);
        if i + 1 < cells.len() {
            out.push_str(&" ".repeat(wide - width(cell) + GAP));
        }
    }
    out.trim_end().to_owned()
}

/// How many cells of a terminal a text takes: display names have East Asian letters and emoji. Close
/// enough for columns; the terminal has the last word.
fn width(text: &str) -> usize {
    text.chars().map(cells).sum()
}

fn cells(c: char) -> usize {
    match u32::from(c) {
        // Combining marks, joiners and variation selectors.
        0x0300..=0x036F | 0x200B..=0x200F | 0x20D0..=0x20FF | 0xFE00..=0xFE0F => 0,
        // Hangul, kana, ideographs, full-width forms, emoji.
        0x1100..=0x115F
        | 0x2E80..=0xA4CF
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F
        | 0xFF00..=0xFF60
        | 0xFFE0..=0xFFE6
        | 0x1F300..=0x1F64F
        | 0x1F680..=0x1F6FF
        | 0x1F900..=0x1FAFF
        | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(table: &Table) -> Vec<String> {
        table.lines().iter().map(|line| line.render(false)).collect()
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["account", "name", "ends"]);
        table.row(["a".into(), "Alice".into(), "in 2h".into()]);
        table.row(["a-long-alias".into(), "東京".into(), String::new()]);
        assert_eq!(
            rendered(&table),
            ["account       name   ends", "a             Alice  in 2h", "a-long-alias  東京",]
        );
    }

    #[test]
    fn a_cell_cannot_begin_a_row() {
        let mut table = Table::new(&["name"]);
        table.row(["two\nlines".into()]);
        assert_eq!(rendered(&table), ["name", "two lines"]);
    }
}
