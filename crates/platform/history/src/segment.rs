//! Sealed segments: Parquet files sorted by (series, time), written whole or not at all.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::statistics::Statistics;

use crate::HistoryError;

/// Small enough that one series costs one or two groups, large enough to compress.
const ROW_GROUP_ROWS: usize = 32_768;
const READ_ROWS: usize = 8_192;
const COLUMN_SERIES: usize = 0;
const COLUMN_TIME: usize = 1;

/// One value of one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Row {
    pub(crate) series: i64,
    pub(crate) at_us: i64,
    pub(crate) value: f64,
}

/// Which rows of a segment are wanted: of one series, `from_us <= at_us < to_us`, the first `limit` by time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) series: i64,
    pub(crate) from_us: i64,
    pub(crate) to_us: i64,
    pub(crate) limit: usize,
}

/// Writes the rows, which it sorts, to `dir/name`; when this returns they are on the disk under that name.
pub(crate) fn write(dir: &Path, name: &str, rows: &mut [Row]) -> Result<(), HistoryError> {
    rows.sort_unstable_by_key(|row| (row.series, row.at_us));
    let path = dir.join(name);
    let tmp = dir.join(format!("{name}.tmp"));
    let written = write_file(&tmp, rows)
        .and_then(|()| fs::rename(&tmp, &path))
        .and_then(|()| File::open(dir)?.sync_all());
    written.map_err(|error| {
        // What is left of it is worth nothing and may be what fills the disk.
        let _ = fs::remove_file(&tmp);
        HistoryError::folder("write", path)(error)
    })
}

fn write_file(path: &Path, rows: &[Row]) -> io::Result<()> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("series", DataType::Int64, false),
        Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false),
        Field::new("value", DataType::Float64, false),
    ]));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).map_err(from_parquet)?))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    let file = File::create(path)?;
    let mut writer =
        ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties)).map_err(from_parquet)?;
    for chunk in rows.chunks(ROW_GROUP_ROWS) {
        let series = Int64Array::from_iter_values(chunk.iter().map(|row| row.series));
        let at = TimestampMicrosecondArray::from_iter_values(chunk.iter().map(|row| row.at_us));
        let value = Float64Array::from_iter_values(chunk.iter().map(|row| row.value));
        let columns: Vec<ArrayRef> =
            vec![Arc::new(series), Arc::new(at.with_timezone("UTC")), Arc::new(value)];
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(io::Error::other)?;
        writer.write(&batch).map_err(from_parquet)?;
    }
    writer.into_inner().map_err(from_parquet)?.sync_all()
}

/// Keeps the operating system's own error, so that a full disk is told apart.
fn from_parquet(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(inner) => io::Error::other(inner),
        },
        other => io::Error::other(other),
    }
}

/// The wanted rows as (time in microseconds, value), in order of time.
pub(crate) fn read(path: &Path, wanted: Wanted) -> Result<Vec<(i64, f64)>, HistoryError> {
    let damaged = |error: ParquetError| HistoryError::corrupt(path)(error);
    let file = File::open(path).map_err(HistoryError::folder("open", path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(damaged)?;
    let groups: Vec<usize> = builder
        .metadata()
        .row_groups()
        .iter()
        .enumerate()
        .filter(|(_, group)| may_hold(group, wanted))
        .map(|(index, _)| index)
        .collect();
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let reader = builder.with_row_groups(groups).with_batch_size(READ_ROWS).build().map_err(damaged)?;
    let mut found = Vec::new();
    for batch in reader {
        let batch = batch.map_err(HistoryError::corrupt(path))?;
        if batch.num_columns() != 3 {
            return Err(HistoryError::corrupt(path)("it has not the three columns of a segment"));
        }
        let columns = (
            batch.column(0).as_primitive_opt::<Int64Type>(),
            batch.column(1).as_primitive_opt::<TimestampMicrosecondType>(),
            batch.column(2).as_primitive_opt::<Float64Type>(),
        );
        let (Some(series), Some(at), Some(value)) = columns else {
            return Err(HistoryError::corrupt(path)("its columns are of other types"));
        };
        // Sorted by series: the run of ours lies between two binary searches.
        let series = series.values();
        let start = series.partition_point(|s| *s < wanted.series);
        let end = series.partition_point(|s| *s <= wanted.series);
        for i in start..end {
            let at_us = at.value(i);
            if at_us >= wanted.to_us || found.len() >= wanted.limit {
                return Ok(found);
            }
            if at_us >= wanted.from_us {
                found.push((at_us, value.value(i)));
            }
        }
        if end < series.len() {
            break;
        }
    }
    Ok(found)
}

/// Whether the statistics of a row group leave room for a wanted row.
fn may_hold(group: &RowGroupMetaData, wanted: Wanted) -> bool {
    let within = |column: usize, low: i64, high: i64| match group.column(column).statistics() {
        Some(Statistics::Int64(stats)) => {
            stats.max_opt().is_none_or(|max| *max >= low) && stats.min_opt().is_none_or(|min| *min <= high)
        }
        _ => true,
    };
    within(COLUMN_SERIES, wanted.series, wanted.series)
        && within(COLUMN_TIME, wanted.from_us, wanted.to_us.saturating_sub(1))
}
