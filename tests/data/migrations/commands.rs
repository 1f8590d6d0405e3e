//! `plinth migrate`, beside a running server and without one, and `plinth check`.

use serde_json::{Value, json};

use super::{Folder, THREE, assert_done, assert_refused, example, status, up};
use crate::data::migrate::{refused, rows, run};
use crate::support::TestApp;

#[tokio::test]
async fn migrations_are_applied_once_in_order_through_the_running_server() {
    let app = TestApp::start().await;
    let folder = Folder::new(&THREE);
    assert_eq!(status(&app, &folder), "a pending, b pending, c pending");
    let first = up(&app, &folder, &[]);
    let said: Vec<&str> = assert_done(&first).lines().collect();
    assert_eq!(said.len(), 3);
    assert!(
        said[0].starts_with("applied 20260101000000_a.sql (") && said[2].starts_with("applied 20260103000000_c.sql ("),
        "{said:?}"
    );
    assert_eq!(rows(&app, "select * from a").await, json!([{ "id": 1, "name": "y" }]));
    // New tables are served at once.
    app.service().get("/rest/v1/b").await.assert_status(200);
    assert_eq!(assert_done(&up(&app, &folder, &[])), "nothing is to be applied\n");
    assert_eq!(status(&app, &folder), "a applied, b applied, c applied");
    let shown = app.plinth(&["migrate", "status", "--dir", &folder.text()]);
    assert!(assert_done(&shown).starts_with("applied\t20260101000000_a.sql\t20"), "{}", shown.stdout);
    // How it is written does not matter: lines may end as they like.
    folder.put(THREE[0].0, &THREE[0].1.replace('\n', "\r\n"));
    assert_done(&up(&app, &folder, &[]));
}

#[tokio::test]
async fn without_a_server_the_database_itself_is_migrated() {
    let mut app = TestApp::start().await;
    app.kill9();
    let folder = Folder::new(&THREE[..2]);
    assert_eq!(assert_done(&up(&app, &folder, &[])).lines().count(), 2);
    assert_eq!(status(&app, &folder), "a applied, b applied");
    folder.put("20260103000000_bad.sql", "create table half (id int);\nselect nothing from half;");
    assert_refused(&up(&app, &folder, &[]), &["/20260103000000_bad.sql:2:8: ", "(42703)"]);
    app.restart().await;
    assert_eq!(rows(&app, "select id, a from b").await, json!([{ "id": 1, "a": 1 }]));
    assert_eq!(refused(&app, "select * from half").await["code"], "42P01");
}

#[tokio::test]
async fn one_that_fails_in_the_middle_leaves_those_before_it_and_nothing_of_itself() {
    let app = TestApp::start().await;
    let folder = Folder::new(&THREE);
    folder.put(THREE[1].0, "create table b (id int primary key);\ninsert into b values (1);\n\n  create trigger t before insert on b for each row execute function moddatetime(id);\n");
    let finished = up(&app, &folder, &[]);
    assert!(finished.stdout.starts_with("applied 20260101000000_a.sql"), "{}", finished.stdout);
    assert_refused(&finished, &[&format!("{}/20260102000000_b.sql:4:3: ", folder.text()), "trigger", "(0A000)", "; "]);
    assert_eq!(status(&app, &folder), "a applied, b pending, c pending");
    assert_eq!(refused(&app, "select * from b").await["code"], "42P01");
    // What the database itself refuses is placed too.
    folder.put(THREE[1].0, "create table b (id int primary key);\ninsert into b values (1);\ninsert into b values (1);\n");
    assert_refused(&up(&app, &folder, &[]), &["/20260102000000_b.sql:3:1: ", "(23505)"]);
    folder.put(THREE[1].0, THREE[1].1);
    assert_eq!(assert_done(&up(&app, &folder, &[])).lines().count(), 2);
}

#[tokio::test]
async fn what_was_changed_is_refused_and_what_is_missing_is_told() {
    let app = TestApp::start().await;
    let folder = Folder::new(&THREE);
    assert_done(&up(&app, &folder, &[]));
    folder.put(THREE[1].0, "create table other (id int)");
    folder.put("20260104000000_d.sql", "create table d (id int primary key)");
    assert_eq!(status(&app, &folder), "a applied, b changed, c applied, d pending");
    assert_refused(&up(&app, &folder, &[]), &["/20260102000000_b.sql: was changed after it had been applied; put it back"]);
    assert_eq!(refused(&app, "select * from d").await["code"], "42P01");
    folder.remove(THREE[1].0);
    assert_eq!(status(&app, &folder), "a applied, b missing, c applied, d pending");
    let finished = up(&app, &folder, &[]);
    assert_done(&finished);
    assert!(finished.stderr.contains("20260102000000_b.sql is applied, but is not in"), "{}", finished.stderr);
}

#[tokio::test]
async fn one_that_comes_too_late_needs_include_all() {
    let app = TestApp::start().await;
    let folder = Folder::new(&[THREE[0], THREE[2]]);
    assert_done(&up(&app, &folder, &[]));
    folder.put(THREE[1].0, THREE[1].1);
    assert_eq!(status(&app, &folder), "a applied, b out_of_order, c applied");
    let says = ["/20260102000000_b.sql: is not applied, but the later 20260103000000_c.sql is", "--include-all"];
    assert_refused(&up(&app, &folder, &[]), &says);
    assert_done(&up(&app, &folder, &["--include-all"]));
    assert_eq!(status(&app, &folder), "a applied, b applied, c applied");
}

#[tokio::test]
async fn a_dry_run_finds_faults_and_changes_nothing() {
    let app = TestApp::start().await;
    let folder = Folder::new(&THREE);
    let dry = up(&app, &folder, &["--dry-run"]);
    assert_eq!(assert_done(&dry).lines().next(), Some("would apply 20260101000000_a.sql"));
    assert_eq!(dry.stdout.lines().count(), 3);
    assert_eq!(refused(&app, "select * from a").await["code"], "42P01");
    folder.put("20260104000000_d.sql", "select nothing from a");
    assert_refused(&up(&app, &folder, &["--dry-run"]), &["/20260104000000_d.sql:1:8: ", "(42703)"]);
    assert_eq!(status(&app, &folder), "a pending, b pending, c pending, d pending");
}

#[tokio::test]
async fn a_new_migration_is_passed_over_until_it_has_a_statement() {
    let app = TestApp::start().await;
    let folder = Folder::new(&THREE);
    assert_done(&up(&app, &folder, &[]));
    let made = app.plinth(&["migrate", "new", "more", "--dir", &folder.text()]);
    let path = assert_done(&made).trim().to_owned();
    assert!(path.starts_with(&folder.text()) && path.ends_with("_more.sql"), "{path}");
    assert_eq!(status(&app, &folder), "a applied, b applied, c applied, more empty");
    let passed = up(&app, &folder, &[]);
    assert_eq!(assert_done(&passed), "nothing is to be applied\n");
    assert!(passed.stderr.contains("has no statement yet"), "{}", passed.stderr);
    std::fs::write(&path, "-- more\ncreate table more (id int primary key);").unwrap();
    assert_done(&up(&app, &folder, &[]));
    assert_eq!(rows(&app, "select * from more").await, json!([]));
}

#[tokio::test]
async fn the_folder_comes_from_the_configuration_or_is_named_migrations() {
    let app = TestApp::start().await;
    let folder = Folder::new(&THREE);
    let variable = [("PLINTH_DATA_MIGRATIONS", folder.text())];
    assert_eq!(assert_done(&app.plinth_with(&["migrate", "up"], &variable)).lines().count(), 3);
    // `app.plinth` runs in a folder without migrations.
    let none = app.plinth(&["migrate", "up"]);
    assert_refused(&none, &["migrations: the folder cannot be read"]);
    let made = app.plinth(&["migrate", "new", "first"]);
    assert!(assert_done(&made).starts_with("migrations/"), "{}", made.stdout);
}

#[tokio::test]
async fn check_tells_every_fault_with_its_place_and_needs_no_database() {
    let app = TestApp::start().await;
    let folder = Folder::new(&THREE);
    let check = |folder: &Folder| app.plinth_with(&["check"], &[("PLINTH_DATA_MIGRATIONS", folder.text())]);
    assert!(assert_done(&check(&folder)).contains("are good"));
    folder.put(
        "20260104000000_d.sql",
        "select x from a;\ncreate trigger t before insert on a for each row execute function moddatetime(x);\nselect y from a;",
    );
    folder.put("20260105000000_e.sql", "create table e (id int;\n");
    folder.put("20260106000000_f.sql", "create procedure p() language sql as $$ select 1 $$");
    let finished = check(&folder);
    let place = |file: &str| format!("{}/{file}", folder.text());
    assert_refused(
        &finished,
        &[&place("20260104000000_d.sql:1:8: "), &place("20260104000000_d.sql:2:1: "), &place("20260105000000_e.sql:1:")],
    );
    assert_eq!(finished.stderr.lines().count(), 4, "{}", finished.stderr);
    folder.put("x.sql", "");
    assert_refused(&app.plinth(&["check", "--migrations", &folder.text()]), &[&place("x.sql: is not named")]);
    assert_eq!(rows(&app, "select count(*) as n from auth.users").await, json!([{ "n": 0 }]));
}

#[tokio::test]
async fn the_sample_app_is_migrated_and_seeded() {
    let app = TestApp::start().await;
    app.sign_up("ada@example.com").await;
    let folder = example("migrations");
    let done = app.plinth(&["migrate", "up", "--dir", folder.to_str().unwrap()]);
    assert_eq!(assert_done(&done).lines().count(), 3);
    run(&app, &std::fs::read_to_string(example("seed.sql")).unwrap()).await;
    let totals = rows(&app, "select * from team_totals('6f1c1a0e-6d5c-4d6f-9b8e-0d3a7f5f2a11')").await;
    let expected = json!([
        { "project": "Paint the tower", "tasks": 1, "done": 1 },
        { "project": "Repair the lamp", "tasks": 1, "done": 0 }
    ]);
    assert_eq!(totals, expected);
    let listed: Value = app.service().get("/admin/v1/migrations").await.assert_status(200).json();
    assert_eq!(listed["migrations"].as_array().map(Vec::len), Some(3));
}
