//! One case over time: its status and who had it, its messages, and each clock with what it counted.

use jiff::tz::TimeZone;

use super::axes::LABEL;
use crate::explain::ledger::{Interval, Line, Mark};
use crate::explain::{Clock, words};
use crate::metric::range::Grain;
use crate::model::case::clock::Label;
use crate::model::time::{Instant, duration_text};
use crate::report::draw::sketch::{Anchor, Area, Face, Pen, Point, Shape, Sketch, count};
use crate::report::draw::text_layout::{shortened, width};
use crate::report::palette::{ABOVE, AXIS, CARD, EDGE, GRID, MUTED, OTHER, REFERENCE, Rgb, TEXT, series};
use crate::report::table::capitalized;
use crate::timeline::events::Event;
use crate::timeline::{Band, Timeline};

/// Space for the names of the rows, and for the outcomes of the clocks.
const NAMES: f64 = 152.0;
const OUTCOMES: f64 = 176.0;
const HEAD: f64 = 30.0;
const ROW: f64 = 26.0;
const BAR: f64 = 14.0;
const KEY_ROW: f64 = 22.0;
/// More clocks than that are only in the tables.
const CLOCKS_MAX: usize = 12;
const NAME: Face = Face::plain(12.5, TEXT);

/// A timeline, to be drawn on the clock of a zone.
pub struct Drawing<'t> {
    pub timeline: &'t Timeline,
    pub zone: &'t TimeZone,
}

/// Where instants are.
#[derive(Clone, Copy)]
struct Scale {
    from: Instant,
    to: Instant,
    left: f64,
    right: f64,
}

impl Scale {
    fn x(self, at: Instant) -> f64 {
        let share = at.since_ms(self.from) as f64 / self.to.since_ms(self.from).max(1) as f64;
        self.left + (self.right - self.left) * share.clamp(0.0, 1.0)
    }

    /// A bar, at least one pixel wide.
    fn bar(self, since: Instant, until: Instant, top: f64) -> Area {
        let left = self.x(since);
        Area { left, top, width: (self.x(until) - left).max(1.0), height: BAR }
    }
}

/// The colours that a drawing uses, with what they mean.
#[derive(Default)]
struct Key(Vec<(String, Rgb)>);

impl Key {
    fn color(&mut self, name: &str, color: Rgb) -> Rgb {
        if !self.0.iter().any(|(known, _)| known == name) {
            self.0.push((name.to_owned(), color));
        }
        color
    }
}

impl Drawing<'_> {
    /// The height that the drawing needs.
    #[must_use]
    pub fn height(&self) -> f64 {
        HEAD + ROW * count(self.above_clocks() + self.clocks().count()) + KEY_ROW * 2.0 + 4.0
    }

    /// What it is, in words.
    #[must_use]
    pub fn description(&self) -> String {
        let clocks = self.clocks().count();
        let noun = if clocks == 1 { "clock" } else { "clocks" };
        let messages = if self.above_clocks() > 2 { ", messages" } else { "" };
        format!("timeline of case {}: status, assignment{messages} and {clocks} {noun}", self.timeline.case)
    }

    fn messages(&self) -> impl Iterator<Item = &Event> {
        self.timeline.events.iter().filter(|event| event.kind.starts_with("message."))
    }

    /// Rows above the clocks: status, assignee and, where there are any, messages.
    fn above_clocks(&self) -> usize {
        2 + usize::from(self.messages().next().is_some())
    }

    fn clocks(&self) -> impl Iterator<Item = &Clock> {
        self.timeline.clocks.iter().take(CLOCKS_MAX)
    }

    /// The rows, one below the other, and what their colours mean.
    #[must_use]
    pub fn sketch(&self, width: f64) -> Sketch {
        let mut sketch = Sketch::default();
        let Some((from, to)) = self.ends() else { return sketch };
        let scale = Scale { from, to, left: NAMES, right: (width - OUTCOMES).max(NAMES + 40.0) };
        let rows = self.above_clocks() + self.clocks().count();
        self.ticks(&mut sketch, scale, HEAD + ROW * count(rows));
        let (mut statuses, mut labels) = (Key::default(), Key::default());
        let top = |row: usize| HEAD + ROW * count(row) + (ROW - BAR) / 2.0;
        self.status(&mut sketch, scale, top(0), &mut statuses);
        self.assignees(&mut sketch, scale, top(1));
        if self.above_clocks() > 2 {
            self.dots(&mut sketch, scale, top(2));
        }
        for (row, clock) in self.clocks().enumerate() {
            self.clock(&mut sketch, scale, top(self.above_clocks() + row), clock, &mut labels);
        }
        let below = HEAD + ROW * count(rows) + 8.0;
        for (row, key) in
            [("Status", statuses), ("Clocks", labels)].into_iter().filter(|(_, key)| !key.0.is_empty()).enumerate()
        {
            draw_key(&mut sketch, key.0, &key.1, below + KEY_ROW * count(row));
        }
        sketch
    }

    /// From the creation to what happened last; of an open case to the as-of.
    fn ends(&self) -> Option<(Instant, Instant)> {
        let timeline = self.timeline;
        let events = timeline.events.iter().map(|event| event.time);
        let bands = timeline.bands.iter().flat_map(|band| [Some(band.since), band.until]).flatten();
        let intervals = self.clocks().flat_map(|clock| &clock.ledger).map(|entry| entry.until);
        let from = events.clone().chain(bands.clone()).min()?;
        let mut to = events.chain(bands).chain(intervals).max()?;
        let is_open = timeline.bands.last().is_some_and(|band| !matches!(band.status.as_str(), "done" | "spam"));
        if let Some(as_of) = timeline.as_of.filter(|_| is_open) {
            to = to.max(as_of);
        }
        Some((from, to.max(from.plus_ms(60_000))))
    }

    fn at(&self, at: Instant) -> String {
        at.to_local(self.zone).strftime("%a %-d %b %H:%M").to_string()
    }

    fn ticks(&self, sketch: &mut Sketch, scale: Scale, bottom: f64) {
        let (step_ms, is_days) = step(scale.to.since_ms(scale.from));
        let midnight = |at: Instant| Grain::Day.bucket(at, self.zone).start;
        let mut at = midnight(scale.from);
        let mut before: Option<f64> = None;
        while at <= scale.to {
            if at >= scale.from {
                let local = at.to_local(self.zone);
                let is_midnight = (local.hour(), local.minute()) == (0, 0);
                let format = if is_days || is_midnight { "%-d %b" } else { "%H:%M" };
                let (x, text) = (scale.x(at), local.strftime(format).to_string());
                let half = width(&text, LABEL) / 2.0;
                sketch.line((x, HEAD - 4.0), (x, bottom), Pen { color: GRID, width: 1.0, dash: None });
                if before.is_none_or(|before| before + 8.0 < x - half) {
                    sketch.text(x, HEAD - 10.0, &text, LABEL, Anchor::Middle);
                    before = Some(x + half);
                }
            }
            // A day with a clock change is an hour longer or shorter.
            at = if is_days { midnight(at.plus_ms(step_ms + 2 * HOUR_MS)) } else { at.plus_ms(step_ms) };
        }
    }

    fn status(&self, sketch: &mut Sketch, scale: Scale, top: f64, key: &mut Key) {
        name(sketch, "Status", top);
        for band in &self.timeline.bands {
            let until = band.until.unwrap_or(scale.to);
            let status = band.status.replace('_', " ");
            let area = scale.bar(band.since, until, top);
            sketch.rect(area, key.color(&status, status_color(&band.status)));
            let length = duration_text(until.since_ms(band.since));
            sketch
                .tooltip(area, &format!("{status}, {} priority\n{length} from {}", band.priority, self.at(band.since)));
        }
    }

    fn assignees(&self, sketch: &mut Sketch, scale: Scale, top: f64) {
        name(sketch, "Assignee", top);
        // Neighbouring bands of one assignee are one.
        let same = |one: &Band, next: &Band| one.assignee == next.assignee;
        for (at, bands) in self.timeline.bands.chunk_by(same).enumerate() {
            let (Some(first), Some(last)) = (bands.first(), bands.last()) else { continue };
            let Some(assignee) = &first.assignee else { continue };
            let until = last.until.unwrap_or(scale.to);
            let area = scale.bar(first.since, until, top);
            sketch.rect(area, if at % 2 == 0 { GRID } else { EDGE });
            let text = shortened(assignee, LABEL, area.width - 8.0);
            if area.width > 24.0 {
                let face = Face { color: TEXT, size: 11.0, ..LABEL };
                sketch.text(area.left + 4.0, top + 11.0, &text, face, Anchor::Start);
            }
            let length = duration_text(until.since_ms(first.since));
            sketch.tooltip(area, &format!("{assignee}\n{length} from {}", self.at(first.since)));
        }
    }

    /// What came in is hollow, what was sent is filled.
    fn dots(&self, sketch: &mut Sketch, scale: Scale, top: f64) {
        name(sketch, "Messages in ○ out ●", top);
        for event in self.messages() {
            let center = Point { x: scale.x(event.time), y: top + BAR / 2.0 };
            sketch.shapes.push(Shape::Circle { center, radius: 4.0, fill: REFERENCE });
            if event.kind == "message.received" {
                sketch.shapes.push(Shape::Circle { center, radius: 2.6, fill: CARD });
            }
            let area = Area { left: center.x - 5.0, top, width: 10.0, height: BAR };
            let by = event.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
            sketch.tooltip(area, &format!("{}{by}\n{}", event.kind, self.at(event.time)));
        }
    }

    fn clock(&self, sketch: &mut Sketch, scale: Scale, top: f64, clock: &Clock, key: &mut Key) {
        let instance = &clock.instance;
        name(sketch, &capitalized(&words::milestone(instance.milestone, instance.turn)), top);
        let due_at = clock.lines.iter().find_map(|line| match line {
            Line::Mark(at, Mark::Due { .. }) => Some(*at),
            _ => None,
        });
        for line in &clock.lines {
            let Line::Interval(interval) = line else { continue };
            let area = scale.bar(interval.since, interval.until, top);
            let is_late = due_at.is_some_and(|due_at| interval.since >= due_at);
            interval_bar(sketch, interval, is_late, area, key);
            let length = duration_text(interval.until.since_ms(interval.since));
            let label = interval.label.name().replace('_', " ");
            sketch.tooltip(area, &format!("{label}\n{length} from {}", self.at(interval.since)));
        }
        if let Some(due_at) = due_at {
            let x = scale.x(due_at);
            sketch.line((x, top - 4.0), (x, top + BAR + 4.0), Pen { color: TEXT, width: 2.0, dash: None });
            key.color("due", TEXT);
        }
        let color = if clock.late.is_some() { ABOVE } else { MUTED };
        let face = Face { color, ..LABEL };
        let text = shortened(&words::outcome(clock), face, OUTCOMES - 10.0);
        sketch.text(scale.right + 10.0, top + 11.0, &text, face, Anchor::Start);
    }
}

/// Counted time is filled, other time lower: it differs without colour.
fn interval_bar(sketch: &mut Sketch, interval: &Interval, is_late: bool, area: Area, key: &mut Key) {
    let low = Area { top: area.top + 4.0, height: area.height - 8.0, ..area };
    match interval.label {
        Label::Counted if is_late => sketch.rect(area, key.color("counted after it was due", series(5))),
        Label::Counted => sketch.rect(area, key.color("counted", series(2))),
        Label::OffHours | Label::Holiday => sketch.rect(low, key.color("off hours or holiday", OTHER)),
        Label::Paused => sketch.rect(low, key.color("paused", series(1))),
        Label::Gap => {
            let middle = area.top + area.height / 2.0;
            let pen = Pen { color: key.color("gap", AXIS), width: 1.5, dash: Some((3.0, 3.0)) };
            sketch.line((area.left, middle), (area.right(), middle), pen);
        }
    }
}

fn status_color(status: &str) -> Rgb {
    match status {
        "new" => series(4),
        "open" => series(0),
        "pending" => series(1),
        "on_hold" => series(7),
        "spam" => series(3),
        _ => series(6),
    }
}

fn name(sketch: &mut Sketch, text: &str, top: f64) {
    sketch.text(0.0, top + 11.0, &shortened(text, NAME, NAMES - 10.0), NAME, Anchor::Start);
}

fn draw_key(sketch: &mut Sketch, of: &str, key: &Key, top: f64) {
    sketch.text(0.0, top + 11.0, of, LABEL, Anchor::Start);
    let mut left = NAMES;
    for (name, color) in &key.0 {
        sketch.rect(Area { left, top: top + 1.0, width: 11.0, height: 11.0 }, *color);
        sketch.text(left + 17.0, top + 11.0, name, LABEL, Anchor::Start);
        left += 17.0 + width(name, LABEL) + 18.0;
    }
}

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The space between two ticks, and whether it is of whole days.
fn step(length_ms: i64) -> (i64, bool) {
    let steps = [5 * MINUTE_MS, 15 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, 3 * HOUR_MS, 6 * HOUR_MS, 12 * HOUR_MS];
    let days = [1, 2, 7, 14, 28, 91, 182, 365].map(|days| days * DAY_MS);
    let step_ms = steps.into_iter().chain(days).find(|step_ms| length_ms / step_ms <= 8).unwrap_or(5 * 365 * DAY_MS);
    (step_ms, step_ms >= DAY_MS)
}
