#!/bin/bash
# lettre sends a mail to no recipient when the server refuses one of them.
#
# Expected: a server that refuses one address at RCPT and accepts another gets the message for the other one. Python's
#   smtplib does that, and reports the refused address.
# Seen: lettre 0.11.23 against aiosmtpd 1.4.6 on 2026-11-28. The first refusal ends the transaction: the server gets no
#   message at all, whether the refused address comes first or last, and the error does not name the recipients that were accepted.
#   smtplib of Python delivers to the accepted address in both orders.
# For Casebook: each recipient of a mail is a delivery with a transaction of its own, with all recipients in `To:`.
# Source: observed; https://docs.rs/lettre/0.11.23/lettre/transport/smtp/index.html
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

mkdir src
cat >Cargo.toml <<'END'
[package]
name = "refused"
version = "0.0.0"
edition = "2024"

[dependencies]
lettre = { version = "=0.11.23", default-features = false, features = ["builder", "smtp-transport"] }
END

cat >src/main.rs <<'END'
use lettre::{Message, SmtpTransport, Transport};

fn main() {
    let port: u16 = std::env::args().nth(1).unwrap().parse().unwrap();
    for order in [["good", "refused"], ["refused", "good"]] {
        let mut message = Message::builder().from("a@example.com".parse().unwrap()).subject(order.join(" "));
        for name in order {
            message = message.to(format!("{name}@example.com").parse().unwrap());
        }
        let mailer = SmtpTransport::builder_dangerous("127.0.0.1").port(port).build();
        let sent = mailer.send(&message.body("text".to_owned()).unwrap());
        println!("lettre, {}: {}", order.join(" then "), if sent.is_ok() { "sent" } else { "an error" });
    }
}
END

cat >server.py <<'END'
import smtplib, socket, subprocess, sys
from email.message import EmailMessage
from aiosmtpd.controller import Controller

received = []

class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused"):
            return "550 no such address"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        received.append(" ".join(envelope.rcpt_tos))
        return "250 OK"

with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
controller = Controller(Handler(), hostname="127.0.0.1", port=port)
controller.start()
print(subprocess.run([sys.argv[1], str(port)], check=True, capture_output=True, text=True).stdout, end="")
print("received from lettre:", received)
received.clear()
for order in (["good", "refused"], ["refused", "good"]):
    message = EmailMessage()
    message["From"], message["To"] = "a@example.com", ", ".join(f"{name}@example.com" for name in order)
    with smtplib.SMTP("127.0.0.1", port) as client:
        print("smtplib,", " then ".join(order) + ":", client.send_message(message))
print("received from smtplib:", received)
controller.stop()
END

cat >expected <<'END'
lettre, good then refused: an error
lettre, refused then good: an error
received from lettre: []
smtplib, good then refused: {'refused@example.com': (550, b'no such address')}
smtplib, refused then good: {'refused@example.com': (550, b'no such address')}
received from smtplib: ['good@example.com', 'good@example.com']
END

python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check aiosmtpd==1.4.6
CARGO_TARGET_DIR="$work/target" cargo build --quiet
python/bin/python server.py target/debug/refused >seen

echo "lettre 0.11.23 sends nothing where one recipient is refused."
cat seen
diff expected seen || { echo "The behaviour has changed: < expected, > seen."; exit 1; }
