//! Fact tables and their columns: what a column holds, its data type, and the builder that fills it.
//!
//! A replay fills hundreds of millions of cells. So a key is copied once for all consecutive rows that have it, and a name
//! once for all rows.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Float64Builder, Int64Array, ListBuilder, MapBuilder, MapFieldNames,
    NullBufferBuilder, StringBuilder, StringViewArray, StringViewBuilder, TimestampMillisecondArray, UInt32Array,
    UInt64Array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};

use crate::error::Result;
use crate::log::rows::instant_type;
use crate::model::content::Holds;
use crate::model::position;
use crate::model::time;

/// The column by which the metrics join and count cases, because numbers take a fraction of the time that texts take. It is
/// the same in all rows of a case and differs between cases, but another replay gives a case another number: SQL of users
/// does not see it.
pub const CASE_NUMBER: &str = "case_number";

/// A fact table: its name, its columns, and the columns its listings are ordered by.
#[derive(Clone, Copy, Debug)]
pub struct FactTable {
    pub name: &'static str,
    pub columns: &'static [(&'static str, Kind)],
    /// What each column holds, where it is one of texts and of a table that sessions have.
    pub holds: &'static [Option<Holds>],
    pub order: &'static [&'static str],
}

impl FactTable {
    /// What a column holds, where that is stated.
    #[must_use]
    pub fn holds(&self, column: &str) -> Option<Holds> {
        let stated = self.columns.iter().zip(self.holds).find(|((name, _), _)| *name == column);
        // A fixed word, or a position.
        stated.and_then(|((_, kind), holds)| holds.or_else(|| (*kind == Kind::Name).then_some(Holds::Thing)))
    }

    /// The schema that SQL of users sees.
    #[must_use]
    pub fn visible_schema(&self) -> SchemaRef {
        let field = |(name, kind): &(&str, Kind)| Field::new(*name, kind.data_type(), true);
        Arc::new(Schema::new(self.visible_columns().map(field).collect::<Vec<_>>()))
    }

    /// The columns that SQL of users sees.
    pub fn visible_columns(&self) -> impl Iterator<Item = &'static (&'static str, Kind)> + use<> {
        self.columns.iter().filter(|(name, _)| *name != CASE_NUMBER)
    }

    /// The schema of the table; every column may be null.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        let field = |(name, kind): &(&str, Kind)| Field::new(*name, kind.data_type(), true);
        Arc::new(Schema::new(self.columns.iter().map(field).collect::<Vec<_>>()))
    }
}

/// What a column holds. The builder of each kind has the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Key,
    Name,
    LogPosition,
    Instant,
    CaseNumber,
    Whole,
    Float,
    Flag,
    Texts,
    Map,
}

impl Kind {
    fn data_type(self) -> DataType {
        match self {
            Kind::Text | Kind::Key | Kind::Name | Kind::LogPosition => DataType::Utf8View,
            Kind::Instant => instant_type(),
            Kind::CaseNumber => DataType::UInt64,
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

/// Builds a column of one kind, cell by cell.
pub trait ColumnBuilder: Sized {
    /// What a row has in the column.
    type Cell<'a>;

    /// An empty column with capacity for that many rows.
    fn with_capacity(rows: usize) -> Self;

    /// Appends the cell of the next row.
    fn push(&mut self, cell: Self::Cell<'_>);

    /// The cells as an array.
    ///
    /// # Errors
    /// Arrow's, which would be a defect.
    fn finish(self) -> Result<ArrayRef>;
}

/// Texts.
pub struct Text(StringViewBuilder);

impl ColumnBuilder for Text {
    type Cell<'a> = Option<&'a str>;

    fn with_capacity(rows: usize) -> Text {
        Text(StringViewBuilder::with_capacity(rows))
    }

    #[inline]
    fn push(&mut self, text: Self::Cell<'_>) {
        self.0.append_option(text);
    }

    fn finish(mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.0.finish()))
    }
}

/// Texts that are mostly equal to the text of the row before.
pub struct Key {
    builder: StringViewBuilder,
    /// The present key, and the number of rows that have it and are not in the builder yet.
    present: String,
    rows: usize,
}

impl Key {
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
}

impl ColumnBuilder for Key {
    type Cell<'a> = Option<&'a str>;

    fn with_capacity(rows: usize) -> Key {
        Key { builder: StringViewBuilder::with_capacity(rows), present: String::new(), rows: 0 }
    }

    #[inline]
    fn push(&mut self, key: Self::Cell<'_>) {
        match key {
            Some(key) if key == self.present => self.rows += 1,
            key => self.push_other(key),
        }
    }

    fn finish(mut self) -> Result<ArrayRef> {
        self.flush();
        Ok(Arc::new(self.builder.finish()))
    }
}

/// Texts that are constants of the program, recognised by their address.
pub struct Name {
    names: Vec<&'static str>,
    rows: Vec<u32>,
    nulls: NullBufferBuilder,
}

impl ColumnBuilder for Name {
    type Cell<'a> = Option<&'static str>;

    fn with_capacity(rows: usize) -> Name {
        Name { names: Vec::new(), rows: Vec::with_capacity(rows), nulls: NullBufferBuilder::new(rows) }
    }

    #[inline]
    fn push(&mut self, name: Self::Cell<'_>) {
        self.nulls.append(name.is_some());
        let position = name.map(|name| {
            // A name with two addresses is in the list twice, which does no harm.
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

/// Positions in the log, as texts that sort as the log does.
pub struct LogPosition {
    builder: StringViewBuilder,
    /// Where the text of each position is written.
    text: String,
}

impl ColumnBuilder for LogPosition {
    type Cell<'a> = Option<position::LogPosition<'a>>;

    fn with_capacity(rows: usize) -> LogPosition {
        LogPosition { builder: StringViewBuilder::with_capacity(rows), text: String::new() }
    }

    fn push(&mut self, position: Self::Cell<'_>) {
        match position {
            Some(position) => {
                self.text.clear();
                position.write_text(&mut self.text);
                self.builder.append_value(&self.text);
            }
            None => self.builder.append_null(),
        }
    }

    fn finish(mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.builder.finish()))
    }
}

/// Numbers of cases. No other column has their type, so that SQL which uses one as something else is recognised.
pub struct CaseNumber(Vec<u64>);

impl ColumnBuilder for CaseNumber {
    type Cell<'a> = u64;

    fn with_capacity(rows: usize) -> CaseNumber {
        CaseNumber(Vec::with_capacity(rows))
    }

    #[inline]
    fn push(&mut self, number: Self::Cell<'_>) {
        self.0.push(number);
    }

    fn finish(self) -> Result<ArrayRef> {
        Ok(Arc::new(UInt64Array::from(self.0)))
    }
}

/// Whole numbers.
pub struct Whole {
    values: Vec<i64>,
    nulls: NullBufferBuilder,
}

impl Whole {
    fn into_parts(mut self) -> (Vec<i64>, Option<NullBuffer>) {
        let nulls = self.nulls.finish();
        (self.values, nulls)
    }
}

impl ColumnBuilder for Whole {
    type Cell<'a> = Option<i64>;

    fn with_capacity(rows: usize) -> Whole {
        Whole { values: Vec::with_capacity(rows), nulls: NullBufferBuilder::new(rows) }
    }

    #[inline]
    fn push(&mut self, number: Self::Cell<'_>) {
        self.values.push(number.unwrap_or_default());
        self.nulls.append(number.is_some());
    }

    fn finish(self) -> Result<ArrayRef> {
        let (values, nulls) = self.into_parts();
        Ok(Arc::new(Int64Array::try_new(values.into(), nulls)?))
    }
}

/// Instants.
pub struct Instant(Whole);

impl ColumnBuilder for Instant {
    type Cell<'a> = Option<time::Instant>;

    fn with_capacity(rows: usize) -> Instant {
        Instant(Whole::with_capacity(rows))
    }

    #[inline]
    fn push(&mut self, instant: Self::Cell<'_>) {
        self.0.push(instant.map(|instant| instant.0));
    }

    fn finish(self) -> Result<ArrayRef> {
        let (values, nulls) = self.0.into_parts();
        Ok(Arc::new(TimestampMillisecondArray::try_new(values.into(), nulls)?.with_timezone("UTC")))
    }
}

/// Numbers that may have a fraction.
pub struct Float(Float64Builder);

impl ColumnBuilder for Float {
    type Cell<'a> = Option<f64>;

    fn with_capacity(rows: usize) -> Float {
        Float(Float64Builder::with_capacity(rows))
    }

    fn push(&mut self, number: Self::Cell<'_>) {
        self.0.append_option(number);
    }

    fn finish(mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.0.finish()))
    }
}

/// True or false.
pub struct Flag(BooleanBuilder);

impl ColumnBuilder for Flag {
    type Cell<'a> = Option<bool>;

    fn with_capacity(rows: usize) -> Flag {
        Flag(BooleanBuilder::with_capacity(rows))
    }

    #[inline]
    fn push(&mut self, flag: Self::Cell<'_>) {
        self.0.append_option(flag);
    }

    fn finish(mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.0.finish()))
    }
}

/// Lists of texts.
pub struct Texts(ListBuilder<StringBuilder>);

impl ColumnBuilder for Texts {
    type Cell<'a> = Option<Vec<&'a str>>;

    fn with_capacity(_: usize) -> Texts {
        Texts(ListBuilder::new(StringBuilder::new()))
    }

    fn push(&mut self, texts: Self::Cell<'_>) {
        match texts {
            Some(texts) => self.0.append_value(texts.iter().map(Some)),
            None => self.0.append_null(),
        }
    }

    fn finish(mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.0.finish()))
    }
}

/// Texts by name.
pub struct Map(MapBuilder<StringBuilder, StringBuilder>);

impl ColumnBuilder for Map {
    type Cell<'a> = Vec<(&'a str, &'a str)>;

    fn with_capacity(_: usize) -> Map {
        let names = MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() };
        Map(MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new()))
    }

    fn push(&mut self, entries: Self::Cell<'_>) {
        for (key, value) in entries {
            self.0.keys().append_value(key);
            self.0.values().append_value(value);
        }
        // There are as many keys as values, so this cannot fail.
        drop(self.0.append(true));
    }

    fn finish(mut self) -> Result<ArrayRef> {
        Ok(ArrayBuilder::finish(&mut self.0))
    }
}
