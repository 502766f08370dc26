//! A manifest as a table, as spreadsheets write it: a row that names the fields, and a row for each post. It becomes
//! the same tree as JSON, with the places of its cells, so that one reader serves both.

use std::borrow::Cow;

use csv_core::{ReadFieldResult, ReaderBuilder};
use jsonc_parser::ast::{
    Array, BooleanLit, NumberLit, Object, ObjectProp, ObjectPropName, StringLit, Value,
};
use jsonc_parser::common::Range;

use super::review::{Review, excerpt};
use crate::model::Field;
use crate::model::fields::FieldType;

/// What may stand between two cells.
const SEPARATORS: [char; 3] = [',', ';', '\t'];

/// What stands between the tags or addresses of one cell, besides white space.
const BETWEEN: [char; 3] = [',', ';', '|'];

/// Where the first row of a table begins, and what stands between its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    start: usize,
    separator: u8,
}

/// A cell, and where it begins.
#[derive(Debug)]
struct Cell {
    at: usize,
    text: String,
    /// Whether quotes that begin it end with it.
    is_whole: bool,
}

/// The form of a text that is a table of posts: one of the cells of its first row names what is posted. `None`: it is
/// something else.
pub(super) fn form(text: &str) -> Option<Form> {
    let start = text.len() - text.trim_start_matches('\u{feff}').trim_start().len();
    let first = text[start..].split(['\n', '\r']).next()?;
    // The line by which a spreadsheet tells itself what it has written.
    if let Some(told) = first.to_ascii_lowercase().strip_prefix("sep=") {
        let separator = told.chars().next().filter(|told| SEPARATORS.contains(told))?;
        let start = start + first.len();
        let start = start + text[start..].len() - text[start..].trim_start().len();
        return Some(Form { start, separator: u8::try_from(separator).ok()? });
    }
    if first.starts_with(['{', '[', '/']) {
        return None;
    }
    let is_source = |cell: &str| {
        let name = named(cell.trim().trim_matches('"'));
        name.is_some_and(|field| Field::SOURCES.contains(&field))
    };
    let separator = SEPARATORS.into_iter().find(|&separator| {
        // A list of paths alone has one column.
        first.split(separator).count() > 1 && first.split(separator).any(is_source)
    });
    let separator = separator.or_else(|| is_source(first.trim()).then_some(','))?;
    Some(Form { start, separator: u8::try_from(separator).ok()? })
}

/// The field that a column's name is: as the manifest spells it, whatever its case.
fn named(cell: &str) -> Option<Field> {
    Field::named(&cell.trim().to_ascii_lowercase().replace([' ', '-'], "_"))
}

/// The posts of a table, as JSON would have them.
pub(super) fn read<'t>(text: &'t str, form: Form, review: &mut Review<'_>) -> Value<'t> {
    let mut rows = rows(text, form).into_iter();
    let columns = columns(rows.next().unwrap_or_default(), review);
    let is_blank = |cell: &Cell| cell.text.trim().is_empty();
    let rows: Vec<_> = rows.filter(|row| !row.iter().all(is_blank)).collect();
    // Some programs end each row but the heading with what stands between cells.
    let all_end_so = rows.len() > 1 && rows.iter().all(|row| row.len() == columns.len() + 1);
    let mut posts = Vec::new();
    for row in rows {
        // One cell that was taken for two moves all behind it to other fields.
        let has_more = row.get(columns.len()).is_some_and(is_blank) && !all_end_so;
        if let Some(cell) = row.first().filter(|_| has_more) {
            let (cells, heading) = (row.len(), columns.len());
            let message = format!("this row has {cells} cells, and the heading {heading}");
            let hint =
                "put quotes around a cell that holds what stands between cells, or take one away";
            review.advise(cell.at, message, hint.to_owned());
        }
        if let Some(cell) = row.iter().find(|cell| !cell.is_whole) {
            let hint = "close them where it ends, and write each quote within them twice";
            review.advise(cell.at, "the quotes of this cell do not end with it", hint.to_owned());
        }
        let start = row.first().map_or(0, |cell| cell.at);
        let mut properties = Vec::new();
        for (place, cell) in row.into_iter().enumerate() {
            let value = cell.text.trim();
            let Some(column) = columns.get(place).filter(|_| !value.is_empty()) else {
                if !value.is_empty() {
                    let message = format!("there is no column for the cell \"{}\"", excerpt(value));
                    let hint = "put quotes around a cell that holds what stands between cells";
                    review.advise(cell.at, message, hint.to_owned());
                }
                continue;
            };
            if let Column::Of(field) = column {
                properties.push(property(*field, cell.at, value, text));
            } else {
                column.refuse_content(cell.at, review);
            }
        }
        let range = Range { start, end: start };
        posts.push(Value::Object(Object { range, properties }));
    }
    Value::Array(Array { range: Range { start: form.start, end: text.len() }, elements: posts })
}

/// What a column holds.
#[derive(Debug)]
enum Column {
    Of(Field),
    /// It has no name, and is to be empty.
    Unnamed,
    /// What is wrong with it was said.
    Wrong,
}

impl Column {
    fn refuse_content(&self, at: usize, review: &mut Review<'_>) {
        if matches!(self, Self::Unnamed) {
            review.refuse(at, "the column of this cell has no name");
        }
    }
}

fn columns(header: Vec<Cell>, review: &mut Review<'_>) -> Vec<Column> {
    let mut seen = Vec::new();
    let mut columns = Vec::new();
    for cell in header {
        let name = cell.text.trim();
        columns.push(match named(name) {
            Some(field) if seen.contains(&field) => {
                review.refuse_key(cell.at, name, "this column is there twice", None);
                Column::Wrong
            }
            Some(field) => {
                seen.push(field);
                Column::Of(field)
            }
            None if name.is_empty() => Column::Unnamed,
            None => {
                let hint = Field::meant_by(name).map(|it| format!("did you mean `{}`?", it.name()));
                review.refuse_key(cell.at, name, "no such field", hint);
                Column::Wrong
            }
        });
    }
    columns
}

/// A cell of a table as the value of a field. What is not of its type stays a text, which is refused like one in JSON.
fn property<'t>(field: Field, at: usize, cell: &str, table: &'t str) -> ObjectProp<'t> {
    let range = Range { start: at, end: at + cell.len() };
    let words =
        |text: &str| Value::StringLit(StringLit { range, value: Cow::Owned(text.to_owned()) });
    let list = || {
        let parts = cell.split(|c: char| c.is_whitespace() || BETWEEN.contains(&c));
        parts.filter(|part| !part.is_empty()).map(words).collect()
    };
    let value = match field.value_type() {
        FieldType::Flag => match cell.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Value::BooleanLit(BooleanLit { range, value: true }),
            "false" | "no" | "0" => Value::BooleanLit(BooleanLit { range, value: false }),
            _ => words(cell),
        },
        FieldType::Count { .. } | FieldType::PhotoIndex => digits(at, cell, table)
            .map_or_else(|| words(cell), |value| Value::NumberLit(NumberLit { range, value })),
        FieldType::Tags | FieldType::Urls => Value::Array(Array { range, elements: list() }),
        _ => words(cell),
    };
    let name = StringLit { range, value: Cow::Borrowed(field.name()) };
    ObjectProp { range, name: ObjectPropName::String(name), value }
}

/// The digits of a cell that is a number, where they stand.
fn digits<'t>(at: usize, cell: &str, table: &'t str) -> Option<&'t str> {
    let rest = table.get(at..).filter(|_| cell.bytes().all(|byte| byte.is_ascii_digit()))?;
    rest.get(rest.find(cell)?..)?.get(..cell.len())
}

/// The rows of a table, each with its cells.
fn rows(text: &str, form: Form) -> Vec<Vec<Cell>> {
    let mut reader = ReaderBuilder::new().delimiter(form.separator).build();
    let (mut rows, mut row) = (Vec::new(), Vec::new());
    let bytes = text.as_bytes();
    let (mut at, mut begun) = (form.start, form.start);
    let mut cell = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        if cell.is_empty() && at == begun {
            // Spaces before a quote are no part of the cell, or the quote would be.
            let place = place_of(bytes, at);
            let spaces = bytes[place..].iter().take_while(|byte| **byte == b' ').count();
            if spaces > 0 && bytes.get(place + spaces) == Some(&b'"') {
                at = place + spaces;
                begun = at;
            }
        }
        let (result, used, made) = reader.read_field(&bytes[at..], &mut buffer);
        at += used;
        cell.extend_from_slice(&buffer[..made]);
        match result {
            ReadFieldResult::Field { record_end } => {
                let text =
                    String::from_utf8_lossy(&std::mem::take(&mut cell)).replace("\r\n", "\n");
                let place = place_of(bytes, begun);
                let is_whole = is_whole(&bytes[place..at.max(place)], form.separator);
                row.push(Cell { at: place, text, is_whole });
                begun = at;
                if record_end {
                    rows.push(std::mem::take(&mut row));
                }
            }
            ReadFieldResult::End => return rows,
            ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
        }
    }
}

/// Whether a cell, as it is written with what ends it, has its closing quote where it ends. Elsewhere the quotes take in
/// other cells and rows, or end before the cell does.
fn is_whole(written: &[u8], separator: u8) -> bool {
    let end = written.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n'));
    let written = written.get(..=end.unwrap_or_default()).unwrap_or_default();
    let written = written.strip_suffix(&[separator]).unwrap_or(written).trim_ascii_end();
    let Some(rest) = written.strip_prefix(b"\"") else { return true };
    let Some(inner) = rest.strip_suffix(b"\"") else { return false };
    // Within them a quote is written twice.
    inner.split(|byte| *byte != b'"').all(|quotes| quotes.len().is_multiple_of(2))
}

/// Where a cell begins whose reading began there: the end of the line before it is not part of it.
fn place_of(bytes: &[u8], begun: usize) -> usize {
    let ends = bytes[begun..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    begun + ends
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Vec<Vec<(usize, String)>> {
        let rows = rows(text, form(text).unwrap()).into_iter();
        rows.map(|row| row.into_iter().map(|cell| (cell.at, cell.text)).collect()).collect()
    }

    #[test]
    fn the_form_of_a_table_is_what_its_first_row_has() {
        for (text, separator) in [
            ("video_path,tags\na.mp4,x\n", b','),
            ("\u{feff}Video Path;tags\r\n", b';'),
            ("tags\tvideo_url\n", b'\t'),
            ("\"video_path\",\"tags\"\n", b','),
            ("video_path\na.mp4\n", b','),
            ("sep=;\r\nvideo_path;tags\n", b';'),
            ("user_id,video_path\rme,a.mp4\r", b','),
        ] {
            assert_eq!(form(text).map(|form| form.separator), Some(separator), "{text}");
        }
        for text in ["", "[]", "{\"video_path\": 1, \"tags\": 2}", "a.mp4,b\n", "video_path: a, b"]
        {
            assert_eq!(form(text), None, "{text}");
        }
    }

    #[test]
    fn spaces_around_the_quotes_of_a_cell_are_no_part_of_it() {
        let text = "video_path, description, tags\r\n  \"a.mp4\", \"Hello, you\" , \"cats dogs\"\r\nb.mp4, \"x\r\ny\",\r\n";
        let texts: Vec<Vec<_>> = rows(text, form(text).unwrap())
            .into_iter()
            .map(|row| row.into_iter().map(|cell| (cell.text, cell.is_whole)).collect())
            .collect();
        let whole = |text: &str| (text.to_owned(), true);
        assert_eq!(texts[1], [whole("a.mp4"), whole("Hello, you "), whole("cats dogs")]);
        assert_eq!(texts[2], [whole("b.mp4"), whole("x\ny"), whole("")]);
    }

    #[test]
    fn each_cell_has_its_place() {
        let text = "video_path;tags\r\n\"a;\"\"b\";x\r\n\r\nc;\"two\nlines\"";
        let place = |text: &str, of: &str| text.find(of).unwrap();
        assert_eq!(
            cells(text),
            [
                vec![(0, "video_path".to_owned()), (11, "tags".to_owned())],
                vec![(17, "a;\"b".to_owned()), (place(text, "x\r"), "x".to_owned())],
                vec![
                    (place(text, "c;"), "c".to_owned()),
                    (place(text, "\"two"), "two\nlines".to_owned())
                ],
            ]
        );
    }
}
