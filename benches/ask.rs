//! Questions to a database that stays open, as a connection of another engine does.
//!
//! ```text
//! cargo bench --locked --bench ask -- PROJECT [THREADS]
//! ```
//!
//! Opens the project's store once. Reads questions from standard input, one JSON object a line, such as
//! `{"metric": "created_cases", "by": ["platform"], "grain": "day", "range": "2026-05", "times": 3}`, and answers each as
//! of the end of its range, as often as `times` states (once without it). Prints for each a line with the best seconds and
//! the rows: `{"seconds": 0.1, "rows": [{"bucket": "2026-05-01T00:00:00Z", "group": ["x"], "value": 2.0}]}`.
//! `benches/metrics` runs it beside DuckDB.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and a failure may end it")]

use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant as Clock;

use casebook::log::Log;
use casebook::metric::answer::{Answer, AnswerRow};
use casebook::metric::catalogue::Catalogue;
use casebook::metric::dimension::Dimension;
use casebook::metric::question::Question;
use casebook::metric::range::{Grain, Range};
use casebook::model::time::Instant;
use casebook::query::database::Database;
use casebook::store::Store;
use casebook::store::engine::Resources;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The program's default.
const MEMORY_BYTES: usize = 2 << 30;

#[tokio::main]
async fn main() {
    // `cargo bench` adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let Some(project) = arguments.first() else { return println!("no project is named, so nothing is asked") };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = arguments.get(1).map_or(cores, |threads| threads.parse().unwrap());
    let project = Path::new(project);
    let log = Log::open(&Store::open(&project.join("store")).unwrap()).await.unwrap();
    let resources = Resources { memory_bytes: MEMORY_BYTES, threads };
    let database = Database::present(&log, resources).await.unwrap();
    let catalogue = Catalogue::load(project).await.unwrap();
    for line in std::io::stdin().lock().lines() {
        let asked: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let question = question(&asked);
        let mut best = f64::INFINITY;
        let mut answered = None;
        for _ in 0..asked.get("times").and_then(Value::as_u64).unwrap_or(1) {
            let begun = Clock::now();
            let answer = question.answer(&database, &catalogue).await.unwrap();
            best = best.min(begun.elapsed().as_secs_f64());
            answered = Some(answer);
        }
        println!("{}", json!({"seconds": best, "rows": rows(&answered.unwrap())}));
        std::io::stdout().flush().unwrap();
    }
}

fn question(asked: &Value) -> Question {
    let by = asked["by"].as_array().into_iter().flatten();
    let range = Range::parse(asked["range"].as_str().unwrap(), &TimeZone::UTC, Instant(0)).unwrap();
    Question {
        metric: asked["metric"].as_str().unwrap().to_owned(),
        by: by.map(|name| Dimension::parse(name.as_str().unwrap()).unwrap()).collect(),
        grain: asked["grain"].as_str().map(|name| Grain::parse(name).unwrap()),
        as_of: range.to.plus_ms(-1),
        range,
        show: Vec::new(),
        filters: Vec::new(),
    }
}

fn rows(answer: &Answer) -> Vec<Value> {
    let row = |row: &AnswerRow| {
        let bucket = row.bucket.map(|bucket| bucket.to_timestamp().to_string());
        json!({"bucket": bucket, "group": row.group, "value": row.values.first()})
    };
    answer.rows.iter().map(row).collect()
}
