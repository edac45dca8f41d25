//! The text of a mail: what people read, in plain text and in HTML with its pictures, and the attached files.
//!
//! ```text
//! multipart/mixed
//! ├─ multipart/alternative
//! │  ├─ text/plain
//! │  └─ multipart/related
//! │     ├─ text/html
//! │     └─ pictures, each with a Content-ID
//! └─ attachments
//! ```

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Body, Mailbox, Message, MultiPart, SinglePart};

use crate::metric::range::zone_name;
use crate::model::time::Instant;
use crate::schedule::deliver::contents::Content;
use crate::schedule::deliver::receipt::{Failure, REPEAT_NOTE, root_cause};
use crate::schedule::parcel::{Output, Parcel, Role};
use crate::schedule::target::email::EmailTarget;
use crate::schedule::template::Values;
use crate::store::hash::sha256;

/// Letters of a subject.
const SUBJECT_LETTERS_MAX: usize = 200;

/// How a note at the top of a mail looks, beside the page that follows it.
const NOTE_STYLE: &str = "max-width:584px;margin:16px auto 0;padding:12px 20px;border:2px solid #b54708;border-radius:8px;\
    background:#ffffff;color:#1f2733;font:bold 15px/1.4 Arial,Helvetica,sans-serif";

/// What a message is made of.
pub(super) struct Parts<'p> {
    /// The texts and the pictures.
    pub shown: &'p [Content],
    pub attached: &'p [Content],
    /// Files that would make the mail too large.
    pub left_out: &'p [&'p Output],
}

/// The message as it is sent, in ASCII.
///
/// # Errors
/// When a text is not UTF-8, or the library refuses a part.
pub(super) fn build(
    target: &EmailTarget,
    from: &Mailbox,
    to: &[Mailbox],
    parcel: &Parcel,
    parts: &Parts<'_>,
    now: Instant,
) -> Result<Vec<u8>, Failure> {
    let sent_at = UNIX_EPOCH + Duration::from_millis(now.0.unsigned_abs());
    let id = format!("<{}@{}>", parcel.key, from.email.domain());
    let builder = Message::builder().from(from.clone()).date(sent_at).message_id(Some(id));
    let mut builder = to.iter().fold(builder, |builder, mailbox| builder.to(mailbox.clone()));
    builder = builder.subject(subject(target, parcel)).raw_header(header("Auto-Submitted", "auto-generated"));
    builder = builder.raw_header(header("X-Casebook-Schedule", &parcel.run.schedule));
    if parcel.is_repeat {
        builder = builder.raw_header(header("X-Casebook-Repeat", "1"));
    }
    let message = builder.multipart(body(parcel, parts)?);
    let message =
        message.map_err(|error| Failure::for_good(format!("the mail cannot be made: {}", root_cause(&error))))?;
    Ok(message.formatted())
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// On one line.
fn subject(target: &EmailTarget, parcel: &Parcel) -> String {
    let subject = match &target.subject {
        Some(template) => template.fill(&Values::of(parcel), str::to_owned),
        None => {
            let (range, zone) = (&parcel.summary.range, format!(" ({})", zone_name(&parcel.zone)));
            [parcel.summary.title.as_str(), range.strip_suffix(&zone).unwrap_or(range)].map(str::trim).join(", ")
        }
    };
    let words: Vec<&str> = subject.split(|letter: char| letter.is_whitespace() || letter.is_control()).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    // Where a run has no range, nothing follows the comma.
    let subject = words.join(" ");
    subject.trim_matches([',', ' ']).chars().take(SUBJECT_LETTERS_MAX).collect()
}

fn body(parcel: &Parcel, parts: &Parts<'_>) -> Result<MultiPart, Failure> {
    let of_role = |role: Role| parts.shown.iter().filter(move |content| content.output.role == role);
    let notes = notes(parcel, parts.left_out);
    let plain = of_role(Role::MailText).next().map(text).transpose()?.unwrap_or_else(|| plain_text(parcel));
    let plain = notes.iter().rev().fold(plain, |text, note| format!("{note}\n\n{text}"));
    let boundary = |name: &str| format!("casebook-{name}-{:.32}", sha256(parcel.key.as_bytes()));
    let mut alternative =
        MultiPart::alternative().boundary(boundary("alternative")).singlepart(SinglePart::plain(plain));
    if let Some(html) = of_role(Role::MailHtml).next() {
        let html = with_notes(&text(html)?, &notes);
        let mut related = MultiPart::related().boundary(boundary("related")).singlepart(SinglePart::html(html));
        for picture in of_role(Role::Picture) {
            let name = picture.output.name.clone();
            related = related.singlepart(file(picture, Attachment::new_inline_with_name(name.clone(), name))?);
        }
        alternative = alternative.multipart(related);
    }
    let mut mixed = MultiPart::mixed().boundary(boundary("mixed")).multipart(alternative);
    for attached in parts.attached {
        mixed = mixed.singlepart(file(attached, Attachment::new(attached.output.name.clone()))?);
    }
    Ok(mixed)
}

/// A file byte for byte: only base64 changes no line ends.
fn file(content: &Content, attachment: Attachment) -> Result<SinglePart, Failure> {
    let media_type = ContentType::parse(&content.output.media_type);
    let media_type =
        media_type.map_err(|_| Failure::for_good(format!("`{}` is not a media type", content.output.media_type)))?;
    let body = Body::new_with_encoding(content.bytes.clone(), ContentTransferEncoding::Base64);
    let body = body.map_err(|_| Failure::for_good(format!("`{}` cannot be encoded", content.output.name)))?;
    Ok(attachment.body(body, media_type))
}

fn text(content: &Content) -> Result<String, Failure> {
    let text = String::from_utf8(content.bytes.clone());
    text.map_err(|_| Failure::for_good(format!("`{}` is not UTF-8", content.output.name)))
}

/// What is at the top of the texts: why it is sent, that this may be a repeat, and what is not attached.
fn notes(parcel: &Parcel, left_out: &[&Output]) -> Vec<String> {
    let mut notes = parcel.summary.reasons.clone();
    if parcel.is_repeat {
        notes.push(REPEAT_NOTE.to_owned());
    }
    if !left_out.is_empty() {
        let names: Vec<String> =
            left_out.iter().map(|output| format!("{} ({})", output.name, size(output.bytes))).collect();
        notes.push(format!("Not attached, because the mail would be too large: {}.", names.join(", ")));
    }
    notes
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

/// HTML with notes at its top.
fn with_notes(html: &str, notes: &[String]) -> String {
    let begins = html.find("<body").and_then(|at| Some(at + html.get(at..)?.find('>')? + 1)).unwrap_or(0);
    let (before, after) = html.split_at_checked(begins).unwrap_or(("", html));
    let escaped = |note: &String| note.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let notes: String = notes.iter().map(|note| format!("<p style=\"{NOTE_STYLE}\">{}</p>\n", escaped(note))).collect();
    format!("{before}{notes}{after}")
}

/// A text for a run that rendered none.
fn plain_text(parcel: &Parcel) -> String {
    let summary = &parcel.summary;
    let figures = summary.figures.iter().map(|figure| format!("{}: {}", figure.label, figure.text)).collect::<Vec<_>>();
    let paragraphs = [summary.title.clone(), summary.range.clone(), figures.join("\n"), summary.notes.join("\n")];
    let paragraphs: Vec<String> = paragraphs.into_iter().filter(|text| !text.is_empty()).collect();
    format!("{}\n", paragraphs.join("\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_come_first_in_the_body_of_a_page() {
        let notes = ["a < b".to_owned()];
        let html = "<html><head></head><body class=\"x\"><h1>T</h1></body></html>";
        let expected = "<html><head></head><body class=\"x\"><p>a &lt; b</p>\n<h1>T</h1></body></html>";
        let plain = |html: &str| with_notes(html, &notes).replace(&format!(" style=\"{NOTE_STYLE}\""), "");
        assert_eq!(plain(html), expected);
        assert_eq!(plain("<h1>T</h1>"), "<p>a &lt; b</p>\n<h1>T</h1>");
        assert_eq!(with_notes(html, &[]), html);
    }

    #[test]
    fn sizes_are_rounded_to_what_people_read() {
        assert_eq!([1, 999_999, 25_340_000].map(size), ["1 kB", "1000 kB", "25.3 MB"]);
    }
}
