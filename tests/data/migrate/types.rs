//! Enumerations.

use serde_json::json;

use super::{refused, rows, run};
use crate::support::TestApp;

const TASKS: &str = "
    create type public.task_state as enum ('todo', 'doing', 'done');
    create table tasks (
        id int primary key,
        state task_state not null default 'todo',
        seen public.task_state[] not null default '{}',
        check (state <> 'done' or id > 1)
    );
    create index on tasks (state);
    create function in_state(wanted task_state) returns setof tasks language sql stable as $$ select * from tasks where state = wanted $$;
    insert into tasks values (1, default, '{done,todo}'), (2, 'done', array['doing']::task_state[]), (3, 'doing', default);
";

#[tokio::test]
async fn a_column_of_an_enumeration_takes_its_labels_and_goes_by_their_order() {
    let app = TestApp::start().await;
    run(&app, TASKS).await;
    let all = rows(&app, "select id, state, seen from tasks order by state desc").await;
    let expected = json!([
        { "id": 2, "state": "done", "seen": ["doing"] },
        { "id": 3, "state": "doing", "seen": [] },
        { "id": 1, "state": "todo", "seen": ["done", "todo"] }
    ]);
    assert_eq!(all, expected);
    let cases = [
        ("select count(*) as v from tasks where state < 'done'", json!(2)),
        ("select count(*) as v from tasks where state in ('done', 'todo')", json!(2)),
        ("select count(*) as v from tasks where state = any(array['done']::task_state[])", json!(1)),
        ("select count(*) as v from tasks where 'done' = any(seen)", json!(1)),
        ("select max(state) as v from tasks", json!("done")),
        ("select min(state) as v from tasks where id > 1", json!("doing")),
        ("select 'doing'::text::task_state as v", json!("doing")),
        ("select state::text || '!' as v from tasks where id = 2", json!("done!")),
        ("select id as v from in_state('doing')", json!(3)),
        ("select array_agg(state order by state) as v from tasks", json!(["todo", "doing", "done"])),
        ("select 'todo'::task_state > all(array['doing']::task_state[]) as v", json!(false)),
        ("select case when id = 2 then state end as v from tasks where id = 2", json!("done")),
    ];
    for (sql, expected) in cases {
        assert_eq!(rows(&app, sql).await[0]["v"], expected, "{sql}");
    }
    for (sql, code) in [
        ("insert into tasks values (4, 'gone')", "22P02"),
        ("select * from tasks where state = 'gone'", "22P02"),
        ("select x::task_state from (values ('go'), ('ne')) as v(x)", "22P02"),
        ("insert into tasks values (1, 'done')", "23514"),
        ("insert into tasks (id, state) select 5, x from (values ('done'), ('todo')) as v(x)", "42804"),
        ("select * from tasks where state = id::text", "42883"),
        ("select distinct state from tasks order by state", "0A000"),
        ("create type task_state as enum ('a')", "42710"),
        ("create type twice as enum ('a', 'a')", "42710"),
        ("create type pair as (a int, b int)", "0A000"),
        ("drop type task_state", "2BP01"),
        ("drop type nothing", "42704"),
    ] {
        assert_eq!(refused(&app, sql).await["code"], code, "{sql}");
    }
}

#[tokio::test]
async fn the_data_api_takes_and_shows_labels() {
    let app = TestApp::start().await;
    run(&app, TASKS).await;
    let service = app.service();
    let found = service.get("/rest/v1/tasks?select=id,state&state=in.(todo,doing)&order=state.desc").await;
    assert_eq!(found.json(), json!([{ "id": 3, "state": "doing" }, { "id": 1, "state": "todo" }]));
    assert_eq!(service.get("/rest/v1/tasks?state=eq.gone").await.json()["code"], "22P02");
    let made = service
        .post("/rest/v1/tasks")
        .header("prefer", "return=representation")
        .json(&json!([{ "id": 7, "state": "done", "seen": ["todo"] }, { "id": 8, "state": "todo", "seen": [] }]))
        .await;
    assert_eq!(made.status(), 201, "{}", made.text());
    assert_eq!(made.json()[0], json!({ "id": 7, "state": "done", "seen": ["todo"] }));
    assert_eq!(service.post("/rest/v1/tasks").json(&json!({ "id": 9, "state": "gone" })).await.json()["code"], "22P02");
    let called = service.post("/rest/v1/rpc/in_state").json(&json!({ "wanted": "doing" })).await;
    assert_eq!(called.json()[0]["id"], 3);
    let document = service.get("/rest/v1/").await.json();
    assert_eq!(document["definitions"]["tasks"]["properties"]["state"]["enum"], json!(["todo", "doing", "done"]));
}

#[tokio::test]
async fn a_label_is_added_where_it_is_told_to_and_used_from_the_next_text_on() {
    let app = TestApp::start().await;
    run(&app, TASKS).await;
    run(&app, "alter type task_state add value 'blocked' before 'done'; alter type task_state add value if not exists 'todo'")
        .await;
    run(&app, "insert into tasks values (4, 'blocked')").await;
    assert_eq!(
        rows(&app, "select id from tasks order by state, id").await,
        json!([{ "id": 1 }, { "id": 3 }, { "id": 4 }, { "id": 2 }])
    );
    let at_once = "alter type task_state add value 'late'; insert into tasks values (5, 'late')";
    assert_eq!(refused(&app, at_once).await["code"], "55P04");
    run(&app, "create type made as enum ('a'); alter type made add value 'b'").await;
    run(&app, "create table of_made (id int primary key, m made default 'b'); insert into of_made values (1)").await;
    assert_eq!(rows(&app, "select m from of_made").await, json!([{ "m": "b" }]));
    run(&app, "drop table of_made; drop type made; create type made as enum ('c')").await;
}

#[tokio::test]
async fn a_text_column_becomes_one_of_an_enumeration_by_a_using() {
    let app = TestApp::start().await;
    run(&app, "create table t (id int primary key, state text, n text); insert into t values (1, 'A', '12'), (2, null, null)")
        .await;
    run(&app, "create type s as enum ('a', 'b')").await;
    assert_eq!(refused(&app, "alter table t alter column state type s").await["code"], "42804");
    run(&app, "alter table t alter column state type s using lower(state)::s; alter table t alter n type int using n::int + 1")
        .await;
    let all = rows(&app, "select * from t order by id").await;
    assert_eq!(all, json!([{ "id": 1, "state": "a", "n": 13 }, { "id": 2, "state": null, "n": null }]));
    assert_eq!(refused(&app, "insert into t values (3, 'x')").await["code"], "22P02");
}
