//! Zip packages: deployed, called, refused; and what is kept of them.

use std::io::{Cursor, Write};

use plinth::functions::packages::archive::{MAX_ENTRIES, unpack};
use proptest::prelude::*;
use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::support::{TestApp, zip};

const MANY: u64 = 1 << 30;

fn hello() -> Vec<u8> {
    zip(&[
        ("index.mjs", b"import { greet } from 'greeter'; import { mark } from './lib/mark.ts';\nexport const handler = async (event) => greet(event.name ?? 'you') + mark;"),
        ("lib/mark.ts", b"export const mark: string = '!';"),
        ("node_modules/greeter/package.json", br#"{"main":"main.js"}"#),
        ("node_modules/greeter/main.js", b"exports.greet = (name) => 'hello ' + name;"),
        ("README.md", b"not code"),
    ])
}

async fn deploy(app: &TestApp, name: &str, zip: Vec<u8>, config: serde_json::Value) -> crate::support::Response {
    let request = app.service().put(&format!("/admin/v1/functions/{name}")).header("content-type", "application/zip");
    request.header("x-plinth-config", &config.to_string()).body(zip).await
}

#[tokio::test]
async fn a_zip_is_deployed_and_called() {
    let app = TestApp::start().await;
    let source = hello();
    let answer = deploy(&app, "hello", source.clone(), json!({ "handler": "index.handler" })).await;
    let function = answer.assert_status(201).json();
    assert_eq!((&function["language"], &function["size_bytes"]), (&json!("zip"), &json!(source.len())));
    let called = app.invoke("hello", &json!({})).await;
    assert_eq!(called.assert_status(200).text(), "hello you!");
}

#[tokio::test]
async fn what_runs_is_made_anew_when_it_was_lost_or_changed() {
    let mut app = TestApp::start().await;
    deploy(&app, "hello", hello(), json!({})).await.assert_status(201);
    let built = app.data().join("blobs/functions/built");
    let files = || {
        let builds = std::fs::read_dir(&built).expect("builds").map(|build| build.expect("a build").path());
        builds
            .flat_map(|build| std::fs::read_dir(build).expect("files"))
            .map(|file| file.expect("a file").path())
            .collect::<Vec<_>>()
    };
    for damage in ["changed", "lost"] {
        app.kill9();
        for file in files() {
            if damage == "lost" {
                std::fs::remove_file(file).expect("removed");
                continue;
            }
            let mut bytes = std::fs::read(&file).expect("read");
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            std::fs::write(&file, bytes).expect("written");
        }
        app.restart().await;
        assert_eq!(app.invoke("hello", &json!({})).await.assert_status(200).text(), "hello you!", "{damage}");
        assert_eq!(files().len(), 1, "{damage}: it is kept again");
    }
}

#[tokio::test]
async fn what_is_wrong_inside_is_told_with_its_file() {
    let app = TestApp::start().await;
    let broken = zip(&[("index.js", b"require('./lib/a');\nexports.handler = 1;"), ("lib/a.js", b"\nlet x = ;")]);
    let problem = deploy(&app, "f", broken, json!({})).await.assert_status(422).problem();
    assert_eq!((&problem["errors"][0]["field"], &problem["errors"][0]["line"]), (&json!("lib/a.js"), &json!(2)), "{problem}");
    let absent = zip(&[("index.js", b"const fs = require('fs');\nexports.handler = 1;"), ("x.js", b"")]);
    let problem = deploy(&app, "f", absent, json!({})).await.assert_status(422).problem();
    assert!(problem["errors"][0]["message"].as_str().is_some_and(|message| message.contains("node:fs")), "{problem}");
    let elsewhere = deploy(&app, "f", hello(), json!({ "handler": "app.handler" })).await.assert_status(422).problem();
    assert!(elsewhere.to_string().contains("there is no app.js"), "{elsewhere}");
    app.service().get("/admin/v1/functions/f").await.assert_status(404);
}

#[tokio::test]
async fn an_archive_over_the_limit_is_refused() {
    let app = TestApp::start_with("[functions]\nmax_unpacked = \"100KB\"\n").await;
    let bomb = zip(&[("index.js", b"exports.handler = 1;"), ("zeros.bin", &vec![0; 200_000])]);
    assert!(bomb.len() < 2_000);
    let problem = deploy(&app, "f", bomb, json!({})).await.assert_status(422).problem();
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("functions.max_unpacked")), "{problem}");
}

#[test]
fn names_that_lead_out_are_refused() {
    for name in
        ["../x.js", "a/../../x.js", "/etc/x.js", "a//x.js", "./x.js", "a\\x.js", "C:x.js", "a/./x.js", "x\n.js", "..", "a\0.js"]
    {
        let refused = unpack(&zip(&[("index.js", b"1"), (name, b"1")]), MANY);
        assert!(refused.is_err(), "{name:?} was taken");
    }
    let deep = "a/".repeat(100) + "x.js";
    assert!(unpack(&zip(&[(deep.as_str(), b"1")]), MANY).is_err());
    assert_eq!(unpack(&zip(&[("a/b/x.js", b"1"), ("README", b"2"), ("x.d.ts", b"3")]), MANY).map(|files| files.len()), Ok(1));
}

#[test]
fn links_are_refused_and_the_last_of_a_name_counts() {
    let mut linked = ZipWriter::new(Cursor::new(Vec::new()));
    linked.add_symlink("index.js", "/etc/passwd", SimpleFileOptions::default()).expect("a link");
    let linked = linked.finish().expect("memory").into_inner();
    assert!(unpack(&linked, MANY).is_err_and(|why| why.contains("link")));
    // The writer makes no doubles, so one name is changed in place afterwards.
    let doubled: Vec<u8> = zip(&[("a.js", b"1"), ("b.js", b"2")]);
    let doubled = replaced(&doubled, b"b.js", b"a.js");
    let files = unpack(&doubled, MANY).expect("the last of a name counts, as elsewhere");
    assert_eq!(files.iter().map(|file| file.content.as_slice()).collect::<Vec<_>>(), [b"2"]);
}

#[test]
fn an_archive_that_lies_about_sizes_is_refused() {
    let content = vec![b' '; 100_000];
    let honest = zip(&[("index.js", &content)]);
    assert!(unpack(&honest, 100_000).is_ok());
    assert!(unpack(&honest, 99_999).is_err());
    let lying = replaced(&honest, &100_000_u32.to_le_bytes(), &10_u32.to_le_bytes());
    assert!(unpack(&lying, MANY).is_err());
}

#[test]
fn too_many_entries_are_refused_before_they_are_read() {
    let mut many = ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..=MAX_ENTRIES {
        many.start_file(format!("{at}.js"), SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored))
            .expect("a name");
    }
    many.write_all(b"1").expect("memory");
    let many = many.finish().expect("memory").into_inner();
    assert!(unpack(&many, MANY).is_err_and(|why| why.contains("entries")));
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while at + from.len() <= bytes.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
        at += 1;
    }
    bytes
}

proptest! {
    #[test]
    fn damaged_archives_neither_panic_nor_grow(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20), cut in any::<prop::sample::Index>()) {
        let mut bytes = hello();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        if let Ok(files) = unpack(&bytes, 10_000) {
            prop_assert!(files.iter().map(|file| file.content.len()).sum::<usize>() <= 10_000);
        }
    }

    #[test]
    fn any_bytes_are_refused_or_unpacked(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = unpack(&bytes, 10_000);
    }
}
