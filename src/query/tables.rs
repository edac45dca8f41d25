//! Tables that are made when a session first asks for them: most questions read few of them, and making all of them, the
//! log's among them, takes longer than most questions.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider,
    SchemaProvider, TableProvider,
};
use datafusion::datasource::TableType;
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::execution::session_state::SessionState;
use datafusion::prelude::SessionContext;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::OnceCell;

use crate::error::Result;
use crate::query::views;

/// A table as the engine has it.
pub type Made = Arc<dyn TableProvider>;

/// A table that is made when it is first asked for, and then is the same for all.
pub(super) struct Deferred {
    make: Box<dyn Fn() -> BoxFuture<'static, Result<Made>> + Send + Sync>,
    made: OnceCell<Made>,
}

/// Tables by name.
pub(super) type Tables = BTreeMap<String, Arc<Deferred>>;

impl Deferred {
    /// A table that is made like that.
    pub fn new<F>(make: impl Fn() -> F + Send + Sync + 'static) -> Arc<Deferred>
    where
        F: Future<Output = Result<Made>> + Send + 'static,
    {
        Arc::new(Deferred { make: Box::new(move || make().boxed()), made: OnceCell::new() })
    }

    /// A table that there is.
    pub fn ready(table: Made) -> Arc<Deferred> {
        Deferred::new(move || std::future::ready(Ok(Arc::clone(&table))))
    }

    /// The table that this makes of another one.
    pub fn of(table: &Arc<Deferred>, make: fn(&Made) -> Result<Made>) -> Arc<Deferred> {
        let table = Arc::clone(table);
        Deferred::new(move || {
            let table = Arc::clone(&table);
            async move { make(&table.get().await?) }
        })
    }

    /// The table.
    pub async fn get(&self) -> Result<Made> {
        Ok(Arc::clone(self.made.get_or_try_init(|| (self.make)()).await?))
    }
}

impl fmt::Debug for Deferred {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Deferred").field("is_made", &self.made.initialized()).finish_non_exhaustive()
    }
}

/// A session with these tables, to which it can add its own.
pub(super) fn session(state: &SessionState, tables: &Tables) -> SessionContext {
    let defaults = &state.config_options().catalog;
    let schema = Schema { shared: Mutex::new(tables.clone()), own: MemorySchemaProvider::new() };
    let catalog = MemoryCatalogProvider::new();
    // Fails only in catalogs that cannot be added to.
    drop(catalog.register_schema(&defaults.default_schema, Arc::new(schema)));
    let catalogs = MemoryCatalogProviderList::new();
    catalogs.register_catalog(defaults.default_catalog.clone(), Arc::new(catalog));
    let mut state = state.clone();
    state.register_catalog_list(Arc::new(catalogs));
    SessionContext::new_with_state(state)
}

/// The tables of a session: those of the database that it has not removed, and its own.
#[derive(Debug)]
struct Schema {
    shared: Mutex<Tables>,
    own: MemorySchemaProvider,
}

impl Schema {
    fn shared(&self) -> MutexGuard<'_, Tables> {
        // The map is whole whatever a thread that panicked did.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SchemaProvider for Schema {
    fn table_names(&self) -> Vec<String> {
        self.shared().keys().cloned().chain(self.own.table_names()).collect()
    }

    async fn table(&self, name: &str) -> EngineResult<Option<Made>> {
        let shared = self.shared().get(name).cloned();
        match shared {
            Some(table) => Ok(Some(table.get().await.map_err(|error| DataFusionError::External(error.into()))?)),
            None => self.own.table(name).await,
        }
    }

    /// What catalogues show: facts are tables, however their files are read.
    async fn table_type(&self, name: &str) -> EngineResult<Option<TableType>> {
        let kind = if views::names().any(|view| view == name) { TableType::View } else { TableType::Base };
        Ok(self.table_exist(name).then_some(kind))
    }

    fn register_table(&self, name: String, table: Made) -> EngineResult<Option<Made>> {
        match self.shared().contains_key(&name) {
            true => Err(DataFusionError::Execution(format!("the table {name} already exists"))),
            false => self.own.register_table(name, table),
        }
    }

    fn deregister_table(&self, name: &str) -> EngineResult<Option<Made>> {
        match self.shared().remove(name) {
            Some(table) => Ok(table.made.get().cloned()),
            None => self.own.deregister_table(name),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.shared().contains_key(name) || self.own.table_exist(name)
    }
}
