//! A desk most of whose cases an agent may not see. What is hidden from the agent `ana` has `zebra` in its ids and texts, what
//! is hidden from the supervisor `sue` as well `okapi`.

use serde_json::{Value, json};

/// In what ana may not see.
pub const HIDDEN_FROM_ANA: &[&str] = &["zebra", "okapi"];

/// In what neither ana nor sue may see.
pub const HIDDEN_FROM_ALL: &[&str] = &["okapi"];

/// Cases of ben with a visible profile.
pub const ZEBRAS: usize = 137;
/// Cases of ben with a profile that only he sees.
const OKAPIS: usize = 101;

/// How many cases are hidden from ana, two of them without a marker.
pub fn hidden_count() -> usize {
    ZEBRAS + OKAPIS + 2
}

/// A line that is quarantined.
pub const BROKEN_LINE: &str = "{\"id\":\"okapi-broken\"}\n";

/// Every event.
pub fn all() -> Vec<Value> {
    let mut lines = Lines::default();
    lines.desk();
    for n in 1..=6 {
        lines.case(&Case {
            id: &format!("ana-{n}"),
            customer: &format!("carl-{n}"),
            profile: "open",
            agent: "ana",
            minute: n,
        });
    }
    lines.case(&Case { id: "shared-1", customer: "dora", profile: "open", agent: "ben", minute: 9 });
    lines.about("case.priority_changed", "shared-1", json!({"priority": "urgent", "by": "ben"}), 30);
    // Of the priority of the view that ana has, but of a profile that she does not see.
    for n in 1..=ZEBRAS {
        let (id, customer) = (format!("zebra-{n}"), format!("zebra-customer-{n}"));
        lines.case(&Case { id: &id, customer: &customer, profile: "open", agent: "ben", minute: n });
    }
    for n in 1..=OKAPIS {
        let (id, customer) = (format!("okapi-{n}"), format!("okapi-customer-{n}"));
        lines.case(&Case { id: &id, customer: &customer, profile: "okapi-profile", agent: "ben", minute: n });
        lines.about("case.priority_changed", &id, json!({"priority": "urgent", "by": "ben"}), 30);
    }
    // Assigned to ana, and still of a profile that she does not see.
    lines.about("case.assigned", "okapi-1", json!({"agent": "ana"}), 40);
    // A second open case of one of her customers, which a finding of hers would show.
    lines.case(&Case { id: "hidden-1", customer: "carl-1", profile: "open", agent: "ben", minute: 0 });
    // Hidden from both.
    lines.case(&Case { id: "hidden-2", customer: "erik", profile: "closed", agent: "ben", minute: 1 });
    lines.about("message.received", "ana-1", json!({"message": "last", "text": "thanks"}), 900);
    lines.events
}

/// The events without those of hidden things that have one of these in them.
pub fn without_hidden(markers: &[&str]) -> Vec<Value> {
    let of_desk = ["profile.updated", "group.updated"];
    let is_kept = |line: &Value| {
        let text = line.to_string();
        of_desk.iter().any(|kind| line["type"] == *kind) || !markers.iter().any(|marker| text.contains(marker))
    };
    // Hidden cases without a marker stay: that there is one at all may show, as in findings across cases.
    all().into_iter().filter(is_kept).collect()
}

/// One more case that ana may not see.
pub fn hidden_line(id: &str) -> Value {
    let data = json!({"customer": id, "text": id});
    json!({"id": id, "source": "s", "type": "case.created", "subject": id, "time": "2026-03-02T01:00:00Z", "data": data})
}

struct Case<'a> {
    id: &'a str,
    customer: &'a str,
    profile: &'a str,
    agent: &'a str,
    minute: usize,
}

#[derive(Default)]
struct Lines {
    events: Vec<Value>,
}

impl Lines {
    fn add(&mut self, kind: &str, subject: &str, data: Value, time: String) {
        // An id that does not depend on what other events there are.
        let of_message = data["message"].as_str().unwrap_or_default().to_owned();
        let id = format!("{kind}:{subject}:{of_message}:{time}");
        self.events
            .push(json!({"id": id, "source": "s", "type": kind, "subject": subject, "time": time, "data": data}));
    }

    fn of_desk(&mut self, kind: &str, subject: &str, data: Value) {
        self.add(kind, subject, data, "2026-03-01T08:00:00Z".to_owned());
    }

    /// An event that many minutes after the begin of the month's second day.
    fn about(&mut self, kind: &str, subject: &str, data: Value, minute: usize) {
        let time = format!("2026-03-{:02}T{:02}:{:02}:00Z", 2 + minute / 1440, minute / 60 % 24, minute % 60);
        self.add(kind, subject, data, time);
    }

    fn desk(&mut self) {
        for (user, role) in [
            ("ana", "agent"),
            ("ben", "agent"),
            ("sue", "supervisor"),
            ("adm", "admin"),
            ("nix", "none"),
            ("gone", "admin"),
        ] {
            self.of_desk(
                "user.updated",
                user,
                json!({"name": user, "role": role, "email": format!("{user}@x.example")}),
            );
        }
        self.add("user.removed", "gone", json!({}), "2026-03-01T09:00:00Z".to_owned());
        self.of_desk("group.updated", "north", json!({"members": ["ana"]}));
        self.of_desk("group.updated", "south", json!({"members": ["ben"], "profiles": []}));
        self.of_desk("profile.updated", "open", json!({"platform": "email"}));
        self.of_desk("profile.updated", "closed", json!({"visible_to": ["ben"]}));
        self.of_desk("profile.updated", "okapi-profile", json!({"platform": "x", "visible_to": ["ben"]}));
        self.of_desk(
            "policy.updated",
            "p",
            json!({"position": 1, "enabled": true, "targets": {
                "medium": {"assign": "2m", "first_response": "5m", "next_response": "6m", "resolution": "10m"},
                "urgent": {"first_response": "5m", "resolution": "10m"}}}),
        );
        self.of_desk(
            "view.updated",
            "urgent",
            json!({"name": "Urgent", "visibility": {"groups": ["north"]}, "conditions": {"priority": ["urgent"]}}),
        );
    }

    /// A case with messages, a survey and a breach, half of them resolved.
    fn case(&mut self, case: &Case<'_>) {
        let Case { id, customer, profile, agent, minute } = *case;
        let text = format!("please help {id}");
        self.of_desk("customer.updated", customer, json!({"name": customer, "city": format!("{id} city")}));
        let created = json!({"customer": customer, "profile": profile, "text": text, "fields": {"order": id}});
        self.about("case.created", id, created, minute);
        self.about("case.assigned", id, json!({"agent": agent, "by": "sue", "automatic": true}), minute + 3);
        self.about("message.received", id, json!({"message": format!("{id}-m1"), "text": text}), minute + 4);
        let answer = json!({"message": format!("{id}-m2"), "by": agent, "text": format!("hello {id}")});
        self.about("message.sent", id, answer, minute + 8);
        let note = json!({"message": format!("{id}-m3"), "by": "sue", "text": id, "mentions": [agent]});
        self.about("message.noted", id, note, minute + 9);
        if minute.is_multiple_of(2) {
            self.about("case.status_changed", id, json!({"status": "done", "by": agent}), minute + 20);
            let answered = json!({"survey": format!("{id}-s"), "kind": "csat", "score": minute % 5, "comment": id});
            self.about("survey.answered", id, answered, minute + 22);
        }
    }
}
