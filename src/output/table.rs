//! Columns.

use unicode_width::UnicodeWidthStr as _;

use super::line::{HEADING, Line};

/// Rows of text under a heading, in columns as wide as their widest cell. Display names have East
/// Asian letters and emoji, which take two cells of a terminal.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    heading: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// Between two columns.
const GAP: usize = 2;

impl Table {
    /// An empty table with these columns.
    pub(crate) fn new(heading: &[&str]) -> Self {
        Self { heading: heading.iter().map(|name| (*name).to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row with a cell for every column. A cell is one line: breaks become spaces.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| cell.replace('\n', " ")).collect());
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
            |i: usize| all().filter_map(|row| row.get(i)).map(|cell: &String| cell.width()).max();
        (0..columns).map(|i| widest(i).unwrap_or(0)).collect()
    }
}

/// One row; nothing is padded behind its last cell.
fn aligned(cells: &[String], widths: &[usize]) -> String {
    let mut out = String::new();
    for (i, (cell, wide)) in cells.iter().zip(widths).enumerate() {
        out.push_str(cell);
        if i + 1 < cells.len() {
            out.push_str(&" ".repeat(wide - cell.width() + GAP));
        }
    }
    out.trim_end().to_owned()
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
