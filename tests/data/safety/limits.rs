//! Sizes, through the whole server: at the limit it works, one past it is the documented error.

use reqwest::Method;
use serde_json::{Value, json};

use super::{refused, rows, run};
use crate::support::{Response, TestApp, User};

const SCHEMA: &str = "
create table texts (id integer generated always as identity primary key, t text);
create table nodes (id integer primary key, parent integer references nodes (id), filling text);
create function all_texts() returns setof text language sql stable as $$ select t from texts $$;
create function add_text(given text) returns setof texts language sql as $$ insert into texts (t) values (given) returning * $$;
create function add_two() returns setof texts language sql as $$ insert into texts (t) values ('a'), ('b') returning * $$;
grant select, insert, update, delete on texts, nodes to authenticated;
";

/// Bytes of an answer in these tests: the least that the setting takes.
const BYTES: usize = 64 << 10;

/// What stands around the one text of `[{\"t\":\"…\"}]`.
const AROUND: usize = 10;

async fn app() -> (TestApp, User) {
    let app = TestApp::start_with("[data]\nmax_result_bytes = \"64KiB\"\nmax_rows = 0").await;
    run(&app, SCHEMA).await;
    let ada = app.sign_up("ada@example.com").await;
    (app, ada)
}

#[track_caller]
fn too_large(answer: &Response) {
    let error = refused(answer, 413, "54000");
    assert!(error["message"].as_str().is_some_and(|message| message.contains("data.max_result_bytes")), "{error}");
}

#[tokio::test]
async fn an_answer_has_at_most_so_many_bytes() {
    let (_app, ada) = app().await;
    let fits = "x".repeat(BYTES - AROUND);
    let wide = "é".repeat((BYTES - AROUND) / 2);
    for (text, is_taken) in [(fits.clone(), true), (format!("{fits}x"), false), (wide.clone(), true), (format!("{wide}é"), false)]
    {
        ada.post("/rest/v1/texts").json(&json!({ "t": text })).await.assert_status(201);
        let read = ada.get("/rest/v1/texts?select=t").await;
        if is_taken {
            assert_eq!(read.assert_status(200).text().len(), BYTES);
        } else {
            too_large(&read);
            too_large(&ada.get("/rest/v1/texts?select=t").header("prefer", "count=exact").await);
            too_large(&ada.get("/rest/v1/texts?select=t").header("accept", "text/csv").await);
        }
        ada.delete("/rest/v1/texts").await.assert_status(204);
    }
    // `["…"]`
    ada.post("/rest/v1/texts").json(&json!({ "t": "x".repeat(BYTES - 4) })).await.assert_status(201);
    assert_eq!(ada.get("/rest/v1/rpc/all_texts").await.assert_status(200).text().len(), BYTES);
    ada.request(Method::PATCH, "/rest/v1/texts").json(&json!({ "t": "x".repeat(BYTES - 3) })).await.assert_status(204);
    too_large(&ada.get("/rest/v1/rpc/all_texts").await);
}

#[tokio::test]
async fn a_write_whose_answer_is_too_large_is_undone() {
    let (_app, ada) = app().await;
    let text = "x".repeat(BYTES);
    let shown = ada.post("/rest/v1/texts").header("prefer", "return=representation").json(&json!({ "t": text })).await;
    too_large(&shown);
    too_large(&ada.post("/rest/v1/rpc/add_text").json(&json!({ "given": text })).await);
    // Nor is one kept whose form cannot be had.
    let two = ada.post("/rest/v1/rpc/add_two").header("accept", "application/vnd.pgrst.object+json").json(&json!({})).await;
    refused(&two, 406, "PGRST116");
    assert_eq!(rows(&ada, "/rest/v1/texts?select=count").await, json!([{ "count": 0 }]));
    ada.post("/rest/v1/texts").json(&json!({ "t": text })).await.assert_status(201);
}

#[tokio::test]
async fn embeds_that_multiply_do_not_fill_the_server_s_memory() {
    let (app, ada) = app().await;
    let filling = "x".repeat(60);
    let mut nodes = vec![json!({ "id": 1, "parent": null, "filling": filling })];
    nodes.extend((2..=1000).map(|id| json!({ "id": id, "parent": 1, "filling": filling })));
    ada.post("/rest/v1/nodes").json(&Value::from(nodes)).await.assert_status(201);
    rows(&ada, "/rest/v1/nodes?select=id&limit=2").await;
    let before = app.resident_bytes();
    // A thousand rows, each with a thousand rows of 80 bytes.
    too_large(&ada.get("/rest/v1/nodes?select=id,parent(nodes(id,filling))").await);
    let grown = app.resident_bytes().saturating_sub(before) >> 20;
    assert!(grown < 72, "the server grew by {grown} MiB for an answer of 80");
    rows(&ada, "/rest/v1/nodes?select=id&limit=2").await;
}

#[tokio::test]
async fn the_shape_of_a_request_has_limits() {
    let (app, ada) = app().await;
    app.service().post("/rest/v1/nodes").json(&json!([{ "id": 1 }])).await.assert_status(201);
    let many = |count: usize, item: &str, separator: &str| vec![item; count].join(separator);
    let trees = |depth: usize| format!("and=({}id.eq.1{}", "or(".repeat(depth - 1), ")".repeat(depth));
    let embeds = |depth: usize| format!("select=id,{}id{}", "parent(".repeat(depth), ")".repeat(depth));
    let side_by_side =
        |count: usize| format!("select={}", (0..count).map(|n| format!("e{n}:parent(id)")).collect::<Vec<_>>().join(","));
    let list = |count: usize| format!("id=in.({})", many(count, "1", ","));
    let filters = |count: usize| many(count, "id=eq.1", "&");
    let steps = |count: usize| format!("select=filling{}", "->b".repeat(count));
    type Made<'a> = &'a dyn Fn(usize) -> String;
    let cases: [(&str, usize, Made<'_>); 6] = [
        ("and and or in each other", 16, &trees),
        ("embeds in each other", 8, &embeds),
        ("embeds side by side", 50, &side_by_side),
        ("elements of in", 10_000, &list),
        ("filters", 500, &filters),
        ("steps of a path", 32, &steps),
    ];
    for (what, limit, made) in cases {
        let at = ada.get(&format!("/rest/v1/nodes?{}", made(limit))).await;
        assert_eq!(at.status(), 200, "{what}: {}", at.text());
        let past = ada.get(&format!("/rest/v1/nodes?{}", made(limit + 1))).await;
        let error = refused(&past, 400, "PGRST100");
        assert!(error["message"].as_str().is_some_and(|message| message.contains(&limit.to_string())), "{what}: {error}");
    }
}

#[tokio::test]
async fn a_body_has_limits() {
    let (_app, ada) = app().await;
    let body = async |rows: usize| {
        let rows = vec!["{\"t\":\"a\"}"; rows].join(",");
        ada.post("/rest/v1/texts").header("content-type", "application/json").body(format!("[{rows}]")).await
    };
    body(50_000).await.assert_status(201);
    assert_eq!(rows(&ada, "/rest/v1/texts?select=count").await, json!([{ "count": 50_000 }]));
    refused(&body(50_001).await, 413, "PGRST102");
    let bytes = async |count: usize| {
        let text = "a".repeat(count - "{\"t\":\"\"}".len());
        ada.post("/rest/v1/texts").header("content-type", "application/json").body(format!("{{\"t\":\"{text}\"}}")).await
    };
    bytes(16 << 20).await.assert_status(201);
    refused(&bytes((16 << 20) + 1).await, 413, "PGRST102");
    assert_eq!(rows(&ada, "/rest/v1/texts?select=count").await, json!([{ "count": 50_001 }]));
}
