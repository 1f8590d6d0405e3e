//! `[[sites]]`, their routes, and `[[upstreams]]`: what is wrong is told with its place, and what is documented is what there is.

use std::collections::BTreeSet;
use std::path::Path;

use plinth::config::front::template::{Part, Template};
use plinth::config::front::{self, Action, PathMatch};
use proptest::prelude::*;

use super::{load, refused};
use crate::support::run_plinth;

#[test]
fn every_error_of_sites_is_told_with_its_place_and_what_is_allowed() {
    let text = r#"[[sites]]
hosts = ["good.example", "bad host", "x.example:80"]
root = "/does/not/exist"
hedaers = { a = "b" }

[[sites]]
hosts = "b.example"
headers = { "content-length" = "5" }
access = ["permit all"]
auth_file = "/does/not/exist"
cors = { origins = "*", credentials = true }
cache = [{ path = "assets", value = "x" }]
error_pages = { 200 = "/x" }
compress = "maybe"
compress_types = "text"

[[sites.routes]]
path = "no-slash"
regex = "(unclosed"
redirect = "javascript:alert(1)"
rewrite = { "^/(.*)$" = "/$2" }

[[sites.routes]]
path = "/a/../b"
status = 99
match_headers = { "bad name" = "x" }

[[sites]]
hosts = "c.example"
fallback = "index.html"
index = "a/b.html"
listing = "perhaps"
"#;
    insta::assert_snapshot!(refused(text).join("\n"), @r##"
    plinth.toml:2:9: hosts of a site must be a host's name without a port, or a list of them; *.example.com for the names below it, * for every other host
    plinth.toml:3:8: root of a site must be a path to a folder that exists
    plinth.toml:4:1: a site has no hedaers; did you mean headers?
    plinth.toml:8:11: headers of a site must be a table of header names and values, such as { x-frame-options = "DENY" }, without those of the connection and the length
    plinth.toml:9:10: access of a site must be a list of "allow" or "deny" with an address, a network or all, such as ["allow 10.0.0.0/8", "deny all"]
    plinth.toml:10:13: auth_file of a site must be a path to a file that exists, with a line name:hash for each user (bcrypt, {SHA} or apr1), or "off"
    plinth.toml:11:8: cors of a site must be a table with origins ("*" or a list), and if need be methods, headers, expose, credentials (not with "*") and max_age, such as { origins = ["https://app.example.com"], credentials = true }
    plinth.toml:12:9: cache of a site must be a list of tables such as { path = "/assets/", value = "public, max-age=31536000, immutable" }
    plinth.toml:13:15: error_pages of a site must be a table of statuses and paths in the site's files, such as { 404 = "/404.html", 502 = "/sorry.html" }
    plinth.toml:14:12: compress of a site must be "off", "files" or "all"
    plinth.toml:15:18: compress_types of a site must be a media type or a list of them, such as ["text/*", "application/json"]
    plinth.toml:18:8: path of a route must be a path that begins with /, as it is without percent-encoding and without //, . and .. in it
    plinth.toml:19:9: regex of a route must be a regular expression of at most 1000 bytes, without look-around or back-references, such as ^/old/(.*)$
    plinth.toml:20:12: redirect of a route must be an address or a path of visible ASCII in which $1, ${name}, ${host}, ${scheme}, ${path}, ${uri} and ${rest} are filled in, such as https://example.com/$1
    plinth.toml:21:11: rewrite of a route must be a table of regular expressions and paths, such as { "^/api/(.*)$" = "/$1" }
    plinth.toml:24:8: path of a route must be a path that begins with /, as it is without percent-encoding and without //, . and .. in it
    plinth.toml:25:10: status of a route must be a whole number from 200 to 599; 301, 302, 303, 307 or 308 for a redirect
    plinth.toml:26:17: match_headers of a route must be a table of header names and values, such as { x-beta = "1", user-agent = "~(?i)bot" }
    plinth.toml:30:12: fallback of a site must be a path that begins with /, such as /index.html
    plinth.toml:31:9: index of a site must be a file's name that does not begin with a dot, or a list of them
    plinth.toml:32:11: listing of a site must be true or false
    plinth.toml:2:1: a site must have hosts, such as ["www.example.com"], or ["*"] for every other host
    "##);
}

#[test]
fn what_is_wrong_between_tables_is_told_too() {
    let text = r#"[[upstreams]]
name = "app"
servers = "127.0.0.1:3000"

[[upstreams]]
name = "app"

[[sites]]
hosts = ["a.example", "a.example"]

[[sites]]
hosts = "a.example"

[[sites]]
root = "/"

[[sites.routes]]
upstream = "nobody"

[[sites.routes]]
path = "/a"
exact = "/b"
upstream = "app"
function = "f"

[[sites.routes]]
regex = "^/x$"
strip_prefix = true
redirect = "/$1/${name}"
status = 200

[[sites.routes]]
body = "text"
"#;
    insta::assert_snapshot!(refused(text).join("\n"), @r##"
    plinth.toml:6:1: there are two upstreams named app
    plinth.toml:6:1: the upstream app must have servers, such as ["127.0.0.1:3000"]
    plinth.toml:9:1: a.example is the host of another site, too
    plinth.toml:12:1: a.example is the host of another site, too
    plinth.toml:15:1: a site must have hosts, such as ["www.example.com"], or ["*"] for every other host
    plinth.toml:18:1: there is no upstream named nobody
    plinth.toml:21:1: a route must have only one of: path, exact, regex
    plinth.toml:21:1: a route must have only one of: upstream, function, redirect, status, root
    plinth.toml:27:1: strip_prefix goes with path, not with exact or regex
    plinth.toml:27:1: the status of a redirect must be 301, 302, 303, 307 or 308, not 200
    plinth.toml:27:1: nothing fills $1 of the redirect: it must be a group of the route's regex, or a variable
    plinth.toml:33:1: a route with a body must have a status, and nothing else that it does
    "##);
}

#[test]
fn an_expression_that_would_be_large_is_refused() {
    for regex in ["(a{1000}){1000}", &"a".repeat(1001), "(?=look)", r"(a)\1", "[[:alpha:]]{100000}"] {
        let errors = refused(&format!("[[sites]]\nhosts = \"a\"\n[[sites.routes]]\nregex = '{regex}'\nstatus = 200\n"));
        assert!(errors[0].contains("must be a regular expression"), "{regex}: {errors:?}");
    }
}

#[test]
fn a_site_is_read_as_it_is_written() {
    let text = r#"[[sites]]
hosts = ["A.Example.", "*.b.example", "[::1]"]

[[sites.routes]]
path = "/old"
redirect = "https://${host}/$$"
status = 308

[[sites.routes]]
match_headers = { X-A = "~b" }
rewrite = { "^/1" = "/one", "^/2" = "/two" }
"#;
    let config = load(text, &[], &super::Flags::default()).unwrap().config;
    let site = &config.front.sites[0];
    assert_eq!(site.hosts, ["a.example", "*.b.example", "[::1]"]);
    assert!(!site.has_apis());
    let target = Template(vec![Part::Text("https://".into()), Part::Named("host".into()), Part::Text("/$".into())]);
    assert_eq!((site.routes[0].actions.as_slice(), site.routes[0].status), ([Action::Redirect(target)].as_slice(), Some(308)));
    assert_eq!(site.routes[1].paths, [PathMatch::Prefix("/".into())]);
    assert_eq!(site.routes[1].match_headers[0].0, "x-a");
    assert_eq!(site.routes[1].rewrite.iter().map(|(find, _)| find.as_str()).collect::<Vec<_>>(), ["^/1", "^/2"]);
}

#[test]
fn the_check_command_shows_sites_and_upstreams() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"[[upstreams]]
name = "app"
servers = ["127.0.0.1:3000", "127.0.0.1:3001"]

[[sites]]
hosts = ["www.example.com", "*"]

[[sites.routes]]
path = "/api"
methods = "POST"
upstream = "app"

[[sites.routes]]
regex = "^/old"
redirect = "/new"
"#;
    std::fs::write(folder.path().join("plinth.toml"), text).unwrap();
    let good = run_plinth(folder.path(), &["check"], &[]);
    assert!(good.status.success(), "{}", good.stderr);
    for line in [
        "site www.example.com, *: no files, with the APIs",
        "    POST /api -> upstream app",
        "    ~ ^/old -> redirect 302",
        "upstream app: 127.0.0.1:3000, 127.0.0.1:3001",
    ] {
        assert!(good.stdout.lines().any(|printed| printed == line), "{line:?} is not in {}", good.stdout);
    }
    let listed = run_plinth(folder.path(), &["check", "--settings"], &[]).stdout;
    for field in front::fields() {
        assert!(listed.contains(&format!("[[{}]] {}", field.table, field.key)), "{} is not listed", field.key);
    }
}

/// The rows of the documentation's tables of fields, by the heading they stand under.
fn documented(text: &str) -> BTreeSet<(String, String)> {
    let mut heading = String::new();
    let mut rows = BTreeSet::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("### Fields of a ") {
            heading = title.to_owned();
        } else if line.starts_with('#') {
            heading.clear();
        } else if let Some(row) = line.strip_prefix("| `").filter(|_| !heading.is_empty()) {
            rows.insert((heading.clone(), row.split('`').next().unwrap_or_default().to_owned()));
        }
    }
    rows
}

#[test]
fn the_documentation_has_every_field_with_its_meaning() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/front.md")).unwrap();
    let there: BTreeSet<_> = front::fields().map(|field| (field.table.to_owned(), field.key.to_owned())).collect();
    let rows = documented(&text);
    let invented: Vec<_> = rows.difference(&there).collect();
    assert!(invented.is_empty(), "docs/front.md has {invented:?}");
    // As one would put them there.
    let missing: String = front::fields()
        .filter(|field| !text.contains(&row(field)))
        .map(|field| format!("{}: {}\n", field.table, row(&field)))
        .collect();
    assert!(missing.is_empty(), "docs/front.md misses:\n{missing}");
}

/// A field as a row of the documentation's tables.
fn row(field: &front::Described) -> String {
    let quoted = |text: &str| text.replace('|', "\\|").replace('*', "\\*");
    let default = if field.default.is_empty() { String::new() } else { format!("`{}`", field.default) };
    format!("| `{}` | {} | {} | {default} |", field.key, quoted(field.meaning), quoted(field.allowed))
}

#[test]
fn every_field_has_a_meaning_and_a_default_that_is_allowed() {
    let mut seen = BTreeSet::new();
    for field in front::fields() {
        assert!(field.meaning.ends_with('.') && !field.allowed.ends_with('.'), "{}.{}", field.table, field.key);
        assert!(seen.insert((field.table, field.key)), "{}.{} twice", field.table, field.key);
    }
}

proptest! {
    #[test]
    fn likely_tables_make_no_panic(lines in prop::collection::vec(
        "(\\[\\[(sites|sites[.]routes|upstreams)\\]\\]|(hosts|path|regex|redirect|rewrite|cors|access|cache|headers|status|servers|name) = (\"[^\"\\\\\n]{0,12}\"|\\{ ?\"?[a-z^/.*$]{0,6}\"? = \"[^\"\\\\\n]{0,8}\" ?\\}|[0-9]{1,4}|\\[\"[a-z *./]{0,9}\"\\]))", 0..12)) {
        let _ = load(&lines.join("\n"), &[], &super::Flags::default());
    }

    #[test]
    fn a_template_keeps_its_plain_text(text in "[!-#%-~]{0,40}") {
        let expected = if text.is_empty() { Vec::new() } else { vec![Part::Text(text.clone())] };
        prop_assert_eq!(Template::parse(&text), Some(Template(expected)));
    }
}
