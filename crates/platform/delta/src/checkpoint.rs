//! The state of a table in one Parquet file, so that neither we nor any reader goes through all commits since its
//! beginning.
//!
//! Source: the Delta transaction log protocol, "Checkpoints", classic and of one part.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, MapBuilder, MapFieldNames, StringBuilder};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray, StructArray,
};
use arrow_schema::{DataType, Field, Fields, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::DeltaError;
use crate::log::{Action, Add, MetaData, Remove, Txn};

/// Commits from one checkpoint to the next, as Delta has it by default.
pub(crate) const EVERY: u64 = 10;
/// Says which checkpoint is the newest.
const POINTER: &str = "_last_checkpoint";

fn path(logs: &Path, version: u64) -> PathBuf {
    logs.join(format!("{version:020}.checkpoint.parquet"))
}

/// Writes the actions that the state after commit `version` amounts to: whole, or not at all.
pub(crate) fn write(logs: &Path, version: u64, actions: &[Action]) -> Result<(), DeltaError> {
    let draft = logs.join(format!(".{}.tmp", Uuid::now_v7()));
    let target = path(logs, version);
    let written = put(&draft, actions).and_then(|()| {
        let failed = DeltaError::file("write", &target);
        let synced = fs::rename(&draft, &target).and_then(|()| File::open(logs)?.sync_all());
        synced.map_err(failed)
    });
    let adds = actions.iter().filter(|action| matches!(action, Action::Add(_))).count();
    let pointed = written.and_then(|()| {
        let pointer = json!({"version": version, "size": actions.len(), "numOfAddFiles": adds});
        let target = logs.join(POINTER);
        let failed = DeltaError::file("write", &target);
        let put = (|| {
            fs::write(&draft, pointer.to_string())?;
            File::open(&draft)?.sync_all()?;
            fs::rename(&draft, &target)?;
            File::open(logs)?.sync_all()
        })();
        put.map_err(failed)
    });
    if pointed.is_err() {
        let _ = fs::remove_file(&draft);
    }
    pointed
}

/// The newest checkpoint with its version; `None` where there is none that can be read.
pub(crate) fn newest(logs: &Path) -> Option<(u64, Vec<Action>)> {
    let pointer: Json = serde_json::from_slice(&fs::read(logs.join(POINTER)).ok()?).ok()?;
    let version = pointer["version"].as_u64()?;
    let actions = read(&path(logs, version)).inspect_err(|error| {
        tracing::warn!(version, %error, "a checkpoint cannot be read; the commits before it are");
    });
    Some((version, actions.ok()?))
}

fn put(path: &Path, actions: &[Action]) -> Result<(), DeltaError> {
    let batch = batch(actions)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by(concat!("voltwin ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let file = File::create_new(path).map_err(DeltaError::file("create", path))?;
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties))?;
    writer.write(&batch)?;
    writer.into_inner()?.sync_all().map_err(DeltaError::file("write", path))
}

/// One row for each action: of its kind's column, all others null.
fn batch(actions: &[Action]) -> Result<RecordBatch, DeltaError> {
    let columns = [
        ("txn", txns(actions)),
        ("add", adds(actions)),
        ("remove", removes(actions)),
        ("metaData", meta(actions)),
        ("protocol", protocols(actions)),
    ];
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, array)| Arc::new(array) as ArrayRef).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|error| DeltaError::Parquet(error.into()))
}

/// A struct that is null where its first member is.
fn grouped(members: Vec<(&str, ArrayRef)>) -> StructArray {
    let nulls = members.first().and_then(|(_, array)| array.nulls().cloned());
    let fields: Fields =
        members.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    StructArray::new(fields, members.into_iter().map(|(_, array)| array).collect(), nulls)
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(StringArray::from_iter(values))
}

fn numbers(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(Int64Array::from_iter(values))
}

fn flags(values: impl Iterator<Item = Option<bool>>) -> ArrayRef {
    Arc::new(values.collect::<BooleanArray>())
}

/// A map of texts that is empty where `there`, else null.
fn empty_maps(there: impl Iterator<Item = bool>) -> ArrayRef {
    let names = MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() };
    let mut maps = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for there in there {
        // fails for keys and values of different counts, and there are none
        let _ = maps.append(there);
    }
    Arc::new(maps.finish())
}

fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn txns(actions: &[Action]) -> StructArray {
    let all = || actions.iter().map(|action| if let Action::Txn(txn) = action { Some(txn) } else { None });
    grouped(vec![
        ("appId", texts(all().map(|txn| Some(txn?.app_id.as_str())))),
        ("version", numbers(all().map(|txn| Some(txn?.version)))),
        ("lastUpdated", numbers(all().map(|txn| Some(txn?.last_updated)))),
    ])
}

fn adds(actions: &[Action]) -> StructArray {
    let all = || actions.iter().map(|action| if let Action::Add(add) = action { Some(add) } else { None });
    grouped(vec![
        ("path", texts(all().map(|add| Some(add?.path.as_str())))),
        ("partitionValues", empty_maps(all().map(|add| add.is_some()))),
        ("size", numbers(all().map(|add| Some(size(add?.size))))),
        ("modificationTime", numbers(all().map(|add| Some(add?.modification_time)))),
        ("dataChange", flags(all().map(|add| add.map(|_| false)))),
        ("stats", texts(all().map(|add| Some(add?.stats.as_str())))),
    ])
}

fn removes(actions: &[Action]) -> StructArray {
    let all =
        || actions.iter().map(|action| if let Action::Remove(remove) = action { Some(remove) } else { None });
    grouped(vec![
        ("path", texts(all().map(|remove| Some(remove?.path.as_str())))),
        ("deletionTimestamp", numbers(all().map(|remove| Some(remove?.deletion_timestamp)))),
        ("dataChange", flags(all().map(|remove| remove.map(|_| false)))),
        ("extendedFileMetadata", flags(all().map(|remove| remove.map(|_| true)))),
        ("partitionValues", empty_maps(all().map(|remove| remove.is_some()))),
        ("size", numbers(all().map(|remove| Some(size(remove?.size))))),
    ])
}

fn meta(actions: &[Action]) -> StructArray {
    let all =
        || actions.iter().map(|action| if let Action::MetaData(meta) = action { Some(meta) } else { None });
    let format = grouped(vec![
        ("provider", texts(all().map(|meta| meta.map(|_| "parquet")))),
        ("options", empty_maps(all().map(|meta| meta.is_some()))),
    ]);
    let mut partitions =
        ListBuilder::new(StringBuilder::new()).with_field(Field::new("element", DataType::Utf8, true));
    all().for_each(|meta| partitions.append(meta.is_some()));
    grouped(vec![
        ("id", texts(all().map(|meta| Some(meta?.id.as_str())))),
        ("name", texts(all().map(|meta| Some(meta?.name.as_str())))),
        ("format", Arc::new(format) as ArrayRef),
        ("schemaString", texts(all().map(|meta| Some(meta?.schema_string.as_str())))),
        ("partitionColumns", Arc::new(partitions.finish()) as ArrayRef),
        ("configuration", empty_maps(all().map(|meta| meta.is_some()))),
        ("createdTime", numbers(all().map(|meta| Some(meta?.created_time)))),
    ])
}

fn protocols(actions: &[Action]) -> StructArray {
    let version = |name: &'static str| {
        actions.iter().map(move |action| {
            let Action::Protocol(protocol) = action else { return None };
            protocol[name].as_i64().and_then(|version| i32::try_from(version).ok())
        })
    };
    grouped(vec![
        ("minReaderVersion", Arc::new(Int32Array::from_iter(version("minReaderVersion"))) as ArrayRef),
        ("minWriterVersion", Arc::new(Int32Array::from_iter(version("minWriterVersion"))) as ArrayRef),
    ])
}

/// Reads what [`write`] wrote.
fn read(path: &Path) -> Result<Vec<Action>, DeltaError> {
    let file = File::open(path).map_err(DeltaError::file("read", path))?;
    let mut actions = Vec::new();
    for batch in ParquetRecordBatchReaderBuilder::try_new(file)?.build()? {
        let batch = batch.map_err(|error| DeltaError::Parquet(error.into()))?;
        let row = Row { batch: &batch, path };
        for at in 0..batch.num_rows() {
            actions.extend(row.action(at)?);
        }
    }
    Ok(actions)
}

struct Row<'a> {
    batch: &'a RecordBatch,
    path: &'a Path,
}

impl Row<'_> {
    fn action(&self, at: usize) -> Result<Option<Action>, DeltaError> {
        let text = |group: &str, name: &str| self.text(group, name, at);
        let number = |group: &str, name: &str| self.number(group, name, at);
        let bytes = |group: &str| number(group, "size").map(i64::unsigned_abs);
        Ok(if self.has("add", at) {
            Some(Action::Add(Add {
                path: text("add", "path")?,
                partition_values: BTreeMap::new(),
                size: bytes("add")?,
                modification_time: number("add", "modificationTime")?,
                data_change: true,
                stats: text("add", "stats")?,
            }))
        } else if self.has("remove", at) {
            Some(Action::Remove(Remove {
                path: text("remove", "path")?,
                deletion_timestamp: number("remove", "deletionTimestamp")?,
                data_change: true,
                extended_file_metadata: true,
                partition_values: BTreeMap::new(),
                size: bytes("remove")?,
            }))
        } else if self.has("txn", at) {
            Some(Action::Txn(Txn {
                app_id: text("txn", "appId")?,
                version: number("txn", "version")?,
                last_updated: number("txn", "lastUpdated")?,
            }))
        } else if self.has("metaData", at) {
            Some(Action::MetaData(MetaData {
                id: text("metaData", "id")?,
                name: text("metaData", "name")?,
                format: json!({"provider": "parquet", "options": {}}),
                schema_string: text("metaData", "schemaString")?,
                partition_columns: Vec::new(),
                configuration: BTreeMap::new(),
                created_time: number("metaData", "createdTime")?,
            }))
        } else {
            None
        })
    }

    fn group(&self, group: &str) -> Option<&StructArray> {
        self.batch.column_by_name(group)?.as_any().downcast_ref()
    }

    fn has(&self, group: &str, at: usize) -> bool {
        self.group(group).is_some_and(|group| group.is_valid(at))
    }

    fn text(&self, group: &str, name: &str, at: usize) -> Result<String, DeltaError> {
        let column = self.group(group).and_then(|group| group.column_by_name(name));
        let column = column.and_then(|column| column.as_any().downcast_ref::<StringArray>());
        let value = column.filter(|column| column.is_valid(at)).map(|column| column.value(at).to_owned());
        value.ok_or_else(|| self.foreign(group, name))
    }

    fn number(&self, group: &str, name: &str, at: usize) -> Result<i64, DeltaError> {
        let column = self.group(group).and_then(|group| group.column_by_name(name));
        let column = column.and_then(|column| column.as_any().downcast_ref::<Int64Array>());
        let value = column.filter(|column| column.is_valid(at)).map(|column| column.value(at));
        value.ok_or_else(|| self.foreign(group, name))
    }

    fn foreign(&self, group: &str, name: &str) -> DeltaError {
        DeltaError::Foreign { path: self.path.to_owned(), reason: format!("`{group}.{name}` is not there") }
    }
}

/// Whether there is anything of a log.
pub(crate) fn is_begun(logs: &Path) -> Result<bool, DeltaError> {
    let names = fs::read_dir(logs).map_err(DeltaError::file("read", logs))?;
    let numbered = |name: &std::ffi::OsStr| {
        name.to_str().and_then(|name| name.get(..20)).is_some_and(|digits| digits.parse::<u64>().is_ok())
    };
    Ok(names.flatten().any(|entry| numbered(&entry.file_name())))
}
