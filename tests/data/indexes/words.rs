//! Indexes of words: what they answer is what the rows themselves would, whatever becomes of the rows.

use plinth::values::fts::{self, Kind};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::fixture::App;
use crate::support::TestApp;

const SCHEMA: &str = "
    create table authors (id bigint primary key, name text not null);
    create table notes (
        id bigint primary key, author_id bigint references authors on delete cascade, title text, body text not null default '', n integer
    );
    create index notes_words on notes using gin (to_tsvector('english', coalesce(title, '') || ' ' || body));
    create index notes_titles on notes using gin (to_tsvector('simple', title)) where n is null;
    insert into authors values (1, 'Ann'), (2, 'Ben');
    insert into notes values (1, 1, 'Red fox', 'runs far'), (2, 1, null, 'a red hen'), (3, 2, 'Ünder', 'the straße'), (4, 2, 'Blue', '');
    create function find(q text) returns setof notes language sql stable as $$
        select * from notes where to_tsvector('simple', coalesce(title, '') || ' ' || body) @@ websearch_to_tsquery('simple', q)
    $$;
";

async fn run(app: &TestApp, sql: &str) {
    app.service().post("/admin/v1/sql").json(&json!({ "sql": sql })).await.assert_status(200);
}

async fn ids(app: &TestApp, path: &str) -> Value {
    let answer = app.service().get(&format!("/rest/v1/{path}")).await;
    let rows: Vec<Value> = answer.assert_status(200).parse();
    rows.into_iter().map(|row| row["id"].clone()).collect()
}

/// What the index answers is what it answers without: under `not` it is not asked.
async fn agrees(app: &TestApp, table: &str, column: &str) {
    for query in
        ["fts.fox", "plfts.red", "wfts.red -hen", "wfts.-red", "fts.r:*|ünder", "phfts.red fox", "fts.!fox", "wfts.zebra or blue"]
    {
        let (operator, words) = query.split_once('.').expect("an operator");
        let asked = ids(app, &format!("{table}?select=id&order=id&{column}={operator}.{words}")).await;
        let bare = ids(app, &format!("{table}?select=id&order=id&not.or=({column}.not.{operator}.\"{words}\")")).await;
        assert_eq!(asked, bare, "{query} in {table}.{column}");
        let found = ids(app, &format!("rpc/find?q={words}&select=id&order=id")).await;
        assert!(found.is_array());
    }
}

#[tokio::test]
async fn an_index_of_words_follows_its_rows() {
    let app = TestApp::start().await;
    run(&app, SCHEMA).await;
    let red = "rpc/find?q=red&select=id&order=id";
    assert_eq!(ids(&app, red).await, json!([1, 2]));
    agrees(&app, "notes", "title").await;
    let service = app.service();
    service
        .post("/rest/v1/notes")
        .json(&json!([{ "id": 5, "title": "red", "body": "" }, { "id": 6, "title": null, "body": "not" }]))
        .await
        .assert_status(201);
    assert_eq!(ids(&app, red).await, json!([1, 2, 5]));
    service
        .request(reqwest::Method::PATCH, "/rest/v1/notes?id=in.(1,6)")
        .json(&json!({ "title": "Red panda" }))
        .await
        .assert_status(204);
    assert_eq!(ids(&app, red).await, json!([1, 2, 5, 6]));
    assert_eq!(ids(&app, "notes?select=id&title=fts.fox").await, json!([]));
    let upsert = json!([{ "id": 2, "body": "a blue hen" }, { "id": 7, "body": "red" }]);
    let sent = service.post("/rest/v1/notes").header("prefer", "resolution=merge-duplicates").json(&upsert).await;
    sent.assert_status(201);
    assert_eq!(ids(&app, red).await, json!([1, 5, 6, 7]));
    run(&app, "update notes set id = id + 100 where id > 4").await;
    assert_eq!(ids(&app, red).await, json!([1, 105, 106, 107]));
    service.delete("/rest/v1/notes?id=eq.105").await.assert_status(204);
    run(&app, "delete from authors where id = 1").await;
    assert_eq!(ids(&app, red).await, json!([106, 107]));
    agrees(&app, "notes", "title").await;
    run(&app, "delete from notes").await;
    assert_eq!(ids(&app, red).await, json!([]));
    run(&app, "insert into notes (id, body) values (1, 'red again')").await;
    assert_eq!(ids(&app, red).await, json!([1]));
}

#[tokio::test]
async fn an_index_of_words_follows_its_table() {
    let app = TestApp::start().await;
    run(&app, SCHEMA).await;
    let red = "rpc/find?q=red&select=id&order=id";
    // Made anew, with those that refer to it.
    run(&app, "alter table notes add column extra text not null default 'x'; alter table authors add column age integer not null default 1").await;
    assert_eq!(ids(&app, red).await, json!([1, 2]));
    run(&app, "insert into notes (id, title) values (8, 'red')").await;
    assert_eq!(ids(&app, red).await, json!([1, 2, 8]));
    run(&app, "alter table notes alter column n type bigint; update notes set title = 'green' where id = 1").await;
    assert_eq!(ids(&app, red).await, json!([2, 8]));
    agrees(&app, "notes", "title").await;
    // Without its key rows are numbered anew one day: the index is not asked, and is again with a key.
    run(&app, "alter table notes drop constraint notes_pkey; insert into notes (id, title) values (9, 'red')").await;
    assert_eq!(ids(&app, red).await, json!([2, 8, 9]));
    run(&app, "alter table notes add primary key (id)").await;
    assert_eq!(ids(&app, red).await, json!([2, 8, 9]));
    agrees(&app, "notes", "title").await;
    // What it is of gets other names.
    run(&app, "drop function find(text); alter table notes rename column title to head; alter table notes rename to pages").await;
    run(&app, "insert into pages (id, head) values (10, 'red fox')").await;
    assert_eq!(ids(&app, "pages?select=id&order=id&head=fts.red").await, json!([8, 9, 10]));
    run(&app, "update pages set head = null where id = 8; delete from pages where id = 9").await;
    assert_eq!(ids(&app, "pages?select=id&order=id&head=fts.red").await, json!([10]));
    // An index goes with a column that it is of, by itself, and with its table; and its name is free then.
    run(&app, "alter table pages drop column head; insert into pages (id, body) values (11, 'red')").await;
    assert_eq!(ids(&app, "pages?select=id&order=id&body=fts.red").await, json!([2, 11]));
    run(&app, "create index notes_words on pages using gin (to_tsvector('simple', body))").await;
    assert_eq!(ids(&app, "pages?select=id&order=id&body=fts.red").await, json!([2, 11]));
    run(&app, "drop index notes_words; insert into pages (id, body) values (12, 'red')").await;
    assert_eq!(ids(&app, "pages?select=id&order=id&body=fts.red").await, json!([2, 11, 12]));
    run(&app, "create index notes_words on pages using gin (to_tsvector('simple', body)); drop table pages").await;
    run(&app, &SCHEMA.replace("create table authors", "drop table authors; create table authors")).await;
    assert_eq!(ids(&app, red).await, json!([1, 2]));
}

/// A column of words: made by the database, searched by its own name.
#[tokio::test]
async fn a_column_may_be_the_words_of_others() {
    let app = TestApp::start().await;
    run(
        &app,
        "create table books (
            id bigint primary key, title text not null, about text,
            words tsvector generated always as (to_tsvector('english', title || ' ' || coalesce(about, ''))) stored
         );
         create index on books using gin (words);
         insert into books (id, title, about) values (1, 'Red fox', 'the fox'), (2, 'Hens', null);
         create function find(q text) returns setof books language sql stable as $$
            select * from books where words @@ plainto_tsquery('english', q)
         $$;",
    )
    .await;
    let service = app.service();
    let shown = service.get("/rest/v1/books?select=words&id=eq.1").await;
    assert_eq!(shown.assert_status(200).json(), json!([{ "words": "'fox':2,4 'red':1 'the':3" }]));
    assert_eq!(ids(&app, "books?select=id&words=fts.fox").await, json!([1]));
    assert_eq!(ids(&app, "books?select=id&words=phfts(english).the fox").await, json!([1]));
    let upsert = json!([{ "id": 1, "title": "Blue" }, { "id": 3, "title": "a fox" }]);
    let sent = service.post("/rest/v1/books").header("prefer", "resolution=merge-duplicates,return=representation").json(&upsert);
    let sent = sent.await;
    assert_eq!(sent.assert_status(201).json()[1]["words"], "'a':1 'fox':2");
    assert_eq!(ids(&app, "books?select=id&words=fts.fox&order=id").await, json!([1, 3]));
    run(&app, "update books set about = null; alter table books add column n integer not null default 0").await;
    assert_eq!(ids(&app, "books?select=id&words=fts.fox").await, json!([3]));
    assert_eq!(ids(&app, "rpc/find?q=fox&select=id").await, json!([3]));
    agrees(&app, "books", "words").await;
    for (path, code) in [("books?order=words", "42883"), ("books?words=eq.x", "42883"), ("books?select=title::tsvector", "42704")]
    {
        assert_eq!(service.get(&format!("/rest/v1/{path}")).await.json()["code"], code, "{path}");
    }
    let given = service.post("/rest/v1/books").json(&json!({ "id": 4, "title": "x", "words": "'x':1" })).await;
    assert_eq!(given.json()["code"], "428C9");
    for sql in ["create table t (v tsvector)", "select 'a:1'::tsvector", "alter table books alter column title type tsvector"] {
        let answer = service.post("/admin/v1/sql").json(&json!({ "sql": sql })).await;
        assert_eq!(answer.assert_status(400).json()["code"], "0A000", "{sql}");
    }
}

#[tokio::test]
async fn what_is_undone_is_not_in_the_index() {
    let app = TestApp::start_with("[data]\ntx_rollback = true\n").await;
    run(&app, SCHEMA).await;
    let service = app.service();
    let rolled = service.post("/rest/v1/notes").header("prefer", "tx=rollback").json(&json!({ "id": 9, "body": "red" })).await;
    rolled.assert_status(201);
    let twice = json!([{ "id": 9, "body": "red" }, { "id": 1, "body": "red" }]);
    service.post("/rest/v1/notes").json(&twice).await.assert_status(409);
    let refused = "insert into notes (id, body) values (10, 'red'); select 1 / 0";
    service.post("/admin/v1/sql").json(&json!({ "sql": refused })).await.assert_status(400);
    assert_eq!(ids(&app, "rpc/find?q=red&select=id&order=id").await, json!([1, 2]));
    run(&app, "insert into notes (id, body) values (9, 'blue')").await;
    assert_eq!(ids(&app, "rpc/find?q=red&select=id&order=id").await, json!([1, 2]));
    agrees(&app, "notes", "title").await;
}

const KINDS: [(Kind, &str); 4] = [(Kind::Query, "fts"), (Kind::Plain, "plfts"), (Kind::Phrase, "phfts"), (Kind::Web, "wfts")];

/// Words that are alike, in several scripts, and what stands between words.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => proptest::sample::select(vec!["a", "ab", "abc", "red", "Red", "RED", "straße", "Ünder", "ünder", "İx", "ı", "ΑΒ", "σς", "9", "ǅ", "字"])
            .prop_map(str::to_owned),
        1 => "\\PC{1,4}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    let between = proptest::sample::select(vec![" ", ", ", "-", "'", "\"", " or ", "\u{301}", "_"]);
    vec((word(), between), 0..8)
        .prop_map(|parts| parts.into_iter().flat_map(|(word, between)| [word, between.to_owned()]).collect())
}

fn query() -> impl Strategy<Value = (usize, String)> {
    let tsquery = word().prop_map(|word| word.replace(|c: char| !c.is_alphanumeric(), "")).prop_recursive(4, 16, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(l, r)| format!("({l} & {r})")),
            (inner.clone(), inner.clone()).prop_map(|(l, r)| format!("({l} | {r})")),
            (inner.clone(), inner.clone()).prop_map(|(l, r)| format!("({l} <-> {r})")),
            inner.clone().prop_map(|one| format!("!{one}")),
            inner.prop_map(|one| format!("{one}:*")),
        ]
    });
    prop_oneof![
        2 => tsquery.prop_map(|query| (0, query)),
        1 => (1..4_usize, text()),
    ]
}

/// The rows that an index lets through are all that match, and more at the most.
#[test]
fn an_index_hides_nothing_that_matches() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let app = runtime.block_on(async {
        let mut app = App::sqlite().await;
        app.apply("create table t (id integer primary key, body text); create index t_body on t using gin (to_tsvector('simple', body))")
            .await;
        app
    });
    let config = ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() };
    let checked = TestRunner::new(config).run(&(vec(text(), 1..12), vec(query(), 1..12)), |(texts, queries)| {
        runtime.block_on(async {
            app.raw("delete from t".to_owned()).await;
            for (id, text) in texts.iter().enumerate() {
                app.raw(format!("insert into t values ({id}, '{}')", text.replace('\'', "''").replace('\0', ""))).await;
            }
            for (kind, query) in &queries {
                let (kind, name) = KINDS[*kind];
                let is_match = |text: &str| fts::matches(&text.replace('\0', ""), query, kind).unwrap_or(false);
                let matching = texts.iter().enumerate().filter(|(_, text)| is_match(text)).map(|(id, _)| json!({ "id": id }));
                let expected = Value::Array(matching.collect());
                if fts::matches("", query, kind).is_err() {
                    continue;
                }
                for text in &texts {
                    let by_vector = fts::vector_matches(&fts::vector(text), query, kind).expect("it is a query");
                    prop_assert_eq!(by_vector, fts::matches(text, query, kind).expect("it is a query"));
                }
                let escaped = percent_encoding::utf8_percent_encode(query, percent_encoding::NON_ALPHANUMERIC);
                let found = app.read(&format!("t?select=id&order=id&body={name}.{escaped}")).await;
                let found: Value = serde_json::from_str(&found).expect("JSON");
                prop_assert_eq!(&found, &expected, "{:?} of {:?} in {:?}", name, query, texts);
            }
            Ok(())
        })
    });
    checked.unwrap_or_else(|err| panic!("{err}"));
}
