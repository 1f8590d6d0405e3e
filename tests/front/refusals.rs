//! Paths that must lead nowhere.

use std::os::unix::fs::symlink;
use std::time::Duration;

use super::{raw, site, write};
use crate::support::TestApp;

/// The status and the body of a request whose target is sent exactly as it is here; clients would tidy it up.
fn raw_get(app: &TestApp, target: &str) -> (u16, String) {
    let answer = raw(app, &format!("GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"));
    (answer.status, answer.text)
}

#[tokio::test]
async fn no_path_leads_out_of_the_folder() {
    let (app, folder) = site(|root| {
        write(root, "inside/page.html", "inside");
        symlink("inside", root.join("link-inside")).unwrap();
    })
    .await;
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), "secret.txt", "the secret");
    symlink(outside.path(), folder.path().join("link-folder")).unwrap();
    symlink(outside.path().join("secret.txt"), folder.path().join("link-file.txt")).unwrap();
    symlink("../../../../../../../../etc/hostname", folder.path().join("link-up.txt")).unwrap();
    let secret = outside.path().join("secret.txt");
    let targets = [
        "/link-folder/secret.txt",
        "/link-file.txt",
        "/link-up.txt",
        "/../secret.txt",
        "/inside/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%2f%2e%2e%2fetc/passwd",
        "/inside/%2e%2e/inside/page.html",
        "/..%5csecret.txt",
        "/inside%5c..%5cpage.html",
        "/%252e%252e/secret.txt",
        "/inside/page.html%00.png",
        "/%ff%fe",
        "/./inside/page.html",
        &format!("/{}", secret.display()),
        &format!("/%2F{}", secret.display()),
    ];
    for target in targets {
        let (status, answer) = raw_get(&app, target);
        assert!(matches!(status, 400 | 404), "{target} answered {status}");
        assert!(!answer.contains("the secret") && !answer.contains("root:"), "{target} gave a file away");
    }
    assert_eq!(raw_get(&app, "/link-inside/page.html").0, 200, "a link that stays inside is followed");
}

#[tokio::test]
async fn hidden_files_are_not_there() {
    let (app, _folder) = site(|root| {
        write(root, ".env", "SECRET=1");
        write(root, ".git/config", "x");
        write(root, "sub/.htpasswd", "x");
        write(root, "sub/.well-known/x", "only at the top");
    })
    .await;
    for path in ["/.env", "/.git/config", "/%2eenv", "/sub/.htpasswd", "/sub/.well-known/x"] {
        app.nobody().get(path).await.assert_status(404);
    }
}

#[tokio::test]
async fn what_is_no_file_is_not_opened() {
    let (app, folder) = site(|root| write(root, "a.txt", "a")).await;
    rustix::fs::mknodat(
        rustix::fs::CWD,
        folder.path().join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o644),
        0,
    )
    .unwrap();
    app.nobody().get("/pipe").timeout(Duration::from_secs(10)).await.assert_status(404);
    let long = "a".repeat(5_000);
    app.nobody().get(&format!("/{long}")).await.assert_status(404);
    app.nobody().get("/a.txt/b").await.assert_status(404);
}
