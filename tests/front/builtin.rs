//! The built-in page, which needs nothing from outside.

use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn the_default_page_and_its_parts_are_served() {
    let app = TestApp::start().await;
    let nobody = app.nobody();
    let page = nobody.get("/").await;
    assert_eq!(page.assert_status(200).header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text().contains("Plinth is running"));
    for (path, kind) in [
        ("/index.html", "text/html; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/status.js", "text/javascript; charset=utf-8"),
        ("/favicon.svg", "image/svg+xml"),
    ] {
        let part = nobody.get(path).await;
        assert_eq!(part.assert_status(200).header("content-type"), Some(kind), "{path}");
        assert_eq!(part.header("x-content-type-options"), Some("nosniff"));
        assert!(part.header("etag").is_some_and(|tag| tag.starts_with('"')), "{path} has a strong tag");
    }
}

#[tokio::test]
async fn the_default_page_loads_nothing_from_elsewhere() {
    let app = TestApp::start().await;
    for path in ["/", "/style.css", "/status.js", "/nothing-here"] {
        let text = app.nobody().get(path).await.text();
        let outside = text.match_indices("//").filter(|(at, _)| {
            let before = &text[..*at];
            (before.ends_with("http:") || before.ends_with("https:")) && !text[*at..].starts_with("//127.0.0.1:8000")
        });
        assert_eq!(outside.count(), 0, "{path} names another host");
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_page_or_a_problem() {
    let app = TestApp::start().await;
    let page = app.nobody().get("/nothing/here").await;
    assert_eq!(page.assert_status(404).header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text().contains("Not found"));
    let problem = app.nobody().get("/nothing/here").header("accept", "application/json").await;
    assert_eq!(problem.assert_status(404).problem()["type"], json!("/problems/not_found"));
    let head = app.nobody().head("/nothing/here").await;
    assert_eq!((head.assert_status(404).bytes().len(), head.header("content-length").is_some()), (0, true));
}

#[tokio::test]
async fn only_get_and_head_are_allowed() {
    let app = TestApp::start().await;
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let answer = app.nobody().request(method.parse().unwrap(), "/").await;
        assert_eq!(answer.assert_status(405).header("allow"), Some("GET, HEAD"), "{method}");
    }
}
