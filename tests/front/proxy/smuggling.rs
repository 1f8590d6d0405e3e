//! Requests that say in two ways where they end. None may reach an upstream as more than one, or as another, request.
//!
//! actix reads requests, and refuses most of these itself; what it does is written down here.

use super::{Talk, Upstream, header, proxied, status};

/// A request, and what becomes of it: the answer's status, and how many requests the upstream sees.
struct Case {
    what: &'static str,
    request: &'static [u8],
    status: u16,
    reaches: usize,
}

const fn refused(what: &'static str, request: &'static [u8]) -> Case {
    Case { what, request, status: 400, reaches: 0 }
}

const CASES: &[Case] = &[
    refused(
        "a length and chunks",
        b"POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /p/x HTTP/1.1\r\nhost: a\r\n\r\n",
    ),
    refused("two lengths", b"POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"),
    refused("the same length twice", b"POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\na"),
    refused("a length with a sign", b"POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: +1\r\n\r\na"),
    refused("a length below zero", b"POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\na"),
    refused("a list of lengths", b"POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: 1, 1\r\n\r\na"),
    refused("a length beyond all sizes", b"POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999999999999\r\n\r\na"),
    refused("two codings", b"POST /p HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n"),
    refused("a list of codings", b"POST /p HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    refused("a coding that is none", b"POST /p HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n"),
    refused("a coding behind a control character", b"POST /p HTTP/1.1\r\nhost: a\r\ntransfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
    refused("a blank before the colon", b"POST /p HTTP/1.1\r\nhost: a\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n"),
    refused("a folded header", b"GET /p HTTP/1.1\r\nhost: a\r\nx-a: 1\r\n transfer-encoding: chunked\r\n\r\n"),
    refused("chunks from HTTP/1.0", b"POST /p HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    refused("two hosts", b"GET /p HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n"),
    refused("no host", b"GET /p HTTP/1.1\r\n\r\n"),
    refused("a NUL in a header", b"GET /p HTTP/1.1\r\nhost: a\r\nx-a: a\0b\r\n\r\n"),
    refused("a bare CR in a header", b"GET /p HTTP/1.1\r\nhost: a\r\nx-a: a\rb\r\n\r\n"),
    refused("a blank in the path", b"GET /p /x HTTP/1.1\r\nhost: a\r\n\r\n"),
    // RFC 9112, 2.2: a recipient may take a bare LF for the end of a line. It is one request, and is written with CRLF.
    Case { what: "bare LF", request: b"GET /p HTTP/1.1\nhost: a\nx-a: 1\n\n", status: 200, reaches: 1 },
    Case {
        what: "chunks with extensions",
        request: b"POST /p HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1;a=\"b\"\r\nx\r\n0;c\r\n\r\n",
        status: 200,
        reaches: 1,
    },
    Case {
        what: "a blank behind a chunk's size",
        request: b"POST /p HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1 \r\nx\r\n0\r\n\r\n",
        status: 200,
        reaches: 1,
    },
    Case {
        what: "a coding in capitals",
        request: b"POST /p HTTP/1.1\r\nhost: a\r\ntransfer-encoding: CHUNKED\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        status: 200,
        reaches: 1,
    },
    Case {
        what: "a length named by Connection",
        request: b"POST /p HTTP/1.1\r\nhost: a\r\nconnection: content-length, host\r\ncontent-length: 1\r\n\r\nx",
        status: 200,
        reaches: 1,
    },
    refused("two hosts in two places", b"GET http://other/p HTTP/1.1\r\nhost: a\r\n\r\n"),
    Case {
        what: "a whole address",
        request: b"GET http://a/p?x HTTP/1.1\r\nhost: a\r\n\r\n",
        status: 200,
        reaches: 1,
    },
];

#[tokio::test]
async fn no_request_reaches_the_upstream_as_another() {
    let upstream = Upstream::echo().await;
    let app = proxied(&upstream, "").await;
    for Case { what, request, status: expected, reaches } in CASES {
        let before = upstream.heads().len();
        let mut client = Talk::with(&app.url()).await;
        client.say(request).await;
        let head = client.head().await.unwrap_or_else(|| panic!("{what}: no answer"));
        assert_eq!(status(&head), *expected, "{what}");
        if *expected == 400 {
            client.closed().await;
        } else {
            client.body(&head).await.unwrap();
        }
        let seen = upstream.heads().split_off(before);
        assert_eq!(seen.len(), *reaches, "{what}: the upstream saw {seen:?}");
        for head in seen {
            let framings = [header(&head, "content-length"), header(&head, "transfer-encoding")];
            assert!(framings.iter().flatten().count() <= 1, "{what}: {head}");
            assert!(head.contains("\r\nhost: "), "{what}: {head}");
            assert!(!head.replace("\r\n", "").contains(['\r', '\n']), "{what}: {head:?}");
        }
    }
}

#[tokio::test]
async fn chunks_that_are_none_end_the_request() {
    let upstream = Upstream::start(|mut talk| async move {
        talk.head().await;
        talk.closed().await;
    })
    .await;
    let app = proxied(&upstream, "").await;
    for chunks in ["xyz\r\nx\r\n0\r\n\r\n", "-1\r\nx\r\n", "fffffffffffffffff\r\nx\r\n", "1\r\nxy\r\n0\r\n\r\n", "1\nx\n0\n\n"] {
        let mut client = Talk::with(&app.url()).await;
        client.say(format!("POST /p HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{chunks}")).await;
        let answer = client.rest().await;
        assert!(answer.is_empty() || status(&answer) == 400, "{chunks:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), usize::from(!answer.is_empty()), "{chunks:?}: {answer}");
    }
}
