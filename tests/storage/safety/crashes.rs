//! SIGKILL in the middle of every kind of change: what was answered holds, and rows and bytes agree.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::json;

use crate::storage::{get, upload, with_buckets};
use crate::support::{Client, Request, TestApp, eventually};

/// Whether a server was there to say 200.
async fn is_done(request: Request) -> bool {
    request.try_send().await.is_ok_and(|answer| answer.status() == 200)
}

/// Runs a change for one object after the other until the server is killed in the middle; gives those that were answered for.
pub(super) async fn killed_in<F>(app: &mut TestApp, count: usize, at: usize, change: F) -> Vec<usize>
where
    F: AsyncFn(&Client, usize) -> bool,
{
    let service = app.service();
    let done = Mutex::new(Vec::new());
    let next = std::sync::atomic::AtomicUsize::new(0);
    let worker = async || {
        loop {
            let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if index >= count || !change(&service, index).await {
                return;
            }
            done.lock().unwrap().push(index);
        }
    };
    let killer = async {
        eventually("enough changes", Duration::from_secs(60), async || (done.lock().unwrap().len() >= at).then_some(())).await;
        app.kill9();
    };
    tokio::join!(futures_util::future::join_all((0..4).map(|_| worker())), killer);
    app.restart().await;
    done.into_inner().unwrap()
}

fn body(index: usize) -> String {
    format!("{index} ").repeat(1 + index * 400)
}

async fn text(app: &TestApp, path: &str) -> Option<String> {
    let answer = get(&app.service(), path).await;
    if answer.status() == 200 {
        return Some(answer.text());
    }
    crate::storage::refused(&answer, "404", "NoSuchKey");
    None
}

fn body_of(from: &str, to: &str) -> serde_json::Value {
    json!({ "bucketId": "files", "sourceKey": from, "destinationKey": to })
}

#[tokio::test]
async fn no_change_that_was_answered_is_lost_and_none_is_half_done() {
    const COUNT: usize = 60;
    let mut app = with_buckets("").await;
    let uploaded = killed_in(&mut app, COUNT, 20, async |service, index| {
        is_done(upload(service, &format!("files/up/{index}"), body(index))).await
    })
    .await;
    for index in 0..COUNT {
        let kept = text(&app, &format!("files/up/{index}")).await;
        assert!(kept.as_ref().is_none_or(|kept| *kept == body(index)), "{index} is whole or not there");
        assert!(kept.is_some() || !uploaded.contains(&index), "{index} was accepted");
        if kept.is_none() {
            upload(&app.service(), &format!("files/up/{index}"), body(index)).await.assert_status(200);
        }
    }

    let replaced = killed_in(&mut app, COUNT, 20, async |service, index| {
        is_done(upload(service, &format!("files/up/{index}"), body(index + 1)).header("x-upsert", "true")).await
    })
    .await;
    for index in 0..COUNT {
        let kept = text(&app, &format!("files/up/{index}")).await.expect("one of both is there");
        assert!(kept == body(index + 1) || (kept == body(index) && !replaced.contains(&index)), "{index}: the old or the new");
        upload(&app.service(), &format!("files/up/{index}"), body(index)).header("x-upsert", "true").await.assert_status(200);
    }

    let copied = killed_in(&mut app, COUNT, 20, async |service, index| {
        let request = body_of(&format!("up/{index}"), &format!("copy/{index}"));
        is_done(service.post("/storage/v1/object/copy").json(&request)).await
    })
    .await;
    for index in 0..COUNT {
        let copy = text(&app, &format!("files/copy/{index}")).await;
        assert!(copy.as_ref().is_none_or(|copy| *copy == body(index)));
        assert!(copy.is_some() || !copied.contains(&index), "{index} was copied");
        assert_eq!(text(&app, &format!("files/up/{index}")).await, Some(body(index)));
    }

    let moved = killed_in(&mut app, COUNT, 20, async |service, index| {
        let request = body_of(&format!("up/{index}"), &format!("moved/{index}"));
        is_done(service.post("/storage/v1/object/move").json(&request)).await
    })
    .await;
    for index in 0..COUNT {
        let (old, new) = (text(&app, &format!("files/up/{index}")).await, text(&app, &format!("files/moved/{index}")).await);
        assert!(old.is_some() != new.is_some(), "{index} is at one place");
        assert!(new.is_some() || !moved.contains(&index), "{index} was moved");
        assert_eq!(old.or(new), Some(body(index)));
    }

    let deleted = killed_in(&mut app, COUNT, 20, async |service, index| {
        is_done(service.delete(&format!("/storage/v1/object/files/copy/{index}"))).await
            || is_done(service.delete(&format!("/storage/v1/object/files/moved/{index}"))).await
    })
    .await;
    assert!(deleted.len() >= 20);

    let service = app.service();
    let emptied = async { is_done(service.post("/storage/v1/bucket/files/empty")).await };
    let killer = async {
        eventually("fewer objects", Duration::from_secs(60), async || {
            let lines = service.post("/storage/v1/object/list-v2/files").json(&json!({})).try_send().await.ok()?;
            (lines.json()["objects"].as_array()?.len() < 60).then_some(())
        })
        .await;
        app.kill9();
    };
    let (was_answered, ()) = tokio::join!(emptied, killer);
    app.restart().await;
    let left = app.service().post("/storage/v1/object/list-v2/files").json(&json!({})).await.json();
    assert!(!was_answered || left["objects"].as_array().unwrap().is_empty(), "{left}");
    app.kill9();
    let check = app.plinth(&["storage", "check"]);
    assert!(check.stdout.contains("0 damaged"), "{check:?}");
}
