//! What a chat shows of a run: its title, figures and notes.

use serde_json::{Value, json};

use crate::schedule::deliver::receipt::REPEAT_NOTE;
use crate::schedule::parcel::{Parcel, SummaryFigure};
use crate::spelling::shortened;

/// Figures and notes of a message; chats refuse long ones.
const FIGURES_MAX: usize = 20;
const NOTES_MAX: usize = 10;

/// Letters of a text in a message.
const LETTERS_MAX: usize = 400;

/// Fields of one section, as Slack has it.
const FIELDS_MAX: usize = 10;

/// The remarks of a run, the first of them that it may be a repeat.
fn notes(parcel: &Parcel) -> impl Iterator<Item = &str> {
    let repeat = parcel.is_repeat.then_some(REPEAT_NOTE);
    repeat
        .into_iter()
        .chain(parcel.summary.reasons.iter().chain(&parcel.summary.notes).map(String::as_str))
        .take(NOTES_MAX)
}

fn figures(parcel: &Parcel) -> &[SummaryFigure] {
    let figures = &parcel.summary.figures;
    figures.get(..FIGURES_MAX).unwrap_or(figures)
}

fn heading(parcel: &Parcel) -> String {
    let summary = &parcel.summary;
    let title = if summary.title.is_empty() { &parcel.run.schedule } else { &summary.title };
    match summary.range.is_empty() {
        true => title.clone(),
        false => format!("{title}, {}", summary.range),
    }
}

/// A message for an incoming webhook of Slack.
pub(super) fn slack(parcel: &Parcel) -> Value {
    let escaped =
        |text: &str| shortened(text, LETTERS_MAX).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let heading = heading(parcel);
    let mut blocks = vec![json!({"type": "header", "text": {"type": "plain_text", "text": shortened(&heading, 140)}})];
    for figures in figures(parcel).chunks(FIELDS_MAX) {
        let field = |figure: &SummaryFigure| json!({"type": "mrkdwn", "text": format!("{}\n*{}*", escaped(&figure.label), escaped(&figure.text))});
        blocks.push(json!({"type": "section", "fields": figures.iter().map(field).collect::<Vec<_>>()}));
    }
    for note in notes(parcel) {
        blocks.push(json!({"type": "context", "elements": [{"type": "mrkdwn", "text": escaped(note)}]}));
    }
    json!({"text": escaped(&heading), "blocks": blocks})
}

/// An adaptive card for a workflow of Microsoft Teams.
pub(super) fn teams(parcel: &Parcel) -> Value {
    let block = |text: &str| json!({"type": "TextBlock", "wrap": true, "text": shortened(text, LETTERS_MAX)});
    let heading =
        json!({"type": "TextBlock", "wrap": true, "size": "Large", "weight": "Bolder", "text": heading(parcel)});
    let fact = |figure: &SummaryFigure| json!({"title": shortened(&figure.label, LETTERS_MAX), "value": shortened(&figure.text, LETTERS_MAX)});
    let facts: Vec<Value> = figures(parcel).iter().map(fact).collect();
    let facts = (!facts.is_empty()).then(|| json!({"type": "FactSet", "facts": facts}));
    let body: Vec<Value> = std::iter::once(heading).chain(facts).chain(notes(parcel).map(block)).collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
            },
        }],
    })
}
