//! Migrations that are applied when the server starts.

use serde_json::json;

use super::{Folder, THREE, assert_refused, status};
use crate::data::migrate::{refused, rows};
use crate::support::{Finished, Options, TestApp};

fn serve(app: &TestApp, folder: &Folder) -> Finished {
    app.plinth_with(&["serve", "--listen", "127.0.0.1:0"], &[("PLINTH_DATA_MIGRATIONS", folder.text())])
}

#[tokio::test]
async fn they_are_applied_before_the_server_is_ready() {
    let folder = Folder::new(&THREE[..2]);
    let variables = vec![("PLINTH_DATA_MIGRATIONS", folder.text())];
    let mut app = TestApp::start_as(Options { variables, ..Options::default() }).await;
    app.service().get("/rest/v1/b?select=id,a(id)").await.assert_status(200);
    folder.put(THREE[2].0, THREE[2].1);
    app.restart().await;
    assert_eq!(rows(&app, "select * from a").await, json!([{ "id": 1, "name": "y" }]));
    app.restart().await;
    assert_eq!(status(&app, &folder), "a applied, b applied, c applied");
}

#[tokio::test]
async fn one_that_fails_ends_the_start_with_its_place_and_nothing_of_it_done() {
    let mut app = TestApp::start().await;
    app.kill9();
    let folder = Folder::new(&THREE);
    folder.put(THREE[1].0, "create table b (id int);\n\nselect nothing from b;");
    assert_refused(&serve(&app, &folder), &["data.migrations", "20260102000000_b.sql:3:8: ", "(42703)"]);
    assert_eq!(status(&app, &folder), "a applied, b pending, c pending");
    folder.put(THREE[0].0, "create table other (id int)");
    assert_refused(&serve(&app, &folder), &["20260101000000_a.sql: was changed after it had been applied"]);
    folder.put("x.sql", "");
    let finished = serve(&app, &folder);
    assert_eq!(finished.status.code(), Some(78), "{}", finished.stderr);
    assert!(finished.stderr.contains("x.sql: is not named"), "{}", finished.stderr);
    app.restart().await;
    assert_eq!(rows(&app, "select * from a").await, json!([{ "id": 1 }]));
    assert_eq!(refused(&app, "select * from b").await["code"], "42P01");
}

#[tokio::test]
async fn one_that_takes_too_long_is_ended_and_named() {
    let mut app = TestApp::start().await;
    app.kill9();
    let folder = Folder::new(&[("1_slow.sql", &format!("create table a (n int);\n{}", super::admin_sql::SLOW))]);
    let variables = [("PLINTH_DATA_MIGRATIONS", folder.text()), ("PLINTH_DATA_MIGRATION_TIMEOUT", "1s".to_owned())];
    let finished = app.plinth_with(&["serve", "--listen", "127.0.0.1:0"], &variables);
    assert_refused(&finished, &["1_slow.sql:2:1: "]);
    app.restart().await;
    assert_eq!(status(&app, &folder), "slow pending");
    assert_eq!(refused(&app, "select * from a").await["code"], "42P01");
}
