//! Tables, views, functions, policies and grants.

use serde_json::json;

use super::{refused, rows, run};
use crate::support::TestApp;

const TASKS: &str = "
    create table lists (
        id uuid primary key default gen_random_uuid(),
        title text not null check (char_length(title) between 1 and 40)
    );
    create table todos (
        id bigint generated always as identity primary key,
        list_id uuid not null references lists on delete cascade,
        title text not null,
        done boolean not null default false,
        price numeric(10, 2),
        tags text[] not null default '{}',
        meta jsonb,
        due date,
        title_lower text generated always as (lower(title)) stored,
        created_at timestamptz not null default now(),
        unique (list_id, title)
    );
    create index on todos (list_id, created_at desc) where not done;
    alter table todos enable row level security;
    grant select, insert (title, list_id), update (done) on todos to authenticated;
    create policy own on todos for select to authenticated using (list_id in (select id from lists where title = auth.email()));
    create view open_todos as select t.id, t.title, l.title as list from todos t join lists l on l.id = t.list_id where not t.done;
    create function titles(of uuid) returns setof text language sql stable as $$ select title from todos where list_id = of order by title $$;
    comment on table todos is 'what is to be done';
";

#[tokio::test]
async fn a_schema_is_made_and_used_in_one_text() {
    let app = TestApp::start().await;
    let results = run(&app, TASKS).await;
    assert_eq!(results[0], json!({ "command": "CREATE TABLE" }));
    assert_eq!(results.as_array().map(Vec::len), Some(9));

    let list = "11111111-1111-4111-8111-111111111111";
    let inserted = run(
        &app,
        &format!(
            "insert into lists (id, title) values ('{list}', 'home');
             insert into todos (list_id, title, price, tags, meta, due) values
                ('{list}', 'Milk', 1.5, '{{a,\"b c\"}}', '{{\"b\": 1, \"a\": 2}}', '2026-02-28'),
                ('{list}', 'Bread', 12, default, null, date '2026-01-31' + 1)
             returning id, title_lower, done, price, tags, meta, due;"
        ),
    )
    .await;
    assert_eq!(inserted[0], json!({ "command": "INSERT", "row_count": 1 }));
    assert_eq!(inserted[1]["row_count"], 2);
    let first = &inserted[1]["rows"][0];
    assert_eq!(first["title_lower"], "milk");
    assert_eq!(first["tags"], json!(["a", "b c"]));
    assert_eq!(first["meta"], json!({ "a": 2, "b": 1 }));
    assert_eq!(inserted[1]["rows"][1]["due"], "2026-02-01");

    let read = rows(&app, "select title, list from open_todos order by title").await;
    assert_eq!(read, json!([{ "title": "Bread", "list": "home" }, { "title": "Milk", "list": "home" }]));
    let called = rows(&app, &format!("select * from titles('{list}') as t(title) order by 1 desc")).await;
    assert_eq!(called, json!([{ "title": "Milk" }, { "title": "Bread" }]));
    let summed = rows(&app, "select count(*) as n, sum(price) as total, max(due) as last from todos having count(*) > 1").await;
    assert_eq!(summed, json!([{ "n": 2, "total": 13.50, "last": "2026-02-28" }]));
}

#[tokio::test]
async fn constraints_hold_under_postgresqls_codes() {
    let app = TestApp::start().await;
    run(&app, TASKS).await;
    assert_eq!(refused(&app, "insert into lists (title) values ('')").await["code"], "23514");
    assert_eq!(refused(&app, "insert into lists (title) values (null)").await["code"], "23502");
    let stray = "insert into todos (list_id, title) values (gen_random_uuid(), 'x')";
    assert_eq!(refused(&app, stray).await["code"], "23503");
    run(&app, "insert into lists (id, title) values ('11111111-1111-4111-8111-111111111111', 'a')").await;
    let twice = "insert into lists (id, title) values ('11111111-1111-4111-8111-111111111111', 'b')";
    assert_eq!(refused(&app, twice).await["code"], "23505");
    run(&app, "insert into lists (id, title) values ('11111111-1111-4111-8111-111111111111', 'b') on conflict (id) do update set title = excluded.title").await;
    assert_eq!(rows(&app, "select title from lists").await, json!([{ "title": "b" }]));
}

#[tokio::test]
async fn the_schema_is_there_after_a_kill_and_what_failed_is_not() {
    let mut app = TestApp::start().await;
    run(&app, "create table a (id int primary key); insert into a values (1)").await;
    let problem = refused(&app, "create table b (id int primary key);\ninsert into b values (1);\n  select nothing from b").await;
    assert_eq!((&problem["code"], &problem["line"], &problem["column"]), (&json!("42703"), &json!(3), &json!(10)));
    app.kill9();
    app.restart().await;
    assert_eq!(rows(&app, "select * from a").await, json!([{ "id": 1 }]));
    assert_eq!(refused(&app, "select * from b").await["code"], "42P01");
    run(&app, "create table b (id int primary key)").await;
}

#[tokio::test]
async fn only_the_service_key_may_run_sql() {
    let app = TestApp::start().await;
    app.anon().post("/admin/v1/sql").json(&json!({ "sql": "select 1" })).await.assert_status(403);
    app.nobody().post("/admin/v1/sql").json(&json!({ "sql": "select 1" })).await.assert_status(401);
}

#[tokio::test]
async fn a_view_keeps_the_columns_it_was_made_with() {
    let app = TestApp::start().await;
    run(&app, "create table a (id int primary key, x text); create view v as select * from a order by x").await;
    run(&app, "alter table a add column y text; insert into a (id, x, y) values (1, 'x', 'y')").await;
    assert_eq!(rows(&app, "select * from v").await, json!([{ "id": 1, "x": "x" }]));
}
