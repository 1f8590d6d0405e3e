//! Files of sites: indexes, the fallback of single-page apps, lists of folders, error pages, links out of each root.

use std::os::unix::fs::symlink;

use super::{raw_get, sites, write};

const SITES: &str = r#"
[[sites]]
hosts = "app.example"
root = "ROOT/app"
fallback = "/index.html"

[[sites]]
hosts = "lists.example"
root = "ROOT/lists"
index = ["start.htm", "index.html"]
listing = true

[[sites.routes]]
path = "/other"
root = "ROOT/other"

[[sites]]
hosts = "pages.example"
root = "ROOT/pages"
error_pages = { 404 = "/errors/404.html", 403 = "/errors/403.html", 418 = "/errors/gone.html", 401 = "/errors/403.html" }

[[sites.routes]]
path = "/closed"
status = 403
headers = { x-why = "closed" }

[[sites.routes]]
path = "/tea"
status = 418
body = "short and stout"
"#;

fn fill(root: &std::path::Path) {
    write(root, "app/index.html", "<div id=app>");
    write(root, "app/assets/app.js", "app");
    write(root, "lists/both/start.htm", "start");
    write(root, "lists/both/index.html", "index");
    write(root, "lists/one/index.html", "index");
    write(root, "lists/plain/b & <c>.txt", "b");
    write(root, "lists/plain/Ä.txt", "a");
    write(root, "lists/plain/.hidden", "h");
    write(root, "lists/plain/sub/x", "x");
    write(root, "other/other/x.txt", "x");
    write(root, "pages/errors/404.html", "no such page");
    write(root, "pages/errors/403.html", "keep out");
    write(root, "pages/dir/index.html", "dir");
    write(root, "secret/secret.txt", "the secret");
}

#[tokio::test]
async fn a_single_page_app_answers_its_paths_and_misses_its_assets() {
    let (app, _folder) = sites(SITES, fill).await;
    let get = |path: &str| app.nobody().get(path).header("host", "app.example");
    for (path, accept, status) in [
        ("/", "*/*", 200),
        ("/users/7", "*/*", 200),
        ("/users/7/", "text/html", 200),
        ("/users/john.doe", "text/html,*/*;q=0.8", 200),
        ("/assets/gone-123.js", "*/*", 404),
        ("/logo.png", "image/avif,image/*", 404),
        ("/.env", "*/*", 404),
    ] {
        let answer = get(path).header("accept", accept).await;
        answer.assert_status(status);
        assert_eq!(answer.text() == "<div id=app>", status == 200, "{path}");
    }
    assert_eq!(get("/assets/app.js").await.text(), "app");
    app.nobody().post("/users/7").header("host", "app.example").await.assert_status(405);
}

#[tokio::test]
async fn the_first_index_stands_for_a_folder_and_without_one_it_is_listed() {
    let (app, _folder) = sites(SITES, fill).await;
    let get = |path: &str| app.nobody().get(path).header("host", "lists.example");
    assert_eq!(get("/both/").await.text(), "start");
    assert_eq!(get("/one/").await.text(), "index");
    assert_eq!(get("/plain").await.assert_status(301).header("location"), Some("/plain/"));
    let list = get("/plain/").await;
    let text = list.assert_status(200).text();
    let places: Vec<_> = ["sub/", "b &amp; &lt;c&gt;.txt", "Ä.txt"].iter().map(|name| text.find(name)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{text}");
    assert!(!text.contains("hidden") && !text.contains("<c>"), "{text}");
    assert!(text.contains("href=\"b%20%26%20%3Cc%3E%2Etxt\""), "{text}");
    let json = get("/plain/").header("accept", "application/json").await.json();
    assert_eq!(json["names"], serde_json::json!(["sub/", "b & <c>.txt", "Ä.txt"]));
    // A route with a folder of its own has its own way with it.
    get("/other/").await.assert_status(404);
    assert_eq!(get("/other/x.txt").await.text(), "x");
}

#[tokio::test]
async fn error_pages_stand_for_errors_with_their_status_and_headers() {
    let (app, _folder) = sites(SITES, fill).await;
    let get = |path: &str| app.nobody().get(path).header("host", "pages.example");
    let gone = get("/nothing").await;
    assert_eq!(
        (gone.assert_status(404).text().as_str(), gone.header("content-type")),
        ("no such page", Some("text/html; charset=utf-8"))
    );
    let closed = get("/closed/x").await;
    assert_eq!((closed.assert_status(403).text().as_str(), closed.header("x-why")), ("keep out", Some("closed")));
    assert_eq!(get("/tea").await.assert_status(418).text(), "short and stout", "the page is not there");
    let problem = get("/nothing").header("accept", "application/json").await;
    assert_eq!(problem.assert_status(404).problem()["status"], 404);
    let head = app.nobody().head("/nothing").header("host", "pages.example").await;
    assert_eq!(head.assert_status(404).bytes(), b"");
}

#[tokio::test]
async fn no_link_leads_out_of_any_root() {
    let (app, folder) = sites(SITES, fill).await;
    let secret = folder.path().join("secret");
    for root in ["app", "lists", "lists/plain", "other/other", "pages"] {
        symlink(&secret, folder.path().join(root).join("way-out")).unwrap();
        symlink("../../secret/secret.txt", folder.path().join(root).join("file-out.txt")).unwrap();
    }
    for (host, base) in [
        ("app.example", ""),
        ("lists.example", ""),
        ("lists.example", "/plain"),
        ("lists.example", "/other"),
        ("pages.example", ""),
    ] {
        for below in ["/way-out/secret.txt", "/file-out.txt", "/way-out/"] {
            let answer = raw_get(&app, host, &format!("{base}{below}"));
            assert!(!answer.text.contains("the secret"), "{host}{base}{below}");
        }
    }
    let list = app.nobody().get("/plain/").header("host", "lists.example").await.text();
    assert!(!list.contains("way-out") && !list.contains("file-out"), "{list}");
}
