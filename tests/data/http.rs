//! What `/rest/v1` answers over HTTP: statuses, headers, forms and errors.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, Response, TestApp, User};

const SCHEMA: &str = "
create table books (
    id bigint generated always as identity primary key,
    title text not null,
    isbn text unique,
    pages integer check (pages > 0),
    owner uuid not null default auth.uid()
);
create table reviews (
    id bigint generated always as identity primary key,
    book bigint not null references books (id) on delete cascade,
    stars smallint not null
);
create table notes (a integer, b text, primary key (a, b));
create view short_books as select id, title from books where pages < 100;
alter table books enable row level security;
grant select on books, short_books to anon;
grant select, insert, update, delete on books, reviews, notes to authenticated;
grant select on short_books to authenticated;
create policy everyone_reads on books for select using (true);
create policy owners_write on books for all to authenticated using (owner = auth.uid());
create function add_them(a integer, b integer) returns integer language sql immutable as $$ select a + b $$;
create function long_books(least integer) returns setof books language sql stable as $$ select * from books where pages >= least $$;
create function forget() returns void language sql as $$ delete from notes $$;
";

async fn library() -> (TestApp, User) {
    let app = TestApp::start().await;
    sql(&app, SCHEMA).await.assert_status(200);
    let ada = app.sign_up("ada@example.com").await;
    let books = json!([
        { "title": "Emma", "isbn": "1", "pages": 474 },
        { "title": "Kim", "isbn": "2", "pages": 90 },
        { "title": "Ulysses", "isbn": "3", "pages": 730 },
    ]);
    ada.post("/rest/v1/books").json(&books).await.assert_status(201);
    (app, ada)
}

async fn sql(app: &TestApp, sql: &str) -> Response {
    app.service().post("/admin/v1/sql").json(&json!({ "sql": sql })).await
}

fn titles(rows: &Value) -> Vec<&str> {
    rows.as_array().expect("an array").iter().map(|row| row["title"].as_str().expect("a title")).collect()
}

#[track_caller]
fn refused(answer: &Response, status: u16, code: &str) -> Value {
    let body = answer.assert_status(status).json();
    let mut keys: Vec<_> = body.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["code", "details", "hint", "message"], "{body}");
    assert_eq!(body["code"], code, "{body}");
    body
}

async fn patch(client: &Client, path: &str, body: &Value) -> Response {
    client.request(Method::PATCH, path).header("prefer", "return=representation").json(body).await
}

#[tokio::test]
async fn a_read_tells_its_range_and_its_count() {
    let (_app, ada) = library().await;
    let all = ada.get("/rest/v1/books?order=title").await;
    assert_eq!(titles(&all.assert_status(200).json()), ["Emma", "Kim", "Ulysses"]);
    assert_eq!(all.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(all.header("content-range"), Some("0-2/*"));

    let page = ada.get("/rest/v1/books?order=title&limit=1&offset=1").header("prefer", "count=exact").await;
    assert_eq!(titles(&page.assert_status(206).json()), ["Kim"]);
    assert_eq!((page.header("content-range"), page.header("preference-applied")), (Some("1-1/3"), Some("count=exact")));

    let range = ada.get("/rest/v1/books?order=title").header("range", "1-5").header("range-unit", "items").await;
    assert_eq!(titles(&range.assert_status(200).json()), ["Kim", "Ulysses"]);

    let none = ada.get("/rest/v1/books?pages=gt.9000").header("prefer", "count=exact").await;
    assert_eq!((none.assert_status(200).text().as_str(), none.header("content-range")), ("[]", Some("*/0")));

    let beyond = ada.get("/rest/v1/books?offset=9").header("prefer", "count=exact").await;
    refused(&beyond, 416, "PGRST103");
    assert_eq!(beyond.header("content-range"), Some("*/3"));

    let head = ada.head("/rest/v1/books").header("prefer", "count=exact").await;
    assert_eq!((head.assert_status(200).text().as_str(), head.header("content-range")), ("", Some("0-2/3")));
}

#[tokio::test]
async fn a_read_has_the_form_that_is_accepted() {
    let (_app, ada) = library().await;
    let object =
        ada.get("/rest/v1/books?title=eq.Kim&select=title,isbn").header("accept", "application/vnd.pgrst.object+json").await;
    assert_eq!(object.assert_status(200).json(), json!({ "title": "Kim", "isbn": "2" }));
    assert_eq!(object.header("content-type"), Some("application/vnd.pgrst.object+json; charset=utf-8"));
    for (path, rows) in [("/rest/v1/books", 3), ("/rest/v1/books?title=eq.none", 0)] {
        let many = ada.get(path).header("accept", "application/vnd.pgrst.object+json").await;
        assert_eq!(refused(&many, 406, "PGRST116")["details"], format!("The result contains {rows} rows"));
    }
    let csv = ada.get("/rest/v1/books?select=title,pages&order=id").header("accept", "text/csv").await;
    assert_eq!(csv.assert_status(200).text(), "title,pages\nEmma,474\nKim,90\nUlysses,730");
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    ada.post("/rest/v1/books").json(&json!({ "title": "Blank" })).await.assert_status(201);
    let stripped = ada
        .get("/rest/v1/books?title=eq.Blank&select=title,isbn")
        .header("accept", "application/vnd.pgrst.array+json;nulls=stripped")
        .await;
    assert_eq!(stripped.assert_status(200).json(), json!([{ "title": "Blank" }]));
    refused(&ada.get("/rest/v1/books").header("accept", "image/png").await, 406, "PGRST107");
    refused(&ada.get("/rest/v1/books").header("accept-profile", "secret").await, 406, "PGRST106");
    ada.get("/rest/v1/books").header("accept-profile", "public").await.assert_status(200);
}

#[tokio::test]
async fn an_insert_says_where_the_row_is() {
    let (_app, ada) = library().await;
    let made = ada.post("/rest/v1/books").header("prefer", "return=headers-only").json(&json!({ "title": "Dune" })).await;
    assert_eq!((made.assert_status(201).text().as_str(), made.header("location")), ("", Some("/books?id=eq.4")));
    assert_eq!((made.header("content-range"), made.header("preference-applied")), (Some("*/*"), Some("return=headers-only")));
    let shown = ada
        .post("/rest/v1/books?select=id,title")
        .header("prefer", "return=representation,count=exact")
        .json(&json!([{ "title": "A" }, { "title": "B" }]))
        .await;
    assert_eq!(shown.assert_status(201).json(), json!([{ "id": 5, "title": "A" }, { "id": 6, "title": "B" }]));
    assert_eq!(shown.header("content-range"), Some("*/2"));
    let nothing = ada.post("/rest/v1/books").json(&json!([])).await;
    nothing.assert_status(201);
    let form = ada
        .post("/rest/v1/books")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("prefer", "return=representation")
        .body("title=By+form&pages=3")
        .await;
    assert_eq!(form.assert_status(201).json()[0]["pages"], 3);
    let csv = ada
        .post("/rest/v1/books?select=title,isbn")
        .header("content-type", "text/csv")
        .header("prefer", "return=representation")
        .body("title,isbn\n\"By, csv\",NULL\n")
        .await;
    assert_eq!(csv.assert_status(201).json(), json!([{ "title": "By, csv", "isbn": null }]));
}

#[tokio::test]
async fn what_is_wrong_with_a_write_is_told_as_postgresql_tells_it() {
    let (app, ada) = library().await;
    let post = async |body: Value| ada.post("/rest/v1/books").json(&body).await;
    let twice = refused(&post(json!({ "title": "Emma again", "isbn": "1" })).await, 409, "23505");
    assert_eq!(twice["message"], "duplicate key value violates unique constraint \"books_isbn_key\"");
    assert_eq!(twice["details"], "Key (isbn)=(1) already exists.");
    refused(&post(json!({ "title": "x", "pages": 0 })).await, 400, "23514");
    let missing = refused(&post(json!({ "pages": 1 })).await, 400, "23502");
    assert_eq!(missing["message"], "null value in column \"title\" of relation \"books\" violates not-null constraint");
    refused(&post(json!({ "title": "x", "pages": "many" })).await, 400, "22P02");
    refused(&post(json!({ "title": "x", "colour": "red" })).await, 400, "PGRST204");
    refused(&post(json!([{ "title": "x" }, { "title": "y", "pages": 1 }])).await, 400, "PGRST102");
    refused(&ada.post("/rest/v1/books").header("content-type", "application/json").body("{\"title\"").await, 400, "PGRST102");
    refused(&ada.post("/rest/v1/reviews").json(&json!({ "book": 99, "stars": 1 })).await, 409, "23503");
    refused(&ada.post("/rest/v1/reviews").json(&json!({ "book": 1, "stars": 99999 })).await, 400, "22003");
    refused(&ada.post("/rest/v1/nothing").json(&json!({})).await, 404, "PGRST205");
    refused(&post(json!({ "title": "x", "owner": "00000000-0000-4000-8000-000000000000" })).await, 403, "42501");
    refused(&app.anon().post("/rest/v1/books").json(&json!({ "title": "x" })).await, 401, "42501");
    assert_eq!(
        ada.head("/rest/v1/books").header("prefer", "count=exact").await.header("content-range"),
        Some("0-2/3"),
        "nothing of these was kept"
    );
}

#[tokio::test]
async fn an_upsert_changes_or_leaves_what_is_there() {
    let (_app, ada) = library().await;
    let merge = ada
        .post("/rest/v1/books?on_conflict=isbn&select=title,pages")
        .header("prefer", "resolution=merge-duplicates,return=representation");
    let merged = merge.json(&json!([{ "isbn": "1", "title": "Emma II" }, { "isbn": "9", "title": "New" }])).await;
    assert_eq!(
        merged.assert_status(201).json(),
        json!([{ "title": "Emma II", "pages": 474 }, { "title": "New", "pages": null }])
    );
    let only = ada
        .post("/rest/v1/books?on_conflict=isbn")
        .header("prefer", "resolution=merge-duplicates")
        .json(&json!({ "isbn": "1", "title": "Emma III" }))
        .await;
    only.assert_status(200);
    let ignore = ada
        .post("/rest/v1/books?on_conflict=isbn&select=title")
        .header("prefer", "resolution=ignore-duplicates,return=representation");
    let ignored = ignore.json(&json!([{ "isbn": "1", "title": "No" }, { "isbn": "10", "title": "Yes" }])).await;
    assert_eq!(ignored.assert_status(201).json(), json!([{ "title": "Yes" }]));
    // The rows of others are not changed this way either.
    let (made, row) = (ada.put("/rest/v1/notes?a=eq.1&b=eq.x"), json!({ "a": 1, "b": "x" }));
    assert_eq!(made.header("prefer", "return=representation").json(&row).await.assert_status(201).json(), json!([row]));
    ada.put("/rest/v1/notes?a=eq.1&b=eq.x").json(&row).await.assert_status(204);
    refused(&ada.put("/rest/v1/notes?a=eq.1").json(&row).await, 405, "PGRST105");
    refused(&ada.put("/rest/v1/notes?a=eq.2&b=eq.x").json(&row).await, 400, "PGRST115");
    refused(&ada.put("/rest/v1/notes?a=eq.1&b=eq.x&limit=1").json(&row).await, 400, "PGRST114");
}

#[tokio::test]
async fn updates_and_deletes_touch_what_matches_and_is_allowed() {
    let (app, ada) = library().await;
    let bob = app.sign_up("bob@example.com").await;
    assert_eq!(patch(&bob, "/rest/v1/books?title=eq.Kim", &json!({ "pages": 1 })).await.assert_status(200).json(), json!([]));
    let changed = patch(&ada, "/rest/v1/books?pages=gt.100&select=title,pages&order=title", &json!({ "pages": 100 })).await;
    assert_eq!(
        changed.assert_status(200).json(),
        json!([{ "title": "Emma", "pages": 100 }, { "title": "Ulysses", "pages": 100 }])
    );
    assert_eq!(changed.header("content-range"), Some("0-1/*"));
    let minimal = ada.request(Method::PATCH, "/rest/v1/books?title=eq.Kim").json(&json!({ "pages": 5 })).await;
    assert_eq!((minimal.assert_status(204).text().as_str(), minimal.header("content-range")), ("", Some("0-0/*")));
    let bounded = ada
        .request(Method::PATCH, "/rest/v1/books?pages=eq.100")
        .header("prefer", "handling=strict,max-affected=1")
        .json(&json!({ "pages": 7 }))
        .await;
    refused(&bounded, 400, "PGRST124");
    refused(
        &ada.delete("/rest/v1/books?pages=eq.100")
            .header("accept", "application/vnd.pgrst.object+json")
            .header("prefer", "return=representation")
            .await,
        406,
        "PGRST116",
    );
    let given_away = ada.request(Method::PATCH, "/rest/v1/books?title=eq.Kim").json(&json!({ "owner": bob.id })).await;
    refused(&given_away, 403, "42501");
    let deleted = ada.delete("/rest/v1/books?pages=eq.100").header("prefer", "return=representation,count=exact").await;
    assert_eq!(deleted.assert_status(200).json().as_array().map(Vec::len), Some(2));
    assert_eq!(deleted.header("content-range"), Some("*/2"));
    assert_eq!(titles(&ada.get("/rest/v1/books").await.json()), ["Kim"]);
}

#[tokio::test]
async fn functions_are_called_by_post_and_by_get() {
    let (app, ada) = library().await;
    sql(&app, "grant execute on function add_them to anon").await.assert_status(200);
    assert_eq!(ada.post("/rest/v1/rpc/add_them").json(&json!({ "a": 1, "b": 2 })).await.assert_status(200).json(), json!(3));
    assert_eq!(ada.get("/rest/v1/rpc/add_them?a=1&b=2").await.assert_status(200).json(), json!(3));
    let long =
        ada.get("/rest/v1/rpc/long_books?least=400&select=title&order=title.desc&limit=1").header("prefer", "count=exact").await;
    assert_eq!((long.assert_status(206).json(), long.header("content-range")), (json!([{ "title": "Ulysses" }]), Some("0-0/2")));
    ada.post("/rest/v1/notes").json(&json!({ "a": 1, "b": "x" })).await.assert_status(201);
    assert_eq!(ada.post("/rest/v1/rpc/forget").await.assert_status(204).text(), "");
    assert_eq!(ada.get("/rest/v1/notes").await.json(), json!([]));
    refused(&ada.get("/rest/v1/rpc/forget").await, 405, "25006");
    refused(&ada.post("/rest/v1/rpc/add_them").json(&json!({ "a": 1 })).await, 404, "PGRST202");
    refused(&ada.post("/rest/v1/rpc/nothing").json(&json!({})).await, 404, "PGRST202");
}

#[tokio::test]
async fn views_and_new_tables_are_served_at_once() {
    let (app, ada) = library().await;
    assert_eq!(titles(&app.anon().get("/rest/v1/short_books").await.assert_status(200).json()), ["Kim"]);
    refused(&app.anon().get("/rest/v1/reviews").await, 401, "42501");
    sql(&app, "create table fresh (id integer primary key); grant select on fresh to authenticated").await.assert_status(200);
    assert_eq!(ada.get("/rest/v1/fresh").await.assert_status(200).json(), json!([]));
    sql(&app, "drop table fresh").await.assert_status(200);
    refused(&ada.get("/rest/v1/fresh").await, 404, "PGRST205");
    let allowed = ada.request(Method::OPTIONS, "/rest/v1/short_books").await;
    assert_eq!(allowed.assert_status(200).header("allow"), Some("OPTIONS,GET,HEAD"));
    refused(&ada.request(Method::from_bytes(b"PROPFIND").unwrap(), "/rest/v1/books").await, 405, "PGRST117");
    refused(&ada.get("/rest/v1/books/1").await, 404, "PGRST125");
}

#[tokio::test]
async fn a_request_without_a_key_or_with_a_bad_token_is_refused() {
    let (app, _ada) = library().await;
    let answer = app.nobody().get("/rest/v1/books").await;
    assert_eq!(answer.assert_status(401).json(), json!({ "message": "No API key found in request" }));
    refused(&app.bearer("not.a.token").get("/rest/v1/books").await, 401, "PGRST301");
    let preflight = app
        .nobody()
        .request(Method::OPTIONS, "/rest/v1/books")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "PATCH")
        .header("access-control-request-headers", "apikey,prefer,content-profile")
        .await;
    preflight.assert_status(200);
    assert!(preflight.header("access-control-allow-methods").is_some_and(|methods| methods.contains("PATCH")), "{preflight:?}");
}

#[tokio::test]
async fn the_server_s_own_tables_are_out_of_reach() {
    let (app, ada) = library().await;
    for name in ["auth.users", "plinth.keys", "auth.sessions", "sqlite_schema", "pg_class", "users"] {
        refused(&ada.get(&format!("/rest/v1/{name}")).await, 404, "PGRST205");
    }
    for statement in [
        "select * from plinth.keys",
        "select encrypted_password from auth.users",
        "delete from auth.sessions",
        "update auth.users set email = 'x'",
        "drop table plinth.keys",
        "create table plinth.mine (id integer)",
        "select * from sqlite_schema",
        "select * from pg_catalog.pg_class",
        "create view leak as select * from auth.refresh_tokens",
        "select load_extension('x')",
        "pragma foreign_keys",
        "attach database 'x' as y",
        "select pg_read_file('/etc/passwd')",
    ] {
        let answer = sql(&app, statement).await;
        assert!(matches!(answer.status(), 400..500), "{statement}: {} {}", answer.status(), answer.text());
    }
}

#[tokio::test]
async fn what_users_write_about_themselves_is_no_claim() {
    let app = TestApp::start().await;
    let claims = "create function claims() returns jsonb language sql stable as $$ select auth.jwt() $$";
    sql(&app, claims).await.assert_status(200);
    let ada = app.sign_up("ada@example.com").await;
    ada.put("/auth/v1/user").json(&json!({ "data": { "admin": true } })).await.assert_status(200);
    let ada = app.sign_in("ada@example.com", crate::support::PASSWORD).await;
    let seen = ada.post("/rest/v1/rpc/claims").await.assert_status(200).json();
    assert_eq!((&seen["sub"], &seen["user_metadata"]), (&json!(ada.id), &Value::Null), "{seen}");
}

#[tokio::test]
async fn the_same_request_means_what_it_means_for_each_caller_and_each_schema() {
    let (app, ada) = library().await;
    let bob = app.sign_up("bob@example.com").await;
    let schema = "
        create table diaries (id integer primary key, owner uuid default auth.uid(), line text, written timestamptz default now());
        alter table diaries enable row level security;
        grant select, insert on diaries to authenticated;
        create policy own on diaries for all to authenticated using (owner = auth.uid());
    ";
    sql(&app, schema).await.assert_status(200);
    ada.post("/rest/v1/diaries")
        .json(&json!([{ "id": 1, "line": "Ada's" }, { "id": 2, "line": "Ada's too" }]))
        .await
        .assert_status(201);
    bob.post("/rest/v1/diaries").json(&json!({ "id": 3, "line": "Bob's" })).await.assert_status(201);
    let path = "/rest/v1/diaries?select=id,line&order=id&limit=2";
    let lines = async |client: &Client| {
        let rows = client.get(path).await.assert_status(200).json();
        rows.as_array().unwrap().iter().map(|row| row["line"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for _ in 0..2 {
        assert_eq!(lines(&ada).await, ["Ada's", "Ada's too"]);
        assert_eq!(lines(&bob).await, ["Bob's"]);
        assert_eq!(lines(&app.service()).await, ["Ada's", "Ada's too"]);
        refused(&app.anon().get(path).await, 401, "42501");
    }
    // Another range of the same path, and a count.
    let second = ada.get(path).header("range", "1-1").await;
    assert_eq!(second.assert_status(200).json(), json!([{ "id": 2, "line": "Ada's too" }]));
    let counted = ada.get(path).header("prefer", "count=exact").await;
    assert_eq!(counted.assert_status(200).header("content-range"), Some("0-1/2"));
    // What is known of a request is forgotten with the schema that it was of.
    sql(&app, "create policy all_of_it on diaries for select to authenticated using (true)").await.assert_status(200);
    assert_eq!(lines(&bob).await, ["Ada's", "Ada's too"]);
    sql(&app, "revoke select on diaries from authenticated").await.assert_status(200);
    refused(&bob.get(path).await, 403, "42501");
    sql(&app, "grant select (id) on diaries to authenticated").await.assert_status(200);
    refused(&ada.get(path).await, 403, "42501");
    ada.get("/rest/v1/diaries?select=id").await.assert_status(200);
}
