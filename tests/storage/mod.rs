//! Files: what is kept and given back, to whom, under which names, and what of it survives.

mod buckets;
mod download;
mod elsewhere;
mod lists;
mod names;
mod pieces;
mod policies;
mod quota;
mod resumable;
mod s3;
mod safety;
mod signed;
mod upload;

use serde_json::{Value, json};

use crate::support::{Client, Response, TestApp};

/// Users own a folder by their id; everybody signed in reads `shared`.
const POLICIES: &str = "
create policy own_files on storage.objects for all to authenticated
    using (bucket_id = 'files' and (storage.foldername(name))[1] = auth.uid()::text)
    with check (bucket_id = 'files' and (storage.foldername(name))[1] = auth.uid()::text);
create policy shared_files on storage.objects for select to authenticated
    using (bucket_id = 'files' and (storage.foldername(name))[1] = 'shared');
";

/// A server with a private bucket `files`, a public one `pictures`, and [`POLICIES`].
pub(crate) async fn with_buckets(config: &str) -> TestApp {
    let app = TestApp::start_with(config).await;
    bucket(&app, &json!({ "name": "files" })).await.assert_status(200);
    bucket(&app, &json!({ "name": "pictures", "public": true })).await.assert_status(200);
    sql(&app, POLICIES).await.assert_status(200);
    app
}

async fn bucket(app: &TestApp, body: &Value) -> Response {
    app.service().post("/storage/v1/bucket").json(body).await
}

async fn sql(app: &TestApp, sql: &str) -> Response {
    app.service().post("/admin/v1/sql").json(&json!({ "sql": sql })).await
}

/// Uploads text under a bucket and a name, as they stand in a path.
async fn put(client: &Client, path: &str, text: &str) -> Response {
    upload(client, path, text.to_owned()).await
}

fn upload(client: &Client, path: &str, body: impl Into<reqwest::Body>) -> crate::support::Request {
    client.post(&format!("/storage/v1/object/{path}")).header("content-type", "text/plain").body(body)
}

async fn get(client: &Client, path: &str) -> Response {
    client.get(&format!("/storage/v1/object/{path}")).await
}

/// Holds an answer to be a refusal in Supabase's shape.
#[track_caller]
fn refused(answer: &Response, status: &str, code: &str) -> Value {
    let body = answer.json();
    let mut keys: Vec<_> = body.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["code", "error", "message", "statusCode"], "{body}");
    assert_eq!((body["statusCode"].as_str(), body["code"].as_str()), (Some(status), Some(code)), "{body}");
    let http = if status.starts_with('5') { status.parse().unwrap() } else { 400 };
    assert_eq!(answer.status(), http, "{body}");
    body
}

/// The names of a listing's lines.
fn names(lines: &Value) -> Vec<&str> {
    lines.as_array().expect("an array").iter().map(|line| line["name"].as_str().expect("a name")).collect()
}
