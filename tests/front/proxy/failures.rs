//! Upstreams that fail: what the client is told, and what the log.

use super::{Talk, Upstream, logged, proxied, proxied_as, status};

/// An upstream that answers each request with these bytes and closes.
async fn blurting(bytes: impl Into<Vec<u8>>) -> Upstream {
    let bytes: Vec<u8> = bytes.into();
    Upstream::start(move |mut talk| {
        let bytes = bytes.clone();
        async move {
            talk.head().await;
            talk.say(&bytes).await;
        }
    })
    .await
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_a_502() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let app = proxied_as(&[gone], "", "").await;
    let answer = app.nobody().post("/p").body("x").await;
    let problem = answer.assert_status(502).problem();
    assert_eq!(problem["type"], "/problems/bad_gateway");
    assert!(problem["request_id"].is_string());
    assert!(!answer.text().contains(&gone.port().to_string()), "clients are not told where servers are: {}", answer.text());
    logged(&app, &format!("up ({gone}) did not answer: no connection")).await;
}

#[tokio::test]
async fn answers_that_are_none_are_a_502() {
    let many_headers: String = (0..200).map(|number| format!("x-{number}: 1\r\n")).collect();
    let cases: &[(&str, Vec<u8>)] = &[
        ("nothing at all", Vec::new()),
        ("half a head", b"HTTP/1.1 200 OK\r\ncontent-le".to_vec()),
        ("no HTTP", b"SSH-2.0-OpenSSH_9.9\r\n\r\n".to_vec()),
        ("another version", b"HTTP/3.7 200 OK\r\n\r\n".to_vec()),
        ("a status of four digits", b"HTTP/1.1 2000 OK\r\n\r\n".to_vec()),
        ("a head without end", [b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'x'; 1 << 20]].concat()),
        ("headers without end", format!("HTTP/1.1 200 OK\r\n{many_headers}\r\n").into_bytes()),
        ("two lengths", b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab".to_vec()),
        ("a length that is none", b"HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\na".to_vec()),
        ("a length and chunks", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_vec()),
        ("chunks and more", b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n".to_vec()),
        ("a coding that is none", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunkedd\r\n\r\n".to_vec()),
        ("a folded header", b"HTTP/1.1 200 OK\r\nx-a: 1\r\n b\r\ncontent-length: 0\r\n\r\n".to_vec()),
        ("a blank before the colon", b"HTTP/1.1 200 OK\r\nx-a : 1\r\ncontent-length: 0\r\n\r\n".to_vec()),
        ("a NUL in a header", b"HTTP/1.1 200 OK\r\nx-a: a\0b\r\ncontent-length: 0\r\n\r\n".to_vec()),
        ("another protocol", b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n".to_vec()),
    ];
    for (what, bytes) in cases {
        let upstream = blurting(bytes.clone()).await;
        let app = proxied(&upstream, "retries = 0").await;
        let answer = app.nobody().post("/p").body("x").await;
        assert_eq!(answer.status(), 502, "{what}: {}", answer.text());
        assert_eq!(answer.problem()["type"], "/problems/bad_gateway", "{what}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_taken_for_whole() {
    let cases: &[(&str, &str)] = &[
        ("short of its length", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nnot all of it"),
        ("without a last chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nnot a\r\n"),
        (
            "with a chunk that is none",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nnot a\r\nxyz\r\nll of it\r\n0\r\n\r\n",
        ),
        ("with a chunk beyond all sizes", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nx"),
    ];
    for (what, text) in cases {
        let upstream = blurting(*text).await;
        let app = proxied(&upstream, "").await;
        let answer = app.nobody().get("/p").try_send().await;
        assert!(answer.is_err(), "an answer {what} was taken for whole: {answer:?}");
        logged(&app, &format!("the answer of up ({}) broke off", upstream.address)).await;
        app.nobody().get("/health/live").await.assert_status(200);
    }
}

#[tokio::test]
async fn what_an_upstream_says_beyond_its_answer_reaches_nobody() {
    let upstream = Upstream::start(|mut talk| async move {
        while talk.head().await.is_some() {
            talk.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil").await;
        }
    })
    .await;
    let app = proxied(&upstream, "").await;
    let mut client = Talk::with(&app.url()).await;
    for _ in 0..3 {
        client.say("GET /p HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let head = client.head().await.unwrap();
        assert_eq!(status(&head), 200);
        assert_eq!(client.body(&head).await.unwrap(), b"ok");
    }
    assert_eq!(upstream.connections(), 3, "such a connection is not used again");
}

#[tokio::test]
async fn a_body_over_the_limit_is_a_413() {
    let upstream = Upstream::start(|mut talk| async move {
        talk.head().await;
        talk.closed().await;
    })
    .await;
    let app = proxied(&upstream, "max_body = \"1KiB\"").await;
    let told = app.nobody().post("/p").body(vec![b'x'; 1025]).await;
    assert_eq!(told.assert_status(413).problem()["type"], "/problems/too_large");
    assert_eq!(upstream.connections(), 0, "nothing is sent when the length says it");
    let mut client = Talk::with(&app.url()).await;
    client.say("POST /p HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n").await;
    client.say(format!("401\r\n{}\r\n", "x".repeat(0x401))).await;
    assert_eq!(status(&client.head().await.unwrap()), 413);
    let small = Upstream::echo().await;
    let app = proxied(&small, "max_body = \"1KiB\"").await;
    app.nobody().post("/p").body(vec![b'x'; 1024]).await.assert_status(200);
}
