//! The contract over HTTP, sentence by sentence: each line a request with its status, its range and what it is answered.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Response, TestApp};

const SCHEMA: &str = r#"
create table tasks (
    id bigint generated always as identity primary key,
    title text not null,
    slug text unique,
    done boolean default false,
    meta jsonb
);
create table keyed (a integer, b text, n integer, primary key (a, b));
insert into tasks (title, slug, done, meta) values
    ('a b', 'one', true, '{"n": 5, "deep": {"x": "y"}}'),
    ('"a"', 'two', false, '[10, 20]'),
    ('null', 'three', null, null),
    ('A,B', null, true, '{"n": "5"}'),
    ('(x)', 'five', false, 'null'),
    ('50%_\', 'six', false, '{}');
grant select, insert, update, delete on tasks, keyed to anon;
"#;

/// `METHOD path | header: value | …`, with a body after the last bar where it begins with `{` or `[`.
async fn send(app: &TestApp, line: &str) -> Response {
    let mut parts = line.split(" | ");
    let (method, path) = parts.next().and_then(|line| line.split_once(' ')).expect("a method and a path");
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let mut request = app.anon().request(method, &format!("/rest/v1/{path}"));
    for part in parts {
        request = match part.split_once(": ") {
            Some((name, value)) if !part.starts_with(['{', '[']) => request.header(name, value),
            _ => request.header("content-type", "application/json").body(part.to_owned()),
        };
    }
    request.await
}

/// What a line expects: a status, a range (`-` for none said here), and the body or the code of an error.
type Case = (&'static str, u16, &'static str, Value);

async fn hold(app: &TestApp, cases: &[Case]) {
    let mut wrong = Vec::new();
    for (line, status, range, expected) in cases {
        let answer = send(app, line).await;
        let text = answer.text();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text.clone()));
        let found = if answer.status() >= 300 {
            let keys: Vec<&str> = body.as_object().map(|body| body.keys().map(String::as_str).collect()).unwrap_or_default();
            assert_eq!(keys.len(), 4, "{line}: an error has four keys: {body}");
            body["code"].clone()
        } else {
            body
        };
        let told = answer.header("content-range").unwrap_or("-");
        let is_range = *range == "-" || told == *range;
        if answer.status() != *status || !is_range || found != *expected {
            wrong.push(format!("{line}\n  expected {status} {range} {expected}\n  found    {} {told} {text}", answer.status()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

async fn app() -> TestApp {
    let app = TestApp::start().await;
    app.service().post("/admin/v1/sql").json(&json!({ "sql": SCHEMA })).await.assert_status(200);
    app
}

fn ids(ids: &[i64]) -> Value {
    ids.iter().map(|id| json!({ "id": id })).collect()
}

#[tokio::test]
async fn values_are_read_as_the_grammar_says() {
    let none = || json!([]);
    hold(
        &app().await,
        &[
            ("GET tasks?title=eq.a+b&select=id", 200, "0-0/*", ids(&[1])),
            ("GET tasks?title=eq.%22a%22&select=id", 200, "-", ids(&[2])),
            ("GET tasks?title=eq.null&select=id", 200, "-", ids(&[3])),
            ("GET tasks?slug=is.NULL&select=id", 200, "-", ids(&[4])),
            ("GET tasks?slug=neq.one&select=id&order=id", 200, "-", ids(&[2, 3, 5, 6])),
            ("GET tasks?slug=isdistinct.one&select=id&order=id", 200, "-", ids(&[2, 3, 4, 5, 6])),
            ("GET tasks?title=in.(%22A,B%22,%22%5C%22a%5C%22%22,%22(x)%22)&select=id&order=id", 200, "-", ids(&[2, 4, 5])),
            ("GET tasks?id=in.()&select=id", 200, "*/*", none()),
            ("GET tasks?or=(title.eq.%22A,B%22,title.eq.%22(x)%22)&select=id&order=id", 200, "-", ids(&[4, 5])),
            ("GET tasks?title=like.A*&select=id", 200, "-", ids(&[4])),
            ("GET tasks?title=ilike.a*&select=id&order=id", 200, "-", ids(&[1, 4])),
            ("GET tasks?title=like.*%5C%25%5C_*&select=id", 200, "-", ids(&[6])),
            ("GET tasks?title=ilike(any).%7BA*,n*%7D&select=id&order=id", 200, "-", ids(&[1, 3, 4])),
            ("GET tasks?title=like(all).%7B*A*,*B%7D&select=id", 200, "-", ids(&[4])),
            ("GET tasks?done=is.unknown&select=id", 200, "-", ids(&[3])),
            ("GET tasks?done=is.not_null&select=id&id=lt.3&order=id", 200, "-", ids(&[1, 2])),
            ("GET tasks?id=not.in.(1,2,3)&select=id&order=id", 200, "-", ids(&[4, 5, 6])),
            ("GET tasks?not.and=(id.gt.1,id.lt.6)&select=id&order=id", 200, "-", ids(&[1, 6])),
            ("GET tasks?id=gt.1&id=lt.4&select=id&order=id", 200, "-", ids(&[2, 3])),
            ("GET tasks?meta->n=gt.4&select=id", 200, "-", ids(&[1])),
            ("GET tasks?meta->>n=eq.5&select=id&order=id", 200, "-", ids(&[1, 4])),
            ("GET tasks?meta->0=eq.10&select=id", 200, "-", ids(&[2])),
            ("GET tasks?id=eq.1&select=meta->deep->>x", 200, "-", json!([{ "x": "y" }])),
            ("GET tasks?id=eq.2&select=meta->-1", 200, "-", json!([{ "meta": 20 }])),
            ("GET tasks?meta=cs.{\"n\":5}&select=id", 200, "-", ids(&[1])),
            ("GET tasks?select=id&order=slug&limit=2", 200, "0-1/*", ids(&[5, 1])),
            ("GET tasks?select=id&order=slug.desc&limit=2", 200, "0-1/*", ids(&[4, 2])),
            ("GET tasks?select=id&order=id&limit=ten", 200, "0-5/*", ids(&[1, 2, 3, 4, 5, 6])),
            ("GET tasks?limit=-1", 416, "-", json!("PGRST103")),
            ("GET tasks?select=count()", 200, "-", json!([{ "count": 6 }])),
            ("GET tasks?select=count", 200, "-", json!([{ "count": 6 }])),
            (
                "GET tasks?select=done,n:count()&order=done",
                200,
                "-",
                json!([{ "done": false, "n": 3 }, { "done": true, "n": 2 }, { "done": null, "n": 1 }]),
            ),
            ("GET tasks?id=about.5", 400, "-", json!("PGRST100")),
            ("GET tasks?colour=eq.red", 400, "-", json!("42703")),
            ("GET nothing", 404, "-", json!("PGRST205")),
        ],
    )
    .await;
}

#[tokio::test]
async fn reads_have_the_status_and_range_that_the_contract_says() {
    let all = ids(&[1, 2, 3, 4, 5, 6]);
    let empty = || json!("");
    hold(
        &app().await,
        &[
            ("GET tasks?select=id&order=id", 200, "0-5/*", all.clone()),
            ("GET tasks?select=id&order=id | prefer: count=exact", 200, "0-5/6", all.clone()),
            ("GET tasks?select=id&order=id&limit=2 | prefer: count=exact", 206, "0-1/6", ids(&[1, 2])),
            ("GET tasks?select=id&order=id&limit=2&offset=4 | prefer: count=exact", 206, "4-5/6", ids(&[5, 6])),
            ("GET tasks?select=id&order=id | range: 1-2", 200, "1-2/*", ids(&[2, 3])),
            ("GET tasks?select=id&order=id&limit=2 | range: 1-4 | prefer: count=exact", 206, "1-1/6", ids(&[2])),
            ("GET tasks?select=id&id=gt.9 | prefer: count=exact", 200, "*/0", json!([])),
            ("GET tasks?select=id&offset=9", 200, "*/*", json!([])),
            ("GET tasks?select=id&offset=9 | prefer: count=exact", 416, "*/6", json!("PGRST103")),
            ("HEAD tasks?select=id | prefer: count=exact", 200, "0-5/6", empty()),
            ("HEAD tasks?limit=1 | prefer: count=exact", 206, "0-0/6", empty()),
            ("GET tasks?select=id&id=eq.1 | accept: */*", 200, "-", ids(&[1])),
            ("GET tasks?select=id&id=eq.1 | accept: text/html, application/json;q=0.5", 200, "-", ids(&[1])),
            ("GET tasks?select=id&id=eq.1 | accept: application/vnd.pgrst.object+json", 200, "-", json!({ "id": 1 })),
            ("GET tasks?select=id&id=eq.9 | accept: application/vnd.pgrst.object+json", 406, "-", json!("PGRST116")),
            (
                "GET tasks?select=id,slug&id=eq.4 | accept: application/vnd.pgrst.object+json;nulls=stripped",
                200,
                "-",
                json!({ "id": 4 }),
            ),
            (
                "GET tasks?select=id,slug&id=eq.4 | accept: application/vnd.pgrst.array+json;nulls=stripped",
                200,
                "-",
                json!([{ "id": 4 }]),
            ),
            ("GET tasks?select=id,slug,title&id=eq.4 | accept: text/csv", 200, "0-0/*", json!("id,slug,title\n4,,\"A,B\"")),
            ("GET tasks | accept: image/png", 406, "-", json!("PGRST107")),
            ("GET tasks | accept-profile: private", 406, "-", json!("PGRST106")),
            ("GET tasks?select=id&id=eq.1 | prefer: something=else", 200, "-", ids(&[1])),
            ("GET tasks | prefer: handling=strict, something=else", 400, "-", json!("PGRST122")),
            ("GET tasks?select=id&id=eq.1 | prefer: handling=lenient | prefer: count=exact", 200, "0-0/1", ids(&[1])),
            ("GET tasks/1", 404, "-", json!("PGRST125")),
        ],
    )
    .await;
}

#[tokio::test]
async fn writes_have_the_status_and_range_that_the_contract_says() {
    let empty = || json!("");
    let app = app().await;
    hold(
        &app,
        &[
            ("POST tasks | {\"title\":\"new\"}", 201, "*/*", empty()),
            ("POST tasks | prefer: count=exact | [{\"title\":\"p\"},{\"title\":\"q\"}]", 201, "*/2", empty()),
            ("POST tasks | []", 201, "*/*", empty()),
            ("POST tasks | prefer: return=representation | []", 201, "*/*", json!([])),
            ("POST tasks?columns=\"title\",\"done\"&select=title,done | prefer: return=representation | [{\"title\":\"r\",\"done\":true},{\"title\":\"s\",\"x\":1}]", 201, "*/*",
                json!([{ "title": "r", "done": true }, { "title": "s", "done": null }])),
            ("POST tasks?columns=\"title\",\"done\"&select=title,done | prefer: return=representation,missing=default | [{\"title\":\"t\"}]", 201, "*/*",
                json!([{ "title": "t", "done": false }])),
            ("POST tasks?select=title,done | prefer: return=representation | {\"title\":\"u\"}", 201, "*/*", json!([{ "title": "u", "done": false }])),
            ("POST tasks | [{\"title\":\"v\"},{\"done\":true}]", 400, "-", json!("PGRST102")),
            ("POST tasks | {\"titel\":\"v\"}", 400, "-", json!("PGRST204")),
            ("POST tasks | [{\"title\":\"v\"},{\"title\":null}]", 400, "-", json!("23502")),
            ("POST tasks | {\"title\":\"v\",\"slug\":\"one\"}", 409, "-", json!("23505")),
            ("POST tasks?on_conflict=slug | prefer: resolution=merge-duplicates | {\"title\":\"merged\",\"slug\":\"one\"}", 200, "*/*", empty()),
            ("POST tasks?on_conflict=slug&columns=%22slug%22,%22done%22,%22title%22&select=slug,done | prefer: resolution=merge-duplicates, return=representation | [{\"slug\":\"one\",\"done\":true,\"title\":\"m\"},{\"slug\":\"b\",\"title\":\"n\"}]",
                201, "*/*", json!([{ "slug": "one", "done": true }, { "slug": "b", "done": null }])),
            ("POST tasks?on_conflict=slug&select=slug | prefer: resolution=ignore-duplicates,return=representation | [{\"title\":\"x\",\"slug\":\"one\"},{\"title\":\"x\",\"slug\":\"c\"}]",
                201, "*/*", json!([{ "slug": "c" }])),
            ("PATCH tasks?id=gt.900 | {\"done\":true}", 204, "*/*", empty()),
            ("PATCH tasks?id=gt.900 | prefer: return=representation | {\"done\":true}", 200, "*/*", json!([])),
            ("PATCH tasks?id=in.(2,3) | {\"done\":true}", 204, "0-1/*", empty()),
            ("PATCH tasks?id=in.(2,3) | prefer: count=exact | {\"done\":true}", 204, "0-1/2", empty()),
            ("PATCH tasks?id=eq.2&select=done | prefer: return=representation | {\"done\":false}", 200, "0-0/*", json!([{ "done": false }])),
            ("PATCH tasks?id=in.(2,3) | prefer: max-affected=1 | {\"done\":true}", 204, "0-1/*", empty()),
            ("PATCH tasks?id=in.(2,3) | prefer: handling=strict,max-affected=1 | {\"done\":null}", 400, "-", json!("PGRST124")),
            ("GET tasks?id=in.(2,3)&select=done", 200, "-", json!([{ "done": true }, { "done": true }])),
            ("PATCH tasks?id=in.(2,3) | accept: application/vnd.pgrst.object+json | prefer: return=representation | {\"done\":null}", 406, "-", json!("PGRST116")),
            ("DELETE tasks?id=gt.900", 204, "*/*", empty()),
            ("DELETE tasks?id=in.(5,6) | prefer: count=exact", 204, "*/2", empty()),
            ("DELETE tasks?id=eq.4&select=id | prefer: return=representation", 200, "*/*", ids(&[4])),
            ("PUT keyed?a=eq.1&b=eq.x | {\"a\":1,\"b\":\"x\",\"n\":1}", 201, "-", empty()),
            ("PUT keyed?a=eq.1&b=eq.x | {\"a\":1,\"b\":\"x\",\"n\":2}", 204, "-", empty()),
            ("PUT keyed?a=eq.1&b=eq.x | prefer: return=representation | {\"a\":1,\"b\":\"x\",\"n\":3}", 200, "-", json!([{ "a": 1, "b": "x", "n": 3 }])),
            ("PUT keyed?a=eq.1 | {\"a\":1,\"b\":\"x\"}", 405, "-", json!("PGRST105")),
            ("PUT keyed?a=eq.1&b=eq.x&limit=1 | {\"a\":1,\"b\":\"x\"}", 400, "-", json!("PGRST114")),
            ("PUT keyed?a=eq.1&b=eq.x | {\"a\":2,\"b\":\"x\"}", 400, "-", json!("PGRST115")),
            ("PROPFIND tasks", 405, "-", json!("PGRST117")),
        ],
    )
    .await;
    let located = send(&app, "POST keyed | prefer: return=headers-only | {\"a\":5,\"b\":\"y z\"}").await;
    assert_eq!((located.status(), located.text().as_str()), (201, ""));
    assert_eq!(located.header("location"), Some("/keyed?a=eq.5&b=eq.y%20z"));
    let applied =
        send(&app, "POST keyed | prefer: return=minimal, count=exact, missing=default, tx=commit | {\"a\":6,\"b\":\"y\"}").await;
    let applied = applied.header("preference-applied").unwrap_or_default().to_owned();
    assert!(["return=minimal", "count=exact", "missing=default"].iter().all(|one| applied.contains(one)), "{applied}");
}
