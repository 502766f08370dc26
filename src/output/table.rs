//! Columns.

use super::cells::{keep_start, width};
use super::line::{HEADING, Line};
use crate::text::harmless;

/// Rows of text under a heading, in columns as wide as their widest cell.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    heading: Vec<String>,
    rows: Vec<Vec<String>>,
    /// The columns that may be cut to make the rows fit.
    pliable: Vec<usize>,
}

/// Between two columns.
const GAP: usize = 2;

/// The least that is left of a column that is cut.
const NARROWEST: usize = 6;

impl Table {
    /// An empty table with these columns.
    pub(crate) fn new(heading: &[&str]) -> Self {
        let heading = heading.iter().map(|name| (*name).to_owned()).collect();
        Self { heading, rows: Vec::new(), pliable: Vec::new() }
    }

    /// Lets the cells of these columns be cut, the widest first, where the rows do not fit otherwise.
    #[must_use]
    pub(crate) fn cutting(self, columns: &[usize]) -> Self {
        Self { pliable: columns.to_vec(), ..self }
    }

    /// Adds a row with a cell for every column. A cell is one line: breaks become spaces.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        // As they are written in the end, so that their widths are right.
        let shown = |cell: String| harmless(&cell).replace('\n', " ");
        self.rows.push(cells.into_iter().map(shown).collect());
    }

    /// The heading and the rows, within so many cells if their columns may be cut that far.
    pub(super) fn lines(&self, most: usize) -> Vec<Line> {
        let widths = self.fitted(most);
        let heading = Line::default().styled(HEADING, aligned(&self.heading, &widths));
        let rows = self.rows.iter().map(|row| Line::from(aligned(row, &widths)));
        std::iter::once(heading).chain(rows).collect()
    }

    fn fitted(&self, most: usize) -> Vec<usize> {
        let mut widths = self.widths();
        let gaps = GAP * widths.len().saturating_sub(1);
        let mut excess = (widths.iter().sum::<usize>() + gaps).saturating_sub(most);
        while excess > 0 {
            let pliable = self.pliable.iter().copied().filter(|&i| widths[i] > NARROWEST);
            let Some(widest) = pliable.max_by_key(|&i| widths[i]) else { break };
            widths[widest] -= 1;
            excess -= 1;
        }
        widths
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
        let cell = keep_start(cell, *wide);
        out.push_str(&cell);
        if i + 1 < cells.len() {
            out.push_str(&" ".repeat(wide.saturating_sub(width(&cell)) + GAP));
        }
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(table: &Table) -> Vec<String> {
        table.lines(80).iter().map(|line| line.render(false)).collect()
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
    fn what_may_be_cut_is_cut_where_the_rows_do_not_fit() {
        let long = || ["a".repeat(60), "東".repeat(30), "ends soon".into()];
        let mut table = Table::new(&["account", "name", "health"]).cutting(&[0, 1]);
        table.row(long());
        let rows = rendered(&table);
        assert_eq!(width(&rows[1]), 80);
        assert!(rows[1].ends_with("東…  ends soon") && rows[1].contains("a…  東"), "{rows:?}");
        let mut table = Table::new(&["account", "name", "health"]);
        table.row(long());
        assert_eq!(width(&rendered(&table)[1]), 60 + 60 + 9 + 4);
    }

    #[test]
    fn a_cell_cannot_begin_a_row() {
        let mut table = Table::new(&["name"]);
        table.row(["two\nlines".into()]);
        assert_eq!(rendered(&table), ["name", "two lines"]);
    }
}
