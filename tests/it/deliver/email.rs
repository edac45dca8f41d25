use std::collections::BTreeMap;

use casebook::schedule::deliver::{Failure, Receipt, deliver};
use casebook::schedule::encoding::from_base64;
use casebook::schedule::parcel::{Parcel, Role};
use casebook::schedule::target::email::MailSettings;

use super::server::{Answer, Received, Server, free_port, mail};
use super::{Project, SECRET, checked, class, kept, now, parsed};

const TARGET: &str = "kind = \"email\"\nto = [\"Eva Nováková <eva@example.com>\", \"jan@example.com\"]\n";

fn settings(port: u16, more: &str) -> MailSettings {
    let security = if more.contains("security") { "" } else { "security = \"none\"\n" };
    let text = format!("server = \"127.0.0.1\"\nport = {port}\nfrom = \"Péče <care@example.com>\"\n{security}{more}");
    toml::from_str(&text).unwrap()
}

async fn send(project: &Project, parcel: &Parcel, target: &str, server: MailSettings) -> Result<Receipt, Failure> {
    let deliverer = project.deliverer(Some(server));
    assert!(!format!("{deliverer:?}").contains(SECRET));
    checked(deliver(&parsed(target), Some("eva@example.com"), parcel, now(), &deliverer).await)
}

fn one(server: &Server<Received>) -> Received {
    let received = server.received.lock().unwrap();
    assert_eq!(received.len(), 1, "{received:?}");
    received[0].clone()
}

/// A part of a message: its headers on one line each, with names in lower case, and what follows them.
#[derive(Debug)]
struct Part {
    headers: BTreeMap<String, String>,
    body: String,
}

impl Part {
    fn read(text: &str) -> Part {
        let (headers, body) = text.split_once("\r\n\r\n").unwrap();
        let unfolded = headers.replace("\r\n ", " ");
        let headers = unfolded.split("\r\n").map(|line| line.split_once(": ").unwrap_or((line, "")));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        Part { headers, body: body.to_owned() }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The parts of a multipart of that kind.
    fn parts(&self, kind: &str) -> Vec<Part> {
        let content_type = self.header("content-type");
        assert!(content_type.starts_with(kind), "{content_type} is not {kind}");
        let (_, boundary) = content_type.split_once("boundary=").unwrap();
        let boundary = format!("--{}", boundary.trim_matches('"'));
        let mut parts: Vec<&str> = self.body.split(&boundary).collect();
        assert!(parts.pop().unwrap().starts_with("--"), "the last boundary is there");
        parts[1..].iter().map(|part| Part::read(part.trim_start_matches("\r\n"))).collect()
    }

    fn bytes(&self) -> Vec<u8> {
        assert_eq!(self.header("content-transfer-encoding"), "base64");
        from_base64(&self.body.split_whitespace().collect::<String>()).unwrap()
    }

    /// The text of a part in quoted-printable or base64.
    fn text(&self) -> String {
        if self.header("content-transfer-encoding") == "base64" {
            return String::from_utf8(self.bytes()).unwrap();
        }
        let soft = self.body.replace("=\r\n", "");
        let mut bytes = Vec::new();
        let mut rest = soft.as_str();
        while let Some((before, after)) = rest.split_once('=') {
            bytes.extend_from_slice(before.as_bytes());
            bytes.push(u8::from_str_radix(&after[..2], 16).unwrap());
            rest = &after[2..];
        }
        bytes.extend_from_slice(rest.as_bytes());
        String::from_utf8(bytes).unwrap()
    }
}

/// The texts of encoded words (RFC 2047).
fn words(header: &str) -> String {
    let decoded =
        header.split(' ').map(|word| match word.strip_prefix("=?utf-8?b?").and_then(|word| word.strip_suffix("?=")) {
            Some(word) => String::from_utf8(from_base64(word).unwrap()).unwrap(),
            None => word.to_owned(),
        });
    decoded.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_mail_has_texts_pictures_and_files_byte_for_byte() {
    let (project, server) = (Project::new(), mail(&[]).await);
    let receipt = send(&project, &project.parcel, TARGET, settings(server.port, "")).await.unwrap();
    let place = format!("mail server `127.0.0.1:{}`", server.port);
    assert_eq!(receipt.text, format!("{place} took the mail to eva@example.com with 2 files"));
    let received = one(&server);
    let expected = ["MAIL FROM:<care@example.com>", "RCPT TO:<eva@example.com>", "DATA"];
    assert_eq!(received.commands[1..], expected);
    let message = Part::read(&received.message);
    assert_eq!(words(message.header("subject")), "Péče & support, 16–22 November 2026");
    assert_eq!(words(message.header("from")), "Péče <care@example.com>");
    assert_eq!(words(message.header("to")), "Eva Nováková <eva@example.com>, jan@example.com");
    assert_eq!(message.header("date"), "Mon, 23 Nov 2026 07:00:05 +0000");
    assert_eq!(message.header("message-id"), "<weekly-1a2b3c@example.com>");
    assert_eq!(message.header("auto-submitted"), "auto-generated");
    assert_eq!(message.header("x-casebook-repeat"), "");
    let [texts, pdf, csv] = message.parts("multipart/mixed").try_into().unwrap();
    let [plain, related] = texts.parts("multipart/alternative").try_into().unwrap();
    let [html, picture] = related.parts("multipart/related").try_into().unwrap();
    assert_eq!(plain.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(plain.text().replace("\r\n", "\n").trim_end(), "Péče\n====");
    assert!(html.text().contains("<body><h1>Péče</h1><img src=\"cid:chart.png\">"), "{}", html.text());
    assert_eq!(picture.header("content-id"), "<chart.png>");
    assert!(picture.header("content-disposition").starts_with("inline"));
    assert_eq!(picture.bytes(), project.bytes("chart.png"));
    assert_eq!(pdf.header("content-disposition"), "attachment; filename=\"overview.pdf\"");
    assert_eq!(pdf.bytes(), project.bytes("overview.pdf"));
    assert_eq!(csv.header("content-type"), "text/csv");
    assert!(csv.header("content-disposition").contains("filename*0*=utf-8''%C5%99eky.csv"), "{csv:?}");
    assert_eq!(csv.bytes(), project.bytes("řeky.csv"));
}

#[tokio::test]
async fn a_repeat_is_marked_and_has_the_same_id() {
    let (project, server) = (Project::new(), mail(&[]).await);
    send(&project, &project.repeat(), TARGET, settings(server.port, "")).await.unwrap();
    let message = Part::read(&one(&server).message);
    assert_eq!(message.header("x-casebook-repeat"), "1");
    assert_eq!(message.header("message-id"), "<weekly-1a2b3c@example.com>");
    let texts = message.parts("multipart/mixed").remove(0);
    let [plain, related] = texts.parts("multipart/alternative").try_into().unwrap();
    assert!(plain.text().starts_with("This may be a repeat: "), "{}", plain.text());
    let html = related.parts("multipart/related").remove(0).text();
    assert!(html.starts_with("<html><body><p style=") && html.contains(">This may be a repeat: "), "{html}");
}

#[tokio::test]
async fn files_that_are_too_large_are_named_instead() {
    let (project, server) = (Project::new(), mail(&[]).await);
    let target = format!("{TARGET}subject = \"{{schedule}} {{date}}\\r\\nBcc: x@example.com\"");
    let settings = settings(server.port, "attachments = \"15B\"");
    let receipt = send(&project, &project.parcel, &target, settings).await.unwrap();
    assert!(receipt.text.ends_with("with 1 file"), "{receipt:?}");
    let message = Part::read(&one(&server).message);
    assert_eq!(message.header("subject"), "weekly 2026-11-23 Bcc: x@example.com");
    let [texts, csv] = message.parts("multipart/mixed").try_into().unwrap();
    assert_eq!(csv.bytes(), project.bytes("řeky.csv"));
    let plain = texts.parts("multipart/alternative").remove(0).text();
    assert!(plain.starts_with("Not attached, because the mail would be too large: overview.pdf (1 kB)."), "{plain}");
}

#[tokio::test]
async fn a_run_may_name_the_recipient() {
    let (project, server) = (Project::new(), mail(&[]).await);
    let target = "kind = \"email\"\nto = \"recipients\"\nattach = []\n";
    send(&project, &project.parcel, target, settings(server.port, "")).await.unwrap();
    let received = one(&server);
    assert_eq!(received.commands[2], "RCPT TO:<eva@example.com>");
    let message = Part::read(&received.message);
    assert_eq!(message.header("to"), "eva@example.com");
    assert_eq!(message.parts("multipart/mixed").len(), 1);
    assert!(parsed(target).takes_recipients() && parsed(target).recipients().is_empty());
}

/// How an attempt ends if the server answers a step so: `later` and `final` mean that nothing was received.
#[tokio::test]
async fn each_way_to_fail_has_its_class() {
    let project = Project::new();
    let login = "user = \"casebook\"\npassword = { env = \"SECRET\" }\n";
    let echo = format!("535 5.7.8 {SECRET} is wrong");
    let cases: Vec<(&str, Answer, &str, &str)> = vec![
        ("greeting", "421 busy".into(), "later", "refused the connection: 421 busy"),
        ("greeting", "554 go away".into(), "final", "refused the connection: 554 go away; check"),
        ("greeting", "SSH-2.0".into(), "later", "the connection failed"),
        ("greeting", Answer::Close, "later", "the connection failed"),
        ("greeting", Answer::Silence, "later", "took more than 1 s"),
        ("EHLO", "502 what".into(), "final", "refused the connection"),
        ("AUTH", echo.as_str().into(), "final", "refused the login: 535 5.7.8 … is wrong; check `user` and `password`"),
        ("AUTH", "454 later".into(), "later", "refused the login: 454"),
        ("AUTH", Answer::Close, "later", "the login failed"),
        ("MAIL", "550 no".into(), "final", "refused the sender: 550"),
        ("RCPT", "450 greylisted".into(), "later", "refused the recipient `eva@example.com`: 450 greylisted"),
        (
            "RCPT",
            "550 unknown".into(),
            "final",
            "refused the recipient `eva@example.com`: 550 unknown; check the address",
        ),
        ("RCPT", Answer::Close, "later", "the recipient `eva@example.com` failed"),
        ("DATA", "452 full".into(), "later", "refused the message: 452"),
        ("DATA", Answer::Close, "later", "the message failed"),
        ("end", "451 try later".into(), "later", "refused the message: 451"),
        ("end", "552 too large".into(), "final", "refused the message: 552"),
        ("end", Answer::Close, "unknown", "did not answer after the message was sent"),
        ("end", Answer::Silence, "unknown", "took more than 1 s"),
        ("QUIT", Answer::Close, "delivered", ""),
        ("QUIT", "500 what".into(), "delivered", ""),
    ];
    for (step, answer, expected, words) in cases {
        let server = mail(&[(step, answer.clone())]).await;
        let settings = settings(server.port, &format!("{login}timeout = \"1s\""));
        let attempt = send(&project, &project.parcel, TARGET, settings).await;
        assert_eq!(class(&attempt), expected, "{step} {answer:?}: {attempt:?}");
        let Err(failure) = attempt else { continue };
        assert!(failure.reason.starts_with("mail server `127.0.0.1:"), "{}", failure.reason);
        assert!(failure.reason.contains(words), "{step} {answer:?}: {}", failure.reason);
    }
}

#[tokio::test]
async fn a_message_that_breaks_off_was_not_received() {
    let mut project = Project::new();
    let large = kept(project.folder.path(), "large.bin", "application/octet-stream", Role::File, &vec![7; 12_000_000]);
    project.parcel.outputs.push(large);
    let server = mail(&[("part", Answer::Close)]).await;
    let attempt = send(&project, &project.parcel, TARGET, settings(server.port, "")).await;
    assert_eq!(class(&attempt), "later", "{attempt:?}");
}

#[tokio::test]
async fn nothing_is_sent_without_the_encryption_that_is_written() {
    let project = Project::new();
    let login = "user = \"casebook\"\npassword = { env = \"SECRET\" }\n";
    let server = mail(&[]).await;
    let attempt =
        send(&project, &project.parcel, TARGET, settings(server.port, &format!("security = \"starttls\"\n{login}")))
            .await;
    assert_eq!(class(&attempt), "later");
    assert!(attempt.unwrap_err().reason.contains("does not offer STARTTLS"));
    // It offers encryption, and goes on in plain text.
    let server =
        mail(&[("EHLO", "250-test\r\n250-STARTTLS\r\n250 AUTH PLAIN".into()), ("STARTTLS", "454 no".into())]).await;
    let attempt =
        send(&project, &project.parcel, TARGET, settings(server.port, &format!("security = \"starttls\"\n{login}")))
            .await;
    assert_eq!(class(&attempt), "later");
    let server = mail(&[("EHLO", "250-test\r\n250-STARTTLS\r\n250 AUTH PLAIN".into())]).await;
    let settings = settings(server.port, &format!("security = \"starttls\"\ntimeout = \"1s\"\n{login}"));
    assert_eq!(class(&send(&project, &project.parcel, TARGET, settings).await), "later");
    assert!(server.received.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_needs_no_server_is_found_without_one() {
    let project = Project::new();
    let port = free_port().await;
    let attempt = send(&project, &project.parcel, TARGET, settings(port, "")).await;
    assert_eq!(class(&attempt), "later");
    let reason = attempt.unwrap_err().reason;
    assert!(reason.contains("connection refused; check `server`, `port` and `security`"), "{reason}");
    let attempt = send(&project, &project.parcel, TARGET, settings(port, "recipients = [\"@example.org\"]")).await;
    assert_eq!(class(&attempt), "final");
    let attempt =
        send(&project, &project.parcel, "kind = \"email\"\nto = \"jan@example.com\"", settings(port, "")).await;
    assert_eq!(class(&attempt), "final");
    let missing = settings(port, "user = \"casebook\"\npassword = { env = \"MISSING\" }");
    let attempt = send(&project, &project.parcel, TARGET, missing).await;
    assert_eq!(class(&attempt), "later");
    assert!(attempt.unwrap_err().reason.contains("`MISSING` is not set; set it"));
    let none =
        deliver(&parsed(TARGET), Some("eva@example.com"), &project.parcel, now(), &project.deliverer(None)).await;
    assert_eq!(class(&none), "final");
}
