//! Packed files that lie beside the plain ones.

use super::{site, write};

#[tokio::test]
async fn the_form_that_the_client_wants_most_is_sent() {
    let (app, _folder) = site(|root| {
        write(root, "app.js", "the plain form, which is the longest");
        write(root, "app.js.br", "BR");
        write(root, "app.js.zst", "ZST.");
        write(root, "app.js.gz", "GZIP..");
        write(root, "only.css", "plain");
        write(root, "only.css.gz", "GZ");
    })
    .await;
    let nobody = app.nobody();
    for (accepts, coding, body) in [
        ("gzip, br, zstd", Some("br"), "BR"),
        ("gzip, zstd", Some("zstd"), "ZST."),
        ("gzip", Some("gzip"), "GZIP.."),
        ("x-gzip", Some("gzip"), "GZIP.."),
        ("GZIP;q=1.0, br;q=0.5", Some("gzip"), "GZIP.."),
        ("br;q=0, gzip;q=0.001", Some("gzip"), "GZIP.."),
        ("*", Some("br"), "BR"),
        ("*;q=0.5, br;q=0", Some("zstd"), "ZST."),
        ("identity", None, "the plain form, which is the longest"),
        ("identity;q=1, gzip;q=0.5", None, "the plain form, which is the longest"),
        ("br;q=0", None, "the plain form, which is the longest"),
        ("br;q=2, gzip;q=x, zstd;q=-1", None, "the plain form, which is the longest"),
        ("", None, "the plain form, which is the longest"),
    ] {
        let answer = nobody.get("/app.js").header("accept-encoding", accepts).await;
        assert_eq!(answer.assert_status(200).text(), body, "{accepts:?}");
        assert_eq!(answer.header("content-encoding"), coding, "{accepts:?}");
        assert_eq!(answer.header("content-type"), Some("text/javascript; charset=utf-8"), "{accepts:?}");
        assert_eq!(answer.header("vary"), Some("accept-encoding"), "{accepts:?}");
    }
    let only = nobody.get("/only.css").header("accept-encoding", "br, gzip;q=0.1").await;
    assert_eq!((only.text().as_str(), only.header("content-encoding")), ("GZ", Some("gzip")));
}

#[tokio::test]
async fn each_form_has_a_tag_of_its_own() {
    let (app, _folder) = site(|root| {
        write(root, "app.js", "plain");
        write(root, "app.js.gz", "packed");
    })
    .await;
    let nobody = app.nobody();
    let plain = nobody.get("/app.js").await;
    let packed = nobody.get("/app.js").header("accept-encoding", "gzip").await;
    let tag = packed.header("etag").unwrap();
    assert_ne!(plain.header("etag"), Some(tag));
    let again = nobody.get("/app.js").header("accept-encoding", "gzip").header("if-none-match", tag).await;
    assert_eq!(again.assert_status(304).header("vary"), Some("accept-encoding"));
    nobody.get("/app.js").header("if-none-match", tag).await.assert_status(200);
    let part = nobody.get("/app.js").header("accept-encoding", "gzip").header("range", "bytes=1-2").await;
    assert_eq!((part.assert_status(206).text().as_str(), part.header("content-range")), ("ac", Some("bytes 1-2/6")));
}
