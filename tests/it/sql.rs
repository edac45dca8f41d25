//! `sql`: questions in, rows out in every form; nothing can be changed; what cannot be answered gives the reason.

use std::io::Write;
use std::process::Stdio;
use std::sync::LazyLock;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMillisecondType};
use insta::assert_snapshot;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use crate::project::{Project, Ran, of_repository, unpacked};

/// One project for all of this: no test changes it. Two cases of one customer.
static LIFE: LazyLock<Project> = LazyLock::new(|| {
    let project = Project::new();
    project.ingest(&[of_repository("tests/golden/01-life.ndjson")], 0);
    assert_eq!(project.run(&["replay"]).code, 0);
    project
});

const CASES: &str = "select case_id, created_at, reopenings, survey_score, fields, make_array(closed_at) as closings \
                     from cases order by case_id";

/// The program's answer as a page: its code, then its standard output and standard error.
fn page(ran: &Ran) -> String {
    let (stdout, stderr) = (ran.stdout.trim_end(), ran.stderr.trim_end());
    let stdout = stdout.replace(&LIFE.path("").display().to_string(), "PROJECT/");
    format!("exit {}\n{stdout}\n{stderr}", ran.code).trim_end().to_owned()
}

fn sql(arguments: &[&str]) -> Ran {
    LIFE.run(&[&["sql"], arguments].concat())
}

#[test]
fn a_table_shows_instants_in_the_zone_of_the_report() {
    assert_snapshot!(page(&sql(&[CASES, "--tz", "Europe/Prague"])), @"
    exit 0
    +---------+--------------------------------+------------+--------------+--------+----------+
    | case_id | created_at                     | reopenings | survey_score | fields | closings |
    +---------+--------------------------------+------------+--------------+--------+----------+
    | A       | 2026-03-02 10:00:00.000 +01:00 | 2          |              | {}     | []       |
    | A2      | 2026-03-05 13:10:00.000 +01:00 | 0          |              | {}     | []       |
    +---------+--------------------------------+------------+--------------+--------+----------+
    ");
}

#[test]
fn csv_has_a_header_and_nested_values_as_json() {
    assert_snapshot!(page(&sql(&[CASES, "--format", "csv"])), @"
    exit 0
    case_id,created_at,reopenings,survey_score,fields,closings
    A,2026-03-02T09:00:00.000Z,2,,{},[null]
    A2,2026-03-05T12:10:00.000Z,0,,{},[null]
    ");
}

#[test]
fn json_is_an_array_of_objects_with_their_nulls() {
    let ran = sql(&[CASES, "--format", "json"]);
    let rows: Value = serde_json::from_str(&ran.stdout).unwrap();
    let a = json!({"case_id": "A", "created_at": "2026-03-02T09:00:00.000Z", "reopenings": 2, "survey_score": null,
        "fields": {}, "closings": [null]});
    assert_eq!((ran.code, rows.as_array().unwrap().len(), &rows[0]), (0, 2, &a));
}

#[test]
fn ndjson_is_one_object_a_line() {
    assert_snapshot!(page(&sql(&[CASES, "--format", "ndjson"])), @r#"
    exit 0
    {"case_id":"A","created_at":"2026-03-02T09:00:00.000Z","reopenings":2,"survey_score":null,"fields":{},"closings":[null]}
    {"case_id":"A2","created_at":"2026-03-05T12:10:00.000Z","reopenings":0,"survey_score":null,"fields":{},"closings":[null]}
    "#);
}

#[test]
fn instants_have_three_digits_whatever_their_unit_zone_and_nest() {
    let query = "select arrow_cast('2026-03-02T09:00:00.123456Z', 'Timestamp(Nanosecond, Some(\"Europe/Prague\"))') as a, \
                 make_array(arrow_cast('2026-03-02T09:00:00Z', 'Timestamp(Second, Some(\"+01:00\"))')) as b, \
                 9007199254740993 as whole";
    assert_snapshot!(page(&sql(&[query, "--format", "ndjson"])), @r#"
    exit 0
    {"a":"2026-03-02T09:00:00.123Z","b":["2026-03-02T09:00:00.000Z"],"whole":9007199254740993}
    "#);
    assert_snapshot!(page(&sql(&[query, "--format", "csv"])), @r#"
    exit 0
    a,b,whole
    2026-03-02T09:00:00.123Z,"[""2026-03-02T09:00:00.000Z""]",9007199254740993
    "#);
    assert_snapshot!(page(&sql(&[query])), @"
    exit 0
    +--------------------------------+----------------------------------+------------------+
    | a                              | b                                | whole            |
    +--------------------------------+----------------------------------+------------------+
    | 2026-03-02 10:00:00.123 +01:00 | [2026-03-02 09:00:00.000 +00:00] | 9007199254740993 |
    +--------------------------------+----------------------------------+------------------+
    ");
}

#[test]
fn parquet_is_a_file_of_the_same_rows() {
    let file = LIFE.path("cases.parquet");
    let ran = sql(&[CASES, "-o", file.to_str().unwrap()]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(file).unwrap()).unwrap().build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    let column = |name: &str| batches[0].column_by_name(name).unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
    assert_eq!(column("created_at").as_primitive::<TimestampMillisecondType>().value(0), 1_772_442_000_000);
    assert_eq!(column("reopenings").as_primitive::<Int64Type>().value(0), 2);
}

#[test]
fn a_result_without_rows_is_a_result() {
    let none = "select case_id, status from cases where false";
    let answer = |format: &str| sql(&[none, "--format", format]).stdout;
    assert_eq!(answer("csv"), "case_id,status\n");
    assert_eq!(answer("json"), "[]\n");
    assert_eq!(answer("ndjson"), "");
    assert!(answer("table").contains("| case_id | status |"), "{}", answer("table"));
    let file = LIFE.path("none.parquet");
    assert_eq!(sql(&[none, "-o", file.to_str().unwrap()]).code, 0);
    let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(file).unwrap()).unwrap();
    assert_eq!(reader.schema().field(1).name(), "status");
}

#[test]
fn a_file_appears_whole_or_not_at_all() {
    let (folder, fails) = (LIFE.path("out"), "select 1 / (value - 100000) as x from generate_series(1, 200000)");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("x.csv");
    let file_name = file.to_str().unwrap();
    assert_eq!(sql(&[fails, "-o", file_name]).code, 2);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "something half-written is visible");
    assert_eq!(sql(&["select 1 as x", "-o", file_name]).code, 0);
    assert_eq!(sql(&[fails, "-o", file_name]).code, 2);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "x\n1\n", "what was there stays");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn a_column_of_json_has_a_name_of_its_own() {
    let twins = "select a.case_id, b.case_id from cases a join cases b using (case_id)";
    assert_snapshot!(page(&sql(&[twins, "--format", "json"])), @"
    exit 2

    error: two columns are called `case_id`
    hint: give one of them another name with `AS`, or use `--format csv`
    ");
}

#[test]
fn queries_come_from_a_file_or_standard_input_and_are_answered_in_order() {
    let two = "-- two\nselect 1 as a;\nselect ';' as b;\n";
    let file = LIFE.write("two.sql", two);
    let from_file = sql(&["-f", file.to_str().unwrap(), "--format", "csv"]);
    assert_eq!((from_file.code, from_file.stdout.as_str()), (0, "a\n1\nb\n;\n"), "{}", from_file.stderr);
    let mut child =
        LIFE.command(&["sql", "--format", "csv"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(two.as_bytes()).unwrap();
    assert_eq!(Project::wait(child).stdout, from_file.stdout);
    assert_snapshot!(page(&sql(&["/* nothing */ ;"])), @r#"
    exit 2

    error: query: there is nothing to answer
    hint: `casebook sql '\d'` lists the tables
    "#);
}

#[test]
fn nothing_runs_when_one_query_is_wrong() {
    let ran = sql(&["select 1 as a; select 2 as b from nowhere", "--format", "csv"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
}

#[test]
fn only_reading_is_possible() {
    let outside = LIFE.path("outside.csv");
    let statements = [
        format!("copy cases to '{}'", outside.display()),
        format!("explain analyze copy cases to '{}'", outside.display()),
        "insert into cases (case_id) values ('x')".to_owned(),
        "delete from cases".to_owned(),
        "update cases set status = 'done'".to_owned(),
        "create table t as select 1".to_owned(),
        "create view v as select 1".to_owned(),
        "select 1 as x into t".to_owned(),
        format!("create external table t stored as csv location '{}'", outside.display()),
        "drop table cases".to_owned(),
        "set datafusion.execution.batch_size = 1".to_owned(),
        "reset datafusion.execution.batch_size".to_owned(),
        "prepare p as select 1".to_owned(),
        "begin transaction".to_owned(),
    ];
    for statement in &statements {
        let ran = sql(&[statement]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{statement}");
        assert!(ran.stderr.contains("is refused: `casebook sql` only reads\nhint: "), "{statement}: {}", ran.stderr);
    }
    assert!(!outside.exists());
}

#[test]
fn an_error_names_what_where_and_what_is_near() {
    let asked = |query: &str| page(&sql(&[query]));
    assert_snapshot!(asked("select case_id,\n  staus from cases"), @"
    exit 2

    error: query:2:3: there is no column `staus`
    hint: did you mean `status`?
    ");
    assert_snapshot!(asked("select * from casse"), @"
    exit 2

    error: query:1:15: there is no table `casse`
    hint: did you mean `cases`?
    ");
    assert_snapshot!(asked("select * form cases"), @"
    exit 2

    error: query:1:10: expected end of statement, found `form`
    hint: did you mean `from`?
    ");
    assert_snapshot!(asked("select (1"), @"
    exit 2

    error: query: expected ), found the end
    ");
    assert_snapshot!(asked("select 1 from cases where status = \"Finished\""), @"
    exit 2

    error: query:1:36: there is no column `Finished`
    hint: a text is written in single quotes: `'Finished'`
    ");
    assert_snapshot!(asked("select zzzz from cases"), @r#"
    exit 2

    error: query:1:8: there is no column `zzzz`
    hint: `casebook sql '\d cases'` lists the columns
    "#);
    assert_snapshot!(asked("select x.zzzz from (select 1 as y) as x"), @"
    exit 2

    error: query:1:8: there is no column `x.zzzz`
    hint: there are x.y
    ");
    assert_snapshot!(asked("select sum(status) from cases"), @"
    exit 2

    error: query: no function matches the given name and argument types `sum(text)`
    hint: you might need to add explicit type casts. Candidate functions: sum(Decimal) sum(UInt64) sum(Int64) sum(Float64) sum(Duration) sum(Interval)
    ");
    assert_snapshot!(asked("select 1 / 0"), @"
    exit 2

    error: query: divide by zero error
    ");
    let file = LIFE.write("wrong.sql", "select 1;\nselect case_idd from cases");
    assert_snapshot!(page(&sql(&["-f", file.file_name().unwrap().to_str().unwrap()])), @"
    exit 2

    error: wrong.sql:2:8: there is no column `case_idd`
    hint: did you mean `case_id`?
    ");
}

#[test]
fn d_lists_tables_with_their_meaning_and_columns_with_their_types() {
    let listed = sql(&["\\d", "--format", "json"]);
    let tables: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
    assert!(tables.iter().all(|table| table["meaning"].as_str().unwrap().starts_with("one row per ")), "{tables:?}");
    let names: Vec<&str> = tables.iter().map(|table| table["table"].as_str().unwrap()).collect();
    assert_eq!(names, casebook::query::database::table_names());
    assert_snapshot!(page(&sql(&["\\d field_values"])), @"
    exit 0
    +---------+--------------------+
    | column  | type               |
    +---------+--------------------+
    | case_id | text               |
    | field   | text               |
    | since   | timestamp(ms, UTC) |
    | until   | timestamp(ms, UTC) |
    | value   | text               |
    +---------+--------------------+
    ");
    assert_snapshot!(page(&sql(&["\\d casse"])), @r#"
    exit 2

    error: \d casse: there is no table `casse`
    hint: did you mean `cases`?
    "#);
    assert_snapshot!(page(&sql(&["\\x"])), @r#"
    exit 2

    error: `\x` is not a command
    hint: `\d` lists the tables, `\d TABLE` its columns
    "#);
    let types = sql(&["\\d users", "--format", "csv"]).stdout;
    assert!(types.contains("capacity,bigint\nauto_assign,boolean\n") && types.contains("skills,text[]\n"), "{types}");
}

#[test]
fn a_text_does_not_command_the_terminal() {
    let ran = sql(&["select chr(27) || '[2J' as text"]);
    assert!(ran.stdout.contains("\\u{1b}[2J") && !ran.stdout.contains('\u{1b}'), "{}", ran.stdout);
}

#[test]
fn a_reader_may_leave_early() {
    for format in ["csv", "json", "ndjson", "parquet"] {
        let query = "select value from generate_series(1, 3000000)";
        let mut child = LIFE.start(&["sql", query, "--format", format]);
        drop(child.stdout.take());
        let ran = Project::wait(child);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{format}");
    }
}

#[test]
fn a_csv_has_no_formula_and_its_numbers_stay_numbers() {
    let query = "SELECT '=1+1' AS a, '+x' AS b, '-x' AS c, '@x' AS d, chr(9) || '=1' AS e, chr(13) || 'x' AS f, \
                 '-5.5' AS g, -5.5 AS h, -5 AS i, 'plain' AS j, 1 AS \"=k\"";
    let csv = sql(&[query, "--format", "csv"]).stdout;
    assert_eq!(csv, "a,b,c,d,e,f,g,h,i,j,'=k\n'=1+1,'+x,'-x,'@x,'\t=1,\"'\rx\",-5.5,-5.5,-5,plain,1\n");
    let exact = sql(&[query, "--format", "ndjson"]).stdout;
    let row: serde_json::Value = serde_json::from_str(exact.trim()).unwrap();
    assert_eq!((&row["a"], &row["f"], &row["=k"]), (&"=1+1".into(), &"\rx".into(), &1.into()));
}

#[test]
fn a_calendar_that_the_log_does_not_know_is_an_error_where_a_query_names_it() {
    let project = Project::new();
    let event = |id: u32, kind: &str, subject: &str, data: &str| {
        format!(
            r#"{{"id":"{id}","source":"t","type":"{kind}","subject":"{subject}","time":"2026-03-02T09:00:00Z","data":{data}}}"#
        )
    };
    let calendar = r#"{"time_zone":"UTC","hours":{"mon":[["09:00","17:00"]]}}"#;
    let lines =
        [event(1, "calendar.updated", "office", calendar), event(2, "case.created", "A", r#"{"customer":"c"}"#)];
    project.write("events.ndjson", lines.join("\n"));
    project.ingest(&["events.ndjson"], 0);
    let ask = |calendar: &str, call: &str| {
        let query = format!("SELECT {} AS n FROM cases", call.replace('$', calendar));
        project.run(&["sql", &query, "--format", "ndjson"])
    };
    let calls = [
        "business_ms($, created_at, created_at + INTERVAL '1 day')",
        "CAST(business_end($, created_at, 60000) AS BIGINT) - CAST(created_at AS BIGINT)",
    ];
    for call in calls {
        let wrong = ask("'offise'", call);
        assert_eq!((wrong.code, wrong.stdout.as_str()), (2, ""), "{}", wrong.stderr);
        assert!(wrong.stderr.contains("there is no calendar `offise`"), "{}", wrong.stderr);
        assert!(wrong.stderr.contains("hint: did you mean `office`? The calendars are office"), "{}", wrong.stderr);
        // No calendar is all hours; a name that comes from a row may be unknown, as a policy's may.
        for known in ["'office'", "NULL", "customer"] {
            assert_eq!(ask(known, call).code, 0, "{known}: {}", ask(known, call).stderr);
        }
    }
}

#[test]
fn a_workbook_has_durations_dates_and_the_name_of_what_it_holds() {
    let project = Project::new();
    project.ingest(&[of_repository("tests/golden/01-life.ndjson")], 0);
    let written = |words: &[&str]| {
        let ran = project.run(&[words, &["-o", "rows.xlsx"]].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        unpacked(&project.path("rows.xlsx"))
    };
    let times = "select 5400000 as active_ms, -5400000 as late_by_ms, date '2026-03-02' as day, 7 as five_msx, \
                 timestamp '2026-03-02T12:00:00Z' at time zone 'UTC' as at";
    let rows = written(&["sql", times]);
    let head: Vec<&str> =
        rows.split("<t>").skip(1).filter_map(|text| Some(text.split_once("</t>")?.0)).take(5).collect();
    assert_eq!(head, ["active", "late_by", "day", "five_msx", "at"]);
    let values = ["0.0625", "-0.0625", "46083", "7", "46083.5"];
    let cells: Vec<&str> = rows.split("<v>").skip(1).filter_map(|text| Some(text.split_once("</v>")?.0)).collect();
    assert_eq!(cells, values, "{rows}");
    for expected in ["<sheet name=\"Rows\"", "[h]:mm:ss;-0.0000&quot; days&quot;", "\"yyyy-mm-dd\"", "state=\"frozen\""]
    {
        assert!(rows.contains(expected), "{expected}: {rows}");
    }
    let asked = ["metric", "first_response_time", "--range", "2026"];
    let ms = project.run(&[&asked[..], &["--format", "json", "--show", "max"]].concat());
    let ms = serde_json::from_str::<Value>(&ms.stdout).unwrap()[0]["max"].as_f64().unwrap();
    let day = format!("<v>{}</v>", ms / 86_400_000.0);
    for rows in [written(&[&asked[..], &["--show", "max"]].concat()), written(&[&asked[..], &["--cases"]].concat())] {
        assert!(rows.contains("<sheet name=\"first_response_time\"") && rows.contains(&day), "{day}: {rows}");
    }
}
