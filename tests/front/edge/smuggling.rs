//! Requests whose ends two servers might see at different places. actix decides each of these; what it does is recorded here, so that
//! a new version of it that decides otherwise is noticed. No second request may ever come out of the first one's body.

use super::raw;
use crate::support::TestApp;

/// A path that a request smuggled in would be logged with.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";

fn post(headers: &str, body: &str) -> String {
    format!("POST /probe HTTP/1.1\r\nhost: x\r\n{headers}\r\n{body}")
}

fn cases() -> Vec<(&'static str, String)> {
    let length = SMUGGLED.len();
    let chunk = format!("{length:x}\r\n{SMUGGLED}\r\n0\r\n\r\n");
    vec![
        ("length and chunks", post("content-length: 4\r\ntransfer-encoding: chunked\r\n", &chunk)),
        ("chunks and length", post("transfer-encoding: chunked\r\ncontent-length: 4\r\n", &chunk)),
        ("two lengths", post(&format!("content-length: 0\r\ncontent-length: {length}\r\n"), SMUGGLED)),
        ("the same length twice", post(&format!("content-length: {length}\r\ncontent-length: {length}\r\n"), SMUGGLED)),
        ("a list of lengths", post(&format!("content-length: {length}, {length}\r\n"), SMUGGLED)),
        ("a length with a sign", post(&format!("content-length: +{length}\r\n"), SMUGGLED)),
        ("a length in hexadecimal", post("content-length: 0x10\r\n", SMUGGLED)),
        ("a length that is too large", post("content-length: 18446744073709551616\r\n", SMUGGLED)),
        ("a blank before the colon", post("content-length : 0\r\n", SMUGGLED)),
        ("a folded line", post(&format!("x-folded: a\r\n content-length: 0\r\ncontent-length: {length}\r\n"), SMUGGLED)),
        ("bare line feeds", SMUGGLED.replace("\r\n", "\n").replace("/smuggled", "/probe")),
        ("a bare carriage return", post("x-bare: a\rcontent-length: 0\r\n", "")),
        ("a NUL in a value", post("x-nul: a\0b\r\ncontent-length: 0\r\n", "")),
        ("chunks of another spelling", post("transfer-encoding: CHUNKED\r\n", &chunk)),
        ("chunks not last", post("transfer-encoding: chunked, identity\r\n", &chunk)),
        ("an unknown coding", post("transfer-encoding: xchunked\r\n", &chunk)),
        ("a vertical tab before chunked", post("transfer-encoding: \x0bchunked\r\n", &chunk)),
        ("two codings", post("transfer-encoding: gzip, chunked\r\n", &chunk)),
        ("transfer-encoding twice", post("transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n", &chunk)),
        ("chunks in HTTP/1.0", post("transfer-encoding: chunked\r\n", &chunk).replace("HTTP/1.1\r\nhost: x\r\ntransfer", "HTTP/1.0\r\nhost: x\r\ntransfer")),
        ("a chunk with an extension", post("transfer-encoding: chunked\r\n", &format!("{length:x};name=value\r\n{SMUGGLED}\r\n0\r\n\r\n"))),
        ("a line feed in an extension", post("transfer-encoding: chunked\r\n", &format!("{length:x};a\nb\r\n{SMUGGLED}\r\n0\r\n\r\n"))),
        ("a chunk's size too large", post("transfer-encoding: chunked\r\n", "fffffffffffffffff\r\nx")),
        ("a chunk's size with a sign", post("transfer-encoding: chunked\r\n", "-1\r\nx\r\n0\r\n\r\n")),
        ("a chunk with 0x", post("transfer-encoding: chunked\r\n", "0x3\r\nabc\r\n0\r\n\r\n")),
        ("a chunk longer than it says", post("transfer-encoding: chunked\r\n", "3\r\nabcdef\r\n0\r\n\r\n")),
        ("a chunk that ends in a line feed", post("transfer-encoding: chunked\r\n", "3\nabc\n0\n\n")),
        ("a chunk without a size", post("transfer-encoding: chunked\r\n", "\r\nabc\r\n0\r\n\r\n")),
        ("trailers", post("transfer-encoding: chunked\r\n", "3\r\nabc\r\n0\r\ncontent-length: 9\r\n\r\n")),
        ("no host", "GET /probe HTTP/1.1\r\n\r\n".to_owned()),
        ("two hosts", "GET /probe HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n".to_owned()),
        ("another host in the address", "GET http://y/probe HTTP/1.1\r\nhost: x\r\n\r\n".to_owned()),
        ("a body of a GET", format!("GET /probe HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}")),
        ("a blank line before", "\r\nGET /probe HTTP/1.1\r\nhost: x\r\n\r\n".to_owned()),
        ("a blank before the first header", "GET /probe HTTP/1.1\r\n host: x\r\n\r\n".to_owned()),
        ("an upgrade to h2c", "GET /probe HTTP/1.1\r\nhost: x\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n".to_owned()),
        ("prior knowledge of h2c", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_answered_to_ambiguous_requests() {
    let app = TestApp::start().await;
    let address = raw::address(&app);
    // One after another on connections of their own, all at once.
    let answers = cases().into_iter().map(|(name, request)| {
        let address = address.clone();
        async move {
            let follow = [request.as_bytes(), b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"].concat();
            format!("{name}: {:?}", raw::statuses(&raw::send(&address, &follow).await))
        }
    });
    let answers = futures_util::future::join_all(answers).await.join("\n");
    insta::assert_snapshot!(answers, @r"
    length and chunks: [400]
    chunks and length: [400]
    two lengths: [400]
    the same length twice: [400]
    a list of lengths: [400]
    a length with a sign: [400]
    a length in hexadecimal: [400]
    a length that is too large: [400]
    a blank before the colon: [400]
    a folded line: [400]
    bare line feeds: [404, 200]
    a bare carriage return: [400]
    a NUL in a value: [400]
    chunks of another spelling: [405, 200]
    chunks not last: [400]
    an unknown coding: [400]
    a vertical tab before chunked: [400]
    two codings: [400]
    transfer-encoding twice: [400]
    chunks in HTTP/1.0: [400]
    a chunk with an extension: [405, 200]
    a line feed in an extension: [405]
    a chunk's size too large: [405]
    a chunk's size with a sign: [405]
    a chunk with 0x: [405]
    a chunk longer than it says: [405]
    a chunk that ends in a line feed: [405]
    a chunk without a size: [405]
    trailers: [405, 200]
    no host: [400]
    two hosts: [400]
    another host in the address: [400, 200]
    a body of a GET: [404, 200]
    a blank line before: [404, 200]
    a blank before the first header: [400]
    an upgrade to h2c: [404, 200]
    prior knowledge of h2c: [400]
    ");
    assert!(!app.server().log().contains("GET /smuggled 4"), "nothing came out of a body:\n{}", app.server().log());
    app.nobody().get("/health/live").await.assert_status(200);
}
