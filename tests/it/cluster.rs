//! What is sent to a cluster, how it is written, and who may connect. `.ci/cluster` runs whole clusters.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;
use ballista_core::BALLISTA_PROTOCOL_VERSION;
use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
use ballista_core::serde::protobuf::{ExecutorOperatingSystemSpecification, ExecutorRegistration, PollWorkParams};
use ballista_core::serde::scheduler::ExecutorSpecification;
use casebook::cluster::address::ClusterAddress;
use casebook::cluster::client::Cluster;
use casebook::cluster::connector::Connector;
use casebook::cluster::planner::asking;
use casebook::facts::columns::CASE_NUMBER;
use casebook::facts::manifest;
use casebook::facts::tables::{CASE_TABLES, DESK_EVENTS};
use casebook::metric::functions;
use casebook::model::time::Instant;
use casebook::node;
use casebook::node::codec::LogicalCodec;
use casebook::node::planner::Planner;
use casebook::node::scheduler;
use casebook::query::database::Database;
use casebook::replay::operator;
use casebook::replay::{self, ReplayScope};
use casebook::store::Store;
use casebook::store::engine;
use casebook::store::table::scan;
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::execution::{FunctionRegistry, SessionStateDefaults};
use datafusion::physical_plan::displayable;
use datafusion::prelude::SessionContext;
use datafusion_proto::logical_plan::LogicalExtensionCodec;
use tokio::task::JoinHandle;
use tonic::transport::Endpoint;

use crate::project::{Project, rows_of};
use crate::refresh::{RESOURCES, ingest};
use crate::tangle::tangle;

/// An address at which nothing listens: plans are made without it.
fn nowhere() -> ClusterAddress {
    ClusterAddress { host: "127.0.0.1".to_owned(), port: 9 }
}

async fn of_tangle() -> (Project, Database) {
    let lines = tangle(1, 12);
    let project = Project::new();
    let lines: Vec<String> = lines.lines().map(str::to_owned).collect();
    let log = ingest(&project, &lines, Instant(0)).await;
    replay::refresh(&log, RESOURCES, ReplayScope::Full).await.unwrap();
    let database = Database::present(&log, RESOURCES).await.unwrap();
    (project, database)
}

/// The plan of a question to a cluster.
async fn explained(session: &SessionContext, question: &str) -> String {
    let plan = session.sql(question).await.unwrap().create_physical_plan().await.unwrap();
    displayable(plan.as_ref()).indent(false).to_string()
}

#[tokio::test]
async fn what_means_something_else_in_a_cluster_stays_here() {
    let (_project, database) = of_tangle().await;
    let session = database.session();
    let session = SessionContext::new_with_state(asking(&node::cluster(nowhere(), None), session.state()));
    let whole = [
        "SELECT status, count(*) FROM cases GROUP BY status ORDER BY status",
        "SELECT c.case_id FROM cases c LEFT JOIN turns t ON t.case_id = c.case_id",
        "SELECT count(*) FROM users u JOIN cases c ON c.created_at < u.since",
        "SELECT case_id, json_text(data, 'by') FROM events ORDER BY time",
    ];
    for question in whole {
        let plan = explained(&session, question).await;
        assert!(plan.lines().take(2).any(|line| line.trim_start().starts_with("SentExec")), "{question}\n{plan}");
    }
    let parts = [
        // The mark of the join is lost on the way.
        "SELECT case_id FROM cases WHERE assignee NOT IN (SELECT assignee FROM cases)",
        // Every task would report the users without a case.
        "SELECT u.since FROM users u LEFT JOIN cases c ON c.created_at < u.since",
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT count(*) FROM n JOIN cases ON true",
    ];
    for question in parts {
        let plan = explained(&session, question).await;
        assert!(!plan.lines().take(2).any(|line| line.trim_start().starts_with("SentExec")), "{question}\n{plan}");
    }
    // Sending rows takes longer than reading them.
    let plan = explained(&session, "SELECT case_id FROM cases WHERE status = 'open'").await;
    assert!(!plan.contains("SentExec"), "{plan}");
    // A function that stays here keeps what is above it here, and with it the order.
    session.register_udf(datafusion::logical_expr::create_udf(
        "own",
        vec![arrow::datatypes::DataType::Int64],
        arrow::datatypes::DataType::Int64,
        datafusion::logical_expr::Volatility::Volatile,
        Arc::new(|arguments| Ok(arguments[0].clone())),
    ));
    let ordered = "SELECT own(n) FROM (SELECT status, count(*) AS n FROM cases GROUP BY status ORDER BY n LIMIT 3)";
    let plan = explained(&session, ordered).await;
    let sent = plan.split("SentExec").nth(1).unwrap_or_default();
    assert!(sent.contains("Aggregate") && !sent.contains("Sort"), "{plan}");
}

#[tokio::test]
async fn every_function_of_metrics_can_be_made_again() {
    let (_project, database) = of_tangle().await;
    let session = functions::session(&database);
    let built_in: HashSet<String> =
        SessionStateDefaults::default_scalar_functions().iter().map(|function| function.name().to_owned()).collect();
    let codec = LogicalCodec::default();
    let mut made = Vec::new();
    for name in session.udfs().into_iter().filter(|name| !built_in.contains(name)) {
        let state = session.state();
        let function = state.udf(&name).unwrap();
        // An alias of the engine's own.
        if built_in.contains(function.name()) {
            continue;
        }
        let mut bytes = Vec::new();
        codec.try_encode_udf(&function, &mut bytes).unwrap();
        let again = codec.try_decode_udf(&name, &bytes).unwrap();
        assert_eq!((again.name(), again.signature()), (function.name(), function.signature()));
        // A scheduler sends it on.
        codec.try_encode_udf(&again, &mut Vec::new()).unwrap();
        made.push(name);
    }
    made.sort();
    let expected = ["business_end", "business_ms", "day_of_week", "duration_text", "hour_of_day", "json_text"];
    assert!(expected.iter().all(|name| made.iter().any(|made| made == name)), "{made:?}");
    assert!(codec.try_decode_udf("nothing", b"{}").is_err());
}

/// A scheduler, and where it is.
async fn serving() -> (ClusterAddress, JoinHandle<casebook::error::Result<()>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = ClusterAddress { port: listener.local_addr().unwrap().port(), ..nowhere() };
    let own = address.clone();
    let serve = async move { scheduler::serve(listener, &own, node::connector(None), std::future::pending()).await };
    (address, tokio::spawn(serve))
}

#[tokio::test]
async fn another_version_is_refused() {
    let (address, serving) = serving().await;
    let of_version = |version: &str| {
        Cluster::new(address.clone(), Connector::new(None, version.to_owned()), Arc::new(LogicalCodec::default()))
    };
    let own = node::connector(None).version().to_owned();
    of_version(&own).check_to_join().await.unwrap();
    for version in ["casebook/0.0.1 (facts 1)", &format!("{own}1"), "curl/8"] {
        let refused = of_version(version).check_to_join().await.unwrap_err().to_string();
        assert!(refused.contains("a cluster has one version") && refused.contains(&own), "{refused}");
        assert!(of_version(version).check().await.is_err());
    }
    serving.abort();
}

#[tokio::test]
async fn a_file_that_the_scheduler_does_not_see_is_no_empty_table() {
    let project = Project::new();
    let store = Store::open(&project.path("store")).unwrap();
    let session = engine::session(RESOURCES).unwrap();
    let table = scan(&store, &[project.path("store/missing.parquet")], CASE_TABLES[0].schema()).unwrap();
    session.register_table("missing", table).unwrap();
    let plan = session.sql("SELECT count(*) FROM missing").await.unwrap().into_optimized_plan().unwrap();
    let refused = Planner.create_physical_plan(&plan, &session.state()).await.unwrap_err().to_string();
    assert!(refused.contains("does not see the file") && refused.contains("missing.parquet"), "{refused}");
}

/// The operator is run by the engine of one process, which distributes the events over its cores as a cluster does.
#[tokio::test(flavor = "multi_thread")]
async fn the_operator_replays_as_one_process_does() {
    let project = Project::new();
    let lines: Vec<String> = tangle(2, 400).lines().map(str::to_owned).collect();
    let log = ingest(&project, &lines, Instant(0)).await;
    let pointer = replay::refresh(&log, RESOURCES, ReplayScope::Full).await.unwrap().pointer;
    let home = manifest::home(log.store());
    let desk_events = pointer.layers[0].paths(&home, &DESK_EVENTS);
    let state = engine::session(RESOURCES).unwrap().state();
    let config = state.config().clone().with_extension(Arc::new(RESOURCES)).with_target_partitions(3);
    let state = SessionStateBuilder::new_from_existing(state).with_config(config).with_query_planner(Arc::new(Planner));
    let session = SessionContext::new_with_state(state.build());
    session.register_table("log", log.events.provider().unwrap()).unwrap();
    let beside = Store::open(&project.path("beside")).unwrap();
    beside.create_folder().unwrap();
    let events = session.table("log").await.unwrap();
    let written = operator::replay_cases(events, &beside, desk_events, RESOURCES).await.unwrap();
    for table in CASE_TABLES {
        let rows = async |paths: Vec<std::path::PathBuf>, home: &Store| {
            if paths.is_empty() {
                return (Vec::new(), Vec::new());
            }
            let frame = session.read_table(scan(home, &paths, table.schema()).unwrap()).unwrap();
            let batches = frame.collect().await.unwrap();
            let numbers = batches.iter().filter_map(|batch| batch.column_by_name(CASE_NUMBER));
            let numbers: Vec<u64> =
                numbers.flat_map(|numbers| numbers.as_primitive::<UInt64Type>().values().to_vec()).collect();
            let mut texts: Vec<String> = Vec::new();
            for mut row in batches.iter().flat_map(rows_of) {
                row.remove(CASE_NUMBER);
                texts.push(serde_json::Value::Object(row).to_string());
            }
            texts.sort();
            (texts, numbers)
        };
        let of_table = written.iter().filter(|written| written.table == table.name);
        let paths = of_table.map(|written| beside.folder(table.name).local_path(&written.file.name)).collect();
        let (found, mut numbers) = rows(paths, &beside).await;
        let (expected, _) = rows(pointer.layers[0].paths(&home, &table), &home).await;
        assert_eq!(found, expected, "{}", table.name);
        if table.name == "cases" {
            assert!(written.iter().filter(|written| written.table == table.name).count() > 1, "one part is no cluster");
            let count = numbers.len();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len(), count, "numbers of cases");
        }
    }
}

/// A session whose plans are made as a scheduler makes them, for two tasks.
fn of_scheduler(database: &Database) -> SessionContext {
    let state = database.session().state();
    let mut config = state.config().clone().with_target_partitions(2).with_round_robin_repartition(false);
    // The tables of the state stay.
    config.options_mut().catalog.create_default_catalog_and_schema = false;
    // No side of a join is collected.
    config.options_mut().optimizer.hash_join_single_partition_threshold = 0;
    config.options_mut().optimizer.hash_join_single_partition_threshold_rows = 0;
    let state = SessionStateBuilder::new_from_existing(state).with_config(config).with_query_planner(Arc::new(Planner));
    SessionContext::new_with_state(state.build())
}

#[tokio::test]
async fn what_tasks_would_answer_otherwise_is_refused() {
    let (_project, database) = of_tangle().await;
    let session = of_scheduler(&database);
    let union = "(SELECT status AS k, case_id AS id FROM cases UNION ALL SELECT assignee, case_id FROM cases)";
    let numbered = "(SELECT case_id, assignee, row_number() OVER (ORDER BY created_at) AS nth FROM cases)";
    let written = "(SELECT column1 AS k FROM (VALUES ('open'), ('done'), ('new')) LIMIT 1)";
    let refused = [
        (format!("SELECT k, array_agg(id ORDER BY id) FROM {union} GROUP BY k"), "a union in an order"),
        (
            format!("SELECT string_agg(id, ' ' ORDER BY id) FROM (SELECT * FROM {union} WHERE k IS NOT NULL)"),
            "a union in an order",
        ),
        (
            format!("SELECT n.case_id FROM (SELECT assignee FROM cases WHERE status = 'open') o JOIN {numbered} n ON n.assignee = o.assignee ORDER BY n.nth"),
            "a join that keeps an order",
        ),
        (
            "SELECT id, count(*) FROM (SELECT c.case_id AS id FROM cases c CROSS JOIN users u UNION ALL SELECT case_id FROM turns) GROUP BY id"
                .to_owned(),
            "a join without an equation in a union",
        ),
        (
            format!("SELECT w.k, count(*) FROM {written} w JOIN cases c ON c.status = w.k GROUP BY w.k"),
            "a limit of written rows",
        ),
    ];
    for (question, reason) in refused {
        let refused = match session.sql(&question).await.unwrap().create_physical_plan().await {
            Ok(plan) => displayable(plan.as_ref()).indent(false).to_string(),
            Err(error) => error.to_string(),
        };
        assert!(refused.contains(&format!("{reason} cannot be cut into tasks")), "{question}\n{refused}");
    }
    let planned = [
        format!("SELECT k, array_agg(id) FROM {union} GROUP BY k ORDER BY k"),
        // The rows are brought together first.
        format!("SELECT row_number() OVER (ORDER BY id) FROM {union}"),
        "SELECT status, array_agg(case_id ORDER BY case_id) FROM cases GROUP BY status".to_owned(),
        "SELECT c.case_id FROM users u JOIN cases c ON c.assignee = u.\"user\" ORDER BY c.case_id".to_owned(),
        "SELECT count(*) FROM cases c CROSS JOIN users u".to_owned(),
    ];
    for question in planned {
        let plan = session.sql(&question).await.unwrap().create_physical_plan().await;
        assert!(plan.is_ok(), "{question}: {}", plan.err().unwrap());
    }
}

/// An executor takes tasks, and what it reports of them never arrives.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_whose_tasks_are_never_reported_ends() {
    let (_project, database) = of_tangle().await;
    let (address, serving) = serving().await;
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let channel = node::connector(None).endpoint(&endpoint).unwrap().connect().await.unwrap();
    let executing = tokio::spawn(async move {
        let mut scheduler = SchedulerGrpcClient::new(channel);
        let metadata = ExecutorRegistration {
            id: "silent".to_owned(),
            host: Some("127.0.0.1".to_owned()),
            specification: Some(ExecutorSpecification::default().with_vcores(1).into()),
            os_info: Some(ExecutorOperatingSystemSpecification::default()),
            ballista_protocol_version: BALLISTA_PROTOCOL_VERSION,
            ..ExecutorRegistration::default()
        };
        let poll = PollWorkParams { metadata: Some(metadata), num_free_vcores: 1, task_status: Vec::new() };
        while scheduler.poll_work(poll.clone()).await.is_ok() {}
    });
    let session = database.session();
    let session = SessionContext::new_with_state(asking(&node::cluster(address, None), session.state()));
    let asked = session.sql("SELECT status, count(*) FROM cases GROUP BY status").await.unwrap();
    let failed = asked.collect().await.unwrap_err().to_string();
    assert!(failed.contains("no answer in 5 attempts"), "{failed}");
    executing.abort();
    serving.abort();
}
