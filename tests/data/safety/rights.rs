//! Rights and policies that are changed by SQL hold from the next request on, also for one that was planned and prepared before.

use reqwest::Method;
use serde_json::json;

use super::{refused, rows, run};
use crate::support::TestApp;

#[tokio::test]
async fn a_right_is_given_and_taken_at_once() {
    let app = TestApp::start().await;
    run(
        &app,
        "create table letters (id integer primary key, body text, price integer);
        insert into letters values (1, 'a', 5), (2, 'b', 6);
        create function how_many() returns bigint language sql stable as $$ select count(*) from letters $$;
        create view prices as select id, price from letters;",
    )
    .await;
    let ada = app.sign_up("ada@example.com").await;
    let read = "/rest/v1/letters?select=id,body&order=id&price=gt.5";
    let all = json!([{ "id": 2, "body": "b" }]);
    for _ in 0..2 {
        refused(&ada.get(read).await, 403, "42501");
        run(&app, "grant select on letters to authenticated").await;
        assert_eq!(rows(&ada, read).await, all);
        assert_eq!(rows(&ada, read).await, all, "the same, planned and prepared before");
        refused(&app.anon().get(read).await, 401, "42501");
        run(&app, "revoke select on letters from authenticated; grant select (id, body) on letters to authenticated").await;
        refused(&ada.get(read).await, 403, "42501");
        rows(&ada, "/rest/v1/letters?select=id,body").await;
        run(&app, "revoke select (body) on letters from authenticated").await;
        refused(&ada.get("/rest/v1/letters?select=id,body").await, 403, "42501");
        rows(&ada, "/rest/v1/letters?select=id").await;
        run(&app, "revoke all on letters from authenticated").await;
    }
    let update = async || ada.request(Method::PATCH, "/rest/v1/letters").json(&json!({ "price": 1 })).await;
    refused(&update().await, 403, "42501");
    run(&app, "grant select, update (price) on letters to authenticated").await;
    update().await.assert_status(204);
    refused(&ada.request(Method::PATCH, "/rest/v1/letters").json(&json!({ "body": "x" })).await, 403, "42501");
    run(&app, "revoke update (price) on letters from authenticated").await;
    refused(&update().await, 403, "42501");

    assert_eq!(ada.get("/rest/v1/rpc/how_many").await.assert_status(200).json(), 2);
    run(&app, "revoke execute on function how_many from public").await;
    refused(&ada.get("/rest/v1/rpc/how_many").await, 403, "42501");
    run(&app, "grant execute on function how_many to authenticated").await;
    assert_eq!(ada.get("/rest/v1/rpc/how_many").await.assert_status(200).json(), 2);
    refused(&ada.get("/rest/v1/prices").await, 403, "42501");
    run(&app, "grant select on prices to authenticated").await;
    rows(&ada, "/rest/v1/prices").await;
    run(&app, "revoke select on letters from authenticated").await;
    refused(&ada.get("/rest/v1/prices").await, 403, "42501");
    refused(&ada.get("/rest/v1/rpc/how_many").await, 403, "42501");
}

#[tokio::test]
async fn a_policy_holds_from_the_next_request_on() {
    let app = TestApp::start().await;
    run(
        &app,
        "create table letters (id integer primary key, mine boolean not null);
        insert into letters values (1, true), (2, false);
        grant select, insert on letters to authenticated;",
    )
    .await;
    let ada = app.sign_up("ada@example.com").await;
    let seen = async || rows(&ada, "/rest/v1/letters?select=id&order=id").await;
    assert_eq!(seen().await, json!([{ "id": 1 }, { "id": 2 }]));
    for (statement, expected) in [
        ("alter table letters enable row level security", json!([])),
        ("create policy own on letters for select using (mine)", json!([{ "id": 1 }])),
        ("alter policy own on letters using (not mine)", json!([{ "id": 2 }])),
        ("create policy never on letters as restrictive for select using (id > 5)", json!([])),
        ("drop policy never on letters", json!([{ "id": 2 }])),
        ("alter policy own on letters to anon", json!([])),
        ("alter table letters disable row level security", json!([{ "id": 1 }, { "id": 2 }])),
    ] {
        run(&app, statement).await;
        assert_eq!(seen().await, expected, "{statement}");
    }
}
