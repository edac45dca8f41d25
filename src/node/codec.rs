//! How plans are written for other processes of a cluster, and read there.
//!
//! Ballista writes plans. What it does not know is the operator of replay, tables without rows, and the functions of this
//! program, of which a recipe is written. A table that is not of files and a function without a recipe cannot be written, so
//! the part of a plan that has one is not sent.

use std::any::Any;
use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use ballista_core::serde::{BallistaLogicalExtensionCodec, BallistaPhysicalExtensionCodec};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::file_format::FileFormatFactory;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{AggregateUDF, Extension, LogicalPlan, ScalarUDF, WindowUDF};
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::logical_plan::LogicalExtensionCodec;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use serde::{Deserialize, Serialize};

use crate::cluster::portable::{Recipe, Recipes, recipe_of, recipe_of_aggregate};
use crate::replay::operator::{ReplayExec, ReplayNode, ReplayTask};
use crate::{facts, metric, query, replay};

/// How every function of this program is made again: the one list for the process that asks, the scheduler and the executors.
static RECIPES: LazyLock<Recipes> = LazyLock::new(|| {
    let mut recipes = Recipes::default();
    facts::layers::add_recipes(&mut recipes);
    replay::parts::add_recipes(&mut recipes);
    query::functions::add_recipes(&mut recipes);
    metric::functions::add_recipes(&mut recipes);
    recipes
});

/// How functions of the engine begin whose result depends on settings of a session, which other processes have otherwise.
const OF_SETTINGS: &str = "to_timestamp";

/// The names of the functions that the engine has everywhere, and that do the same everywhere.
static BUILT_IN: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let scalars = SessionStateDefaults::default_scalar_functions();
    let aggregates = SessionStateDefaults::default_aggregate_functions();
    let windows = SessionStateDefaults::default_window_functions();
    let scalars = scalars.iter().map(|function| function.name().to_owned());
    let aggregates = aggregates.iter().map(|function| function.name().to_owned());
    let all = scalars.chain(aggregates).chain(windows.iter().map(|function| function.name().to_owned()));
    all.filter(|name| !name.starts_with(OF_SETTINGS)).collect()
});

/// What is written of an operator of this program.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    replay: ReplayTask,
}

/// The mark of a table without rows.
const EMPTY: &[u8] = b"empty";

fn stays(what: &str) -> DataFusionError {
    DataFusionError::NotImplemented(format!("{what} cannot be sent to another process"))
}

fn write(value: &impl Serialize, bytes: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(bytes, value).map_err(|error| DataFusionError::External(error.into()))
}

fn read_recipe(name: &str, bytes: &[u8]) -> Result<Recipe> {
    serde_json::from_slice(bytes).map_err(|_| DataFusionError::Plan(format!("there is no function `{name}`")))
}

fn write_function(function: &ScalarUDF, bytes: &mut Vec<u8>) -> Result<()> {
    match recipe_of(function) {
        Some(recipe) => write(recipe, bytes),
        None if BUILT_IN.contains(function.name()) => Ok(()),
        None => Err(stays(function.name())),
    }
}

fn write_aggregate(function: &AggregateUDF, bytes: &mut Vec<u8>) -> Result<()> {
    match recipe_of_aggregate(function) {
        Some(recipe) => write(recipe, bytes),
        None if BUILT_IN.contains(function.name()) => Ok(()),
        None => Err(stays(function.name())),
    }
}

fn write_window(function: &WindowUDF) -> Result<()> {
    if BUILT_IN.contains(function.name()) { Ok(()) } else { Err(stays(function.name())) }
}

fn read_function(name: &str, bytes: &[u8]) -> Result<Arc<ScalarUDF>> {
    RECIPES.make(&read_recipe(name, bytes)?)
}

fn read_aggregate(name: &str, bytes: &[u8]) -> Result<Arc<AggregateUDF>> {
    RECIPES.make_aggregate(&read_recipe(name, bytes)?)
}

/// Writes and reads logical plans.
#[derive(Debug, Default)]
pub struct LogicalCodec {
    ballista: BallistaLogicalExtensionCodec,
}

impl LogicalExtensionCodec for LogicalCodec {
    fn try_decode(&self, bytes: &[u8], inputs: &[LogicalPlan], context: &TaskContext) -> Result<Extension> {
        match (serde_json::from_slice::<Written>(bytes), inputs) {
            (Ok(Written { replay }), [input]) => {
                Ok(Extension { node: Arc::new(ReplayNode::new(replay, input.clone())?) })
            }
            _ => self.ballista.try_decode(bytes, inputs, context),
        }
    }

    fn try_encode(&self, node: &Extension, bytes: &mut Vec<u8>) -> Result<()> {
        match node.node.as_any().downcast_ref::<ReplayNode>() {
            Some(replay) => write(&Written { replay: replay.task().clone() }, bytes),
            None => Err(stays(node.node.name())),
        }
    }

    fn try_decode_table_provider(
        &self,
        bytes: &[u8],
        table: &TableReference,
        schema: SchemaRef,
        _: &TaskContext,
    ) -> Result<Arc<dyn TableProvider>> {
        match bytes {
            EMPTY => Ok(Arc::new(EmptyTable::new(schema))),
            _ => Err(stays(table.table())),
        }
    }

    fn try_encode_table_provider(
        &self,
        table: &TableReference,
        provider: Arc<dyn TableProvider>,
        bytes: &mut Vec<u8>,
    ) -> Result<()> {
        let provider: &dyn Any = provider.as_ref();
        if !provider.is::<EmptyTable>() {
            return Err(stays(table.table()));
        }
        bytes.extend_from_slice(EMPTY);
        Ok(())
    }

    fn try_decode_file_format(&self, bytes: &[u8], context: &TaskContext) -> Result<Arc<dyn FileFormatFactory>> {
        self.ballista.try_decode_file_format(bytes, context)
    }

    fn try_encode_file_format(&self, bytes: &mut Vec<u8>, format: Arc<dyn FileFormatFactory>) -> Result<()> {
        self.ballista.try_encode_file_format(bytes, format)
    }

    fn try_decode_udf(&self, name: &str, bytes: &[u8]) -> Result<Arc<ScalarUDF>> {
        read_function(name, bytes)
    }

    fn try_encode_udf(&self, function: &ScalarUDF, bytes: &mut Vec<u8>) -> Result<()> {
        write_function(function, bytes)
    }

    fn try_decode_udaf(&self, name: &str, bytes: &[u8]) -> Result<Arc<AggregateUDF>> {
        read_aggregate(name, bytes)
    }

    fn try_encode_udaf(&self, function: &AggregateUDF, bytes: &mut Vec<u8>) -> Result<()> {
        write_aggregate(function, bytes)
    }

    fn try_encode_udwf(&self, function: &WindowUDF, _: &mut Vec<u8>) -> Result<()> {
        write_window(function)
    }
}

/// Writes and reads physical plans.
#[derive(Debug, Default)]
pub struct PhysicalCodec {
    ballista: BallistaPhysicalExtensionCodec,
}

impl PhysicalExtensionCodec for PhysicalCodec {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (serde_json::from_slice::<Written>(bytes), inputs) {
            (Ok(Written { replay }), [input]) => Ok(Arc::new(ReplayExec::new(replay, Arc::clone(input)))),
            _ => self.ballista.try_decode(bytes, inputs, context, converter),
        }
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        bytes: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let operator: &dyn Any = node.as_ref();
        match operator.downcast_ref::<ReplayExec>() {
            Some(replay) => write(&Written { replay: replay.task().clone() }, bytes),
            None => self.ballista.try_encode(node, bytes, converter),
        }
    }

    fn try_decode_udf(&self, name: &str, bytes: &[u8]) -> Result<Arc<ScalarUDF>> {
        read_function(name, bytes)
    }

    fn try_encode_udf(&self, function: &ScalarUDF, bytes: &mut Vec<u8>) -> Result<()> {
        write_function(function, bytes)
    }

    fn try_decode_udaf(&self, name: &str, bytes: &[u8]) -> Result<Arc<AggregateUDF>> {
        read_aggregate(name, bytes)
    }

    fn try_encode_udaf(&self, function: &AggregateUDF, bytes: &mut Vec<u8>) -> Result<()> {
        write_aggregate(function, bytes)
    }

    fn try_encode_udwf(&self, function: &WindowUDF, _: &mut Vec<u8>) -> Result<()> {
        write_window(function)
    }
}
