//! Answers of upstreams: however they are cut, they are read the same, within their bounds, or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plinth::front::untrusted::answer;

/// What answers are made of, and what is nearly that.
const PARTS: &[&[u8]] = &[
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.0 200 OK\r\n",
    b"HTTP/1.1 204 \r\n",
    b"HTTP/1.1 304 \r\n",
    b"HTTP/1.1 101 \r\n",
    b"HTTP/1.1 103 \r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\n",
    b"content-length: 5\r\n",
    b"content-length: 0\r\n",
    b"content-length: 5, 5\r\n",
    b"content-length: ",
    b"transfer-encoding: chunked\r\n",
    b"transfer-encoding: ",
    b"chunked",
    b"connection: x-a, close\r\n",
    b"connection: keep-alive\r\n",
    b"x-a: 1\r\n",
    b"upgrade: websocket\r\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\r",
    b"\n",
    b" ",
    b":",
    b";",
    b"0",
    b"5",
    b"c",
    b"5\r\nhello\r\n",
    b"5;a=b\r\nhello\r\n",
    b"c \r\nhello, world\r\n",
    b"0\r\n\r\n",
    b"0\r\nx: 1\r\n\r\n",
    b"hello",
    b"\0",
    b"\xff",
];

/// The beginnings of heads that are right, of which one is often the beginning.
const HEADS: &[&[u8]] = &[
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 103 \r\nlink: a\r\n\r\n",
    b"HTTP/1.0 200\r\n",
];

/// An answer in which each byte of the input chose a part; with `seed` what chooses are numbers that follow from it, so that a short
/// input, too, makes a long answer.
fn composed(input: &[u8], seed: Option<u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Some(mut state) = seed else {
        input.iter().for_each(|byte| match PARTS.get(usize::from(*byte)) {
            Some(part) => bytes.extend_from_slice(part),
            None => bytes.push(*byte),
        });
        return bytes;
    };
    let mut below = |count: usize| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        ((state >> 33) % count as u64) as usize
    };
    bytes.extend_from_slice(HEADS[below(HEADS.len())]);
    for _ in 0..below(12) {
        bytes.extend_from_slice(PARTS[below(PARTS.len())]);
    }
    bytes
}

fuzz_target!(|input: &[u8]| {
    let [cut, how, rest @ ..] = input else { return };
    let seed = rest.iter().fold(u64::from(*how), |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    let bytes = match how % 3 {
        0 => rest.to_vec(),
        1 => composed(rest, None),
        _ => composed(rest, Some(seed)),
    };
    let to_head = how & 0x80 != 0;
    let whole = answer(&bytes, bytes.len(), to_head);
    assert_eq!(whole, answer(&bytes, usize::from(*cut), to_head), "it depends on where it was cut");
    assert_eq!(whole, answer(&bytes, 1, to_head), "it depends on where it was cut");
    let Some(read) = whole else { return };
    assert!((200..=999).contains(&read.status) || read.status == 101);
    assert!(read.body.len() <= bytes.len());
    assert!(!(to_head || matches!(read.status, 101 | 204 | 304)) || read.body.is_empty(), "a body where none can be");
    for (name, value) in read.headers {
        let is_of_connection =
            matches!(name.as_str(), "connection" | "content-length" | "transfer-encoding" | "upgrade" | "trailer");
        assert!(!is_of_connection, "{name} crosses");
        assert!(!value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "{name} ends its line");
    }
});
