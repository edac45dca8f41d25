//! Rows of facts on their way into columns.
//!
//! A fact table is described once, by its [`Kind`]s; a [`Sheet`] takes rows of [`Cell`]s in the same order. A replay fills
//! hundreds of millions of cells, so what recurs is not copied again and again: a key stands once for all rows in a row
//! that have it, a name once for all.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Float64Builder, Int64Array, ListBuilder, MapBuilder, MapFieldNames,
    NullBufferBuilder, RecordBatch, StringBuilder, StringViewArray, StringViewBuilder, TimestampMillisecondArray,
    UInt32Array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};

use crate::error::Result;
use crate::log::rows::instant_type;
use crate::model::position::LogPosition;
use crate::model::time::Instant;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// A text that mostly is that of the row before.
    Key,
    /// A text out of few that the program knows.
    Name,
    /// A position in the log, as text.
    Place,
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
            Kind::Text | Kind::Key | Kind::Name | Kind::Place => DataType::Utf8View,
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
    Name(Option<&'static str>),
    Place(Option<LogPosition<'a>>),
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

impl<'a> From<LogPosition<'a>> for Cell<'a> {
    fn from(position: LogPosition<'a>) -> Self {
        Cell::Place(Some(position))
    }
}

impl<'a> From<Option<LogPosition<'a>>> for Cell<'a> {
    fn from(position: Option<LogPosition<'a>>) -> Self {
        Cell::Place(position)
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
    Key(Keys),
    Name(Names),
    Place(Places),
    Instant(Numbers),
    Whole(Numbers),
    Float(Float64Builder),
    Flag(BooleanBuilder),
    Texts(ListBuilder<StringBuilder>),
    Map(MapBuilder<StringBuilder, StringBuilder>),
}

impl Column {
    fn with_capacity(kind: Kind, rows: usize) -> Column {
        match kind {
            Kind::Text => Column::Text(StringViewBuilder::with_capacity(rows)),
            Kind::Key => Column::Key(Keys::with_capacity(rows)),
            Kind::Name => Column::Name(Names::with_capacity(rows)),
            Kind::Place => Column::Place(Places::with_capacity(rows)),
            Kind::Instant => Column::Instant(Numbers::with_capacity(rows)),
            Kind::Whole => Column::Whole(Numbers::with_capacity(rows)),
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
    // Where a row is put, the kind of the cell is known, and so is, mostly, that of the column.
    #[inline(always)]
    fn push(&mut self, cell: Cell<'_>) {
        match (self, cell) {
            (Column::Text(builder), Cell::Text(text)) => builder.append_option(text),
            (Column::Text(builder), Cell::Name(name)) => builder.append_option(name),
            (Column::Key(keys), Cell::Text(text)) => keys.push(text),
            (Column::Name(names), Cell::Name(name)) => names.push(name),
            (Column::Place(places), Cell::Place(Some(position))) => places.push(position),
            (Column::Instant(numbers), Cell::Instant(instant)) => numbers.push(instant.map(|instant| instant.0)),
            (Column::Whole(numbers), Cell::Whole(whole)) => numbers.push(whole),
            (Column::Float(builder), Cell::Float(float)) => builder.append_option(float),
            (Column::Flag(builder), Cell::Flag(flag)) => builder.append_option(flag),
            (Column::Texts(builder), Cell::Texts(Some(texts))) => builder.append_value(texts.iter().map(Some)),
            (Column::Map(builder), Cell::Map(entries)) => push_map(builder, &entries),
            (column, _) => column.push_null(),
        }
    }

    fn push_null(&mut self) {
        match self {
            Column::Text(builder) => builder.append_null(),
            Column::Key(keys) => keys.push(None),
            Column::Name(names) => names.push(None),
            Column::Place(places) => places.builder.append_null(),
            Column::Instant(numbers) | Column::Whole(numbers) => numbers.push(None),
            Column::Float(builder) => builder.append_null(),
            Column::Flag(builder) => builder.append_null(),
            Column::Texts(builder) => builder.append_null(),
            // Keys and values are in step, so this cannot fail.
            Column::Map(builder) => drop(builder.append(false)),
        }
    }

    fn finish(self) -> Result<ArrayRef> {
        Ok(match self {
            Column::Text(mut builder) => Arc::new(builder.finish()),
            Column::Key(keys) => Arc::new(keys.finish()),
            Column::Name(names) => names.finish()?,
            Column::Place(mut places) => Arc::new(places.builder.finish()),
            Column::Instant(numbers) => {
                let (values, nulls) = numbers.finish();
                Arc::new(TimestampMillisecondArray::try_new(values.into(), nulls)?.with_timezone("UTC"))
            }
            Column::Whole(numbers) => {
                let (values, nulls) = numbers.finish();
                Arc::new(Int64Array::try_new(values.into(), nulls)?)
            }
            Column::Float(mut builder) => Arc::new(builder.finish()),
            Column::Flag(mut builder) => Arc::new(builder.finish()),
            Column::Texts(mut builder) => Arc::new(builder.finish()),
            Column::Map(mut builder) => ArrayBuilder::finish(&mut builder),
        })
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

/// Whole numbers, some of them null.
struct Numbers {
    values: Vec<i64>,
    nulls: NullBufferBuilder,
}

impl Numbers {
    fn with_capacity(rows: usize) -> Numbers {
        Numbers { values: Vec::with_capacity(rows), nulls: NullBufferBuilder::new(rows) }
    }

    #[inline]
    fn push(&mut self, number: Option<i64>) {
        self.values.push(number.unwrap_or_default());
        self.nulls.append(number.is_some());
    }

    fn finish(mut self) -> (Vec<i64>, Option<NullBuffer>) {
        let nulls = self.nulls.finish();
        (self.values, nulls)
    }
}

/// Texts that recur from row to row.
struct Keys {
    builder: StringViewBuilder,
    /// The present one, and the rows that have it and are not in the builder yet.
    present: String,
    rows: usize,
}

impl Keys {
    fn with_capacity(rows: usize) -> Keys {
        Keys { builder: StringViewBuilder::with_capacity(rows), present: String::new(), rows: 0 }
    }

    #[inline]
    fn push(&mut self, key: Option<&str>) {
        match key {
            Some(key) if key == self.present => self.rows += 1,
            key => self.push_other(key),
        }
    }

    fn push_other(&mut self, key: Option<&str>) {
        self.flush();
        match key {
            Some(key) => {
                self.present.clear();
                self.present.push_str(key);
                self.rows = 1;
            }
            None => self.builder.append_null(),
        }
    }

    fn flush(&mut self) {
        // Fails only with a text of four gigabytes.
        drop(self.builder.try_append_value_n(&self.present, std::mem::take(&mut self.rows)));
    }

    fn finish(mut self) -> StringViewArray {
        self.flush();
        self.builder.finish()
    }
}

/// Texts that the program itself has, so that one is known by where it stands in memory.
struct Names {
    names: Vec<&'static str>,
    rows: Vec<u32>,
    nulls: NullBufferBuilder,
}

impl Names {
    fn with_capacity(rows: usize) -> Names {
        Names { names: Vec::new(), rows: Vec::with_capacity(rows), nulls: NullBufferBuilder::new(rows) }
    }

    #[inline]
    fn push(&mut self, name: Option<&'static str>) {
        self.nulls.append(name.is_some());
        let position = name.map(|name| {
            // A name that stands twice in memory is here twice, too.
            let known = self.names.iter().position(|known| std::ptr::eq(*known, name));
            known.unwrap_or_else(|| {
                self.names.push(name);
                self.names.len() - 1
            })
        });
        self.rows.push(position.unwrap_or_default() as u32);
    }

    fn finish(mut self) -> Result<ArrayRef> {
        let rows = UInt32Array::try_new(self.rows.into(), self.nulls.finish())?;
        Ok(take(&StringViewArray::from(self.names), &rows, None)?)
    }
}

/// Positions as texts, made one after the other in the same place.
struct Places {
    builder: StringViewBuilder,
    text: String,
}

impl Places {
    fn with_capacity(rows: usize) -> Places {
        Places { builder: StringViewBuilder::with_capacity(rows), text: String::new() }
    }

    fn push(&mut self, position: LogPosition<'_>) {
        self.text.clear();
        position.write_text(&mut self.text);
        self.builder.append_value(&self.text);
    }
}

/// A row being put, cell by cell, in the order of the columns.
pub struct Row<'s> {
    columns: std::slice::IterMut<'s, Column>,
}

impl Row<'_> {
    /// Puts the next cell.
    #[inline(always)]
    #[expect(clippy::return_self_not_must_use, reason = "the last cell ends the row")]
    pub fn put<'a>(mut self, cell: impl Into<Cell<'a>>) -> Self {
        if let Some(column) = self.columns.next() {
            column.push(cell.into());
        }
        self
    }

    /// Puts a name as the next cell.
    #[inline(always)]
    pub fn name(self, name: impl Into<Option<&'static str>>) -> Self {
        self.put(Cell::Name(name.into()))
    }
}

impl Drop for Row<'_> {
    fn drop(&mut self) {
        debug_assert_eq!(self.columns.len(), 0, "a row has as many cells as the table has columns");
    }
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

    /// Begins a row, which has as many cells as there are columns.
    #[inline]
    pub fn row(&mut self) -> Row<'_> {
        self.rows += 1;
        Row { columns: self.columns.iter_mut() }
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
        let next = self.kinds.iter().map(|kind| Column::with_capacity(*kind, self.capacity)).collect();
        let columns = std::mem::replace(&mut self.columns, next).into_iter().map(Column::finish);
        Ok(RecordBatch::try_new(self.schema.clone(), columns.collect::<Result<_>>()?)?)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;

    use super::*;
    use crate::model::position::LogPosition;

    /// What is put cheaply comes out as it went in, also after the sheet was handed over and begun anew.
    #[test]
    fn keys_names_and_places_come_out_as_texts() {
        const COLUMNS: &[(&str, Kind)] =
            &[("key", Kind::Key), ("name", Kind::Name), ("place", Kind::Place), ("text", Kind::Text)];
        let long = "a key of more than twelve bytes";
        let keys = [Some("a"), Some("a"), None, Some("a"), Some(long), Some(long), Some(""), None, None, Some("b")];
        let names = [None, Some("new"), Some("open"), Some("new"), Some("a name of more than twelve bytes"), None];
        let mut sheet = Sheet::with_capacity(COLUMNS, 4);
        for round in 0..2 {
            let mut expected = Vec::new();
            for (row, key) in keys.iter().enumerate() {
                let name = names[(row + round) % names.len()];
                let place = (row % 3 > 0).then_some(LogPosition::Before(Instant(row as i64 - 5)));
                sheet.row().put(*key).name(name).put(place).name(name);
                expected.push(
                    [*key, name, place.map(LogPosition::to_text).as_deref(), name].map(|text| text.map(str::to_owned)),
                );
            }
            assert_eq!(sheet.rows(), keys.len());
            let batch = sheet.finish().unwrap();
            let text = |column: usize, row: usize| {
                let texts = batch.column(column).as_string_view();
                texts.iter().nth(row).flatten().map(str::to_owned)
            };
            let found: Vec<_> = (0..keys.len()).map(|row| [0, 1, 2, 3].map(|column| text(column, row))).collect();
            assert_eq!((found, sheet.rows()), (expected, 0));
        }
    }
}
