//! Files of a folder.

use super::{pattern, site, write};

#[tokio::test]
async fn files_indexes_and_types_are_served() {
    let (app, _folder) = site(|root| {
        write(root, "index.html", "<h1>start</h1>");
        write(root, "guide/index.html", "<h1>guide</h1>");
        write(root, "app.mjs", "export {}");
        write(root, "logo.png", [0x89, b'P']);
        write(root, "data.wasm", [0]);
        write(root, "notes.txt", "text");
        write(root, "raw.unknownkind", [1, 2, 3]);
        write(root, "with space é.txt", "named");
        write(root, ".well-known/security.txt", "contact");
        write(root, "empty.css", "");
    })
    .await;
    let nobody = app.nobody();
    for (path, body, kind) in [
        ("/", "<h1>start</h1>", "text/html; charset=utf-8"),
        ("/index.html", "<h1>start</h1>", "text/html; charset=utf-8"),
        ("/guide-is-not-there", "", ""),
        ("/guide/index.html", "<h1>guide</h1>", "text/html; charset=utf-8"),
        ("/app.mjs", "export {}", "text/javascript; charset=utf-8"),
        ("/data.wasm", "\0", "application/wasm"),
        ("/notes.txt", "text", "text/plain; charset=utf-8"),
        ("/notes.txt?version=2", "text", "text/plain; charset=utf-8"),
        ("/raw.unknownkind", "\u{1}\u{2}\u{3}", "application/octet-stream"),
        ("/with%20space%20%C3%A9.txt", "named", "text/plain; charset=utf-8"),
        ("/.well-known/security.txt", "contact", "text/plain; charset=utf-8"),
        ("/empty.css", "", "text/css; charset=utf-8"),
    ] {
        let answer = nobody.get(path).await;
        if kind.is_empty() {
            answer.assert_status(404);
            continue;
        }
        assert_eq!(answer.assert_status(200).text(), body, "{path}");
        assert_eq!(answer.header("content-type"), Some(kind), "{path}");
        assert_eq!(answer.header("content-length"), Some(body.len().to_string().as_str()), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert!(answer.header("last-modified").is_some_and(|date| date.ends_with("GMT")), "{path}");
    }
    assert_eq!(nobody.get("/logo.png").await.header("content-type"), Some("image/png"));
}

#[tokio::test]
async fn a_folder_without_its_slash_redirects_on_the_same_host() {
    let (app, _folder) = site(|root| {
        write(root, "guide/index.html", "guide");
        write(root, "bare/file.txt", "no index here");
    })
    .await;
    let redirect = app.nobody().get("/guide?page=2").await;
    assert_eq!(redirect.assert_status(301).header("location"), Some("/guide/?page=2"));
    app.nobody().get("/guide/").await.assert_status(200);
    for path in ["/bare", "/bare/", "/guide/index.html/", "//guide", "/guide//", "/%2Fguide"] {
        app.nobody().get(path).await.assert_status(404);
    }
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let large = pattern(700_000);
    let (app, _folder) = site(|root| {
        write(root, "small.txt", "small");
        write(root, "large.bin", &large);
    })
    .await;
    for path in ["/small.txt", "/large.bin"] {
        let (get, head) = (app.nobody().get(path).await, app.nobody().head(path).await);
        assert_eq!(head.assert_status(200).bytes(), b"", "{path}");
        for name in ["content-length", "content-type", "etag", "last-modified", "accept-ranges"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
            assert!(head.header(name).is_some(), "{path}: {name}");
        }
    }
    // The connection is still in step after a HEAD of a large file.
    assert_eq!(app.nobody().get("/large.bin").await.assert_status(200).bytes(), large);
}

#[tokio::test]
async fn a_site_has_its_own_page_for_what_is_not_there() {
    let (app, _folder) = site(|root| write(root, "404.html", "<p>lost?</p>")).await;
    let page = app.nobody().get("/nothing").await;
    assert_eq!(page.assert_status(404).text(), "<p>lost?</p>");
    app.nobody().get("/").await.assert_status(404);
}

#[tokio::test]
async fn a_large_file_arrives_whole_many_times_at_once() {
    let large = pattern(3_000_001);
    let (app, _folder) = site(|root| write(root, "large.bin", &large)).await;
    let nobody = app.nobody();
    let answers = futures_util::future::join_all((0..8).map(|_| async { nobody.get("/large.bin").await })).await;
    for answer in answers {
        assert!(answer.assert_status(200).bytes() == large, "the bytes are those of the file");
    }
}
