//! Small tables of numbers, whose faults are named by file, line, column and limit.

use std::path::Path;

use crate::error::CliError;

/// The most rows that are read of a table.
const ROWS_MAX: usize = 1_000_000;

/// A column that a table must or may have.
pub(super) struct Column {
    pub name: &'static str,
    pub low: f64,
    pub high: f64,
    /// What stands for the column where the table has none.
    pub otherwise: Option<f64>,
}

/// The rows of a table, in the order of `columns`; the first column must increase.
pub(super) fn read<const N: usize>(path: &Path, columns: &[Column; N]) -> Result<Vec<[f64; N]>, CliError> {
    let wrong = |what: String| CliError::input(format!("{}: {what}", path.display()));
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(|error| wrong(error.to_string()))?;
    let headers = reader.headers().map_err(|error| wrong(error.to_string()))?.clone();
    let mut places = [None; N];
    for (place, column) in places.iter_mut().zip(columns) {
        *place = headers.iter().position(|header| header.eq_ignore_ascii_case(column.name));
        if place.is_none() && column.otherwise.is_none() {
            return Err(wrong(format!("no column {}", column.name)));
        }
    }
    let mut rows: Vec<[f64; N]> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| wrong(error.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        if rows.len() == ROWS_MAX {
            return Err(wrong(format!("line {line}: more than {ROWS_MAX} rows")));
        }
        let mut row = [0.0; N];
        for ((value, place), column) in row.iter_mut().zip(places).zip(columns) {
            let Column { name, low, high, otherwise } = column;
            let text = place.and_then(|place| record.get(place));
            *value = match (text, otherwise) {
                (None | Some(""), Some(otherwise)) => *otherwise,
                (text, _) => {
                    let text = text.unwrap_or_default();
                    text.parse::<f64>()
                        .map_err(|_| wrong(format!("line {line}: {name} {text:?} is no number")))?
                }
            };
            if !(*low..=*high).contains(&*value) {
                return Err(wrong(format!("line {line}: {name} is {value}, allowed is {low}..={high}")));
            }
        }
        if let Some(before) = rows.last()
            && row[0] <= before[0]
        {
            let (name, value) = (columns[0].name, row[0]);
            return Err(wrong(format!("line {line}: {name} is {value}, which is not after {}", before[0])));
        }
        rows.push(row);
    }
    Ok(rows)
}
