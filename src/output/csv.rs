//! Rows for spreadsheets.

/// A heading and rows as CSV (RFC 4180, with line feeds), a line each.
pub(crate) fn csv<const N: usize>(
    heading: &[&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> String {
    let heading = heading.map(str::to_owned);
    std::iter::once(heading).chain(rows).map(|row| row.map(quoted).join(",") + "\n").collect()
}

fn quoted(cell: String) -> String {
    if cell.contains(['"', ',', '\n', '\r']) {
        return format!("\"{}\"", cell.replace('"', "\"\""));
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_cell_is_quoted() {
        let row = ["a \"b\", c".to_owned(), "d\ne".to_owned(), "f;g".to_owned()];
        let csv = csv(&["X", "Y", "Z"], std::iter::once(row));
        assert_eq!(csv, "X,Y,Z\n\"a \"\"b\"\", c\",\"d\ne\",f;g\n");
    }
}
