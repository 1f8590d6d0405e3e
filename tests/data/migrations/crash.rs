//! SIGKILL while migrations are applied: each is applied wholly and known to be, or not at all.

use std::time::Duration;

use serde_json::json;

use super::{Folder, assert_done, states, up};
use crate::data::migrate::run;
use crate::support::{TestApp, eventually};

/// How many migrations there are, and rows of each table.
const COUNT: usize = 12;
const ROWS: usize = 300;

/// Each makes a table with rows, makes it anew, and points to the table before.
fn folder() -> Folder {
    let folder = Folder::new(&[]);
    for place in 1..=COUNT {
        let rows = (1..=ROWS).map(|row| format!("({row}, 'row {row}')")).collect::<Vec<_>>().join(", ");
        let parent = if place > 1 {
            format!("alter table t{place} add constraint parent foreign key (id) references t{};", place - 1)
        } else {
            String::new()
        };
        let text = format!(
            "create table t{place} (id int primary key, title text);
             insert into t{place} values {rows};
             alter table t{place} add column done boolean not null default false;
             {parent}
             update t{place} set done = true where id > {};
             create index on t{place} (title);",
            ROWS / 2
        );
        folder.put(&format!("2026010100{place:04}_t{place}.sql"), &text);
    }
    folder
}

/// How many are applied, after a look at every table: those of applied ones are whole, and there are no others.
async fn applied(app: &TestApp, folder: &Folder) -> usize {
    let states = states(app, folder);
    let applied = states.iter().filter(|(_, state)| state == "applied").count();
    assert!(states.iter().skip(applied).all(|(_, state)| state == "pending"), "one after the other: {states:?}");
    for place in 1..=COUNT {
        let sql = format!("select count(*) as n, count(*) filter (where done) as done from t{place}");
        if place <= applied {
            assert_eq!(run(app, &sql).await[0]["rows"], json!([{ "n": ROWS, "done": ROWS / 2 }]), "t{place}");
        } else {
            let answer = app.service().post("/admin/v1/sql").json(&json!({ "sql": sql })).await;
            assert_eq!(answer.assert_status(400).problem()["code"], "42P01", "t{place} of a migration that is not applied");
        }
    }
    applied
}

#[tokio::test]
async fn a_server_that_is_killed_in_the_middle_leaves_whole_migrations() {
    let mut app = TestApp::start().await;
    let folder = folder();
    let mut before = 0;
    while before < COUNT {
        let command = app.plinth_in_background(&["migrate", "up", "--dir", &folder.text()]);
        // Killed in the middle of the one after: the next is under way as soon as one is done.
        eventually("one more is applied", Duration::from_secs(60), async || {
            (command.log().lines().filter(|line| line.starts_with("applied ")).count() > 0).then_some(())
        })
        .await;
        app.restart().await;
        let now = applied(&app, &folder).await;
        assert!(now > before, "what was told to be applied is applied");
        before = now;
    }
    assert_eq!(assert_done(&up(&app, &folder, &[])), "nothing is to be applied\n");
}

#[tokio::test]
async fn a_command_that_is_killed_in_the_middle_leaves_whole_migrations() {
    let mut app = TestApp::start().await;
    let folder = folder();
    for round in 1..=3 {
        app.kill9();
        let mut command = app.plinth_in_background(&["migrate", "up", "--dir", &folder.text()]);
        eventually("some are applied", Duration::from_secs(60), async || {
            (command.log().lines().filter(|line| line.starts_with("applied ")).count() >= round).then_some(())
        })
        .await;
        command.kill9();
        app.restart().await;
        assert!(applied(&app, &folder).await >= round);
    }
    assert_done(&up(&app, &folder, &[]));
    assert_eq!(applied(&app, &folder).await, COUNT);
}
