//! nginx as the upstream: a server that many have in that place.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::proxied_as;
use crate::support::eventually;

/// nginx on a free port, serving a folder.
struct Nginx {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Nginx {
    /// Starts it; `None` where it is not installed.
    async fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().display().to_string();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        std::fs::create_dir(folder.path().join("p")).unwrap();
        std::fs::write(folder.path().join("p/small.txt"), "small").unwrap();
        std::fs::write(folder.path().join("p/large.bin"), vec![7; 3 << 20]).unwrap();
        let config = format!(
            "daemon off; master_process off; pid {root}/pid; error_log {root}/error.log;\n\
             events {{}}\n\
             http {{ access_log off; client_body_temp_path {root}; proxy_temp_path {root}; fastcgi_temp_path {root};\n\
             uwsgi_temp_path {root}; scgi_temp_path {root};\n\
             server {{ listen 127.0.0.1:{port}; root {root}; gzip on; gzip_min_length 1; gzip_proxied any; gzip_types text/plain;\n\
             location /p/moved {{ return 301 http://$http_host/p/small.txt; }} }} }}\n"
        );
        std::fs::write(folder.path().join("nginx.conf"), config).unwrap();
        let started = Command::new("nginx")
            .args(["-p", &root, "-c", &format!("{root}/nginx.conf")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let nginx = Self { child: started.ok()?, port, folder };
        eventually("nginx' listening", Duration::from_secs(10), async || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok().map(drop)
        })
        .await;
        Some(nginx)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn what_nginx_answers_reaches_the_client() {
    let Some(nginx) = Nginx::start().await else {
        println!("nginx is not installed: nothing to compare with");
        return;
    };
    let app = proxied_as(&[format!("127.0.0.1:{}", nginx.port)], "", "").await;
    let small = app.nobody().get("/p/small.txt").await;
    assert_eq!(small.assert_status(200).text(), "small");
    let etag = small.header("etag").unwrap();
    app.nobody().get("/p/small.txt").header("if-none-match", etag).await.assert_status(304);
    let packed = app.nobody().get("/p/small.txt").header("accept-encoding", "gzip").await;
    assert_eq!(packed.assert_status(200).header("content-encoding"), Some("gzip"));
    let large = app.nobody().get("/p/large.bin").await;
    assert_eq!(large.assert_status(200).bytes(), std::fs::read(nginx.folder.path().join("p/large.bin")).unwrap());
    let part = app.nobody().get("/p/large.bin").header("range", "bytes=10-19").await;
    assert_eq!((part.assert_status(206).bytes(), part.header("content-range")), (&[7; 10][..], Some("bytes 10-19/3145728")));
    let head = app.nobody().head("/p/large.bin").await;
    assert_eq!(head.assert_status(200).header("content-length"), Some("3145728"));
    let moved = app.nobody().get("/p/moved").await;
    assert_eq!(moved.assert_status(301).header("location"), Some(format!("{}/p/small.txt", app.url()).as_str()));
    app.nobody().get("/p/nowhere").await.assert_status(404);
    app.nobody().post("/p/small.txt").body(vec![1; 2 << 20]).await.assert_status(413);
}
