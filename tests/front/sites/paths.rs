//! No way of writing a path leads around a route.

use plinth::front::untrusted::readings;
use proptest::prelude::*;

use super::{raw_get, sites, write};

const SITES: &str = r#"
[[sites]]
hosts = "a.example"
root = "ROOT"

[[sites.routes]]
path = "/admin"
status = 403

[[sites.routes]]
path = "/public"
status = 200
body = "public"

[[sites.routes]]
path = "/"
status = 202
body = "rest"

[[sites]]
hosts = "one.example"

[[sites.routes]]
regex = "^/(.*)$"
status = 200
body = "one"
"#;

#[tokio::test]
async fn a_guarded_prefix_is_guarded_however_it_is_written() {
    let (app, _folder) = sites(SITES, |root| write(root, "index.html", "x")).await;
    for target in [
        "/admin",
        "/admin/",
        "/admin/x",
        "/admin?x",
        "/%61dmin",
        "/%61%64min/x",
        "/adm%69n/",
        "//admin",
        "///admin//x",
        "/%2fadmin",
        "/%2Fadmin%2fx",
        "/admin%2fx",
        "/admin;a=1",
        "/admin;a=1/x",
        "/;/admin",
        "/;a/admin",
        "/./admin",
        "/%2e/admin",
        "/x/../admin",
        "/public/../admin",
        "/public/..;/admin",
        "/public/..%3b/admin",
        "/public/%2e%2e/admin",
        "/public/.%2e/admin",
        "/public%2f..%2fadmin",
        "/public%2f%2e%2e%2fadmin",
        "/public\\..\\admin",
        "/public%5c..%5cadmin",
        "/admin%00",
        "/%ff/admin",
    ] {
        let answer = raw_get(&app, "a.example", target);
        assert!(matches!(answer.status, 400 | 403), "{target} answered {}: {}", answer.status, answer.text);
    }
    // What only looks like it goes its own way.
    for (target, status) in [
        ("/administrator", 202),
        ("/Admin", 202),
        ("/x/admin", 202),
        ("/public/admin", 200),
        ("/public//x", 200),
        ("/public/x;y", 200),
        ("/public/%E2%82%AC", 200),
        ("/caf%C3%A9", 202),
        ("/%25%32%66", 202),
    ] {
        assert_eq!(raw_get(&app, "a.example", target).status, status, "{target}");
    }
    // Read one way it is below /public, read another it is not.
    for target in ["/public%2fx", "//public/x", "/public;x"] {
        assert_eq!(raw_get(&app, "a.example", target).status, 400, "{target}");
    }
    // Where every reading leads to one place it is answered.
    for target in ["/a%2fb", "//a", "/a;b/c"] {
        assert_eq!(raw_get(&app, "one.example", target).status, 200, "{target}");
    }
}

proptest! {
    #[test]
    fn every_reading_begins_with_a_slash_and_has_no_dots(raw in "(/|//|%2f|%2F|[.]|%2e|[.][.];|;|%3b|%00|a|b|\\\\|%5c|%c3%28|%25|~|é){0,14}|.{0,40}") {
        for reading in readings(&raw) {
            prop_assert!(reading.starts_with('/'), "{raw:?}: {reading:?}");
            prop_assert!(!reading.contains(['\\', '\0', '\r', '\n']), "{raw:?}: {reading:?}");
            let mut segments = reading.split('/').map(|segment| segment.split(';').next().unwrap_or_default());
            prop_assert!(segments.all(|segment| segment != "." && segment != ".."), "{raw:?}: {reading:?}");
        }
    }

    #[test]
    fn encoding_letters_changes_no_reading(path in "(/[a-z]{1,3}){1,4}", at in 0_usize..6) {
        let letter = path.char_indices().filter(|(_, c)| c.is_ascii_lowercase()).nth(at);
        if let Some((place, c)) = letter {
            let encoded = format!("{}%{:02x}{}", &path[..place], u32::from(c), &path[place + 1..]);
            prop_assert_eq!(readings(&encoded), readings(&path));
        }
    }
}
