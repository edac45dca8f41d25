//! What a mail shows, before it is HTML or plain text.

use crate::report::page::Figure;
use crate::report::value::Load;

/// The content of a mail.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Letter {
    pub title: String,
    pub description: String,
    /// What is below the title, as label and value: range, zone, as-of.
    pub facts: Vec<(String, String)>,
    /// What mail programs show in the list of mails.
    pub preview: String,
    pub parts: Vec<Part>,
    pub notes: Vec<String>,
}

/// A part of a mail.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    Heading(String),
    Card(Card),
}

/// One question with its answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Card {
    /// Nothing where the mail has one card alone.
    pub title: String,
    pub caption: String,
    pub blocks: Vec<Block>,
    /// What the numbers leave out, one sentence each.
    pub remarks: Vec<String>,
}

/// What is in a card.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    Figures(Vec<Figure>),
    Picture(Picture),
    Table(Rows),
    Text(String),
}

/// A picture, which is a file beside the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The name of the file, and the identifier by which the text shows it.
    pub name: String,
    /// What it shows, in words.
    pub text: String,
}

/// Rows under headings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    pub columns: Vec<Heading>,
    pub rows: Vec<Vec<Cell>>,
    /// How many rows are not shown; nothing where all are.
    pub more: Option<String>,
}

/// The heading of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    pub text: String,
    /// Whether its cells end at the right, as numbers do.
    pub is_number: bool,
}

/// A cell of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    pub text: String,
    /// How a number stands to how many there may be.
    pub load: Option<Load>,
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell { text, load: None }
    }
}
