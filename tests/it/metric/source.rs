//! Metrics that read the contributions of another metric.

use serde_json::json;

use super::{answer, ask, desk, metric_file};

const HEADER: &str = "-- unit: share\n-- kind: flow\n-- aggregate: share\n-- date: when the reply was sent\n";

#[test]
fn a_metric_reads_the_contributions_of_another() {
    let project = desk();
    let all = answer(&project, "response_time --range 2026-03 --show count,min,max");
    let (count, max) = (all[0]["count"].as_i64().unwrap(), all[0]["max"].as_i64().unwrap());
    assert!(count > 1 && all[0]["min"].as_i64().unwrap() < max, "{all}");
    let sql = format!(
        "WITH judged AS (SELECT *, CASE WHEN value < {max} THEN 1 ELSE 0 END AS quick FROM source)\n\
         SELECT case_id, at, agent, quick AS value FROM judged\n"
    );
    let file = format!("{HEADER}-- source: response_time\n{sql}");
    project.write("queries/quick_replies.sql", metric_file("quick_replies", &file));
    let of_source = "SELECT case_id, at, agent, 1 - value AS value FROM source\n";
    let file = format!("{HEADER}-- source: quick_replies\n{of_source}");
    project.write("queries/slow_replies.sql", metric_file("slow_replies", &file));
    let slowest = answer(&project, "slow_replies --range 2026-03 --show sum,count");
    let quick = answer(&project, "quick_replies --range 2026-03 --show sum,count");
    assert_eq!(quick[0]["count"], json!(count));
    assert_eq!(slowest[0]["sum"].as_i64().unwrap() + quick[0]["sum"].as_i64().unwrap(), count);
    assert!(slowest[0]["sum"].as_i64().unwrap() >= 1);

    let page = ask(&project, "quick_replies").stdout;
    assert!(page.contains("source") && page.contains("response_time"), "{page}");

    project.write(
        "queries/slow_replies.sql",
        metric_file("slow_replies", &format!("{HEADER}-- source: sla_attainmnt\nSELECT 1")),
    );
    let ran = ask(&project, "created_cases --range 2026-03");
    assert!(ran.code == 2 && ran.stderr.contains("did you mean `sla_attainment`?"), "{}", ran.stderr);
    let ratio = format!("{HEADER}-- source: days_to_clear\nSELECT 1");
    project.write("queries/slow_replies.sql", metric_file("slow_replies", &ratio));
    let ran = ask(&project, "created_cases --range 2026-03");
    assert!(ran.stderr.contains("a ratio, which has no contributions"), "{}", ran.stderr);
}
