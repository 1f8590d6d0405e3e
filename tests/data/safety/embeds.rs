//! What a caller sees of rows is what the select policies let through, by whichever way it is asked for.

use reqwest::Method;
use serde_json::{Value, json};

use super::{refused, rows, run};
use crate::support::{TestApp, User};

const SCHEMA: &str = "
create table rooms (id integer primary key, open boolean not null);
create table notes (
    id integer primary key,
    room integer not null references rooms (id),
    owner uuid default auth.uid(),
    n integer not null
);
create view all_notes as select id, room, n from notes;
create function sum_of_notes() returns bigint language sql stable as $$ select sum(n) from notes $$;
create function notes_of(wanted integer) returns setof notes language sql stable as $$ select * from notes where room = wanted $$;
create function raise_notes() returns setof notes language sql as $$ update notes set n = n + 1 returning * $$;
insert into rooms values (1, true), (2, false);
alter table rooms enable row level security;
alter table notes enable row level security;
grant select on rooms, all_notes to authenticated;
grant select, insert, update, delete on notes to authenticated;
create policy open on rooms for select using (open);
create policy own on notes for select using (owner = auth.uid());
create policy anybody_adds on notes for insert with check (true);
create policy anybody_changes on notes for update using (true) with check (true);
create policy anybody_deletes on notes for delete using (true);
";

async fn house() -> (TestApp, User, User) {
    let app = TestApp::start().await;
    run(&app, SCHEMA).await;
    let (ada, bob) = (app.sign_up("ada@example.com").await, app.sign_up("bob@example.com").await);
    let notes = |first: i32, owner: &str| json!([{ "id": first, "room": 1, "owner": owner, "n": 1 }, { "id": first + 1, "room": 2, "owner": owner, "n": 10 }]);
    for (first, owner) in [(1, &ada.id), (11, &bob.id)] {
        app.service().post("/rest/v1/notes").json(&notes(first, owner)).await.assert_status(201);
    }
    (app, ada, bob)
}

async fn counted(user: &User, method: Method, path: &str, body: Option<Value>) -> (u16, Option<String>, Value) {
    let mut sent = user.request(method, path).header("prefer", "count=exact,return=representation");
    if let Some(body) = body {
        sent = sent.json(&body);
    }
    let answer = sent.await;
    (answer.status(), answer.header("content-range").map(str::to_owned), answer.json())
}

#[tokio::test]
async fn reads_counts_and_aggregates_show_what_the_policies_let_through() {
    let (_app, ada, _bob) = house().await;
    for (path, expected) in [
        ("notes?select=id&order=id", json!([{ "id": 1 }, { "id": 2 }])),
        ("notes?select=count", json!([{ "count": 2 }])),
        ("notes?select=n.sum()", json!([{ "sum": 11 }])),
        ("all_notes?select=id&order=id", json!([{ "id": 1 }, { "id": 2 }])),
        ("all_notes?select=n.max()", json!([{ "max": 10 }])),
        ("rooms?select=id,notes(id)", json!([{ "id": 1, "notes": [{ "id": 1 }] }])),
        ("rooms?select=id,notes(count)", json!([{ "id": 1, "notes": [{ "count": 1 }] }])),
        ("notes?select=id,rooms(id)&order=id", json!([{ "id": 1, "rooms": { "id": 1 } }, { "id": 2, "rooms": null }])),
        ("notes?select=id,rooms!inner()", json!([{ "id": 1 }])),
        ("notes?select=id,rooms()&rooms=is.null", json!([{ "id": 2 }])),
        ("rpc/sum_of_notes", json!(11)),
        ("rpc/notes_of?wanted=2&select=id", json!([{ "id": 2 }])),
        ("rpc/notes_of?wanted=1&select=id,rooms(id)", json!([{ "id": 1, "rooms": { "id": 1 } }])),
        ("rpc/notes_of?wanted=2&select=id,rooms(id)", json!([{ "id": 2, "rooms": null }])),
    ] {
        assert_eq!(rows(&ada, &format!("/rest/v1/{path}")).await, expected, "{path}");
    }
    let (status, range, _) = counted(&ada, Method::GET, "/rest/v1/notes?limit=1", None).await;
    assert_eq!((status, range.as_deref()), (206, Some("0-0/2")));
    let (_, range, _) = counted(&ada, Method::GET, "/rest/v1/rpc/notes_of?wanted=1", None).await;
    assert_eq!(range.as_deref(), Some("0-0/1"));
}

#[tokio::test]
async fn what_a_write_shows_and_counts_is_what_may_be_seen() {
    let (app, ada, bob) = house().await;
    let bobs = || rows(&bob, "/rest/v1/notes?select=id,n&order=id");
    let before = bobs().await;
    let (_, range, text) =
        counted(&ada, Method::PATCH, "/rest/v1/notes?n=gt.0&select=id&order=id", Some(json!({ "n": 5 }))).await;
    assert_eq!((range.as_deref(), text), (Some("0-1/2"), json!([{ "id": 1 }, { "id": 2 }])));
    assert_eq!(bobs().await, before, "what cannot be seen cannot be looked for");
    let raised = ada.post("/rest/v1/rpc/raise_notes?select=id&order=id").json(&json!({})).await.assert_status(200).json();
    assert_eq!(raised, json!([{ "id": 1 }, { "id": 2 }]));
    assert_eq!(bobs().await, before);
    // A row that the caller would not see cannot be shown, nor be proposed where a key is named.
    let for_bob = json!({ "id": 50, "room": 1, "owner": bob.id, "n": 1 });
    let shown = ada.post("/rest/v1/notes").header("prefer", "return=representation").json(&for_bob).await;
    refused(&shown, 403, "42501");
    for resolution in ["resolution=ignore-duplicates", "resolution=merge-duplicates"] {
        refused(&ada.post("/rest/v1/notes").header("prefer", resolution).json(&for_bob).await, 403, "42501");
    }
    ada.post("/rest/v1/notes").json(&for_bob).await.assert_status(201);
    let (_, range, text) = counted(&ada, Method::DELETE, "/rest/v1/notes?id=gt.0&select=id&order=id", None).await;
    assert_eq!((range.as_deref(), text), (Some("*/2"), json!([{ "id": 1 }, { "id": 2 }])));
    assert_eq!(
        rows(&app.service(), "/rest/v1/notes?select=id&order=id").await,
        json!([{ "id": 11 }, { "id": 12 }, { "id": 50 }])
    );
}

#[tokio::test]
async fn a_row_that_is_left_as_it_is_must_be_allowed_all_the_same() {
    let app = TestApp::start().await;
    run(
        &app,
        "create table items (id integer primary key, owner uuid default auth.uid(), n integer default 7);
        alter table items enable row level security;
        grant select, insert, update on items to authenticated;
        create policy all_see on items for select using (true);
        create policy own on items for insert with check (owner = auth.uid() and n = 7);
        create policy change on items for update using (true) with check (n > 0);
        insert into items values (1, null, 1);",
    )
    .await;
    let ada = app.sign_up("ada@example.com").await;
    let bob = app.sign_up("bob@example.com").await;
    for (resolution, body, status) in [
        ("ignore", json!([{ "id": 1 }]), 201),
        ("ignore", json!([{ "id": 1, "owner": bob.id }]), 403),
        ("ignore", json!([{ "id": 1, "n": 8 }]), 403),
        ("ignore", json!([{ "id": 2 }, { "id": 1, "n": 8 }]), 400),
        ("ignore", json!([{ "id": 2, "n": 7 }, { "id": 1, "n": 8 }]), 403),
        ("ignore", json!([{ "id": 2, "n": 7 }, { "id": 2, "n": 8 }]), 403),
        ("merge", json!([{ "id": 1, "owner": bob.id }]), 403),
        ("merge", json!([{ "id": 1, "n": 8 }]), 403),
        ("merge", json!([{ "id": 1 }]), 200),
        ("merge", json!([{ "id": 1, "n": 7 }]), 200),
    ] {
        let sent = ada.post("/rest/v1/items").header("prefer", &format!("resolution={resolution}-duplicates"));
        let answer = sent.json(&body).await;
        assert_eq!(answer.status(), status, "{resolution} {body}: {}", answer.text());
    }
    assert_eq!(rows(&ada, "/rest/v1/items").await, json!([{ "id": 1, "owner": null, "n": 7 }]));
}
