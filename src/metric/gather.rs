//! Aggregate functions that gather something for each group: a set of cases, the values of a percentile, a stock over time.
//!
//! The engine's interface for one accumulator a group takes a slice of every batch for every group. These functions take a
//! batch at once, and pass partial results on as bytes.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::mem;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, BooleanArray};
use arrow::compute::filter;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

/// What is gathered for one group.
pub trait Gather: Default + Send + Sync + fmt::Debug + 'static {
    /// Adds a batch; `group_of_row` has the group of each of its rows.
    ///
    /// # Errors
    /// When the arguments are of other types.
    fn update(groups: &mut [Self], group_of_row: &[usize], values: &[ArrayRef]) -> Result<()>;

    /// Appends what has been gathered as bytes.
    fn write(&mut self, bytes: &mut Vec<u8>);

    /// Adds what another has gathered and written.
    ///
    /// # Errors
    /// When the bytes are none that [`Gather::write`] writes.
    fn merge(&mut self, bytes: &[u8]) -> Result<()>;

    /// Bytes that it holds outside of itself, about.
    fn size(&self) -> usize;
}

/// One result for each group.
type Results<G> = Arc<dyn Fn(Vec<G>) -> Result<ArrayRef> + Send + Sync>;

/// An aggregate function of that name, whose results `results` makes of what was gathered.
pub fn function<G: Gather>(
    name: &str,
    arguments: Vec<DataType>,
    result: DataType,
    results: impl Fn(Vec<G>) -> Result<ArrayRef> + Send + Sync + 'static,
) -> AggregateUDF {
    let signature = Signature::exact(arguments, Volatility::Immutable);
    AggregateUDF::from(Function { name: name.to_owned(), signature, result, results: Arc::new(results) })
}

struct Function<G> {
    name: String,
    signature: Signature,
    result: DataType,
    results: Results<G>,
}

impl<G> fmt::Debug for Function<G> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)
    }
}

impl<G> PartialEq for Function<G> {
    fn eq(&self, other: &Function<G>) -> bool {
        self.name == other.name
    }
}

impl<G> Eq for Function<G> {}

impl<G> Hash for Function<G> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl<G: Gather> AggregateUDFImpl for Function<G> {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.result.clone())
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format!("{}[gathered]", arguments.name), DataType::Binary, true))])
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Groups { groups: vec![G::default()], results: Arc::clone(&self.results) }))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Groups { groups: Vec::<G>::new(), results: Arc::clone(&self.results) }))
    }
}

/// What is gathered for every group.
struct Groups<G> {
    groups: Vec<G>,
    results: Results<G>,
}

impl<G: Gather> fmt::Debug for Groups<G> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} groups", self.groups.len())
    }
}

impl<G: Gather> Groups<G> {
    fn grow(&mut self, count: usize) {
        if self.groups.len() < count {
            self.groups.resize_with(count, G::default);
        }
    }

    fn emit(&mut self, which: EmitTo) -> Vec<G> {
        which.take_needed(&mut self.groups)
    }

    fn bytes_held(&self) -> usize {
        let held: usize = self.groups.iter().map(Gather::size).sum();
        held + self.groups.capacity() * size_of::<G>()
    }
}

fn written<G: Gather>(groups: &mut [G]) -> ArrayRef {
    let (mut states, mut bytes) = (BinaryBuilder::new(), Vec::new());
    for group in groups {
        bytes.clear();
        group.write(&mut bytes);
        states.append_value(&bytes);
    }
    Arc::new(states.finish())
}

impl<G: Gather> GroupsAccumulator for Groups<G> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        let Some(chosen) = opt_filter else { return G::update(&mut self.groups, group_indices, values) };
        let values = values.iter().map(|values| filter(values, chosen)).collect::<arrow::error::Result<Vec<_>>>()?;
        let rows = group_indices.iter().zip(chosen).filter(|(_, chosen)| *chosen == Some(true));
        let group_of_row: Vec<usize> = rows.map(|(group, _)| *group).collect();
        G::update(&mut self.groups, &group_of_row, &values)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = self.emit(emit_to);
        (self.results)(groups)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![written(&mut self.emit(emit_to))])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.grow(total_num_groups);
        let Some(states) = values.first().and_then(|states| states.as_binary_opt::<i32>()) else { return Ok(()) };
        for (state, group) in states.iter().zip(group_indices) {
            if let Some((state, group)) = state.zip(self.groups.get_mut(*group)) {
                group.merge(state)?;
            }
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |values| values.len());
        let each: Vec<usize> = (0..rows).collect();
        let mut alone = Groups { groups: Vec::<G>::new(), results: Arc::clone(&self.results) };
        GroupsAccumulator::update_batch(&mut alone, values, &each, opt_filter, rows)?;
        GroupsAccumulator::state(&mut alone, EmitTo::All)
    }

    fn size(&self) -> usize {
        self.bytes_held()
    }
}

impl<G: Gather> Accumulator for Groups<G> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = values.first().map_or(0, |values| values.len());
        G::update(&mut self.groups, &vec![0; rows], values)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let groups = mem::replace(&mut self.groups, vec![G::default()]);
        ScalarValue::try_from_array(&(self.results)(groups)?, 0)
    }

    fn size(&self) -> usize {
        self.bytes_held()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::try_from_array(&written(&mut self.groups), 0)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let rows = states.first().map_or(0, |states| states.len());
        GroupsAccumulator::merge_batch(self, states, &vec![0; rows], 1)
    }
}
