//! Which route a request takes.

use reqwest::Method;

use super::{sites, write};

const SITES: &str = r#"
[[sites]]
hosts = "a.example"
root = "ROOT/site"

[[sites.routes]]
exact = "/only"
status = 200
body = "exact"

[[sites.routes]]
path = "/api"
methods = ["POST", "put"]
status = 201
body = "written"

[[sites.routes]]
path = "/api"
match_headers = { x-beta = "1", accept = "~^application/", x-old = "!" }
status = 200
body = "beta"

[[sites.routes]]
path = "/api"
match_headers = { x-any = "*" }
status = 200
body = "any"

[[sites.routes]]
path = "/api/"
status = 200
body = "below"

[[sites.routes]]
regex = '\.(php|asp)$'
status = 410

[[sites.routes]]
path = "/docs"
root = "ROOT/docs"
strip_prefix = true

[[sites.routes]]
path = "/nested"
root = "ROOT/nginx"

[[sites.routes]]
path = "/moved"
rewrite = { "^/moved/v(\\d+)/(.*)$" = "/files/$2.txt?version=$1", "^/moved" = "/files" }

[[sites.routes]]
path = "/dots"
rewrite = { "^/dots/(.)x(.)$" = "/$1$2/secret.txt" }

[[sites.routes]]
path = "/long"
headers = { x-long = "yes" }
"#;

fn fill(root: &std::path::Path) {
    write(root, "site/index.html", "start");
    write(root, "site/files/a.txt", "file a");
    write(root, "site/files/index.html", "files");
    write(root, "site/long/x.txt", "long");
    write(root, "docs/index.html", "the docs");
    write(root, "docs/guide/index.html", "the guide");
    write(root, "nginx/nested/x.txt", "below root");
    write(root, "secret.txt", "secret");
}

#[tokio::test]
async fn the_first_route_whose_path_method_and_headers_fit_is_taken() {
    let (app, _folder) = sites(SITES, fill).await;
    let at = |method: Method, path: &str| app.nobody().request(method, path).header("host", "a.example");
    for (path, status, body) in [
        ("/only", 200, "exact"),
        ("/only/", 404, ""),
        ("/api/x", 200, "below"),
        ("/api/", 200, "below"),
        ("/apix", 404, ""),
        ("/x/index.php", 410, ""),
        ("/x/index.php5", 404, ""),
        ("/", 200, "start"),
    ] {
        let answer = at(Method::GET, path).await;
        answer.assert_status(status);
        assert!(status == 404 || answer.text() == body, "{path}: {}", answer.text());
    }
    assert_eq!(at(Method::POST, "/api/x").await.assert_status(201).text(), "written");
    assert_eq!(at(Method::PUT, "/api").await.assert_status(201).text(), "written");
    at(Method::GET, "/api").await.assert_status(404);
    let beta = || at(Method::GET, "/api/x").header("x-beta", "1").header("accept", "application/json");
    assert_eq!(beta().await.text(), "beta");
    assert_eq!(beta().header("x-old", "").await.text(), "below");
    assert_eq!(at(Method::GET, "/api/x").header("x-beta", "1").header("accept", "text/html").await.text(), "below");
    assert_eq!(at(Method::GET, "/api").header("x-any", "").await.text(), "any");
    // A route without an action is the site's own files, by its own rules.
    assert_eq!(at(Method::GET, "/long/x.txt").await.assert_status(200).header("x-long"), Some("yes"));
    assert_eq!(at(Method::HEAD, "/only").await.assert_status(200).bytes(), b"");
}

#[tokio::test]
async fn folders_of_a_route_and_rewritten_paths_are_looked_up() {
    let (app, _folder) = sites(SITES, fill).await;
    let get = |path: &'static str| app.nobody().get(path).header("host", "a.example");
    assert_eq!(get("/docs/").await.assert_status(200).text(), "the docs");
    assert_eq!(get("/docs").await.assert_status(200).text(), "the docs");
    assert_eq!(get("/docs/guide").await.assert_status(301).header("location"), Some("/docs/guide/"));
    assert_eq!(get("/docs/guide/").await.assert_status(200).text(), "the guide");
    assert_eq!(get("/nested/x.txt").await.assert_status(200).text(), "below root");
    assert_eq!(get("/moved/v2/a").await.assert_status(200).text(), "file a");
    assert_eq!(get("/moved/a.txt").await.assert_status(200).text(), "file a");
    assert_eq!(get("/moved/").await.assert_status(200).text(), "files");
    // Pieces that come to dots are refused as if they had been sent so.
    get("/dots/.x.").await.assert_status(400);
}
