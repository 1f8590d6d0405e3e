//! What the blob store keeps of functions, and what it does not.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::beside;
use crate::support::{TestApp, eventually};

/// As little patience with what is not needed as can be set.
const IMPATIENT: &str = "[functions]\nkeep_unneeded = \"1s\"";

const LIMIT: Duration = Duration::from_secs(30);

fn source(text: &str) -> String {
    format!("export const handler = async () => {text:?};")
}

/// The files of a folder and its sub-folders, as paths below it.
fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            found.extend(files(&entry.path()).into_iter().map(|file| format!("{name}/{file}")));
        } else {
            found.insert(name);
        }
    }
    found
}

fn stored(app: &TestApp) -> BTreeSet<String> {
    files(&app.data().join("blobs/functions"))
}

/// Waits until so many sources and bundles are left.
async fn left(app: &TestApp, sources: usize, bundles: usize) -> BTreeSet<String> {
    eventually(&format!("{sources} sources and {bundles} bundles"), LIMIT, async || {
        let files = stored(app);
        let built = files.iter().filter(|file| file.starts_with("built/")).count();
        (built == bundles && files.len() == sources + bundles).then_some(files)
    })
    .await
}

#[tokio::test]
async fn what_no_function_needs_any_more_is_removed() {
    let mut app = TestApp::start_with(IMPATIENT).await;
    app.deploy("kept", &source("kept"), json!({})).await;
    // The same source as another function's, which goes.
    app.deploy("twin", &source("kept"), json!({})).await;
    app.deploy("gone", &source("gone"), json!({})).await;
    assert_eq!(stored(&app).len(), 3 + 2);
    // A bundle of another build, and a source that nobody ever announced.
    let folder = app.data().join("blobs/functions");
    std::fs::create_dir_all(folder.join("built/0123456789abcdef")).expect("made");
    std::fs::write(folder.join("built/0123456789abcdef").join("a".repeat(64)), "old").expect("written");
    std::fs::write(folder.join("b".repeat(64)), "stray").expect("written");
    for name in ["twin", "gone"] {
        app.service().delete(&format!("/admin/v1/functions/{name}")).await.assert_status(204);
    }
    let rest = left(&app, 1, 1).await;
    // What is left is what the function needs, on a server that remembers nothing.
    app.restart().await;
    assert_eq!(app.invoke("kept", &json!({})).await.assert_status(200).text(), "kept");
    assert_eq!(stored(&app), rest);
}

#[tokio::test]
async fn revisions_that_are_pruned_take_their_packages_along() {
    let app = TestApp::start_with(IMPATIENT).await;
    for number in 0..24 {
        app.deploy("f", &source(&number.to_string()), json!({})).await;
    }
    // The live revision, and the twenty before it.
    left(&app, 21, 21).await;
    assert_eq!(app.invoke("f", &json!({})).await.assert_status(200).text(), "23");
}

#[tokio::test]
async fn a_deployment_never_loses_its_package_to_the_removal_of_the_same_content() {
    let mut app = TestApp::start_with(IMPATIENT).await;
    let until = Instant::now() + Duration::from_secs(4);
    let busy: Vec<_> = (0..3)
        .map(|number| {
            let (service, name) = (app.service(), format!("f{number}"));
            let path = format!("/admin/v1/functions/{name}");
            let text = source("the same for all");
            beside(async move {
                while Instant::now() < until {
                    let put = || service.put(&path).header("content-type", "text/javascript").body(text.clone());
                    put().await.assert_status(201);
                    service.delete(&path).await.assert_status(204);
                }
                service.put(&path).header("content-type", "text/javascript").body(text.clone()).await.assert_status(201);
            })
        })
        .collect();
    for one in busy {
        one.await.expect("it goes on to its end");
    }
    left(&app, 3, 1).await;
    // Made anew from the sources.
    std::fs::remove_dir_all(app.data().join("blobs/functions/built")).expect("removed");
    app.restart().await;
    for number in 0..3 {
        let answer = app.invoke(&format!("f{number}"), &json!({})).await;
        assert_eq!(answer.assert_status(200).text(), "the same for all");
    }
}

#[tokio::test]
async fn a_deployment_that_is_cut_short_leaves_nothing() {
    let mut app = TestApp::start_with(IMPATIENT).await;
    app.deploy("first", &source("first"), json!({})).await;
    // Large, so that storing it takes a moment.
    let large = format!("// {}\n{}", "x".repeat(20 << 20), source("large"));
    let request = app.service().put("/admin/v1/functions/large").header("content-type", "text/javascript").body(large);
    let cut = beside(async move { request.try_send().await });
    eventually("its beginning", LIMIT, async || (stored(&app).len() > 2).then_some(())).await;
    app.kill9();
    let answered = cut.await.expect("it ends").is_ok();
    app.restart().await;
    let there = app.service().get("/admin/v1/functions/large").await.status() == 200;
    assert!(there || !answered, "what was answered is there");
    let count = 1 + usize::from(there);
    left(&app, count, count).await;
}
