//! One server a data folder, and commands beside it.

use std::time::{Duration, Instant};

use plinth::db::{Databases, Error};
use plinth::types::Clock;

use super::fixture::{TIMEOUT, TestDb, config_of, execute, insert_one, tasks};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_is_refused() {
    let first = TestDb::sqlite().await;
    let second = Databases::open(&first.config(), first.folder(), &first.tasks).await;
    let Err(err @ Error::InUse(_)) = second else { panic!("not refused: {second:?}") };
    assert!(err.to_string().contains(&first.folder().display().to_string()), "{err}");
    first.databases.close().await;
    let third = Databases::open(&first.config(), first.folder(), &first.tasks).await.expect("the folder is free again");
    third.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_beside_the_server_reads_and_does_not_write() {
    let server = TestDb::sqlite().await.with_things().await;
    insert_one(&server.db, 1).await.unwrap();
    let beside = Databases::open_beside(&server.config(), server.folder(), &server.tasks).await.unwrap();
    assert!(!beside.is_writable());
    beside.migrate(&Clock::system()).await.unwrap();
    let mut conn = beside.app.read().await.unwrap();
    let (count,): (i64,) = conn.query("select count(*) from plinth.things").fetch_one().await.unwrap();
    assert_eq!(count, 1);
    assert!(matches!(insert_one(&beside.app, 2).await, Err(Error::ReadOnly)));
    // Nor by a read connection.
    assert!(conn.query("insert into plinth.things (id) values (3)").execute().await.is_err());
    beside.close().await;
    insert_one(&server.db, 4).await.expect("the server goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_without_a_server_writes() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("not/yet/there");
    let databases = Databases::open_beside(&config_of(None, TIMEOUT), &data, &tasks()).await.unwrap();
    assert!(databases.is_writable());
    databases.migrate(&Clock::system()).await.unwrap();
    execute(&databases.app, "create table plinth.things (id integer)").await.unwrap();
    // A server that starts meanwhile waits a moment for the command to end.
    let (config, tasks) = (config_of(None, TIMEOUT), tasks());
    let mut server = Box::pin(Databases::open(&config, &data, &tasks));
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut server).await.is_err(), "it waits");
    databases.close().await;
    server.await.expect("the server has the folder now").close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    let data = file.join("data");
    let Err(Error::Open { what, .. }) = Databases::open(&config_of(None, TIMEOUT), &data, &tasks()).await else {
        panic!("a folder inside a file was opened");
    };
    assert_eq!(what, data.display().to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_no_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.db");
    std::fs::write(&file, "this is a text and not a database".repeat(100)).unwrap();
    let result = Databases::open(&config_of(None, TIMEOUT), folder.path(), &tasks()).await;
    let Err(Error::Open { what, reason }) = result else { panic!("it was opened: {result:?}") };
    assert_eq!(what, file.display().to_string());
    assert!(reason.contains("not a database"), "{reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config_of(None, TIMEOUT);
    config.url = Some("postgres://nobody:hunter2@127.0.0.1:1/none".to_owned().into());
    let started = Instant::now();
    let result = Databases::open(&config, folder.path(), &tasks()).await;
    let Err(err @ Error::Open { .. }) = result else { panic!("it was opened: {result:?}") };
    let text = format!("{err} {err:?}");
    assert!(text.contains("127.0.0.1:1") && !text.contains("hunter2"), "{text}");
    assert!(started.elapsed() < TIMEOUT + Duration::from_secs(1));
}
