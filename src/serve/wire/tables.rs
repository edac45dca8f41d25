//! What the statements of one connection see: the database of the moment with the rights of its user, and the catalogue of
//! PostgreSQL for those that ask for it.

use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{ExprSchemable, LogicalPlan, Statement as StatementPlan};
use datafusion::prelude::{Expr, SQLOptions, SessionContext};
use datafusion::sql::parser::Statement as Parsed;
use datafusion::sql::sqlparser::ast::{DataType as SqlType, ExactNumberInfo, Ident, Statement as Sql, TimezoneInfo};
use datafusion_postgres::arrow_pg::datatypes::into_pg_type;
use datafusion_postgres::pgwire::api::Type;
use tokio::sync::OnceCell;

use super::catalogue;
use super::parameters::{Parameter, type_of};
use super::problem::{Answer, Problem, TOO_MUCH, code_of};
use super::rows;
use super::statement::{Question, script};
use crate::facts::tables::DESK_EVENTS;
use crate::query::database::Database;
use crate::query::rights::Viewer;
use crate::query::sql::{self, problem};

/// Parameters of a statement.
const PARAMETERS_MAX: usize = 1000;

/// The tables of one state of the database.
pub struct Tables {
    database: Arc<Database>,
    viewer: Viewer,
    plain: SessionContext,
    /// The same with the catalogue, made when a statement asks for it.
    with_catalogue: OnceCell<SessionContext>,
}

/// A question that can be run.
#[derive(Clone)]
pub struct Planned {
    pub context: SessionContext,
    pub plan: LogicalPlan,
    pub parameters: Vec<Parameter>,
    /// The columns as clients get them.
    pub shown: SchemaRef,
}

impl Tables {
    /// The tables of a database, which shows what the viewer may see.
    #[must_use]
    pub fn new(database: Arc<Database>, viewer: Viewer) -> Tables {
        let plain = without_internal(sql::session(&database));
        Tables { database, viewer, plain, with_catalogue: OnceCell::new() }
    }

    /// Whether they are of that database.
    #[must_use]
    pub fn are_of(&self, database: &Arc<Database>) -> bool {
        Arc::ptr_eq(&self.database, database)
    }

    /// The plan of a question: as it was written, as `casebook sql` has it, where that can be planned; else, and where it is
    /// about the catalogue, in the form that makes PostgreSQL's names and forms understood.
    ///
    /// # Errors
    /// When it names what is not there, or would change something.
    pub async fn plan(&self, question: &Question, declared: &[u32]) -> Answer<Planned> {
        let compatible = question.compatible.as_ref().map(|it| Parsed::Statement(it.clone()));
        let written = question.written.as_deref().filter(|_| !question.is_about_catalogue);
        let as_written = match written {
            Some(statement) => Some(self.planned(&self.plain, statement, question, declared).await),
            None => None,
        };
        match (as_written, compatible) {
            (Some(Ok(planned)), _) => Ok(planned),
            (Some(Err(problem)), None) => Err(problem),
            (as_written, Some(statement)) => {
                let context = self.with_catalogue.get_or_try_init(|| async { self.catalogue() }).await?;
                let planned = self.planned(context, &statement, question, declared).await;
                planned.map_err(|problem| as_written.and_then(Result::err).unwrap_or(problem))
            }
            (None, None) => Err(Problem::new("42000", "there is nothing to answer")),
        }
    }

    async fn planned(
        &self,
        context: &SessionContext,
        statement: &Parsed,
        question: &Question,
        declared: &[u32],
    ) -> Answer<Planned> {
        let (mut plan, mut parameters) = typed(context, statement, question, declared).await?;
        // Kinds that only come out once others are known.
        if parameters.iter().zip(declared).any(|(known, declared)| known.needed.is_none() && *declared != 0) {
            let kinds: Vec<u32> = parameters.iter().map(|parameter| parameter.oid).collect();
            let prepared = prepared(statement, &kinds);
            if let Some(prepared) = prepared
                && let Ok((better, known)) = typed(context, &prepared, question, declared).await
            {
                (plan, parameters) = (better, known);
            }
        }
        let shown = rows::shown(plan.schema().as_arrow())?;
        Ok(Planned { context: context.clone(), plan, parameters, shown })
    }

    /// A session with PostgreSQL's catalogue over the same tables.
    fn catalogue(&self) -> Answer<SessionContext> {
        let context = without_internal(sql::session(&self.database));
        let user = match &self.viewer {
            Viewer::Owner => "owner",
            Viewer::User(user) => user.as_str(),
        };
        catalogue::add(&context, user)?;
        Ok(context)
    }
}

/// The session without a table that only the program reads.
fn without_internal(context: SessionContext) -> SessionContext {
    // Where it is not there, there is nothing to take away.
    drop(context.deregister_table(DESK_EVENTS.name));
    context
}

/// The plan of a statement, and its parameters with the types that are known of them.
async fn typed(
    context: &SessionContext,
    statement: &Parsed,
    question: &Question,
    declared: &[u32],
) -> Answer<(LogicalPlan, Vec<Parameter>)> {
    let plan = context.state().statement_to_plan(statement.clone()).await.map_err(|error| {
        let code = code_of(&error);
        let script = script(&question.text);
        of_psql(Problem::of(problem::meaningless(context, error, statement, &script), code, &question.text))
    })?;
    let plan = match plan {
        LogicalPlan::Statement(StatementPlan::Prepare(prepare)) => Arc::unwrap_or_clone(prepare.input),
        plan => plan,
    };
    let reading = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    reading.verify_plan(&plan).map_err(|_| {
        Problem::new(
            super::problem::READ_ONLY,
            "the statement would change something, and the Postgres wire only reads",
        )
    })?;
    let mut needed = plan.get_parameter_types()?;
    for (name, kind) in lists(&plan)? {
        needed.entry(name).or_default().get_or_insert(kind);
    }
    let numbers = needed.keys().map(|name| name.trim_start_matches('$').parse::<usize>().unwrap_or(usize::MAX));
    let count = numbers.max().unwrap_or_default().max(declared.len());
    if count > PARAMETERS_MAX {
        return Err(Problem::new(TOO_MUCH, format!("a statement has at most {PARAMETERS_MAX} parameters")));
    }
    let parameter = |number: usize| {
        let needed = needed.get(&format!("${number}")).cloned().flatten();
        let declared = declared.get(number - 1).copied().filter(|oid| *oid != 0);
        let oid = declared.or_else(|| needed.as_ref().map(oid_of)).unwrap_or(Type::TEXT.oid());
        Parameter { needed, oid }
    };
    Ok((plan, (1..=count).map(parameter).collect()))
}

/// The types of parameters that are lists in which something is looked for: `x = ANY($1)`.
fn lists(plan: &LogicalPlan) -> Answer<Vec<(String, DataType)>> {
    let mut found = Vec::new();
    plan.apply(|node| {
        for expression in node.expressions() {
            expression.apply(|part| {
                if let Expr::ScalarFunction(call) = part
                    && call.name() == "array_has"
                    && let [Expr::Placeholder(list), item] = call.args.as_slice()
                    && let Some(kind) = node.inputs().iter().find_map(|input| item.get_type(input.schema()).ok())
                {
                    found.push((list.id.clone(), DataType::new_list(kind, true)));
                }
                Ok(TreeNodeRecursion::Continue)
            })?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// Hints that name the command line, in the words of psql.
fn of_psql(problem: Problem) -> Problem {
    let hint =
        problem.hint.map(|hint| match hint.strip_prefix("`casebook sql '").and_then(|rest| rest.split_once('\'')) {
            Some((command, rest)) => format!("`{command}{}", rest.replacen("` ", "` of psql ", 1)),
            None => hint,
        });
    Problem { hint, ..problem }
}

/// The type in which a value of that type of the engine is best sent.
fn oid_of(kind: &DataType) -> u32 {
    // A type of the engine's own is read from text.
    let oid = into_pg_type(kind).map_or(Type::TEXT.oid(), |kind| kind.oid());
    if type_of(oid).is_some() { oid } else { Type::TEXT.oid() }
}

/// The statement with the types of its parameters stated.
fn prepared(statement: &Parsed, oids: &[u32]) -> Option<Parsed> {
    let Parsed::Statement(inner) = statement else { return None };
    let data_types =
        oids.iter().map(|oid| type_of(*oid).and_then(|kind| sql_type(&kind))).collect::<Option<Vec<_>>>()?;
    let prepare = Sql::Prepare { name: Ident::new("statement"), data_types, statement: inner.clone() };
    Some(Parsed::Statement(Box::new(prepare)))
}

fn sql_type(kind: &DataType) -> Option<SqlType> {
    Some(match kind {
        DataType::Boolean => SqlType::Boolean,
        DataType::Int16 => SqlType::SmallInt(None),
        DataType::Int32 => SqlType::Integer(None),
        DataType::Int64 => SqlType::BigInt(None),
        DataType::Float32 => SqlType::Real,
        DataType::Float64 => SqlType::Double(ExactNumberInfo::None),
        DataType::Utf8 => SqlType::Text,
        DataType::Date32 => SqlType::Date,
        DataType::Timestamp(_, None) => SqlType::Timestamp(Some(6), TimezoneInfo::None),
        DataType::Timestamp(_, Some(_)) => SqlType::Timestamp(Some(6), TimezoneInfo::WithTimeZone),
        _ => return None,
    })
}
