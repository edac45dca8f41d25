//! The plain value of a report: everything a reader sees, and nothing about how it is drawn.
//!
//! A format (HTML, SVG, PNG) is a function from a [`Page`] to bytes. Scales, ticks, labels, colours and the order of
//! series are decided before this value exists, so layout is testable without pixels and every format shows the
//! same numbers.

/// One dashboard, answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub title: String,
    pub description: String,
    /// What the page was asked: range, zone, as-of, log version. Shown in the head, in this order.
    pub facts: Vec<Fact>,
    pub rows: Vec<Row>,
    /// Remarks on the whole page, such as how many findings the log holds.
    pub notes: Vec<String>,
}

/// A label and its value: `range` / `1 to 31 May 2026`.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    pub label: String,
    pub value: String,
}

/// A line of widgets on a grid of twelve columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub title: Option<String>,
    pub widgets: Vec<Widget>,
}

/// One question and its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Widget {
    pub title: String,
    /// Columns of twelve that the widget takes.
    pub width: u32,
    /// Unit, range, zone, as-of and the number of cases, in one line.
    pub caption: String,
    /// What the number leaves out and why, one sentence each.
    pub left_out: Vec<String>,
    /// The commands that list the cases behind the widget, one a line.
    pub cases_command: String,
    pub body: Body,
    /// The numbers behind the picture, for reading without it.
    pub table: Table,
}

/// What a widget shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Figures(Vec<Figure>),
    Chart(Chart),
    /// The table of the widget is the widget.
    Table,
    /// No data, and why.
    Empty(String),
}

/// One large number and how it moved.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    pub label: String,
    pub value: String,
    pub change: Option<Change>,
}

/// The difference to the range that is compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// `+12 %`, `+3`, `−3m`, `unchanged`.
    pub text: String,
    /// What it was then: `was 1,204 in the previous month`.
    pub then: String,
    pub direction: Direction,
    pub verdict: Verdict,
}

/// Which way a figure moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
    Same,
}

/// Whether the move is good for the desk; shown in words and shape too, never by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Better,
    Worse,
    Neutral,
}

/// A picture, its scales decided.
#[derive(Clone, Debug, PartialEq)]
pub enum Chart {
    /// Values over the buckets of an axis, one line (or filled area) a series.
    Lines {
        x: Categories,
        y: Axis,
        series: Vec<Series>,
        /// A horizontal mark, such as a target.
        mark: Option<Mark>,
        filled: bool,
    },
    /// Bars over the buckets of an axis, side by side or stacked; a histogram is bars without space between them.
    Bars { x: Categories, y: Axis, series: Vec<Series>, arrangement: Arrangement },
    /// A grid of cells, darker where the value is larger.
    Heatmap { columns: Vec<String>, rows: Vec<String>, cells: Vec<Vec<Cell>>, low: String, high: String },
}

/// How bars of one bucket stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrangement {
    Grouped,
    Stacked,
    Histogram,
}

/// The buckets of a horizontal axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Categories {
    /// Every bucket's full name, in order (for tooltips).
    pub labels: Vec<String>,
    /// The buckets that carry a label on the axis: position and the text there.
    pub ticks: Vec<(usize, String)>,
}

/// A vertical axis from zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    pub max: f64,
    /// Position and text, from zero upwards.
    pub ticks: Vec<(f64, String)>,
    pub label: String,
}

/// One line, or one colour of bars.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub name: String,
    /// One value a bucket; nothing where there is nothing to draw.
    pub values: Vec<Option<f64>>,
    /// The values in words, as long as `values`.
    pub texts: Vec<String>,
    pub ink: Ink,
}

/// A colour of the palette, and the dash or hatching that goes with it in print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// The n-th colour of the palette.
    Palette(usize),
    /// What is compared with: grey, dashed.
    Previous,
    /// The remainder: "other".
    Other,
}

/// A horizontal mark at a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    pub value: f64,
    pub label: String,
}

/// One cell of a heat map.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// From 0 (lightest) to 1 (darkest); nothing where there is no value.
    pub shade: Option<f64>,
    pub text: String,
}

/// Rows of text under headings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<String>>,
}

/// A column's heading and how its cells stand.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub heading: String,
    pub align: Align,
}

/// How the cells of a column stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}
