//! Restated figures as rows: one for each figure and each event behind it, or for people two tables.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};

use super::late::{Late, LateEvent};
use crate::cli::output::OutputArguments;
use crate::error::Result;
use crate::export::Shown;
use crate::metric::unit::Unit;
use crate::report::behind::{Contribution, behind};
use crate::report::dashboard::WidgetPlan;
use crate::report::moved::Moved;
use crate::report::rows::unit_name;
use crate::report::value::Value;

/// A figure that moved, with what moved it.
pub struct Restated<'a> {
    pub figure: &'a Moved,
    pub causes: Vec<LateCause<'a>>,
}

/// A case whose contributions changed, or a late event about the desk.
pub struct LateCause<'a> {
    case: Option<&'a str>,
    /// Nothing where the case has no late event of its own.
    event: Option<&'a LateEvent>,
}

impl<'a> Restated<'a> {
    /// A figure with the late events of each case behind it, and those about the desk.
    pub fn new(figure: &'a Moved, plan: &WidgetPlan, changed: &'a [Contribution], late: &'a Late) -> Restated<'a> {
        let behind = behind(figure, plan, changed);
        let cases: BTreeSet<&str> = behind.iter().filter_map(|contribution| contribution.case.as_deref()).collect();
        let mut causes = Vec::new();
        for case in cases {
            let events = late.of_case(case).map(|event| LateCause { case: Some(case), event: Some(event) });
            let before = causes.len();
            causes.extend(events);
            if causes.len() == before {
                causes.push(LateCause { case: Some(case), event: None });
            }
        }
        causes.extend(late.of_desk().map(|event| LateCause { case: None, event: Some(event) }));
        Restated { figure, causes }
    }
}

/// Writes the figures and their causes.
pub fn write(output: &OutputArguments, shown: Shown, restated: &[Restated<'_>]) -> Result<()> {
    if !output.is_table() {
        return output.print(shown, &flat(restated)?);
    }
    if restated.is_empty() {
        return Ok(());
    }
    let (figures, causes) = (figures(restated)?, causes(restated)?);
    let mut out = output.open(shown)?;
    out.write_batches(&figures.schema(), std::slice::from_ref(&figures))?;
    if causes.num_rows() > 0 {
        out.write_batches(&causes.schema(), std::slice::from_ref(&causes))?;
    }
    out.finish()
}

/// A row for each figure and cause; one without a cause where there is none.
fn flat(restated: &[Restated<'_>]) -> Result<RecordBatch> {
    const NONE: &LateCause<'static> = &LateCause { case: None, event: None };
    let rows: Vec<(&Moved, &LateCause<'_>)> = restated
        .iter()
        .flat_map(|Restated { figure, causes }| {
            let without = causes.is_empty().then_some(NONE);
            causes.iter().chain(without).map(|cause| (*figure, cause))
        })
        .collect();
    let texts = |text: &dyn Fn(&Moved) -> String| -> ArrayRef {
        Arc::new(rows.iter().map(|(figure, _)| Some(text(figure))).collect::<StringArray>())
    };
    let numbers = |number: &dyn Fn(&Moved) -> Option<f64>| -> ArrayRef {
        Arc::new(rows.iter().map(|(figure, _)| number(figure)).collect::<Float64Array>())
    };
    let late: Vec<&LateCause<'_>> = rows.iter().map(|(_, cause)| *cause).collect();
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("widget", texts(&|figure| figure.title.clone())),
        ("row", texts(&Moved::row)),
        ("column", texts(&|figure| figure.column.clone())),
        ("unit", texts(&|figure| unit_of(figure).map_or_else(String::new, |unit| unit_name(&unit).to_owned()))),
        ("before", numbers(&|figure| figure.before.number())),
        ("now", numbers(&|figure| figure.now.number())),
        ("difference", numbers(&Moved::difference)),
    ];
    columns.extend(of_causes(&late));
    Ok(RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))?)
}

/// The columns of causes.
fn of_causes(causes: &[&LateCause<'_>]) -> Vec<(&'static str, ArrayRef)> {
    let texts = |text: fn(&LateEvent) -> &str| -> ArrayRef {
        Arc::new(causes.iter().map(|cause| cause.event.map(text)).collect::<StringArray>())
    };
    let times = causes.iter().map(|cause| cause.event.map(|event| event.time.0));
    let batches = causes.iter().map(|cause| cause.event.map(|event| event.batch));
    vec![
        ("case_id", Arc::new(causes.iter().map(|cause| cause.case).collect::<StringArray>())),
        ("event_id", texts(|event| &event.id)),
        ("event_time", Arc::new(times.collect::<TimestampMillisecondArray>().with_timezone("UTC"))),
        ("event_type", texts(|event| &event.kind)),
        ("event_subject", texts(|event| &event.subject)),
        ("event_source", texts(|event| &event.source)),
        ("event_batch", Arc::new(batches.collect::<Int64Array>())),
    ]
}

/// The figures for people, numbered.
fn figures(restated: &[Restated<'_>]) -> Result<RecordBatch> {
    let texts = |text: &dyn Fn(&Moved) -> String| -> ArrayRef {
        Arc::new(restated.iter().map(|restated| Some(text(restated.figure))).collect::<StringArray>())
    };
    let difference = |figure: &Moved| match (figure.difference(), unit_of(figure)) {
        (Some(difference), Some(unit)) => unit.difference_text(difference),
        _ => Value::Missing.text(),
    };
    let numbers = (1..).zip(restated).map(|(number, _)| number);
    Ok(RecordBatch::try_from_iter([
        ("figure", Arc::new(numbers.collect::<Int64Array>()) as ArrayRef),
        ("widget", texts(&|figure| figure.title.clone())),
        ("row", texts(&Moved::row)),
        ("column", texts(&|figure| figure.column.clone())),
        ("before", texts(&|figure| figure.before.text())),
        ("now", texts(&|figure| figure.now.text())),
        ("difference", texts(&difference)),
    ])?)
}

/// Each cause once, with the numbers of the figures that it is behind.
fn causes(restated: &[Restated<'_>]) -> Result<RecordBatch> {
    let mut causes: Vec<(&LateCause<'_>, Vec<i64>)> = Vec::new();
    let mut known = HashMap::new();
    for (number, restated) in (1..).zip(restated) {
        for cause in &restated.causes {
            let identity = (cause.case, cause.event.map(|event| (&event.source, &event.id)));
            let position = *known.entry(identity).or_insert(causes.len());
            match causes.get_mut(position) {
                Some((_, figures)) => figures.push(number),
                None => causes.push((cause, vec![number])),
            }
        }
    }
    let listed: Vec<&LateCause<'_>> = causes.iter().map(|(cause, _)| *cause).collect();
    let figures: StringArray = causes.iter().map(|(_, figures)| Some(numbers_text(figures))).collect();
    let columns = of_causes(&listed).into_iter().chain([("figures", Arc::new(figures) as ArrayRef)]);
    Ok(RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))?)
}

/// Increasing numbers as text: `1 3..5`.
fn numbers_text(numbers: &[i64]) -> String {
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => runs.push((*number, *number)),
        }
    }
    let text = |(first, last): &(i64, i64)| match last - first {
        0 => first.to_string(),
        _ => format!("{first}..{last}"),
    };
    runs.iter().map(text).collect::<Vec<_>>().join(" ")
}

/// The unit of a figure, by the side that has a number.
fn unit_of(figure: &Moved) -> Option<Unit> {
    let unit = |value: &Value| match value {
        Value::Count(_) | Value::OutOf(..) => Some(Unit::Count(String::new())),
        Value::Share(_) => Some(Unit::Share),
        Value::Duration(_) => Some(Unit::Duration),
        Value::Change(_, unit) => Some(unit.clone()),
        Value::Missing | Value::Text(_) | Value::Bucket(_) => None,
    };
    unit(&figure.now).or_else(|| unit(&figure.before))
}
