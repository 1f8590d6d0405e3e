//! Compression on the fly: what is compressed, what never is, and that it gives back what went in.

use std::io::Read;

use reqwest::Method;
use serde_json::{Value, json};

use super::{sites, write};
use crate::support::{Response, TestApp};

const SITES: &str = r#"
[[sites]]
hosts = "a.example"
root = "ROOT"

[[sites]]
hosts = "small.example"
root = "ROOT"
compress_min = 10
compress_types = ["text/css"]

[[sites]]
hosts = "off.example"
root = "ROOT"
compress = "off"

[[sites]]
hosts = "f.example"
compress = "all"

[[sites.routes]]
path = "/"
function = "texts"
"#;

fn text() -> String {
    (0..3000).map(|line| format!("{line}: the quick brown fox jumps over the lazy dog\n")).collect()
}

fn large() -> String {
    (0..40_000).map(|line| format!("{line}: {:x}\n", line * 7919)).collect()
}

fn fill(root: &std::path::Path) {
    write(root, "a.js", text());
    write(root, "large.js", large());
    // Long unchanged, so that its time tells it apart.
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    std::fs::File::options().write(true).open(root.join("large.js")).unwrap().set_modified(old).unwrap();
    write(root, "tiny.css", "body { color: red }");
    write(root, "a.png", text());
    write(root, "noise.txt", noise());
    write(root, "packed.txt", text());
    write(root, "packed.txt.gz", "packed before");
}

/// Text that no coding makes shorter.
fn noise() -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..4000).map(|_| next()).collect()
}

fn unpacked(answer: &Response) -> Vec<u8> {
    let mut plain = Vec::new();
    match answer.header("content-encoding") {
        Some("br") => drop(brotli::Decompressor::new(answer.bytes(), 4096).read_to_end(&mut plain).unwrap()),
        Some("zstd") => plain = zstd::decode_all(answer.bytes()).unwrap(),
        Some("gzip") => drop(flate2::read::MultiGzDecoder::new(answer.bytes()).read_to_end(&mut plain).unwrap()),
        other => panic!("it is not compressed: {other:?}"),
    }
    plain
}

async fn get(app: &TestApp, host: &str, path: &str, accepts: &str) -> Response {
    app.nobody().get(path).header("host", host).header("accept-encoding", accepts).await
}

#[tokio::test]
async fn files_are_compressed_as_the_client_wants_most() {
    let (app, _folder) = sites(SITES, fill).await;
    for path in ["/a.js", "/large.js"] {
        let content = if path == "/a.js" { text() } else { large() };
        let plain = get(&app, "a.example", path, "identity").await;
        assert_eq!((plain.assert_status(200).header("content-encoding"), plain.header("vary")), (None, Some("accept-encoding")));
        assert_eq!(plain.text(), content);
        for (accepts, coding) in [("gzip, br, zstd", "br"), ("gzip, zstd", "zstd"), ("gzip;q=1, br;q=0.5", "gzip"), ("*", "br")] {
            let answer = get(&app, "a.example", path, accepts).await;
            assert_eq!(answer.assert_status(200).header("content-encoding"), Some(coding), "{accepts}");
            assert_eq!(unpacked(&answer), content.as_bytes(), "{path}: {accepts}");
            assert_eq!(answer.header("content-length"), Some(answer.bytes().len().to_string().as_str()));
            assert_eq!(answer.header("content-type"), Some("text/javascript; charset=utf-8"));
            let tag = answer.header("etag").unwrap();
            assert!(tag.starts_with('"') && Some(tag) != plain.header("etag"), "each form has a strong tag of its own");
            let again = app
                .nobody()
                .get(path)
                .header("host", "a.example")
                .header("accept-encoding", accepts)
                .header("if-none-match", tag);
            assert_eq!(again.await.assert_status(304).header("vary"), Some("accept-encoding"));
            let head = app.nobody().head(path).header("host", "a.example").header("accept-encoding", accepts).await;
            assert_eq!((head.header("etag"), head.header("content-encoding")), (Some(tag), Some(coding)));
        }
    }
}

#[tokio::test]
async fn some_things_are_never_compressed() {
    let (app, _folder) = sites(SITES, fill).await;
    for (host, path) in [
        ("a.example", "/a.png"),
        ("a.example", "/tiny.css"),
        ("a.example", "/noise.txt"),
        ("off.example", "/a.js"),
        ("small.example", "/a.js"),
    ] {
        assert_eq!(get(&app, host, path, "br, gzip").await.assert_status(200).header("content-encoding"), None, "{host}{path}");
    }
    let part =
        app.nobody().get("/a.js").header("host", "a.example").header("accept-encoding", "br").header("range", "bytes=0-9").await;
    assert_eq!((part.assert_status(206).header("content-encoding"), part.text().as_str()), (None, "0: the qui"));
    let packed = get(&app, "a.example", "/packed.txt", "br, gzip").await;
    assert_eq!(packed.text(), "packed before", "what lies beside the file goes before what would be made of it");
}

#[tokio::test]
async fn what_a_function_answers_is_compressed_as_it_comes() {
    let (app, _folder) = sites(SITES, fill).await;
    let source = r#"
        const encoder = new TextEncoder();
        export default { async fetch(request) {
            const path = new URL(request.url).pathname;
            const headers = { "content-type": "text/plain; charset=utf-8", etag: '"one"' };
            if (path === "/short") return new Response("short", { headers });
            if (path === "/image") return new Response("x".repeat(5000), { headers: { "content-type": "image/png" } });
            if (path === "/kept") return new Response("x".repeat(5000), { headers: { ...headers, "cache-control": "no-transform" } });
            if (path === "/long") return new Response("the same again and again\n".repeat(20000), { headers });
            const pieces = new ReadableStream({ async start(controller) {
                controller.enqueue(encoder.encode("first\n"));
                if (path === "/waits") await new Promise((done) => setTimeout(done, 8000));
                for (let i = 0; i < 1000; i++) controller.enqueue(encoder.encode(`piece ${i}\n`));
                controller.close();
            } });
            return new Response(pieces, { headers });
        } };
    "#;
    app.deploy("texts", source, json!({ "verify_jwt": false, "timeout_s": 10 })).await;
    for accepts in ["br", "zstd", "gzip"] {
        let long = get(&app, "f.example", "/long", accepts).await;
        assert_eq!(unpacked(long.assert_status(200)), "the same again and again\n".repeat(20000).as_bytes(), "{accepts}");
        assert_eq!((long.header("etag"), long.header("vary")), (Some("W/\"one\""), Some("accept-encoding")));
        let pieces = get(&app, "f.example", "/pieces", accepts).await;
        let expected: String = std::iter::once("first\n".to_owned()).chain((0..1000).map(|i| format!("piece {i}\n"))).collect();
        assert_eq!(unpacked(pieces.assert_status(200)), expected.as_bytes(), "{accepts}");
    }
    for path in ["/short", "/image", "/kept"] {
        assert_eq!(get(&app, "f.example", path, "br").await.assert_status(200).header("content-encoding"), None, "{path}");
    }
    let plain = get(&app, "f.example", "/long", "identity").await;
    assert_eq!(
        (plain.header("content-encoding"), plain.header("vary"), plain.header("etag")),
        (None, Some("accept-encoding"), Some("\"one\""))
    );
    let head = app.nobody().request(Method::HEAD, "/long").header("host", "f.example").header("accept-encoding", "br").await;
    assert_eq!(head.bytes(), b"");
    // The first piece is there long before the second.
    let waits = app.nobody().get("/waits").header("host", "f.example").header("accept-encoding", "gzip");
    let mut answer = waits.stream().await.unwrap();
    let mut packed = Vec::new();
    let mut plain = String::new();
    while plain != "first\n" {
        packed.extend_from_slice(&answer.chunk().await.unwrap().expect("the answer goes on"));
        plain.clear();
        // It is not at its end, so reading it to there fails after what is there.
        let _ = flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut plain);
    }
}

#[tokio::test]
async fn what_files_take_in_memory_is_seen() {
    let (app, _folder) = sites(SITES, fill).await;
    let seen = async || app.service().get("/admin/v1/front").await.assert_status(200).json()["cache"].clone();
    let counts = |cache: &Value, kind: &str| -> Vec<u64> {
        ["entries", "hits", "misses"].iter().map(|key| cache[kind][*key].as_u64().unwrap()).collect()
    };
    let before = seen().await;
    assert_eq!(before["files"]["max_bytes"], 64 << 20);
    for _ in 0..3 {
        get(&app, "a.example", "/a.js", "br").await.assert_status(200);
    }
    get(&app, "a.example", "/tiny.css", "br").await.assert_status(200);
    get(&app, "a.example", "/none.js", "br").await.assert_status(404);
    let cache = seen().await;
    let grown =
        |kind: &str| counts(&cache, kind).iter().zip(counts(&before, kind)).map(|(now, then)| now - then).collect::<Vec<_>>();
    assert_eq!(grown("compressed"), [1, 2, 1], "{cache}");
    let files = grown("files");
    assert_eq!((files[0], files[1]), (2, 2), "{cache}");
    let bytes = |kind: &str| cache[kind]["bytes"].as_u64().unwrap();
    assert!(bytes("files") >= text().len() as u64 && bytes("compressed") < bytes("files"), "{cache}");
}
