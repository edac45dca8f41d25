//! Random and altered messages: each connection gets an answer or its end, others are served, and the server stays.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::client::{Client, Server};
use super::{PASSWORD, desk, with_password};
use casebook::serve::limits::Limits;

const SEED: u64 = 41;

fn random(generator: &mut ChaCha8Rng, below: usize) -> usize {
    usize::try_from(generator.next_u64() % below as u64).unwrap()
}

fn bytes(generator: &mut ChaCha8Rng, most: usize) -> Vec<u8> {
    let mut bytes = vec![0; random(generator, most + 1)];
    generator.fill_bytes(&mut bytes);
    bytes
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = i32::try_from(body.len() + 4).unwrap();
    [&[kind], length.to_be_bytes().as_slice(), body].concat()
}

/// Well-formed messages of a client.
fn messages() -> Vec<Vec<u8>> {
    let counted = |bytes: &[&[u8]]| bytes.concat();
    vec![
        message(b'Q', b"SELECT 1\0"),
        message(b'Q', b"BEGIN\0"),
        message(b'Q', b"DECLARE c CURSOR FOR SELECT * FROM cases\0"),
        message(b'Q', b"FETCH 2 FROM c\0"),
        message(
            b'P',
            &counted(&[
                b"s\0SELECT $1::int, case_id FROM cases WHERE case_id = $2\0",
                &[0, 2, 0, 0, 0, 23, 0, 0, 0, 25],
            ]),
        ),
        message(b'B', &counted(&[b"p\0s\0", &[0, 1, 0, 1, 0, 2, 0, 0, 0, 4, 0, 0, 0, 7, 0, 0, 0, 1, b'x', 0, 0]])),
        message(b'D', b"Ss\0"),
        message(b'D', b"Pp\0"),
        message(b'E', b"p\0\0\0\0\x01"),
        message(b'C', b"Ss\0"),
        message(b'H', b""),
        message(b'S', b""),
        message(b'd', b"data"),
        message(b'f', b"failed\0"),
    ]
}

/// Changes a message in one of the ways in which clients and networks break them.
fn altered(generator: &mut ChaCha8Rng, message: &[u8]) -> Vec<u8> {
    let mut altered = message.to_vec();
    match random(generator, 7) {
        0 => {
            let at = random(generator, altered.len());
            altered[at] ^= 1 << random(generator, 8);
        }
        1 => altered.truncate(random(generator, altered.len())),
        2 => altered.extend(bytes(generator, 8)),
        3 => {
            // A length that is none, or that no message has.
            let lengths = [0, 3, -1, i32::MIN, i32::MAX, 1 << 20, 5, 1 << 30];
            let length = lengths[random(generator, lengths.len())];
            altered[1..5].copy_from_slice(&length.to_be_bytes());
        }
        4 if altered.len() > 7 => {
            // A count within the content.
            let at = 5 + random(generator, altered.len() - 6);
            altered[at..at + 2].copy_from_slice(&[0xFF, 0xFF]);
        }
        5 => altered[0] = u8::try_from(random(generator, 256)).unwrap(),
        _ => altered = bytes(generator, 40),
    }
    altered
}

/// Ends the sending, and reads what the server answers until it closes the connection.
fn finish(client: &mut Client) {
    client.write(&message(b'X', b""));
    client.end_sending();
    client.rest();
}

#[test]
fn messages_of_any_bytes_disturb_no_other_connection() {
    let project = desk();
    let server = Server::start(&project, false, Limits::default());
    let mut generator = ChaCha8Rng::seed_from_u64(SEED);
    let known = messages();
    let mut witness = server.client();
    for round in 0..400 {
        let mut client = server.client();
        for _ in 0..1 + random(&mut generator, 6) {
            let message = &known[random(&mut generator, known.len())];
            let message = match random(&mut generator, 3) {
                0 => message.clone(),
                _ => altered(&mut generator, message),
            };
            client.write(&message);
        }
        finish(&mut client);
        if round % 20 == 0 {
            assert_eq!(witness.value("SELECT count(*) FROM cases"), "3", "round {round}");
        }
    }
    assert_eq!(witness.value("SELECT count(*) FROM cases"), "3");
}

#[test]
fn beginnings_of_any_bytes_let_nothing_in_and_disturb_no_other_connection() {
    let project = desk();
    with_password(&project, "ben");
    let server = Server::start(&project, true, Limits::default());
    let mut generator = ChaCha8Rng::seed_from_u64(SEED + 1);
    let mut witness = server.log_in("ben", Some(PASSWORD)).unwrap();
    let startup = [&[0, 3, 0, 0], b"user\0ben\0database\0x\0\0".as_slice()].concat();
    for round in 0..400 {
        let mut client = server.raw();
        let mut begin = startup.clone();
        match random(&mut generator, 5) {
            0 => begin = bytes(&mut generator, 60),
            1 => {
                let at = random(&mut generator, begin.len());
                begin[at] ^= 1 << random(&mut generator, 8);
            }
            2 => {
                begin = [80_877_103_i32.to_be_bytes(), 80_877_104_i32.to_be_bytes()][random(&mut generator, 2)].to_vec()
            }
            _ => {}
        }
        let lengths = [i32::try_from(begin.len() + 4).unwrap(), 0, 4, -1, i32::MAX, 10_000];
        let length = lengths[if random(&mut generator, 3) == 0 { random(&mut generator, lengths.len()) } else { 0 }];
        client.write(&[&length.to_be_bytes(), begin.as_slice()].concat());
        // What a client sends that takes itself as logged in.
        let answers: [&[u8]; 4] = [
            b"SCRAM-SHA-256\0\0\0\0\x0cn,,n=,r=abcd",
            b"SCRAM-SHA-256\0\x7f\xff\xff\xffn,,n=,r=abcd",
            b"PLAIN\0",
            b"c=biws,r=abcd,p=AAAA",
        ];
        client.write(&message(b'p', answers[random(&mut generator, answers.len())]));
        client.write(&message(b'p', answers[random(&mut generator, answers.len())]));
        client.write(&message(b'Q', b"SELECT case_id FROM cases\0"));
        client.end_sending();
        let answered = client.rest();
        assert!(!answered.windows(3).any(|window| window == b"C-1"), "round {round}");
        if round % 20 == 0 {
            assert_eq!(witness.value("SELECT count(*) FROM cases"), "3", "round {round}");
        }
    }
}

#[test]
fn connections_that_announce_much_and_send_nothing_take_no_memory() {
    let project = desk();
    let server = Server::start(&project, false, Limits::default());
    let mut waiting: Vec<Client> = (0..60).map(|_| server.client()).collect();
    for client in &mut waiting {
        client.write(&[b"Q".as_slice(), &(1_i32 << 20).to_be_bytes(), b"SELECT"].concat());
    }
    let mut other = server.client();
    assert_eq!(other.value("SELECT 1"), "1");
    let mut large = server.client();
    large.write(&[b"Q".as_slice(), &i32::MAX.to_be_bytes()].concat());
    let messages = large.until_ready();
    assert_eq!(super::client::rows(messages).unwrap_err().code, "54000");
}
