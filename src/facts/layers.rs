//! Reading layers of facts as tables: of every case and customer the rows of the last layer that has replaced them.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::provider_as_source;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, LogicalPlanBuilder, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::{Expr, SessionContext, ident};
use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use crate::cluster::portable::{Recipes, portable};
use crate::error::Result;
use crate::facts::columns::FactTable;
use crate::facts::manifest::{Layer, Pointer};
use crate::facts::tables::{
    CASE_FINDINGS, CASE_TABLES, CUSTOMERS, DESK_EVENTS, FACT_TABLES, FINDINGS, OTHER_FINDINGS, REPLACED_CASES,
    REPLACED_CUSTOMERS,
};
use crate::store::objects::Store;
use crate::store::parquet::read_file;
use crate::store::table::scan;

/// Names of cases or of customers.
pub type Keys = HashSet<String, FixedState>;

/// The layers of the facts, ready to be read.
pub struct Layers {
    home: Store,
    layers: Vec<Layer>,
    cases: Arc<Replaced>,
    customers: Arc<Replaced>,
}

/// The tables that state which rows a layer replaces.
const REPLACED: [FactTable; 2] = [REPLACED_CASES, REPLACED_CUSTOMERS];

/// Of every case or customer that was ever replaced the position of the last layer that did.
#[derive(Debug, Default)]
struct Replaced {
    last: HashMap<String, usize, FixedState>,
    /// The files that state it, layer by layer.
    files: Vec<Vec<PathBuf>>,
    /// Their column with the keys.
    column: String,
}

/// From what the condition follows that a row of a layer stays.
#[derive(Debug, Serialize, Deserialize)]
struct Staying {
    /// The files that state what was replaced, layer by layer.
    files: Vec<Vec<PathBuf>>,
    column: String,
    /// The layer whose rows are judged.
    position: usize,
    texts: Texts,
}

/// How texts are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Texts {
    /// As views, for queries.
    Views,
    /// As plain strings, for what is sorted.
    Plain,
}

impl Layers {
    /// Reads which rows have been replaced.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub async fn open(home: &Store, pointer: &Pointer) -> Result<Layers> {
        let layers = pointer.layers.clone();
        let paths = |layer: &Layer| REPLACED.map(|table| layer.paths(home, &table)).concat();
        home.fetch(&layers.iter().flat_map(paths).collect::<Vec<_>>()).await?;
        let cases = Arc::new(Replaced::read(home, &layers, &REPLACED_CASES)?);
        let customers = Arc::new(Replaced::read(home, &layers, &REPLACED_CUSTOMERS)?);
        Ok(Layers { home: home.clone(), layers, cases, customers })
    }

    /// A table of the facts.
    ///
    /// # Errors
    /// When a path cannot be written as a URL.
    pub fn provider(&self, table: &FactTable, texts: Texts) -> Result<Arc<dyn TableProvider>> {
        if table.name == FINDINGS.name {
            let parts = [self.provider(&CASE_FINDINGS, texts)?, self.provider(&OTHER_FINDINGS, texts)?];
            return union(parts.into_iter().map(|part| (part, None)));
        }
        let (key, replaced) = match table.name {
            name if name == CUSTOMERS.name => ("customer", &self.customers),
            name if CASE_TABLES.iter().any(|table| table.name == name) => ("case_id", &self.cases),
            // Each replay writes the whole table.
            _ => return self.of_last_layer(table, texts),
        };
        let mut parts = Vec::new();
        for (position, layer) in self.layers.iter().enumerate() {
            let has_rows = layer.files.get(table.name).is_some_and(|files| !files.is_empty());
            if has_rows {
                let is_last = position + 1 == self.layers.len();
                let filter = (!is_last).then(|| {
                    let (files, column) = (replaced.files.clone(), replaced.column.clone());
                    let staying = Staying { files, column, position, texts };
                    let function = stays(Arc::clone(replaced), &staying);
                    portable(STAYS, &staying, function).call(vec![ident(key)])
                });
                parts.push((self.files(layer, table, texts)?, filter));
            }
        }
        match parts.as_slice() {
            [] => self.files(&Layer::default(), table, texts),
            [(only, None)] => Ok(Arc::clone(only)),
            _ => union(parts),
        }
    }

    /// Every case that a layer has replaced.
    #[must_use]
    pub fn replaced_cases(&self) -> Keys {
        self.cases.last.keys().cloned().collect()
    }

    /// Every customer that a layer has replaced.
    #[must_use]
    pub fn replaced_customers(&self) -> Keys {
        self.customers.last.keys().cloned().collect()
    }

    /// The rows of the last layer alone.
    ///
    /// # Errors
    /// When a path cannot be written as a URL.
    pub fn of_last_layer(&self, table: &FactTable, texts: Texts) -> Result<Arc<dyn TableProvider>> {
        self.files(self.layers.last().unwrap_or(&Layer::default()), table, texts)
    }

    /// Columns of a table that each replay writes whole.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub async fn rows(&self, table: &FactTable, columns: &[&str]) -> Result<Vec<RecordBatch>> {
        let mut rows = Vec::new();
        let paths = self.layers.last().map(|layer| layer.paths(&self.home, table)).unwrap_or_default();
        self.home.fetch(&paths).await?;
        for path in paths {
            for batch in read_file(&path, columns)? {
                rows.push(batch?);
            }
        }
        Ok(rows)
    }

    fn files(&self, layer: &Layer, table: &FactTable, texts: Texts) -> Result<Arc<dyn TableProvider>> {
        let schema = match texts {
            Texts::Views => table.schema(),
            Texts::Plain => plain(&table.schema()),
        };
        let paths = layer.paths(&self.home, table);
        if paths.is_empty() { Ok(Arc::new(EmptyTable::new(schema))) } else { scan(&self.home, &paths, schema) }
    }

    /// Such layers of the same facts.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub async fn with_layers(&self, layers: Vec<Layer>) -> Result<Layers> {
        Layers::open(&self.home, &Pointer { layers, ..Pointer::default() }).await
    }

    /// Puts the tables of 4 into a session, and the events that the desk is made of.
    ///
    /// # Errors
    /// When a path cannot be written as a URL.
    pub fn register(&self, context: &SessionContext) -> Result<()> {
        for table in FACT_TABLES.into_iter().chain([DESK_EVENTS]) {
            context.register_table(table.name, self.provider(&table, Texts::Views)?)?;
        }
        Ok(())
    }
}

impl Replaced {
    fn read(home: &Store, layers: &[Layer], table: &FactTable) -> Result<Replaced> {
        let files: Vec<Vec<PathBuf>> = layers.iter().map(|layer| layer.paths(home, table)).collect();
        let column = table.columns.first().map(|(key, _)| (*key).to_owned()).unwrap_or_default();
        Replaced::read_files(files, column)
    }

    /// Reads the keys of files, which are in the named column.
    fn read_files(files: Vec<Vec<PathBuf>>, column: String) -> Result<Replaced> {
        let mut last = HashMap::default();
        for (position, paths) in files.iter().enumerate() {
            for path in paths {
                for batch in read_file(path, &[&column])? {
                    let batch = batch?;
                    let Some(keys) = batch.columns().first() else { continue };
                    last.extend(keys.as_string_view().iter().flatten().map(|key| (key.to_owned(), position)));
                }
            }
        }
        Ok(Replaced { last, files, column })
    }
}

/// The recipe of the condition that a row of a layer stays.
const STAYS: &str = "stays_of_layer";

/// `stays_of_layer_N(key)`: whether no later layer has replaced the rows of a case or a customer.
fn stays(replaced: Arc<Replaced>, staying: &Staying) -> ScalarUDF {
    let position = staying.position;
    let stays = move |key: &str| replaced.last.get(key).is_none_or(|last| *last <= position);
    key_function(&format!("{STAYS}_{position}"), staying.texts, stays)
}

/// How other processes make the conditions of these tables again.
pub fn add_recipes(recipes: &mut Recipes) {
    // Every task of a question has the same files; a process that answers for long sees many.
    const KEPT_MAX: usize = 8;
    let known: Mutex<HashMap<Vec<Vec<PathBuf>>, Arc<Replaced>>> = Mutex::default();
    recipes.add(STAYS, move |staying: Staying| {
        // The map is whole whatever a thread that panicked did.
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(replaced) = known.get(&staying.files) {
            return Ok(stays(Arc::clone(replaced), &staying));
        }
        let replaced = Replaced::read_files(staying.files.clone(), staying.column.clone());
        let replaced = Arc::new(replaced.map_err(|error| DataFusionError::External(error.into()))?);
        if known.len() >= KEPT_MAX {
            known.clear();
        }
        known.insert(staying.files.clone(), Arc::clone(&replaced));
        Ok(stays(replaced, &staying))
    });
}

fn union(parts: impl IntoIterator<Item = (Arc<dyn TableProvider>, Option<Expr>)>) -> Result<Arc<dyn TableProvider>> {
    let mut plan: Option<LogicalPlanBuilder> = None;
    for (provider, filter) in parts {
        let mut part = LogicalPlanBuilder::scan("part", provider_as_source(provider), None)?;
        if let Some(filter) = filter {
            part = part.filter(filter)?;
        }
        plan = Some(match plan {
            Some(before) => before.union(part.build()?)?,
            None => part,
        });
    }
    let plan = plan.unwrap_or_else(|| LogicalPlanBuilder::empty(false)).build()?;
    Ok(Arc::new(datafusion::datasource::ViewTable::new(plan, None)))
}

/// The same columns with plain strings for views.
#[must_use]
pub fn plain(schema: &Schema) -> SchemaRef {
    let plain = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8View => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8)),
        _ => field.clone(),
    };
    Arc::new(Schema::new(schema.fields().iter().map(plain).collect::<Vec<_>>()))
}

/// A condition on a column of keys.
///
/// Names must differ within a query: the engine takes functions of one name for the same.
pub fn key_filter(
    name: &str,
    column: &str,
    texts: Texts,
    counts: impl Fn(&str) -> bool + Send + Sync + 'static,
) -> Expr {
    key_function(name, texts, counts).call(vec![ident(column)])
}

fn key_function(name: &str, texts: Texts, counts: impl Fn(&str) -> bool + Send + Sync + 'static) -> ScalarUDF {
    let key = match texts {
        Texts::Views => DataType::Utf8View,
        Texts::Plain => DataType::Utf8,
    };
    let function = move |arguments: &[ColumnarValue]| {
        let keys = ColumnarValue::values_to_arrays(arguments)?;
        let judge = |key: Option<&str>| Some(key.is_some_and(&counts));
        let judged: BooleanArray = match keys.first().map(|keys| (keys, keys.data_type())) {
            Some((keys, DataType::Utf8View)) => keys.as_string_view().iter().map(judge).collect(),
            Some((keys, DataType::Utf8)) => keys.as_string::<i32>().iter().map(judge).collect(),
            _ => return Err(DataFusionError::Plan("keys are texts".to_owned())),
        };
        Ok(ColumnarValue::Array(Arc::new(judged)))
    };
    create_udf(name, vec![key], DataType::Boolean, Volatility::Immutable, Arc::new(function))
}
