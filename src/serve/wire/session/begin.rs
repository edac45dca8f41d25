//! How each kind of statement begins to be answered.

use std::sync::Arc;

use datafusion::common::{ParamValues, ScalarValue};
use datafusion::prelude::DataFrame;
use tokio::io::AsyncWrite;

use super::super::prepared::{Named, Portal, Prepared};
use super::super::problem::{Answer, Problem};
use super::super::rows::Rows;
use super::super::settings::Changed;
use super::super::statement::Asked;
use super::{Begun, Session, Transaction};
use crate::store::engine;

impl<W: AsyncWrite + Unpin> Session<W> {
    /// Begins a statement.
    pub(super) async fn begin(&mut self, prepared: &Prepared, values: Vec<ScalarValue>) -> Answer<Begun> {
        let Some(asked) = &prepared.asked else { return Ok(Begun::Done(String::new())) };
        self.check_transaction(asked)?;
        let done = |tag: &str| Ok(Begun::Done(tag.to_owned()));
        match asked {
            Asked::Question(question) => {
                let rows = self.rows(prepared, values).await?;
                return Ok(Begun::Rows(rows, question.tag));
            }
            Asked::Show(name) => {
                let value = self.settings.value(name)?;
                return Ok(Begun::Rows(Rows::of_texts(&[name.as_str()], vec![vec![value]])?, "SHOW"));
            }
            Asked::ShowAll => {
                let (names, values) =
                    self.settings.all().into_iter().map(|(name, value)| (name.to_owned(), value)).unzip();
                return Ok(Begun::Rows(Rows::of_texts(&["name", "setting"], vec![names, values])?, "SHOW"));
            }
            Asked::Fetch { cursor, rows_max } => return Ok(Begun::Fetch(cursor.clone(), *rows_max)),
            Asked::Declare { cursor, .. } => {
                // The name is checked first: the question may take long.
                let rows = Some(self.rows(prepared, values).await?);
                let prepared = Arc::new(Prepared::new(prepared.asked.clone(), Vec::new(), 0));
                let (values, result_formats) = (Vec::new(), Vec::new());
                let portal = Portal { prepared, values, result_formats, rows, is_begun: true, is_cursor: true };
                self.named.keep_portal(cursor.clone(), portal)?;
                return done("DECLARE CURSOR");
            }
            Asked::Set(pairs) => {
                for (name, value) in pairs {
                    let changed = self.settings.set(name, value)?;
                    self.changed(changed);
                }
                return done("SET");
            }
            Asked::Reset(name) => {
                match name {
                    Some(name) => {
                        let changed = self.settings.set(name, "default")?;
                        self.changed(changed);
                    }
                    None => self.reset(),
                }
                return done("RESET");
            }
            _ => {}
        }
        self.step(asked)
    }

    /// Steps that only concern the connection.
    fn step(&mut self, asked: &Asked) -> Answer<Begun> {
        let missing = |name: &Option<String>, what: &str, code: &'static str| {
            Problem::new(code, format!("there is no {what} `{}`", name.clone().unwrap_or_default()))
        };
        let tag = match asked {
            Asked::Begin => {
                self.transaction = Transaction::Open;
                "BEGIN"
            }
            Asked::Commit | Asked::Rollback => {
                let is_whole = self.transaction != Transaction::Failed && matches!(asked, Asked::Commit);
                self.transaction = Transaction::None;
                self.named.close_portals(None);
                if is_whole { "COMMIT" } else { "ROLLBACK" }
            }
            Asked::RollbackToSavepoint => {
                self.transaction = Transaction::Open;
                "ROLLBACK"
            }
            Asked::Savepoint(tag) | Asked::Nothing(tag) => tag,
            Asked::Close(name) => {
                let closed = self.named.close_portals(name.as_deref());
                closed.ok_or_else(|| missing(name, "cursor", "34000"))?;
                if name.is_some() { "CLOSE CURSOR" } else { "CLOSE CURSOR ALL" }
            }
            Asked::Deallocate(name) => {
                let forgotten = self.named.forget_statement(name.as_deref());
                forgotten.ok_or_else(|| missing(name, "prepared statement", "26000"))?;
                if name.is_some() { "DEALLOCATE" } else { "DEALLOCATE ALL" }
            }
            Asked::Discard => {
                self.named = Named::default();
                self.reset();
                "DISCARD ALL"
            }
            _ => "SELECT 0",
        };
        Ok(Begun::Done(tag.to_owned()))
    }

    /// The rows of a question.
    async fn rows(&mut self, prepared: &Prepared, values: Vec<ScalarValue>) -> Answer<Rows> {
        let planned = prepared.plan(&self.tables().await?).await?;
        let planned = planned.ok_or_else(|| Problem::new("42000", "there is nothing to answer"))?;
        if values.len() != planned.parameters.len() {
            let message = format!("{} values were sent for {} parameters", values.len(), planned.parameters.len());
            return Err(Problem::new("42P02", message));
        }
        let plan =
            if values.is_empty() { planned.plan } else { planned.plan.with_param_values(ParamValues::from(values))? };
        let memory_bytes = self.shared.engine.state().question_memory_bytes;
        let state = engine::of_question(planned.context.state(), memory_bytes);
        let stream = DataFrame::new(state, plan).execute_stream().await?;
        Ok(Rows::new(stream, planned.shown))
    }

    pub(super) fn check_transaction(&self, asked: &Asked) -> Answer<()> {
        let ends = matches!(asked, Asked::Commit | Asked::Rollback | Asked::RollbackToSavepoint);
        if self.transaction == Transaction::Failed && !ends {
            return Err(Problem::new("25P02", "a statement of the transaction failed; end it with `ROLLBACK` first"));
        }
        Ok(())
    }

    fn changed(&mut self, changed: Changed) {
        if let Some((name, value)) = changed.report {
            self.output.parameter(name, &value);
        }
        if let Some(notice) = changed.notice {
            self.output.problem(b'N', "WARNING", &Problem::new("01000", notice));
        }
    }

    fn reset(&mut self) {
        self.settings.reset();
        for (name, value) in self.settings.reported() {
            self.output.parameter(name, &value);
        }
    }
}
