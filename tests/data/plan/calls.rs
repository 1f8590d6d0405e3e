//! Functions called by name.

use serde_json::json;

use super::fixture::{ADA, Shop, user};
use super::on_both;
use crate::support::TestApp;

const CALLS: &[(&str, &str)] = &[
    (r#"POST rpc/plus | | {"a":1,"b":2}"#, "3"),
    (r#"POST rpc/plus | | {"a":1}"#, "11"),
    ("GET rpc/plus?a=4&b=5", "9"),
    (r#"POST rpc/plus | | {"c":1}"#, "PGRST202 404 Could not find the function public.plus(c) in the schema cache"),
    (r#"POST rpc/plus | | {"a":"x"}"#, "22P02 400"),
    ("GET rpc/names", r#"["Ann","Ben","Cy"]"#),
    (
        "GET rpc/of_client?client=1&select=id,clients!client_id(name)&order=id.desc",
        r#"[{"id":2,"clients":{"name":"Acme"}},{"id":1,"clients":{"name":"Acme"}}]"#,
    ),
    ("GET rpc/of_client?client=1&name=eq.Beta&select=id | count=exact", r#"[{"id":2}] of 1"#),
    (r#"POST rpc/stock?select=sku,qty | | {"named":"x","n":42}"#, r#"[{"sku":"x","qty":42}]"#),
    ("GET items?select=qty&sku=eq.x", r#"[{"qty":42}]"#),
    ("GET rpc/stock?named=x&n=1", "25006 405 cannot execute UPDATE in a read-only transaction"),
    (r#"POST rpc/plus | handling=strict,max-affected=1 | {"a":1}"#, "PGRST128 400"),
    (r#"POST rpc/stock | handling=strict,max-affected=0 | {"named":"x","n":1}"#, "PGRST124 400"),
    ("GET items?select=qty&sku=eq.x", r#"[{"qty":42}]"#),
];

/// What a catalogue may hold of functions, made by SQL through the whole server.
const FUNCTIONS: &str = "
create table goods (id integer primary key, sku text not null unique, n integer not null default 1, constraint some check (n > 0));
create table mine (id integer primary key, owner uuid default auth.uid());
alter table mine enable row level security;
grant select, insert, update on mine to authenticated;
create policy see on mine for select using (true);
create policy own on mine for insert with check (owner = auth.uid());
create policy change on mine for update using (owner = auth.uid()) with check (id > 0);
create function pick(a integer) returns text language sql immutable as $$ select 'integer' $$;
create function pick(a text) returns text language sql immutable as $$ select 'text' $$;
create function pick(a integer, b integer) returns text language sql immutable as $$ select 'two' $$;
create function total(variadic numbers integer[]) returns bigint language sql immutable as $$ select sum(n.n) from unnest(numbers) as n(n) $$;
create function twice(a integer, b integer default 2) returns integer language sql immutable strict as $$ select a * b $$;
create function twice_each(a integer) returns setof integer language sql immutable strict as $$ select a union all select a $$;
create function add_good(id integer, sku text, n integer) returns setof goods language sql as $$ insert into goods values (id, sku, n) returning * $$;
create function add_good_strictly(id integer, sku text) returns setof goods language sql strict as $$ insert into goods values (id, sku) returning * $$;
create function add_mine(id integer, owner uuid) returns setof mine language sql as $$
    insert into mine values (id, owner) on conflict (id) do update set owner = excluded.owner returning *
$$;
create function maybe() returns table (a integer, b text) language sql immutable as $$ values (1, null), (null, 'x') $$;
grant select, insert on goods to authenticated;
";

#[tokio::test]
async fn functions_of_every_kind_are_called() {
    let app = TestApp::start().await;
    app.service().post("/admin/v1/sql").json(&json!({ "sql": FUNCTIONS })).await.assert_status(200);
    let ada = app.sign_up("ada@example.com").await;
    let bob = app.sign_up("bob@example.com").await;
    let stranger = bob.id.clone();
    let cases = [
        ("pick", json!({ "a": 1, "b": 2 }), 200, json!("two")),
        ("pick", json!({ "a": 1 }), 300, json!("PGRST203")),
        ("pick", json!({ "a": "x" }), 300, json!("PGRST203")),
        ("pick", json!({ "b": 1 }), 404, json!("PGRST202")),
        ("total", json!({ "numbers": [1, 2, 3] }), 200, json!(6)),
        ("total", json!({ "numbers": [] }), 200, json!(null)),
        ("total", json!({ "numbers": "x" }), 400, json!("22P02")),
        ("twice", json!({ "a": 4 }), 200, json!(8)),
        ("twice", json!({ "a": null }), 200, json!(null)),
        ("twice", json!({ "a": 4, "b": null }), 200, json!(null)),
        ("twice_each", json!({ "a": 3 }), 200, json!([3, 3])),
        ("twice_each", json!({ "a": null }), 200, json!([])),
        ("add_good_strictly", json!({ "id": null, "sku": "x" }), 200, json!([])),
        ("add_good", json!({ "id": 1, "sku": "x", "n": 5 }), 200, json!([{ "id": 1, "sku": "x", "n": 5 }])),
        ("add_good", json!({ "id": 2, "sku": "x", "n": 5 }), 409, json!("23505")),
        ("add_good", json!({ "id": 1, "sku": "y", "n": 5 }), 409, json!("23505")),
        ("add_good", json!({ "id": 3, "sku": "z", "n": 0 }), 400, json!("23514")),
        ("add_good", json!({ "id": 3, "sku": null, "n": 1 }), 400, json!("23502")),
        ("add_mine", json!({ "id": 1, "owner": ada.id }), 200, json!([{ "id": 1, "owner": ada.id }])),
        ("add_mine", json!({ "id": 2, "owner": stranger }), 403, json!("42501")),
        ("add_mine", json!({ "id": 1, "owner": ada.id }), 200, json!([{ "id": 1, "owner": ada.id }])),
        ("add_mine", json!({ "id": 1, "owner": stranger }), 403, json!("42501")),
        // A row that may be new or changed is held to the policies of both.
        ("add_mine", json!({ "id": 0, "owner": ada.id }), 403, json!("42501")),
        ("maybe", json!({}), 200, json!([{ "a": 1, "b": null }, { "a": null, "b": "x" }])),
    ];
    for (name, arguments, status, expected) in cases {
        let answer = ada.post(&format!("/rest/v1/rpc/{name}")).json(&arguments).await;
        assert_eq!(answer.status(), status, "{name} {arguments}: {}", answer.text());
        let body = answer.json();
        assert_eq!(if status == 200 { body.clone() } else { body["code"].clone() }, expected, "{name} {arguments}: {body}");
    }
    // The rows of others are not changed by a conflict either.
    let taken = bob.post("/rest/v1/rpc/add_mine").json(&json!({ "id": 1, "owner": bob.id })).await;
    assert!(taken.status() == 403 || taken.json() == json!([]), "{}", taken.text());
    assert_eq!(ada.get("/rest/v1/mine?id=eq.1").await.json(), json!([{ "id": 1, "owner": ada.id }]));
    for (path, expected) in [
        ("total?numbers=1&numbers=2", json!(3)),
        ("total?numbers={4,5}", json!(9)),
        ("twice?a=5", json!(10)),
        ("twice_each?a=1", json!([1, 1])),
    ] {
        assert_eq!(ada.get(&format!("/rest/v1/rpc/{path}")).await.assert_status(200).json(), expected, "{path}");
    }
    let stripped = ada.get("/rest/v1/rpc/maybe").header("accept", "application/vnd.pgrst.array+json;nulls=stripped").await;
    assert_eq!(stripped.assert_status(200).json(), json!([{ "a": 1 }, { "b": "x" }]));
    let one = ada.get("/rest/v1/rpc/maybe?a=eq.1").header("accept", "application/vnd.pgrst.object+json;nulls=stripped").await;
    assert_eq!(one.assert_status(200).json(), json!({ "a": 1 }));
    let page = ada.get("/rest/v1/rpc/maybe?limit=1&order=a").header("prefer", "count=exact").await;
    assert_eq!(page.assert_status(206).header("content-range"), Some("0-0/2"));
}

#[tokio::test]
async fn a_key_that_a_function_finds_taken_is_named() {
    let app = TestApp::start().await;
    app.service().post("/admin/v1/sql").json(&json!({ "sql": FUNCTIONS })).await.assert_status(200);
    let ada = app.sign_up("ada@example.com").await;
    let add = async |body: serde_json::Value| ada.post("/rest/v1/rpc/add_good").json(&body).await;
    add(json!({ "id": 1, "sku": "x", "n": 1 })).await.assert_status(200);
    for (body, constraint, key) in [
        (json!({ "id": 2, "sku": "x", "n": 1 }), "goods_sku_key", "Key (sku)=(x) already exists."),
        (json!({ "id": 1, "sku": "y", "n": 1 }), "goods_pkey", "Key (id)=(1) already exists."),
    ] {
        let error = add(body).await.assert_status(409).json();
        assert_eq!(error["message"], format!("duplicate key value violates unique constraint \"{constraint}\""));
        assert_eq!(error["details"], key);
    }
    let broken = add(json!({ "id": 3, "sku": "z", "n": 0 })).await.assert_status(400).json();
    assert_eq!(broken["message"], "new row for relation \"goods\" violates check constraint \"some\"");
    assert_eq!(broken["details"], serde_json::Value::Null, "a whole row is for the owner");
}

on_both! {
    async fn functions_answer_by_what_they_return(shop: Shop) {
        shop.holds(&user(ADA), CALLS).await;
    }

    async fn a_function_that_returns_nothing_is_void(shop: Shop) {
        let answer = shop.ask(&user(ADA), "POST rpc/touch", "", "{}").await.expect("called");
        assert!(answer.is_void && answer.body.is_empty());
        shop.holds(&user(ADA), &[("GET items?select=note&sku=eq.y", r#"[{"note":"touched"}]"#)]).await;
    }
}
