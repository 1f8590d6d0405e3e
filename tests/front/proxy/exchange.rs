//! What goes to the upstream, and what comes back.

use reqwest::Method;

use super::{Talk, Upstream, header, proxied, status};

#[tokio::test]
async fn a_request_and_its_answer_go_by_as_they_are() {
    let upstream = Upstream::echo().await;
    let app = proxied(&upstream, "").await;
    let answer = app.nobody().put("/p/a%20b//c?d=%2F&e").header("x-one", "1").body("the body").await;
    let echo = answer.assert_status(200).text();
    assert!(echo.starts_with("PUT /p/a%20b//c?d=%2F&e HTTP/1.1\r\n"), "{echo}");
    assert_eq!(header(&echo, "x-one"), Some("1"));
    assert_eq!(header(&echo, "content-length"), Some("8"));
    assert!(echo.ends_with("\r\n\r\nthe body"), "{echo}");
    assert!(answer.header("x-request-id").is_some());
}

#[tokio::test]
async fn connections_are_used_again() {
    let upstream = Upstream::echo().await;
    let app = proxied(&upstream, "").await;
    // One connection, so one web worker, which keeps its own connections.
    let mut client = Talk::with(&app.url()).await;
    for _ in 0..5 {
        client.say("GET /p HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let head = client.head().await.unwrap();
        assert_eq!(status(&head), 200);
        client.body(&head).await.unwrap();
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn answers_without_a_body_leave_the_connection_usable() {
    let upstream = Upstream::start(|mut talk| async move {
        while let Some(head) = talk.head().await {
            let answer = match head.split('/').nth(2).unwrap_or_default().split(' ').next().unwrap_or_default() {
                "head" => "HTTP/1.1 200 OK\r\ncontent-length: 12345\r\nx-is: head\r\n\r\n",
                "head-chunked" => "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
                "204" => "HTTP/1.1 204 No Content\r\nx-is: 204\r\n\r\n",
                "304" => "HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\ncontent-length: 99\r\n\r\n",
                "empty" => "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
                _ => "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
            };
            talk.say(answer).await;
        }
    })
    .await;
    let app = proxied(&upstream, "").await;
    let mut client = Talk::with(&app.url()).await;
    let mut ask = async |method: &str, path: &str| {
        client.say(format!("{method} /p/{path} HTTP/1.1\r\nhost: a\r\n\r\n")).await;
        let head = client.head().await.unwrap();
        if method != "HEAD" && !head.contains("304") && !head.contains("204") {
            client.body(&head).await.unwrap();
        }
        head
    };
    let head = ask("HEAD", "head").await;
    assert_eq!((status(&head), header(&head, "content-length"), header(&head, "x-is")), (200, Some("12345"), Some("head")));
    assert_eq!(header(&ask("HEAD", "head-chunked").await, "content-length"), None);
    let nothing = ask("GET", "204").await;
    assert_eq!((status(&nothing), header(&nothing, "content-length"), header(&nothing, "x-is")), (204, None, Some("204")));
    let same = ask("GET", "304").await;
    assert_eq!((status(&same), header(&same, "etag"), header(&same, "content-length")), (304, Some("\"a\""), Some("99")));
    assert_eq!(header(&ask("GET", "empty").await, "content-length"), Some("0"));
    let after_hints = ask("GET", "hints").await;
    assert_eq!((status(&after_hints), header(&after_hints, "link")), (200, None), "answers before the answer do not cross");
    assert_eq!(upstream.connections(), 1, "each of them leaves the connection where the next request begins");
}

#[tokio::test]
async fn bodies_without_a_length_are_framed_anew() {
    let upstream = Upstream::start(|mut talk| async move {
        let (head, body) = talk.request().await.unwrap();
        assert_eq!(header(&head, "transfer-encoding"), Some("chunked"));
        assert_eq!(header(&head, "content-length"), None);
        talk.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n").await;
        talk.say(format!("{:x};ext=1\r\n{body}\r\n0\r\nx-sum: 1\r\n\r\n", body.len())).await;
    })
    .await;
    let app = proxied(&upstream, "").await;
    let mut client = Talk::with(&app.url()).await;
    client
        .say(
            "POST /p HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3;a=b\r\none\r\n3\r\ntwo\r\n0\r\nx-late: 1\r\n\r\n",
        )
        .await;
    let head = client.head().await.unwrap();
    assert_eq!(header(&head, "transfer-encoding"), Some("chunked"));
    assert_eq!(header(&head, "trailer"), None);
    assert_eq!(client.body(&head).await.unwrap(), b"onetwo");
}

#[tokio::test]
async fn an_old_client_gets_the_body_up_to_the_end_of_the_connection() {
    let upstream = Upstream::answering("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n").await;
    let app = proxied(&upstream, "").await;
    let mut client = Talk::with(&app.url()).await;
    client.say("GET /p HTTP/1.0\r\n\r\n").await;
    let answer = client.rest().await;
    assert!(!answer.to_ascii_lowercase().contains("transfer-encoding"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
}

#[tokio::test]
async fn an_answer_that_ends_with_its_connection_is_whole() {
    let upstream = Upstream::start(|mut talk| async move {
        talk.head().await;
        talk.say("HTTP/1.0 200 OK\r\n\r\nall of it").await;
    })
    .await;
    let app = proxied(&upstream, "").await;
    assert_eq!(app.nobody().get("/p").await.assert_status(200).text(), "all of it");
}

#[tokio::test]
async fn a_client_that_asks_first_may_send_its_body() {
    let upstream = Upstream::echo().await;
    let app = proxied(&upstream, "").await;
    let mut client = Talk::with(&app.url()).await;
    client.say("POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n").await;
    assert_eq!(status(&client.head().await.unwrap()), 100);
    client.say("ok").await;
    let head = client.head().await.unwrap();
    let echo = String::from_utf8(client.body(&head).await.unwrap()).unwrap();
    assert_eq!((status(&head), header(&echo, "expect")), (200, None));
    assert!(echo.ends_with("\r\n\r\nok"));
}

#[tokio::test]
async fn methods_that_are_not_a_reverse_proxys_are_refused() {
    let upstream = Upstream::echo().await;
    let app = proxied(&upstream, "").await;
    app.nobody().request(Method::TRACE, "/p").await.assert_status(405);
    let answer = app.nobody().request(Method::from_bytes(b"PROPFIND").unwrap(), "/p").await;
    assert!(answer.assert_status(200).text().starts_with("PROPFIND /p HTTP/1.1"));
    assert_eq!(upstream.heads().len(), 1);
}
