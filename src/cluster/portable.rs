//! Functions that another process can make again.
//!
//! A function of the engine cannot be sent, but many follow from a name and a few values: the calendars of the log, the buckets
//! of a question. Such a function carries both ([`portable`]), and every process of a cluster knows the same list of how
//! functions are made of them ([`Recipes`]). A function that follows from more, such as one that gives each text a number, stays where
//! it is, and with it the part of the plan that calls it.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, ColumnarValue, GroupsAccumulator, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// From what a function is made.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Recipe {
    /// The name of the way to make it.
    name: String,
    /// The values for it, as JSON.
    values: String,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct PortableScalar {
    recipe: Recipe,
    function: ScalarUDF,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct PortableAggregate {
    recipe: Recipe,
    function: AggregateUDF,
}

fn recipe(name: &str, values: &impl Serialize) -> Option<Recipe> {
    // Values that cannot be written belong to a function that is not sent.
    Some(Recipe { name: name.to_owned(), values: serde_json::to_string(values).ok()? })
}

/// A function that the recipe of that name makes of those values.
#[must_use]
pub fn portable(name: &str, values: &impl Serialize, function: ScalarUDF) -> ScalarUDF {
    match recipe(name, values) {
        Some(recipe) => ScalarUDF::new_from_impl(PortableScalar { recipe, function }),
        None => function,
    }
}

/// The same for a function of groups.
#[must_use]
pub fn portable_aggregate(name: &str, values: &impl Serialize, function: AggregateUDF) -> AggregateUDF {
    match recipe(name, values) {
        Some(recipe) => AggregateUDF::new_from_impl(PortableAggregate { recipe, function }),
        None => function,
    }
}

impl ScalarUDFImpl for PortableScalar {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn signature(&self) -> &Signature {
        self.function.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.function.return_type(arguments)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.function.invoke_with_args(arguments)
    }
}

impl AggregateUDFImpl for PortableAggregate {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn signature(&self) -> &Signature {
        self.function.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.function.return_type(arguments)
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.function.state_fields(arguments)
    }

    fn accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.function.accumulator(arguments)
    }

    fn groups_accumulator_supported(&self, arguments: AccumulatorArgs<'_>) -> bool {
        self.function.groups_accumulator_supported(arguments)
    }

    fn create_groups_accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        self.function.create_groups_accumulator(arguments)
    }
}

/// From what a function is made, where another process can make it.
#[must_use]
pub fn recipe_of(function: &ScalarUDF) -> Option<&Recipe> {
    let function: &dyn Any = function.inner().as_ref();
    function.downcast_ref::<PortableScalar>().map(|portable| &portable.recipe)
}

/// The same of a function of groups.
#[must_use]
pub fn recipe_of_aggregate(function: &AggregateUDF) -> Option<&Recipe> {
    let function: &dyn Any = function.inner().as_ref();
    function.downcast_ref::<PortableAggregate>().map(|portable| &portable.recipe)
}

/// A function that follows from nothing but its arguments: its recipe, and how it is made.
pub type OfNothing = (&'static str, fn() -> ScalarUDF);

type Make<F> = Box<dyn Fn(&str) -> Result<F> + Send + Sync>;

/// How functions are made.
#[derive(Default)]
pub struct Recipes {
    scalars: BTreeMap<&'static str, Make<ScalarUDF>>,
    aggregates: BTreeMap<&'static str, Make<AggregateUDF>>,
}

impl Recipes {
    /// Adds a way to make a function.
    pub fn add<V: DeserializeOwned>(
        &mut self,
        name: &'static str,
        make: impl Fn(V) -> Result<ScalarUDF> + Send + Sync + 'static,
    ) {
        self.scalars.insert(name, Box::new(move |values| make(read(name, values)?)));
    }

    /// Adds a way to make a function of groups.
    pub fn add_aggregate<V: DeserializeOwned>(
        &mut self,
        name: &'static str,
        make: impl Fn(V) -> AggregateUDF + Send + Sync + 'static,
    ) {
        self.aggregates.insert(name, Box::new(move |values| Ok(make(read(name, values)?))));
    }

    /// Makes a function.
    ///
    /// # Errors
    /// When there is no such recipe, or its values are of another kind: the other process is of another version.
    pub fn make(&self, recipe: &Recipe) -> Result<Arc<ScalarUDF>> {
        let make = self.scalars.get(recipe.name.as_str()).ok_or_else(|| unknown(&recipe.name))?;
        let function = make(&recipe.values)?;
        // It may be sent on to yet another process.
        Ok(Arc::new(match recipe_of(&function) {
            Some(_) => function,
            None => ScalarUDF::new_from_impl(PortableScalar { recipe: recipe.clone(), function }),
        }))
    }

    /// Makes a function of groups.
    ///
    /// # Errors
    /// As [`Recipes::make`].
    pub fn make_aggregate(&self, recipe: &Recipe) -> Result<Arc<AggregateUDF>> {
        let make = self.aggregates.get(recipe.name.as_str()).ok_or_else(|| unknown(&recipe.name))?;
        let function = make(&recipe.values)?;
        Ok(Arc::new(match recipe_of_aggregate(&function) {
            Some(_) => function,
            None => AggregateUDF::new_from_impl(PortableAggregate { recipe: recipe.clone(), function }),
        }))
    }
}

impl std::fmt::Debug for Recipes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.scalars.keys().chain(self.aggregates.keys())).finish()
    }
}

fn read<V: DeserializeOwned>(name: &str, values: &str) -> Result<V> {
    serde_json::from_str(values).map_err(|error| DataFusionError::Plan(format!("the values of `{name}`: {error}")))
}

fn unknown(name: &str) -> DataFusionError {
    DataFusionError::Plan(format!("there is no function `{name}`"))
}
