//! What happened in each listed case: a drawing and the tables behind it, in a part of the page that the reader opens.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::anchors::Anchors;
use crate::explain::current::verdict;
use crate::explain::fold::{Shown, fold};
use crate::explain::ledger::{Line, Mark};
use crate::explain::{Clock, End, words};
use crate::model::time::{Instant, duration_text, exact_duration_text};
use crate::report::chart::timeline::Drawing;
use crate::report::draw::paint::{self, DrawError, escaped};
use crate::report::page::{Page, Stems};
use crate::report::table::capitalized;
use crate::report::text;
use crate::timeline::events::{Event, Finding};
use crate::timeline::{Band, Head, Resolution, Timeline, Turn};

/// Width of a drawing; on a narrow screen its frame scrolls.
const WIDTH: f64 = 1130.0;

/// The timelines of all listed cases; nothing where none is listed.
pub(super) fn section(page: &Page, anchors: &Anchors<'_>) -> Result<String, DrawError> {
    let Some(first) = page.cases.first() else { return Ok(String::new()) };
    let as_of = first.as_of.unwrap_or(page.scope.as_of);
    let places = places(page);
    let mut cases = String::new();
    for timeline in &page.cases {
        let shown = Shower { timeline, zone: &anchors.zone, report_as_of: page.scope.as_of };
        let behind = places.get(timeline.case.as_str()).map(String::as_str).unwrap_or_default();
        let behind = format!("<p class=\"caption\">Behind {behind}</p>\n");
        cases += &shown.details(anchors.id(&timeline.case).unwrap_or_default(), "", &behind)?;
    }
    let zone = crate::metric::range::zone_name(&anchors.zone);
    Ok(format!(
        "<section class=\"cases\" aria-labelledby=\"cases\">\n<h2 class=\"row-title\" id=\"cases\">Cases</h2>\n\
         <p class=\"caption\">Each case that is listed above, with all that the log has of it: as of {}, times in {}. 1d is 24h.</p>\n\
         {cases}</section>\n",
        escaped(&text::as_of(as_of, &anchors.zone)),
        escaped(&zone),
    ))
}

/// The timeline of one case alone, open.
pub(super) fn alone(timeline: &Timeline, zone: &TimeZone, as_of: Instant) -> Result<String, DrawError> {
    let shown = Shower { timeline, zone, report_as_of: as_of };
    shown.details("timeline", " open", "")
}

/// Links to the widgets that list a case.
fn places(page: &Page) -> BTreeMap<&str, String> {
    let mut stems = Stems::default();
    let mut places: BTreeMap<&str, String> = BTreeMap::new();
    for widget in page.widgets() {
        let id = format!("widget-{}", stems.unique(&widget.title));
        let link = format!("<a href=\"#{id}\">{}</a>", escaped(&widget.title));
        let mut cases: Vec<&str> = widget.behind.cases.iter().map(|case| case.case.as_str()).collect();
        cases.sort_unstable();
        cases.dedup();
        for case in cases {
            let text = places.entry(case).or_default();
            let between = if text.is_empty() { "" } else { ", " };
            *text = format!("{text}{between}{link}");
        }
    }
    places
}

/// A table with a caption: its cells are texts, and of each row the class.
struct Rows<'a, const N: usize> {
    caption: &'a str,
    attributes: String,
    headings: [&'a str; N],
    /// HTML.
    rows: Vec<String>,
}

impl<const N: usize> Rows<'_, N> {
    fn html(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let headings: String = self.headings.iter().map(|name| format!("<th scope=\"col\">{name}</th>")).collect();
        format!(
            "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{}\"><table{}>\n<caption>{}</caption>\n\
             <thead><tr>{headings}</tr></thead>\n<tbody>\n{}</tbody>\n</table></div>\n",
            escaped(self.caption),
            self.attributes,
            escaped(self.caption),
            self.rows.concat(),
        )
    }
}

fn row<const N: usize>(cells: [String; N]) -> String {
    let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
    format!("<tr>{cells}</tr>\n")
}

/// A row with an instant, and a text across the other columns.
fn remark(class: &str, at: &str, text: &str, columns: usize) -> String {
    let columns = columns.saturating_sub(1);
    format!("<tr class=\"{class}\"><td>{at}</td><td colspan=\"{columns}\">{}</td></tr>\n", escaped(text))
}

/// A name as it is, or a dash.
fn name(text: Option<&String>) -> String {
    text.cloned().unwrap_or_else(|| "–".to_owned())
}

fn length(ms: Option<i64>) -> String {
    ms.map_or_else(|| "–".to_owned(), duration_text)
}

struct Shower<'a> {
    timeline: &'a Timeline,
    zone: &'a TimeZone,
    report_as_of: Instant,
}

impl Shower<'_> {
    fn details(&self, id: &str, open: &str, behind: &str) -> Result<String, DrawError> {
        let timeline = self.timeline;
        let drawing = Drawing { timeline, zone: self.zone };
        let high = drawing.height();
        let svg = paint::svg(&drawing.sketch(WIDTH), WIDTH, high, &drawing.description())?;
        let state = timeline.head.as_ref().map_or("never created".to_owned(), state);
        let clocks: String = self.timeline.clocks.iter().map(|clock| self.clock(clock)).collect();
        Ok(format!(
            "<details class=\"case\" id=\"{id}\"{open}>\n<summary><span>{}</span> {}</summary>\n{}{behind}\
             <div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{}\"><div class=\"chart story\">{svg}</div></div>\n\
             {}{}{}{clocks}{}</details>\n",
            escaped(&timeline.case),
            escaped(&state),
            self.head(),
            escaped(&format!("drawing of {}", timeline.case)),
            self.events(),
            self.turns(),
            self.resolutions(),
            self.bands(),
        ))
    }

    /// To the second, where nothing is added up.
    fn at(&self, at: Instant) -> String {
        at.to_local(self.zone).strftime("%a %Y-%m-%d %H:%M:%S").to_string()
    }

    fn exactly(&self, at: Instant) -> String {
        let digits = if at.0 % 1000 == 0 { "%a %Y-%m-%d %H:%M:%S" } else { "%a %Y-%m-%d %H:%M:%S%.3f" };
        at.to_local(self.zone).strftime(digits).to_string()
    }

    fn maybe(&self, at: Option<Instant>, otherwise: &str) -> String {
        at.map_or_else(|| otherwise.to_owned(), |at| self.at(at))
    }

    fn head(&self) -> String {
        let Some(head) = &self.timeline.head else { return String::new() };
        let entries = [
            ("Customer", head.customer.clone()),
            ("Profile", head.profile.clone()),
            ("Platform", head.platform.clone()),
            ("Policy", head.policy.clone()),
            ("Created", Some(self.at(head.created_at))),
            ("First response", head.first_response_at.map(|at| self.at(at))),
            ("Resolved", head.resolved_at.map(|at| self.at(at))),
            ("Deleted", head.deleted_at.map(|at| self.at(at))),
        ];
        let entry = |(label, value): (&str, Option<String>)| {
            value.map(|value| format!("<div><dt>{label}</dt><dd>{}</dd></div>\n", escaped(&value)))
        };
        format!("<dl class=\"facts\">\n{}</dl>\n", entries.into_iter().filter_map(entry).collect::<String>())
    }

    fn clock(&self, clock: &Clock) -> String {
        let instance = &clock.instance;
        let milestone = capitalized(&words::milestone(instance.milestone, instance.turn));
        let due = self.maybe(instance.due_at, "not known while the clock is stopped");
        let target = exact_duration_text(instance.target_ms);
        let caption = format!("{milestone}: {} · target {target} · due {due}", words::outcome(clock));
        let class = match verdict(clock.outcome) {
            Some(true) => "met",
            Some(false) => "breached",
            None => "neither",
        };
        let mut rows: Vec<String> = fold(&clock.lines).iter().map(|shown| self.ledger_line(shown, clock)).collect();
        let (end, what) = match &instance.end {
            Some((time, End::Completed(by))) => {
                let by = by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
                (*time, format!("completed{by}"))
            }
            Some((time, End::Stopped)) => (*time, "stopped".to_owned()),
            Some((time, End::Disabled)) => (*time, "its target was taken away".to_owned()),
            None => (self.timeline.as_of.unwrap_or(instance.started_at), "not ended".to_owned()),
        };
        let sum = words::sum(&clock.sums);
        rows.push(remark("mark", &self.exactly(end), &format!("{what}: {}", sum.trim_start_matches("= ")), 5));
        let attributes = format!(
            " class=\"ledger {class}\" data-milestone=\"{}\" data-n=\"{}\" data-outcome=\"{}\" data-counted=\"{}\"",
            instance.milestone.name(),
            instance.n,
            clock.outcome.name(),
            clock.sums.counted_ms,
        );
        let headings = ["Since", "What", "Status", "For", "Counted so far"];
        Rows { caption: &caption, attributes, headings, rows }.html()
    }

    fn ledger_line(&self, shown: &Shown<'_>, clock: &Clock) -> String {
        match shown {
            Shown::Line(Line::Interval(interval)) => row([
                self.exactly(interval.since),
                interval.label.name().replace('_', " "),
                interval.status.name().replace('_', " "),
                exact_duration_text(interval.until.since_ms(interval.since)),
                exact_duration_text(interval.counted_ms),
            ]),
            Shown::Line(Line::Mark(at, mark)) => {
                let is_breach = matches!(mark, Mark::Due { .. }) && clock.late.is_some();
                let class = if is_breach { "mark breach" } else { "mark" };
                remark(class, &self.exactly(*at), &words::mark(mark, &clock.instance, |at| self.at(at)), 5)
            }
            Shown::Folded { intervals, sums, counted_ms } => {
                let (parts, counted) = (words::parts(sums, ", "), exact_duration_text(*counted_ms));
                remark("mark", "…", &format!("{intervals} more intervals: {parts}; counted so far {counted}"), 5)
            }
        }
    }

    fn turns(&self) -> String {
        let turn = |turn: &Turn| {
            let answered = match (turn.answered_at, turn.stopped_at) {
                (None, Some(at)) => format!("stopped {}", self.at(at)),
                (answered, _) => self.maybe(answered, "open"),
            };
            let times = [turn.times.elapsed_ms, turn.times.active_ms, turn.times.business_ms].map(length);
            let [elapsed, active, business] = times;
            row([
                turn.n.to_string(),
                self.at(turn.asked_at),
                answered,
                name(turn.answered_by.as_ref()),
                elapsed,
                active,
                business,
            ])
        };
        let rows = self.timeline.turns.iter().map(turn).collect();
        let headings = ["Turn", "Asked", "Answered", "By", "Elapsed", "Active", "Business"];
        Rows { caption: "Turns; the first is the first response", attributes: String::new(), headings, rows }.html()
    }

    fn resolutions(&self) -> String {
        let resolution = |one: &Resolution| {
            let [elapsed, active, business] =
                [one.times.elapsed_ms, one.times.active_ms, one.times.business_ms].map(length);
            let reopened = self.maybe(one.reopened_at, "–");
            row([
                one.n.to_string(),
                one.status.clone(),
                self.at(one.resolved_at),
                name(one.by.as_ref()),
                elapsed,
                active,
                business,
                reopened,
            ])
        };
        let rows = self.timeline.resolutions.iter().map(resolution).collect();
        let headings = ["Resolution", "Status", "At", "By", "Elapsed", "Active", "Business", "Reopened"];
        Rows { caption: "Resolutions; times since the creation", attributes: String::new(), headings, rows }.html()
    }

    fn bands(&self) -> String {
        let band = |band: &Band| {
            let length = band.until.map_or("still".to_owned(), |until| duration_text(until.since_ms(band.since)));
            let status = band.status.replace('_', " ");
            let cause = name(band.cause.as_ref()).trim_start_matches("case.").replace('_', " ");
            row([self.at(band.since), length, status, name(band.assignee.as_ref()), band.priority.clone(), cause])
        };
        let rows = self.timeline.bands.iter().map(band).collect();
        let headings = ["Since", "For", "Status", "Assignee", "Priority", "Because of"];
        Rows { caption: "Status and assignment", attributes: String::new(), headings, rows }.html()
    }

    fn events(&self) -> String {
        let timeline = self.timeline;
        let mut rows = Vec::new();
        if timeline.messages_hidden > 0 {
            let text = format!("{} earlier messages are not shown, but counted", timeline.messages_hidden);
            rows.push(remark("mark", "…", &text, 4));
        }
        let mut is_after = false;
        for event in &timeline.events {
            if !is_after && event.time > self.report_as_of {
                is_after = true;
                rows.push(remark(
                    "mark",
                    &self.at(self.report_as_of),
                    "the report is as of here; what follows happened later",
                    4,
                ));
            }
            rows.push(self.event(event));
            rows.extend(
                event.findings.iter().map(|found| remark("mark breach", &self.at(event.time), &finding(found), 4)),
            );
        }
        let attributes = format!(" data-events=\"{}\"", timeline.events.len() + timeline.messages_hidden);
        let headings = ["Time", "Event", "By", "What"];
        Rows { caption: "Events", attributes, headings, rows }.html()
    }

    fn event(&self, event: &Event) -> String {
        let details = event.details.iter().map(|(name, value)| format!("{} {value}", name.replace('_', " ")));
        let details: Vec<String> = details.collect();
        row([self.at(event.time), event.kind.clone(), name(event.by.as_ref()), details.join(" · ")])
    }
}

fn state(head: &Head) -> String {
    let assignee = head.assignee.as_ref().map_or("not assigned".to_owned(), |name| format!("assigned to {name}"));
    format!("{}, {} priority, {assignee}", head.status.replace('_', " "), head.priority)
}

fn finding(found: &Finding) -> String {
    let [rule, effect, detail] = [&found.rule, &found.effect, &found.detail].map(|text| name(text.as_ref()));
    format!("{rule} ({effect}): {detail}")
}
