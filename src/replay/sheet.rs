//! Rows of facts on their way into columns.
//!
//! A fact table is described once, by its [`Kind`]s; a [`Sheet`] takes rows of [`Cell`]s in the same order.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, ListBuilder, MapBuilder, MapFieldNames,
    RecordBatch, StringBuilder, StringViewBuilder, TimestampMillisecondBuilder,
};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};

use crate::error::Result;
use crate::log::rows::instant_type;
use crate::model::time::Instant;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Instant,
    Whole,
    Float,
    Flag,
    /// A list of texts.
    Texts,
    /// Texts by name.
    Map,
}

impl Kind {
    fn data_type(self) -> DataType {
        match self {
            Kind::Text => DataType::Utf8View,
            Kind::Instant => instant_type(),
            Kind::Whole => DataType::Int64,
            Kind::Float => DataType::Float64,
            Kind::Flag => DataType::Boolean,
            Kind::Texts => DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))),
            Kind::Map => {
                let entries = Fields::from(vec![
                    Field::new("key", DataType::Utf8, false),
                    Field::new("value", DataType::Utf8, true),
                ]);
                DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(entries), false)), false)
            }
        }
    }
}

/// One value of a row.
#[derive(Clone, Debug)]
pub enum Cell<'a> {
    Text(Option<&'a str>),
    Instant(Option<Instant>),
    Whole(Option<i64>),
    Float(Option<f64>),
    Flag(Option<bool>),
    Texts(Option<Vec<&'a str>>),
    Map(Vec<(&'a str, &'a str)>),
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Cell::Text(Some(text))
    }
}

impl<'a> From<Option<&'a str>> for Cell<'a> {
    fn from(text: Option<&'a str>) -> Self {
        Cell::Text(text)
    }
}

impl From<Instant> for Cell<'_> {
    fn from(instant: Instant) -> Self {
        Cell::Instant(Some(instant))
    }
}

impl From<Option<Instant>> for Cell<'_> {
    fn from(instant: Option<Instant>) -> Self {
        Cell::Instant(instant)
    }
}

impl From<i64> for Cell<'_> {
    fn from(whole: i64) -> Self {
        Cell::Whole(Some(whole))
    }
}

impl From<Option<i64>> for Cell<'_> {
    fn from(whole: Option<i64>) -> Self {
        Cell::Whole(whole)
    }
}

impl From<Option<f64>> for Cell<'_> {
    fn from(float: Option<f64>) -> Self {
        Cell::Float(float)
    }
}

impl From<bool> for Cell<'_> {
    fn from(flag: bool) -> Self {
        Cell::Flag(Some(flag))
    }
}

/// The schema of a table with those columns, all of which may be null.
#[must_use]
pub fn schema(columns: &[(&str, Kind)]) -> SchemaRef {
    let fields: Vec<Field> = columns.iter().map(|(name, kind)| Field::new(*name, kind.data_type(), true)).collect();
    Arc::new(Schema::new(fields))
}

enum Column {
    Text(StringViewBuilder),
    Instant(TimestampMillisecondBuilder),
    Whole(Int64Builder),
    Float(Float64Builder),
    Flag(BooleanBuilder),
    Texts(ListBuilder<StringBuilder>),
    Map(MapBuilder<StringBuilder, StringBuilder>),
}

impl Column {
    fn with_capacity(kind: Kind, rows: usize) -> Column {
        match kind {
            Kind::Text => Column::Text(StringViewBuilder::with_capacity(rows)),
            Kind::Instant => Column::Instant(TimestampMillisecondBuilder::with_capacity(rows).with_timezone("UTC")),
            Kind::Whole => Column::Whole(Int64Builder::with_capacity(rows)),
            Kind::Float => Column::Float(Float64Builder::with_capacity(rows)),
            Kind::Flag => Column::Flag(BooleanBuilder::with_capacity(rows)),
            Kind::Texts => Column::Texts(ListBuilder::new(StringBuilder::new())),
            Kind::Map => {
                let names = MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() };
                Column::Map(MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new()))
            }
        }
    }

    /// Appends a cell; one of another kind than the column's becomes null, which the tests of the tables would show.
    fn push(&mut self, cell: &Cell<'_>) {
        match (self, cell) {
            (Column::Text(builder), Cell::Text(text)) => builder.append_option(*text),
            (Column::Instant(builder), Cell::Instant(instant)) => {
                builder.append_option(instant.map(|instant| instant.0))
            }
            (Column::Whole(builder), Cell::Whole(whole)) => builder.append_option(*whole),
            (Column::Float(builder), Cell::Float(float)) => builder.append_option(*float),
            (Column::Flag(builder), Cell::Flag(flag)) => builder.append_option(*flag),
            (Column::Texts(builder), Cell::Texts(Some(texts))) => builder.append_value(texts.iter().map(Some)),
            (Column::Map(builder), Cell::Map(entries)) => push_map(builder, entries),
            (column, _) => column.push_null(),
        }
    }

    fn push_null(&mut self) {
        match self {
            Column::Text(builder) => builder.append_null(),
            Column::Instant(builder) => builder.append_null(),
            Column::Whole(builder) => builder.append_null(),
            Column::Float(builder) => builder.append_null(),
            Column::Flag(builder) => builder.append_null(),
            Column::Texts(builder) => builder.append_null(),
            // Keys and values are in step, so this cannot fail.
            Column::Map(builder) => drop(builder.append(false)),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Column::Text(builder) => ArrayBuilder::finish(builder),
            Column::Instant(builder) => ArrayBuilder::finish(builder),
            Column::Whole(builder) => ArrayBuilder::finish(builder),
            Column::Float(builder) => ArrayBuilder::finish(builder),
            Column::Flag(builder) => ArrayBuilder::finish(builder),
            Column::Texts(builder) => ArrayBuilder::finish(builder),
            Column::Map(builder) => ArrayBuilder::finish(builder),
        }
    }
}

fn push_map(builder: &mut MapBuilder<StringBuilder, StringBuilder>, entries: &[(&str, &str)]) {
    for (key, value) in entries {
        builder.keys().append_value(key);
        builder.values().append_value(value);
    }
    // Keys and values are in step, so this cannot fail.
    drop(builder.append(true));
}

/// A table being filled.
pub struct Sheet {
    kinds: Vec<Kind>,
    capacity: usize,
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: usize,
}

impl Sheet {
    /// An empty table with those columns.
    #[must_use]
    pub fn new(columns: &[(&str, Kind)]) -> Sheet {
        Sheet::with_capacity(columns, 0)
    }

    /// The same with room for so many rows, after each [`Sheet::finish`] too.
    #[must_use]
    pub fn with_capacity(columns: &[(&str, Kind)], rows: usize) -> Sheet {
        let kinds: Vec<Kind> = columns.iter().map(|(_, kind)| *kind).collect();
        let columns_of = kinds.iter().map(|kind| Column::with_capacity(*kind, rows)).collect();
        Sheet { kinds, capacity: rows, schema: schema(columns), columns: columns_of, rows: 0 }
    }

    /// Adds a row; cells stand in the order of the columns.
    pub fn push<const N: usize>(&mut self, cells: [Cell<'_>; N]) {
        debug_assert_eq!(N, self.columns.len(), "a row has as many cells as the table has columns");
        for (column, cell) in self.columns.iter_mut().zip(&cells) {
            column.push(cell);
        }
        self.rows += 1;
    }

    /// Rows added since the last [`Sheet::finish`].
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The rows as columns; the table is empty again.
    ///
    /// # Errors
    /// Arrow's, which would be a defect.
    pub fn finish(&mut self) -> Result<RecordBatch> {
        self.rows = 0;
        let columns = self.columns.iter_mut().map(Column::finish).collect();
        self.columns = self.kinds.iter().map(|kind| Column::with_capacity(*kind, self.capacity)).collect();
        Ok(RecordBatch::try_new(self.schema.clone(), columns)?)
    }
}
