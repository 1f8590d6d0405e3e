//! What migrations of Supabase's apps hold besides tables: settings, triggers for `updated_at`, `truncate`, `cascade`.

use serde_json::json;

use super::{refused, rows, run};
use crate::support::TestApp;

const DUMP: &str = "
    set statement_timeout = 0;
    set lock_timeout = 0;
    set client_encoding = 'UTF8';
    set standard_conforming_strings = on;
    select pg_catalog.set_config('search_path', '', false);
    set check_function_bodies = false;
    set row_security = off;
    create schema if not exists extensions;
    create extension if not exists moddatetime schema extensions;
    create extension if not exists \"uuid-ossp\" with schema extensions;
    begin;
    create table notes (
        id bigint generated always as identity primary key,
        body text,
        inserted_at timestamp with time zone default timezone('utc'::text, now()) not null,
        local timestamp default (now() at time zone 'utc'),
        updated_at timestamptz
    );
    create trigger handle_updated_at before update on notes for each row execute procedure extensions.moddatetime (updated_at);
    grant usage on schema public to anon, authenticated;
    grant all on all tables in schema public to service_role;
    commit;
";

#[tokio::test]
async fn what_a_dump_begins_with_is_taken_and_its_trigger_sets_the_moment() {
    let app = TestApp::start().await;
    run(&app, DUMP).await;
    run(&app, "insert into notes (body) values ('a'), ('b')").await;
    let fresh = rows(&app, "select updated_at, inserted_at at time zone 'utc' = local as same from notes where id = 1").await;
    assert_eq!(fresh, json!([{ "updated_at": null, "same": true }]));
    run(&app, "update notes set body = 'c', updated_at = '2001-01-01' where id = 1").await;
    let service = app.service();
    let path = "/rest/v1/notes?id=eq.2";
    service.request(reqwest::Method::PATCH, path).json(&json!({ "body": "d" })).await.assert_status(204);
    let touched = "select id from notes where updated_at > now() - interval '1 hour' order by id";
    assert_eq!(rows(&app, touched).await, json!([{ "id": 1 }, { "id": 2 }]));
    run(&app, "drop trigger handle_updated_at on notes; update notes set updated_at = '2001-01-01'").await;
    assert_eq!(rows(&app, touched).await, json!([]));
    for (sql, code) in [
        ("set work_mem = '1GB'", "0A000"),
        ("rollback", "25001"),
        ("do $$ begin null; end $$", "0A000"),
        ("alter default privileges in schema public grant all on tables to anon", "0A000"),
        ("create schema other", "0A000"),
        ("create trigger t before update on notes for each row execute function moddatetime(body)", "42804"),
        ("create trigger t after update on notes for each row execute function moddatetime(updated_at)", "0A000"),
        ("drop trigger handle_updated_at on notes", "42704"),
        ("select now() at time zone 'Europe/Berlin'", "0A000"),
    ] {
        assert_eq!(refused(&app, sql).await["code"], code, "{sql}");
    }
}

/// As tutorials and generators write it.
const BY_HAND: &str = "
    create table notes (id int primary key, body text, changed_at timestamptz, updated_at timestamp);
    create or replace function public.set_moments() returns trigger as $$
    begin
        -- whoever writes
        NEW.updated_at = timezone('utc'::text, now());
        new.\"changed_at\" := (now());
        return new;
    end;
    $$ language plpgsql security definer;
    create trigger set_moments before update on public.notes for each row execute procedure set_moments();
    insert into notes values (1, 'a', null, null);
";

#[tokio::test]
async fn a_trigger_written_by_hand_sets_the_moment_too() {
    let app = TestApp::start().await;
    run(&app, BY_HAND).await;
    run(&app, "update notes set body = 'b', updated_at = '2001-01-01'").await;
    let fresh =
        "select id from notes where updated_at = changed_at at time zone 'utc' and changed_at > now() - interval '1 hour'";
    assert_eq!(rows(&app, fresh).await, json!([{ "id": 1 }]));
    let called = app.service().request(reqwest::Method::POST, "/rest/v1/rpc/set_moments").json(&json!({})).await;
    assert_eq!(called.assert_status(404).json()["code"], "PGRST202");
    for (sql, code) in [
        ("select set_moments()", "0A000"),
        ("create trigger set_moments before update on notes for each row execute function set_moments()", "42710"),
        ("create trigger t before insert on notes for each row execute function set_moments()", "0A000"),
        ("create trigger t before update on notes for each row execute function nobody()", "42883"),
        (
            "create table bare (id int primary key); create trigger t before update on bare for each row execute function set_moments()",
            "42703",
        ),
        ("create function f() returns trigger language plpgsql as $$ begin new.body = 'x'; return new; end $$", "0A000"),
        ("create function f() returns trigger language plpgsql as $$ begin return new; end $$", "0A000"),
        ("create function f() returns trigger language plpgsql as $$ begin new.a = now(); return old; end $$", "0A000"),
        ("create function f() returns int language plpgsql as $$ begin return 1; end $$", "0A000"),
        ("drop function set_moments", "2BP01"),
    ] {
        assert_eq!(refused(&app, sql).await["code"], code, "{sql}");
    }
    // One that is replaced changes what its triggers do, and one that is dropped takes them along.
    run(&app, "create or replace function set_moments() returns trigger language plpgsql as 'begin new.changed_at = now(); return new; end'").await;
    run(&app, "update notes set updated_at = '2001-01-01', changed_at = null").await;
    assert_eq!(
        rows(&app, "select updated_at::text as at, changed_at is null as none from notes").await,
        json!([{ "at": "2001-01-01 00:00:00", "none": false }])
    );
    run(&app, "drop function set_moments cascade; update notes set changed_at = null").await;
    assert_eq!(rows(&app, "select changed_at from notes").await, json!([{ "changed_at": null }]));
}

#[tokio::test]
async fn truncate_empties_tables_that_no_other_refers_to_or_all_of_them() {
    let app = TestApp::start().await;
    run(
        &app,
        "create table a (id bigint generated by default as identity primary key);
         create table b (id int primary key, a_id bigint references a);
         insert into a default values; insert into b values (1, 1)",
    )
    .await;
    assert_eq!(refused(&app, "truncate a").await["code"], "0A000");
    run(&app, "truncate table a restart identity cascade; insert into a default values").await;
    assert_eq!(rows(&app, "select id, (select count(*) from b) as n from a").await, json!([{ "id": 1, "n": 0 }]));
    run(&app, "insert into b values (1, 1); truncate a, b; insert into a default values").await;
    assert_eq!(rows(&app, "select id from a").await, json!([{ "id": 2 }]));
}

#[tokio::test]
async fn cascade_takes_what_depends_along_and_without_it_all_is_named() {
    let app = TestApp::start().await;
    run(
        &app,
        "create table a (id int primary key, x text);
         create table b (id int primary key);
         create view v as select x from a;
         create view w as select x from v;
         create function f() returns setof text language sql stable as $$ select x from w $$;
         alter table b enable row level security;
         create policy p on b using (exists (select 1 from a where a.id = b.id));",
    )
    .await;
    let problem = refused(&app, "drop table a").await;
    assert_eq!(problem["code"], "2BP01");
    for depends in ["view v", "view w", "function f", "policy p on table b"] {
        assert!(problem.to_string().contains(depends), "{depends}: {problem}");
    }
    assert_eq!(refused(&app, "drop view v").await["code"], "2BP01");
    run(&app, "alter table a drop column x cascade").await;
    assert_eq!(refused(&app, "select * from v").await["code"], "42P01");
    run(&app, "drop table a cascade; create policy p on b using (true); select * from b").await;
}
