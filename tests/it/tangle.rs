//! Events that no source would send: many at one instant, before the creation, after the deletion, twice, with sequences that
//! contradict their types. All properties of facts must hold for theirs.

use serde_json::{Value, json};

/// A small generator of numbers; the same seed gives the same events.
struct Lots(u64);

impl Lots {
    /// A number below `n`.
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn of<'a>(&mut self, names: &[&'a str]) -> &'a str {
        names[usize::try_from(self.below(names.len() as u64)).unwrap()]
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

const USERS: &[&str] = &["ana", "ben", "eve", "robo"];
const PRIORITIES: &[&str] = &["urgent", "high", "medium", "low"];
const STATUSES: &[&str] = &["new", "open", "pending", "on_hold", "done", "done", "spam"];

struct Tangle {
    lots: Lots,
    /// How many instants there are, and how far apart.
    instants: u64,
    step_seconds: u64,
    lines: Vec<String>,
}

/// The events of `cases` cases on a desk of their own, as NDJSON.
pub fn tangle(seed: u64, cases: u64) -> String {
    let instants = [3, 12, 60, 600][usize::try_from(seed % 4).unwrap()];
    let step_seconds = [60, 1_800, 3_600][usize::try_from(seed % 3).unwrap()];
    let mut tangle = Tangle { lots: Lots(seed), instants, step_seconds, lines: Vec::new() };
    tangle.desk(seed.is_multiple_of(2));
    for case in 0..cases {
        tangle.case(&format!("C{case}"));
    }
    tangle.lines.join("\n") + "\n"
}

impl Tangle {
    fn time(&mut self) -> String {
        let seconds = self.lots.below(self.instants) * self.step_seconds;
        let (day, hour) = (5 + seconds / 86_400, seconds / 3_600 % 24);
        format!("2026-01-{day:02}T{hour:02}:{:02}:{:02}Z", seconds / 60 % 60, seconds % 60)
    }

    fn line(&mut self, kind: &str, subject: &str, time: Option<&str>, data: &Value) {
        let time = time.map_or_else(|| self.time(), str::to_owned);
        let (id, source) = (format!("e{}", self.lines.len()), self.lots.of(&["a", "b"]));
        let sequence = if self.lots.percent(30) { self.lots.below(3) } else { 0 };
        let event = json!({"id": id, "source": source, "type": kind, "subject": subject, "time": time, "data": data,
            "sequence": sequence});
        self.lines.push(event.to_string());
    }

    /// People, some of whom change, a policy, a calendar; `edited`: policy and calendar change too.
    fn desk(&mut self, edited: bool) {
        const EARLY: Option<&str> = Some("2026-01-01T00:00:00Z");
        for user in USERS {
            self.line("user.updated", user, EARLY, &json!({"bot": *user == "robo"}));
            self.line("user.presence_changed", user, None, &json!({"presence": "offline"}));
        }
        self.line("user.updated", "eve", None, &json!({"bot": true}));
        self.line("user.removed", "ben", None, &json!({}));
        let settings = json!({"grace_period": "2h", "unassign_on": ["offline"], "default_calendar": "office"});
        self.line("settings.updated", "settings", EARLY, &settings);
        self.line("profile.updated", "acme", EARLY, &json!({"platform": "facebook", "calendar": "office"}));
        let day = json!([["09:00", "12:00"], ["13:00", "17:30"]]);
        let office = json!({"time_zone": "Europe/Prague", "holidays": [{"date": "2026-01-06"}],
            "hours": {"mon": [["00:00", "24:00"]], "tue": day, "wed": day, "thu": day, "fri": day}});
        self.line("calendar.updated", "office", EARLY, &office);
        let targets = |factor: u64| {
            let minutes = |n: u64| format!("{}m", n * factor);
            let all = json!({"assign": minutes(5), "first_response": minutes(20), "next_response": minutes(10),
                "resolution": minutes(90)});
            json!({"urgent": all, "high": all, "medium": all, "low": {"resolution": minutes(300)}})
        };
        let policy = |targets: Value| json!({"position": 1, "enabled": true, "targets": targets, "calendar": "office", "pause_on": ["on_hold"]});
        self.line("policy.updated", "gold", EARLY, &policy(targets(1)));
        if edited {
            self.line("policy.updated", "gold", None, &policy(targets(3)));
            self.line("calendar.updated", "office", None, &json!({"time_zone": "UTC", "hours": {"mon": day}}));
        }
    }

    fn case(&mut self, case: &str) {
        for _ in 0..[0, 1, 1, 1, 1, 1, 1, 2][usize::try_from(self.lots.below(8)).unwrap()] {
            let data = json!({"customer": self.lots.of(&["zoe", "max", "kim"]),
                "profile": self.lots.percent(50).then_some("acme"),
                "priority": self.lots.of(PRIORITIES), "fields": {"product": "tea"}});
            let early = self.lots.percent(50).then_some("2026-01-04T23:00:00Z");
            self.line("case.created", case, early, &data);
        }
        for _ in 0..[2, 8, 25][usize::try_from(self.lots.below(3)).unwrap()] {
            self.event(case);
        }
    }

    fn event(&mut self, case: &str) {
        let by = self.lots.of(USERS);
        let message = self.lots.of(&["m1", "m2", "m3"]);
        let (kind, data) = match self.lots.below(100) {
            0..18 => ("message.received", json!({"message": message, "kind": self.lots.of(&["public", "direct"])})),
            18..40 => {
                let set_status = self.lots.percent(20).then(|| self.lots.of(&["pending", "on_hold"]));
                let data = json!({"message": message, "by": by, "set_status": set_status, "bot": self.lots.percent(10),
                    "odd": {"bot": true, "text": "\"bot\":true"}});
                ("message.sent", data)
            }
            40..44 => ("message.noted", json!({"message": message, "by": by})),
            44..46 => ("message.deleted", json!({"message": message})),
            46..60 => ("case.assigned", json!({"agent": self.lots.of(USERS), "by": by})),
            60..64 => ("case.unassigned", json!({"by": by})),
            64..82 => ("case.status_changed", json!({"status": self.lots.of(STATUSES), "by": by})),
            82..85 => ("case.closed", json!({"by": by})),
            85..88 => ("case.priority_changed", json!({"priority": self.lots.of(PRIORITIES)})),
            88..91 => ("case.profile_assigned", json!({"profile": self.lots.of(&["acme", "acme-x"])})),
            91..95 => ("case.sentiment_changed", json!({"sentiment": self.lots.of(&["positive", "negative"])})),
            95..99 => ("case.field_changed", json!({"field": "product", "value": self.lots.of(&["tea", "rum"])})),
            _ => ("case.deleted", json!({"by": by})),
        };
        self.line(kind, case, None, &data);
    }
}
