//! Answers as upstreams may send them: where each ends is clear, or nothing of it is passed on.

use std::sync::Arc;
use std::time::Duration;

use plinth::front::untrusted::{Answered, answer};
use proptest::prelude::*;
use tokio::sync::Notify;

use super::{Talk, Upstream, header, logged, proxied, proxied_as, status};
use crate::support::{TestApp, eventually};

const LIMIT: Duration = Duration::from_secs(20);

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n\
                       5\r\nhello\r\n1;a=\"b\"\r\n,\r\n006 \t\r\n world\r\n0\r\nx-sum: 12\r\n\r\n";

/// A server in front of an upstream that is never left alone, however it answers.
async fn in_front_of(upstream: &Upstream) -> TestApp {
    proxied_as(&[upstream.address], "retries = 0", "[upstreams.ejection]\nfailures = 0").await
}

/// Sends a request without a body over a connection that is kept, and gives the answer's head and body.
async fn ask(client: &mut Talk, method: &str) -> (String, String) {
    client.say(format!("{method} /p HTTP/1.1\r\nhost: a\r\n\r\n")).await;
    let head = client.head().await.expect("an answer");
    let is_empty = method == "HEAD" || matches!(status(&head), 204 | 304);
    let body = if is_empty { Vec::new() } else { client.body(&head).await.expect("all of the body") };
    (head, String::from_utf8_lossy(&body).into_owned())
}

const REFUSED: &[(&str, &str, &str)] = &[
    ("two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", "two Content-Lengths"),
    ("a list of lengths", "HTTP/1.1 200 OK\r\ncontent-length: 1, 2\r\n\r\nab", "two Content-Lengths"),
    ("no length", "HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\n", "Content-Length is none"),
    ("a length with a sign", "HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nab", "Content-Length is none"),
    ("a length below zero", "HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nab", "Content-Length is none"),
    ("a length in hexadecimal", "HTTP/1.1 200 OK\r\ncontent-length: 0x2\r\n\r\nab", "Content-Length is none"),
    ("a length beyond all sizes", "HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551616\r\n\r\n", "Content-Length is none"),
    ("a length and chunks", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "has both"),
    ("chunks and a length", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n", "has both"),
    ("chunks twice", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "not chunked alone"),
    (
        "two codings",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: gzip\r\n\r\n0\r\n\r\n",
        "not chunked alone",
    ),
    ("identity", "HTTP/1.1 200 OK\r\ntransfer-encoding: identity\r\n\r\nab", "not chunked alone"),
    ("chunks of HTTP/1.0", "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "with HTTP/1.0"),
    ("a bare LF behind the status", "HTTP/1.1 200 OK\ncontent-length: 2\r\n\r\nok", "does not end with CRLF"),
    ("a bare LF behind a header", "HTTP/1.1 200 OK\r\ncontent-length: 2\n\r\nok", "does not end with CRLF"),
    ("a bare LF for the empty line", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\nok", "does not end with CRLF"),
    ("bare LFs alone", "HTTP/1.1 200 OK\n\nok", "does not end with CRLF"),
    ("a bare CR in a header", "HTTP/1.1 200 OK\r\nx-a: a\rb: c\r\ncontent-length: 2\r\n\r\nok", "head is none"),
    ("a folded header", "HTTP/1.1 200 OK\r\nx-a: 1\r\n content-length: 5\r\ncontent-length: 2\r\n\r\nok", "head is none"),
    ("a folded first header", "HTTP/1.1 200 OK\r\n x-a: 1\r\ncontent-length: 2\r\n\r\nok", "head is none"),
    ("a blank before the colon", "HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\nok", "head is none"),
    ("a header without a name", "HTTP/1.1 200 OK\r\n: 2\r\n\r\n", "head is none"),
    ("a header without a colon", "HTTP/1.1 200 OK\r\ncontent-length\r\n\r\n", "head is none"),
    ("a NUL in a header", "HTTP/1.1 200 OK\r\nx-a: a\0b\r\ncontent-length: 2\r\n\r\nok", "head is none"),
    ("an empty line before it", "\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", "no HTTP/1.1"),
    ("another protocol", "220 smtp.example.com ESMTP\r\n", "no HTTP/1.1"),
    ("another version", "HTTP/1.9 200 OK\r\ncontent-length: 2\r\n\r\nok", "no HTTP/1.1"),
    ("HTTP/2", "HTTP/2 200\r\ncontent-length: 2\r\n\r\nok", "no HTTP/1.1"),
    ("a status below all", "HTTP/1.1 099 Low\r\ncontent-length: 2\r\n\r\nok", "status is none"),
    ("a status of two digits", "HTTP/1.1 20 OK\r\ncontent-length: 2\r\n\r\nok", "status is none"),
    ("a protocol that was not asked for", "HTTP/1.1 101 Over\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n", "not asked for"),
];

#[tokio::test]
async fn an_answer_that_ends_in_two_ways_is_a_502_and_its_connection_is_closed() {
    let upstream = Upstream::start(|mut talk| async move {
        let Some(head) = talk.head().await else { return };
        let case = head.split(' ').nth(1).and_then(|path| path.rsplit('/').next()?.parse::<usize>().ok());
        talk.say(REFUSED[case.expect("the number of a case")].1).await;
        talk.closed().await;
    })
    .await;
    let app = in_front_of(&upstream).await;
    for (number, (what, _, why)) in REFUSED.iter().enumerate() {
        let answer = app.nobody().get(&format!("/p/{number}")).await;
        assert_eq!(answer.status(), 502, "{what}: {}", answer.text());
        assert_eq!(answer.problem()["type"], "/problems/bad_gateway", "{what}");
        logged(&app, why).await;
        assert_eq!(upstream.connections(), number + 1, "{what}: such a connection is not used again");
    }
    eventually("the end of every connection", LIMIT, async || (upstream.ended() == REFUSED.len()).then_some(())).await;
}

#[tokio::test]
async fn heads_have_a_limit() {
    let most: String = (0..99).map(|number| format!("x-{number}: 1\r\n")).collect();
    let long = "x".repeat(60 * 1024);
    let many = Upstream::answering(format!("HTTP/1.1 200 OK\r\n{most}content-length: 2\r\n\r\nok")).await;
    let more = Upstream::answering(format!("HTTP/1.1 200 OK\r\n{most}x-more: 1\r\ncontent-length: 2\r\n\r\nok")).await;
    let large = Upstream::answering(format!("HTTP/1.1 200 OK\r\nx: {long}\r\ncontent-length: 2\r\n\r\nok")).await;
    let larger = Upstream::answering(format!("HTTP/1.1 200 OK\r\nx: {long}{long}\r\ncontent-length: 2\r\n\r\nok")).await;
    let hints = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n";
    let hinting = Upstream::answering(format!("{}{OK}", hints.repeat(2000))).await;
    for upstream in [&many, &large] {
        let app = in_front_of(upstream).await;
        // The tests' own client takes no more than 100 headers, and there are ours.
        assert_eq!(ask(&mut Talk::with(&app.url()).await, "GET").await.1, "ok");
    }
    let refused = [(&more, "more than 100 headers"), (&larger, "longer than 64 KiB"), (&hinting, "longer than 64 KiB")];
    for (upstream, why) in refused {
        let app = in_front_of(upstream).await;
        app.nobody().get("/p").await.assert_status(502);
        logged(&app, why).await;
    }
}

#[tokio::test]
async fn what_can_be_passed_on_is_and_its_connection_is_used_again() {
    let hinted =
        format!("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\ncontent-length: 9\r\n\r\n{OK}");
    let cases = [
        ("a length", "GET", OK.to_owned(), 200, "ok"),
        (
            "the same length twice",
            "GET",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2, 2\r\n\r\nok".to_owned(),
            200,
            "ok",
        ),
        ("nothing", "GET", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned(), 200, ""),
        ("no reason", "GET", "HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok".to_owned(), 200, "ok"),
        (
            "HTTP/1.0 that is kept",
            "GET",
            "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok".to_owned(),
            200,
            "ok",
        ),
        ("chunks, extensions and trailers", "GET", CHUNKED.to_owned(), 200, "hello, world"),
        ("no chunk", "GET", "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n0\r\n\r\n".to_owned(), 200, ""),
        ("1xx before it", "GET", hinted, 200, "ok"),
        ("HEAD with a length", "HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n".to_owned(), 200, ""),
        ("HEAD with chunks", "HEAD", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned(), 200, ""),
        ("HEAD with neither", "HEAD", "HTTP/1.1 200 OK\r\n\r\n".to_owned(), 200, ""),
        ("204", "GET", "HTTP/1.1 204 No Content\r\n\r\n".to_owned(), 204, ""),
        ("204 with no length", "GET", "HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n".to_owned(), 204, ""),
        ("304 with a length", "GET", "HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\n\r\n".to_owned(), 304, ""),
    ];
    for (what, method, text, expected, body) in cases {
        let upstream = Upstream::answering(text).await;
        let app = in_front_of(&upstream).await;
        let mut client = Talk::with(&app.url()).await;
        for _ in 0..3 {
            let (head, said) = ask(&mut client, method).await;
            assert_eq!((status(&head), said.as_str()), (expected, body), "{what}: {head}");
            assert_eq!((header(&head, "link"), header(&head, "x-sum"), header(&head, "trailer")), (None, None, None), "{what}");
            if what.ends_with("with a length") {
                assert_eq!(header(&head, "content-length"), Some("2"), "{what}");
            }
        }
        assert_eq!(upstream.connections(), 1, "{what}: {:?}", upstream.heads());
    }
}

#[tokio::test]
async fn a_connection_that_may_hold_more_is_not_used_again() {
    let cases = [
        (
            "Connection: close",
            "GET",
            "HTTP/1.1 200 OK\r\nconnection: x-a, Close\r\nx-a: 1\r\ncontent-length: 2\r\n\r\nok",
            200,
            "ok",
        ),
        ("HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", 200, "ok"),
        ("more behind a length", "GET", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok\r\n", 200, "ok"),
        (
            "more behind chunks",
            "GET",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n0\r\n\r\n",
            200,
            "ok",
        ),
        ("a body for HEAD", "HEAD", OK, 200, ""),
        ("a body for 204", "GET", "HTTP/1.1 204 No Content\r\n\r\nok", 204, ""),
        ("a body for 304", "GET", "HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\n\r\nok", 304, ""),
        ("204 that announces a body", "GET", "HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\n", 204, ""),
        ("204 that announces chunks", "GET", "HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n", 204, ""),
    ];
    for (what, method, text, expected, body) in cases {
        let upstream = Upstream::answering(text).await;
        let app = in_front_of(&upstream).await;
        let mut client = Talk::with(&app.url()).await;
        for round in 1..4 {
            let (head, said) = ask(&mut client, method).await;
            assert_eq!((status(&head), said.as_str()), (expected, body), "{what}: {head}");
            assert_eq!(header(&head, "x-a"), None, "{what}: what Connection names does not cross");
            assert_eq!(upstream.connections(), round, "{what}");
        }
    }
}

#[tokio::test]
async fn an_answer_may_end_with_its_connection() {
    for (text, expected) in [("HTTP/1.1 200 OK\r\n\r\n", ""), ("HTTP/1.0 200 OK\r\n\r\nold", "old")] {
        let upstream = Upstream::start(move |mut talk| async move {
            talk.head().await;
            talk.say(text).await;
        })
        .await;
        let app = in_front_of(&upstream).await;
        let mut client = Talk::with(&app.url()).await;
        for round in 1..3 {
            assert_eq!(ask(&mut client, "GET").await.1, expected);
            assert_eq!(upstream.connections(), round);
        }
    }
}

#[tokio::test]
async fn an_answer_may_come_byte_by_byte() {
    let upstream = Upstream::start(|mut talk| async move {
        let mut pace = tokio::time::interval(Duration::from_millis(1));
        while talk.head().await.is_some() {
            for byte in format!("HTTP/1.1 103 Early Hints\r\n\r\n{CHUNKED}").bytes() {
                talk.say([byte]).await;
                pace.tick().await;
            }
        }
    })
    .await;
    let app = in_front_of(&upstream).await;
    let mut client = Talk::with(&app.url()).await;
    for _ in 0..2 {
        assert_eq!(ask(&mut client, "GET").await.1, "hello, world");
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn chunks_that_are_none_break_an_answer_off() {
    let cases = [
        ("a size with a sign", "+5\r\nhello\r\n0\r\n\r\n"),
        ("a size as programs write it", "0x5\r\nhello\r\n0\r\n\r\n"),
        ("a blank before a size", " 5\r\nhello\r\n0\r\n\r\n"),
        ("no size", "\r\nhello\r\n0\r\n\r\n"),
        ("a size beyond 64 bits", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
        ("a bare LF behind a size", "5\nhello\r\n0\r\n\r\n"),
        ("a bare CR in an extension", "5;a\rb\r\nhello\r\n0\r\n\r\n"),
        ("a bare LF behind a chunk", "5\r\nhello\n0\r\n\r\n"),
        ("a chunk that is longer", "4\r\nhello\r\n0\r\n\r\n"),
        ("a chunk that is shorter", "6\r\nhello\r\n0\r\n\r\n"),
        ("a bare LF behind a trailer", "5\r\nhello\r\n0\r\nx: 1\n\r\n"),
        ("a bare LF at the end", "5\r\nhello\r\n0\r\n\n"),
    ];
    for (what, chunks) in cases {
        let text = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}");
        assert_eq!(answer(text.as_bytes(), usize::MAX, false), None, "{what}");
        let upstream = Upstream::answering(format!("{text}{}", "0\r\n\r\n".repeat(4))).await;
        let app = proxied(&upstream, "read_timeout = \"2s\"").await;
        let answer = app.nobody().get("/p").try_send().await;
        assert!(answer.is_err(), "{what} was taken for whole: {answer:?}");
        logged(&app, &format!("the answer of up ({}) broke off", upstream.address)).await;
    }
    let endless = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;{}\r\nx\r\n0\r\n\r\n", "x".repeat(9000));
    assert_eq!(answer(endless.as_bytes(), 100, false), None, "a line without end");
    let trailers = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n{}\r\n", "x: 1\r\n".repeat(20_000));
    assert_eq!(answer(trailers.as_bytes(), 100, false), None, "trailers without end");
}

#[tokio::test]
async fn an_answer_to_half_a_request_arrives_also_when_no_more_is_taken() {
    let upstream = Upstream::start(|mut talk| async move {
        talk.head().await;
        talk.say("HTTP/1.1 413 Payload Too Large\r\ncontent-length: 9\r\n\r\ntoo large").await;
        // Closed with bytes unread, which resets it.
        talk.exactly(64 * 1024).await;
    })
    .await;
    let app = in_front_of(&upstream).await;
    let (mut reading, mut writing) = Talk::with(&app.url()).await.split();
    writing.say(format!("POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", 64 << 20)).await;
    let sending = super::beside(async move { while writing.try_say(&[b'x'; 64 * 1024]).await {} });
    let head = reading.head().await.unwrap();
    assert_eq!(status(&head), 413);
    assert_eq!(reading.body(&head).await.unwrap(), b"too large");
    sending.abort();
}

#[tokio::test]
async fn an_answer_goes_on_while_its_request_is_sent() {
    // Says back each chunk as it comes.
    let upstream = Upstream::start(|mut talk| async move {
        talk.head().await;
        talk.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        while let Some(chunk) = talk.exactly(b"4\r\nword\r\n".len()).await {
            talk.say(&chunk).await;
        }
    })
    .await;
    let app = in_front_of(&upstream).await;
    let mut client = Talk::with(&app.url()).await;
    client.say("POST /p HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n").await;
    assert_eq!(status(&client.head().await.unwrap()), 200);
    for _ in 0..3 {
        client.say("4\r\nword\r\n").await;
        assert_eq!(client.exactly(9).await.unwrap(), b"4\r\nword\r\n");
    }
}

#[tokio::test]
async fn a_body_is_framed_as_it_was_however_large_its_pieces_are() {
    let upstream = Upstream::echo().await;
    let app = in_front_of(&upstream).await;
    let mut client = Talk::with(&app.url()).await;
    for size in [0, 1, 4096, 4097, 20_000, 100_000] {
        let body = "b".repeat(size);
        let chunk = if size == 0 { String::new() } else { format!("{size:x}\r\n{body}\r\n") };
        let framed = [
            (format!("content-length: {size}\r\n"), body.clone()),
            ("transfer-encoding: chunked\r\n".to_owned(), format!("{chunk}0\r\n\r\n")),
        ];
        for (headers, sent) in framed {
            client.say(format!("POST /p HTTP/1.1\r\nhost: a\r\n{headers}\r\n{sent}")).await;
            let head = client.head().await.unwrap();
            let echo = String::from_utf8(client.body(&head).await.unwrap()).unwrap();
            let (seen, same) = echo.split_once("\r\n\r\n").unwrap();
            assert!(seen.contains(headers.trim()), "{seen}");
            assert!(same == body, "{size} bytes became {}", same.len());
        }
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn a_kept_connection_that_says_something_by_itself_is_replaced() {
    let idle = Arc::new(Notify::new());
    let waiting = Arc::clone(&idle);
    let upstream = Upstream::start(move |mut talk| {
        let idle = Arc::clone(&waiting);
        async move {
            talk.request().await;
            talk.say(OK).await;
            idle.notified().await;
            talk.say("HTTP/1.1 408 Request Timeout\r\ncontent-length: 4\r\nconnection: close\r\n\r\nlate").await;
        }
    })
    .await;
    let app = in_front_of(&upstream).await;
    let mut client = Talk::with(&app.url()).await;
    for round in 1..4 {
        client.say("POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx").await;
        let head = client.head().await.unwrap();
        assert_eq!((status(&head), client.body(&head).await.unwrap()), (200, b"ok".to_vec()));
        idle.notify_one();
        eventually("the upstream's closing", LIMIT, async || (upstream.ended() == round).then_some(())).await;
    }
    assert_eq!(upstream.connections(), 3);
}

#[test]
fn where_an_answer_is_cut_does_not_matter() {
    let text = format!("HTTP/1.1 100 Continue\r\n\r\n{CHUNKED}");
    let whole = answer(text.as_bytes(), usize::MAX, false);
    let expected = Answered { status: 200, headers: Vec::new(), body: b"hello, world".to_vec(), is_kept: true };
    assert_eq!(whole, Some(expected));
    for cut in 1..text.len() {
        assert_eq!(answer(text.as_bytes(), cut, false), whole, "cut every {cut} bytes");
        assert_eq!(answer(&text.as_bytes()[..cut], usize::MAX, false), None, "only {cut} bytes");
    }
}

proptest! {
    #[test]
    fn any_answer_is_read_alike_however_it_is_cut(
        lines in proptest::collection::vec("content-length: [0-9]{1,2}|transfer-encoding: (chunked|gzip)|connection: (close|x-a)|x-a: .{0,5}|[ -~]{0,20}", 0..4),
        status in "(101|103|200|204|304|[0-9]{1,4})",
        end in "(\r\n|\n|\r){1,3}",
        body in "([0-9a-f]{1,2}(;a)?\r\n[a-z]{0,12}(\r\n)?){0,4}(0\r\n\r\n)?.{0,10}",
        cut in 1_usize..50,
        to_head: bool,
    ) {
        let head: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let text = format!("HTTP/1.1 {status} OK\r\n{head}{end}{body}");
        let whole = answer(text.as_bytes(), usize::MAX, to_head);
        prop_assert_eq!(&answer(text.as_bytes(), cut, to_head), &whole);
        prop_assert_eq!(&answer(text.as_bytes(), 1, to_head), &whole);
    }
}
