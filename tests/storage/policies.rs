//! Row policies on files: the same for every way to them.

use reqwest::Method;
use serde_json::{Value, json};

use super::{get, names, put, refused, sql, upload, with_buckets};
use crate::support::User;

async fn own(user: &User, name: &str) -> String {
    let path = format!("files/{}/{name}", user.id);
    put(user, &path, name).await.assert_status(200);
    path
}

#[tokio::test]
async fn users_reach_what_their_policies_let_them() {
    let app = with_buckets("").await;
    let (ada, eve) = (app.sign_up("ada@example.com").await, app.sign_up("eve@example.com").await);
    let path = own(&ada, "diary").await;
    put(&app.service(), "files/shared/all", "shared").await.assert_status(200);
    assert_eq!(get(&ada, &path).await.assert_status(200).text(), "diary");
    assert_eq!(get(&eve, "files/shared/all").await.assert_status(200).text(), "shared");

    let name = &path["files/".len()..];
    for stranger in [&*eve, &app.anon()] {
        refused(&get(stranger, &path).await, "404", "NoSuchKey");
        refused(&stranger.get(&format!("/storage/v1/object/info/{path}")).await, "404", "NoSuchKey");
        refused(&get(stranger, &format!("public/{path}")).await, "404", "NoSuchBucket");
        refused(&put(stranger, &path, "x").await, "403", "AccessDenied");
        refused(&upload(stranger, &path, "x").header("x-upsert", "true").await, "403", "AccessDenied");
        refused(&stranger.put(&format!("/storage/v1/object/{path}")).body("x").await, "404", "NoSuchKey");
        refused(&stranger.delete(&format!("/storage/v1/object/{path}")).await, "404", "NoSuchKey");
        let many = stranger
            .request(Method::DELETE, "/storage/v1/object/files")
            .json(&json!({ "prefixes": [name, format!("{}/", ada.id)] }));
        assert_eq!(many.await.assert_status(200).json(), json!([]));
        let sign = stranger.post(&format!("/storage/v1/object/sign/{path}")).json(&json!({ "expiresIn": 60 })).await;
        refused(&sign, "404", "NoSuchKey");
        let signs =
            stranger.post("/storage/v1/object/sign/files").json(&json!({ "expiresIn": 60, "paths": [name] })).await.json();
        assert!(signs[0]["signedURL"].is_null() && signs[0]["error"].is_string(), "{signs}");
        refused(&stranger.post(&format!("/storage/v1/object/upload/sign/{path}")).await, "403", "AccessDenied");
        for what in ["move", "copy"] {
            let body = json!({ "bucketId": "files", "sourceKey": name, "destinationKey": "shared/stolen" });
            refused(&stranger.post(&format!("/storage/v1/object/{what}")).json(&body).await, "404", "NoSuchKey");
        }
        let lines = stranger.post("/storage/v1/object/list/files").json(&json!({ "prefix": ada.id })).await.json();
        assert_eq!(lines, json!([]));
        let page = stranger.post("/storage/v1/object/list-v2/files").json(&json!({ "prefix": ada.id })).await.json();
        assert_eq!(page["objects"], json!([]));
    }
    assert_eq!(get(&ada, &path).await.assert_status(200).text(), "diary", "nothing of it happened");

    // Select alone does not let one change, move or delete.
    refused(&eve.put("/storage/v1/object/files/shared/all").body("x").await, "403", "AccessDenied");
    refused(&eve.delete("/storage/v1/object/files/shared/all").await, "403", "AccessDenied");
    let to_own = json!({ "bucketId": "files", "sourceKey": "shared/all", "destinationKey": format!("{}/all", eve.id) });
    refused(&eve.post("/storage/v1/object/move").json(&to_own).await, "403", "AccessDenied");
    eve.post("/storage/v1/object/copy").json(&to_own).await.assert_status(200);
    let to_shared = json!({ "bucketId": "files", "sourceKey": format!("{}/all", eve.id), "destinationKey": "shared/mine" });
    refused(&eve.post("/storage/v1/object/move").json(&to_shared).await, "403", "AccessDenied");
    refused(&eve.post("/storage/v1/object/copy").json(&to_shared).await, "403", "AccessDenied");
    let folders = eve.post("/storage/v1/object/list/files").json(&json!({})).await.json();
    let mut seen = names(&folders);
    seen.sort_unstable();
    let mut expected = vec![eve.id.as_str(), "shared"];
    expected.sort_unstable();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn an_upload_needs_insert_and_an_upsert_select_and_update_too() {
    let app = with_buckets("").await;
    let ada = app.sign_up("ada@example.com").await;
    let policy = async |text: &str| {
        sql(&app, text).await.assert_status(200);
    };
    policy("create policy drop_in on storage.objects for insert to anon with check (bucket_id = 'pictures' and owner is null)")
        .await;
    let anon = app.anon();
    put(&anon, "pictures/a", "one").await.assert_status(200);
    refused(&upload(&anon, "pictures/a", "two").header("x-upsert", "true").await, "403", "AccessDenied");
    refused(&put(&ada, "pictures/b", "two").await, "403", "AccessDenied");
    policy("create policy change on storage.objects for update to anon using (bucket_id = 'pictures')").await;
    refused(&upload(&anon, "pictures/a", "two").header("x-upsert", "true").await, "403", "AccessDenied");
    policy("create policy see on storage.objects for select to anon using (bucket_id = 'pictures')").await;
    upload(&anon, "pictures/a", "two").header("x-upsert", "true").await.assert_status(200);
    assert_eq!(get(&anon, "pictures/a").await.text(), "two");
}

#[tokio::test]
async fn policies_see_what_an_object_is() {
    let app = with_buckets("").await;
    let anon = app.anon();
    let policy = "create policy small_pictures on storage.objects for insert to anon with check (
        storage.extension(name) = 'png' and storage.filename(name) like 'p%' and path_tokens[1] = 'in'
        and metadata ->> 'mimetype' = 'image/png' and (metadata ->> 'size')::int < 10
        and bucket_id in (select id from storage.buckets))";
    sql(&app, policy).await.assert_status(200);
    let put = async |name: &str, body: &'static str| {
        anon.post(&format!("/storage/v1/object/pictures/{name}")).header("content-type", "image/png").body(body).await
    };
    refused(&put("in/p.png", "small").await, "403", "AccessDenied");
    sql(&app, "create policy see on storage.buckets for select to anon using (true)").await.assert_status(200);
    put("in/p.png", "small").await.assert_status(200);
    for (name, body) in [("in/q.png", "small"), ("in/p.gif", "small"), ("out/p.png", "small"), ("in/p2.png", "not small at all")]
    {
        refused(&put(name, body).await, "403", "AccessDenied");
    }
}

#[tokio::test]
async fn apps_write_policies_for_the_tables_of_files_and_nothing_else() {
    let app = with_buckets("").await;
    let text = "create policy a on storage.objects for select to anon using (false);
                alter policy a on storage.objects rename to b;
                alter policy b on storage.objects using (true);
                drop policy b on storage.objects;
                alter table storage.objects enable row level security;
                create table objects (id integer primary key);
                create table buckets (id integer primary key);
                create table covers (object uuid references storage.objects (id));
                create view names as select name from storage.objects;";
    sql(&app, text).await.assert_status(200);
    for text in [
        "delete from storage.objects",
        "insert into storage.buckets (id, name, created_at, updated_at, public) values ('x', 'x', now(), now(), true)",
        "update storage.objects set owner = null",
        "drop table storage.objects",
        "alter table storage.objects add column x text",
        "alter table storage.objects disable row level security",
        "create table storage.mine (id int)",
        "grant select on storage.objects to anon",
        "select * from storage.garbage",
    ] {
        let problem = sql(&app, text).await.assert_status(400).problem();
        assert_eq!(problem["code"], "42501", "{text}: {problem}");
    }
    put(&app.service(), "files/a", "x").await.assert_status(200);
    let rows = sql(&app, "select name, path_tokens from storage.objects").await.assert_status(200).json();
    assert_eq!(rows["results"][0]["rows"], json!([{ "name": "a", "path_tokens": ["a"] }]));
    app.service().get("/rest/v1/names").await.assert_status(200);
    let rest: Value = app.service().get("/rest/v1/objects?select=id").await.assert_status(200).json();
    assert_eq!(rest, json!([]), "the app's own table of that name");
    app.service().get("/rest/v1/covers?select=*,objects(*)").await.assert_status(400);
}

#[tokio::test]
async fn policies_hold_after_a_restart() {
    let mut app = with_buckets("").await;
    let ada = app.sign_up("ada@example.com").await;
    let path = own(&ada, "diary").await;
    app.restart().await;
    assert_eq!(get(&ada, &path).await.assert_status(200).text(), "diary");
    refused(&get(&app.anon(), &path).await, "404", "NoSuchKey");
    sql(&app, "drop policy own_files on storage.objects; drop policy shared_files on storage.objects").await.assert_status(200);
    refused(&get(&ada, &path).await, "404", "NoSuchKey");
    app.restart().await;
    refused(&get(&ada, &path).await, "404", "NoSuchKey");
}

#[tokio::test]
async fn who_is_signed_out_or_banned_is_refused() {
    let app = with_buckets("").await;
    let (ada, eve) = (app.sign_up("ada@example.com").await, app.sign_up("eve@example.com").await);
    let (hers, his) = (own(&ada, "diary").await, own(&eve, "diary").await);
    ada.post("/auth/v1/logout").await.assert_status(204);
    refused(&get(&ada, &hers).await, "400", "InvalidJWT");
    let ban = app.service().put(&format!("/auth/v1/admin/users/{}", eve.id)).json(&json!({ "ban_duration": "1h" }));
    ban.await.assert_status(200);
    refused(&get(&eve, &his).await, "400", "InvalidJWT");
    refused(&put(&eve, &format!("files/{}/new", eve.id), "x").await, "400", "InvalidJWT");
}
