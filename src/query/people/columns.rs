//! The columns of a table as they are shown: a function of the engine for each way of showing texts.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, GenericListArray, MapArray, StringArray, StringViewArray, StructArray, UInt32Array,
};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
use datafusion::prelude::{Expr, cast as cast_to, ident, lit};
use datafusion::scalar::ScalarValue;
use foldhash::fast::FixedState;

use super::shown::Shown;
use crate::error::Result;
use crate::model::content::Holds;

/// A column as it is shown, under its name; nothing where that is as it is.
///
/// # Errors
/// When the type of the column has no null, which would be a defect.
pub(super) fn shown(shown: &Arc<Shown>, field: &Field, holds: Holds) -> Result<Option<Expr>> {
    let name = field.name();
    let withheld = || Ok(Some(lit(ScalarValue::try_from(field.data_type())?).alias(name)));
    let shown = Arc::clone(shown);
    let expression = match holds {
        Holds::Thing => return Ok(None),
        Holds::Raw => return withheld(),
        Holds::Words if shown.known.is_none() => return withheld(),
        Holds::User | Holds::UsersOrGroups | Holds::Customer if is_list(field.data_type()) => {
            items(field, holds, move |id| person(&shown, holds, id))
        }
        Holds::User | Holds::UsersOrGroups | Holds::Customer => {
            texts("pseudonym", holds, [name], move |[id]| Some(person(&shown, holds, id)))
        }
        Holds::NameOfUser => texts("pseudonym", holds, [name, "user"], move |[_, id]| Some(shown.user(id))),
        Holds::NameOfCustomer => texts("pseudonym", holds, [name, "customer"], move |[_, id]| Some(shown.customer(id))),
        Holds::Words => texts("rewritten", holds, [name], move |[text]| shown.words(text)),
        Holds::FieldValue => {
            texts("shown", holds, [name, "field"], move |[value, field]| Some(shown.value(field, value)))
        }
        Holds::FieldValues => values_by_field(field, shown),
        Holds::Detail => texts("shown", holds, [name], move |[detail]| Some(shown.detail(detail))),
        Holds::Subject => {
            texts("shown", holds, [name, "type"], move |[subject, kind]| Some(shown.subject(kind, subject)))
        }
        Holds::Data => texts("shown", holds, [name, "type", "subject"], move |[data, kind, subject]| {
            shown.data(kind, subject, data)
        }),
        Holds::KnownOfCustomer => {
            texts("shown", holds, [name, "customer"], move |[data, customer]| shown.known_of_customer(customer, data))
        }
    };
    let expression = match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => cast_to(expression, field.data_type().clone()),
        _ => expression,
    };
    Ok(Some(expression.alias(name)))
}

fn person(shown: &Shown, holds: Holds, id: &str) -> String {
    match holds {
        Holds::Customer => shown.customer(id),
        Holds::UsersOrGroups => shown.user_or_group(id),
        _ => shown.user(id),
    }
}

/// Whether texts of that type can be shown at all: a text, a list of texts, a map of texts.
pub(super) fn is_of_texts(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::List(item) => is_of_texts(item.data_type()),
        DataType::Map(..) | DataType::Struct(_) | DataType::Binary | DataType::BinaryView => true,
        _ => false,
    }
}

fn is_list(kind: &DataType) -> bool {
    matches!(kind, DataType::List(_))
}

/// The name of a function, which differs between functions that do different things: the engine takes functions of one name
/// for the same.
fn function_name(what: &str, holds: Holds, form: &str) -> String {
    format!("{what}_{holds:?}{form}").to_lowercase()
}

/// A function of texts of a row. Where one of them is null, so is its result.
fn texts<const N: usize>(
    what: &str,
    holds: Holds,
    columns: [&str; N],
    of: impl Fn([&str; N]) -> Option<String> + Send + Sync + 'static,
) -> Expr {
    let function = move |arguments: &[ColumnarValue]| {
        let arrays = ColumnarValue::values_to_arrays(arguments)?;
        let arrays =
            arrays.iter().map(|array| cast(array, &DataType::Utf8View)).collect::<std::result::Result<Vec<_>, _>>()?;
        let columns: Vec<&StringViewArray> = arrays.iter().map(|array| array.as_string_view()).collect();
        let columns: [&StringViewArray; N] =
            columns.try_into().map_err(|_| DataFusionError::Plan("a function of other texts".to_owned()))?;
        Ok(ColumnarValue::Array(each_once(columns, &of)?))
    };
    let name = function_name(what, holds, "");
    let function =
        create_udf(&name, vec![DataType::Utf8View; N], DataType::Utf8View, Volatility::Immutable, Arc::new(function));
    function.call(columns.map(ident).to_vec())
}

/// The result for each row; equal texts in the same place are computed once.
fn each_once<const N: usize>(
    columns: [&StringViewArray; N],
    of: &impl Fn([&str; N]) -> Option<String>,
) -> EngineResult<ArrayRef> {
    let rows = columns.first().map_or(0, |column| column.len());
    let mut positions: HashMap<[u128; N], Option<u32>, FixedState> = HashMap::default();
    let mut results: Vec<String> = Vec::new();
    let mut taken: Vec<Option<u32>> = Vec::with_capacity(rows);
    for row in 0..rows {
        if columns.iter().any(|column| column.is_null(row)) {
            taken.push(None);
            continue;
        }
        // A view has the text itself, or where in the column it is.
        let key = columns.map(|column| column.views().get(row).copied().unwrap_or_default());
        let position = *positions.entry(key).or_insert_with(|| {
            let result = of(columns.map(|column| column.value(row)))?;
            results.push(result);
            u32::try_from(results.len() - 1).ok()
        });
        taken.push(position);
    }
    let results = StringViewArray::from_iter_values(results);
    Ok(take(&results, &UInt32Array::from(taken), None)?)
}

/// The items of a list, one by one.
fn items(field: &Field, holds: Holds, of: impl Fn(&str) -> String + Send + Sync + 'static) -> Expr {
    let kind = field.data_type().clone();
    let returned = kind.clone();
    let function = move |arguments: &[ColumnarValue]| {
        let arrays = ColumnarValue::values_to_arrays(arguments)?;
        let DataType::List(item) = &returned else { return Err(unexpected(&returned)) };
        let mut lists = Vec::new();
        for array in &arrays {
            let list = array.as_list::<i32>();
            let texts = shown_texts(list.values(), item, |_, text| of(text))?;
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            lists.push(GenericListArray::<i32>::try_new(Arc::clone(item), offsets, texts, nulls)?);
        }
        let list = lists.pop().ok_or_else(|| unexpected(&returned))?;
        Ok(ColumnarValue::Array(Arc::new(list)))
    };
    let name = function_name("pseudonym", holds, "_list");
    create_udf(&name, vec![kind.clone()], kind, Volatility::Immutable, Arc::new(function))
        .call(vec![ident(field.name())])
}

/// The values of a map, each by its key.
fn values_by_field(field: &Field, shown: Arc<Shown>) -> Expr {
    let kind = field.data_type().clone();
    let returned = kind.clone();
    let function = move |arguments: &[ColumnarValue]| {
        let arrays = ColumnarValue::values_to_arrays(arguments)?;
        let DataType::Map(entries, is_sorted) = &returned else { return Err(unexpected(&returned)) };
        let DataType::Struct(parts) = entries.data_type() else { return Err(unexpected(&returned)) };
        let map = arrays.first().and_then(|array| array.as_map_opt()).ok_or_else(|| unexpected(&returned))?;
        let names = cast(map.keys(), &DataType::Utf8)?;
        let names = names.as_string::<i32>();
        let item = parts.get(1).ok_or_else(|| unexpected(&returned))?;
        let values = shown_texts(map.values(), item, |row, value| shown.value(names.value(row), value))?;
        let pairs = StructArray::try_new(parts.clone(), vec![Arc::clone(map.keys()), values], None)?;
        let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
        let map = MapArray::try_new(Arc::clone(entries), offsets, pairs, nulls, *is_sorted)?;
        Ok(ColumnarValue::Array(Arc::new(map)))
    };
    let name = function_name("shown", Holds::FieldValues, "");
    create_udf(&name, vec![kind.clone()], kind, Volatility::Immutable, Arc::new(function))
        .call(vec![ident(field.name())])
}

/// Texts as they are shown, in the type that they have.
fn shown_texts(texts: &ArrayRef, item: &FieldRef, of: impl Fn(usize, &str) -> String) -> EngineResult<ArrayRef> {
    let plain = cast(texts, &DataType::Utf8)?;
    let shown: StringArray =
        plain.as_string::<i32>().iter().enumerate().map(|(row, text)| text.map(|text| of(row, text))).collect();
    Ok(cast(&shown, item.data_type())?)
}

fn unexpected(kind: &DataType) -> DataFusionError {
    DataFusionError::Plan(format!("{kind} holds no texts"))
}
