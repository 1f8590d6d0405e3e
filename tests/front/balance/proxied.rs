//! Load balancing under real requests, through the running server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use super::server::Server;
use crate::support::{Client, TestApp, eventually};

const SOON: Duration = Duration::from_secs(60);

/// A server that passes everything below `/app` on to these, with further settings of the upstream.
async fn start(servers: &[&Server], more: &str) -> TestApp {
    let servers: Vec<_> = servers.iter().map(|server| format!("\"{}\"", server.address)).collect();
    TestApp::start_with(&format!(
        "[[sites]]\nhosts = [\"*\"]\n[[sites.routes]]\npath = \"/app\"\nupstream = \"app\"\n\
         [[upstreams]]\nname = \"app\"\nservers = [{}]\n{more}\n",
        servers.join(", "),
    ))
    .await
}

/// Clients that ask without end, and count what is not answered 200.
struct Load {
    clients: JoinSet<()>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    over: AtomicBool,
    asked: AtomicUsize,
    failed: AtomicUsize,
}

impl Counts {
    /// Asks until it is over.
    async fn ask(self: Arc<Self>, client: Client) {
        while !self.over.load(Ordering::SeqCst) {
            let answer = client.get("/app").try_send().await;
            self.asked.fetch_add(1, Ordering::SeqCst);
            if !answer.is_ok_and(|answer| answer.status() == 200) {
                self.failed.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Load {
    fn start(app: &TestApp, clients: usize) -> Self {
        let mut load = Self { clients: JoinSet::new(), counts: Arc::default() };
        for _ in 0..clients {
            load.clients.spawn(Arc::clone(&load.counts).ask(app.nobody()));
        }
        load
    }

    /// Waits until so many more requests were made.
    async fn goes_on(&self, requests: usize) {
        let until = self.counts.asked() + requests;
        eventually("the load's going on", SOON, async || (self.counts.asked() >= until).then_some(())).await;
    }

    async fn end(mut self) {
        self.counts.over.store(true, Ordering::SeqCst);
        while let Some(ended) = self.clients.join_next().await {
            ended.unwrap();
        }
        let (asked, failed) = (self.counts.asked(), self.counts.failed.load(Ordering::SeqCst));
        assert_eq!(failed, 0, "{failed} of {asked} requests failed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_come_and_go_under_load_and_no_request_fails() {
    let (one, two, three) = (Server::start().await, Server::start().await, Server::start().await);
    let app = start(&[&one, &two], "balance = \"least_connections\"").await;
    let service = app.service();
    let backends = "/admin/v1/front/upstreams/app/backends";
    let load = Load::start(&app, 8);
    load.goes_on(100).await;

    service.post(backends).json(&json!({"address": three.address.to_string()})).await.assert_status(201);
    eventually("requests at the new server", SOON, async || (three.requests() >= 20).then_some(())).await;

    // Drained, empty, gone: in this order nobody notices.
    let path = format!("{backends}/{}", one.address);
    service.request(Method::PATCH, &path).json(&json!({"drain": true})).await.assert_status(200);
    eventually("the drained server's being empty", SOON, async || {
        let front = service.get("/admin/v1/front").await.json();
        let address = one.address.to_string();
        let all = front["upstreams"][0]["backends"].as_array().unwrap().clone();
        let drained = all.into_iter().find(|backend| backend["address"] == address.as_str()).unwrap();
        (drained["state"] == "draining" && drained["connections"] == 0).then_some(())
    })
    .await;
    let done = one.requests();
    load.goes_on(100).await;
    assert_eq!(one.requests(), done, "a drained server gets no requests");
    service.delete(&path).await.assert_status(200);
    drop(one);
    load.goes_on(100).await;
    load.end().await;
    assert!(two.requests() > 0 && two.under_way() == 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_costs_no_request_that_may_be_sent_again() {
    let (one, two) = (Server::start().await, Server::start().await);
    let app = start(&[&one, &two], "ejection = { failures = 2, time = \"1h\", max_time = \"1h\" }").await;
    let load = Load::start(&app, 8);
    load.goes_on(100).await;
    let dead = one.address.to_string();
    drop(one);
    eventually("the dead server's being left alone", SOON, async || {
        let front = app.service().get("/admin/v1/front").await.json();
        let all = front["upstreams"][0]["backends"].as_array().unwrap().clone();
        let state = all.into_iter().find(|backend| backend["address"] == dead.as_str()).unwrap()["state"].clone();
        (state == "ejected").then_some(())
    })
    .await;
    load.goes_on(50).await;
    load.end().await;
    let metrics = app.nobody().get("/metrics").await.text();
    let up = |address: &str, up| format!("plinth_upstream_backend_up{{upstream=\"app\",backend=\"{address}\"}} {up}");
    assert!(metrics.contains(&up(&dead, 0)) && metrics.contains(&up(&two.address.to_string(), 1)), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cookie_leads_a_client_back_also_after_a_restart() {
    let (one, two) = (Server::start().await, Server::start().await);
    let mut app = start(&[&one, &two], "sticky = {}").await;
    let first = app.nobody().get("/app").await;
    let server = first.assert_status(200).text();
    let cookie = first.header("set-cookie").expect("a cookie").split(';').next().unwrap().to_owned();
    assert!(cookie.starts_with("plinth_route="), "{cookie}");
    for round in 0..8 {
        let again = app.nobody().get("/app").header("cookie", &format!("theme=dark; {cookie}")).await;
        assert_eq!(again.assert_status(200).text(), server, "request {round}");
        assert_eq!(again.header("set-cookie"), None);
        if round == 3 {
            app.restart().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_server_lets_some_wait_and_refuses_the_rest() {
    let one = Server::start().await;
    let app = start(&[&one], "max_connections = 2\nqueue = { length = 1, timeout = \"60s\" }").await;
    one.hold();
    let mut clients = JoinSet::new();
    for _ in 0..3 {
        let client = app.nobody();
        clients.spawn(async move { client.get("/app").await.status() });
    }
    let waits = eventually("one that waits", SOON, async || {
        let front = app.service().get("/admin/v1/front").await.json();
        let waiting = front["upstreams"][0]["queue"]["waiting"].as_u64()?;
        (waiting == 1 && one.under_way() == 2).then_some(waiting)
    })
    .await;
    assert_eq!(waits, 1);
    let refused = app.nobody().get("/app").await;
    refused.assert_status(503).problem();
    assert_eq!(refused.header("retry-after"), Some("1"));
    one.release(3);
    while let Some(status) = clients.join_next().await {
        assert_eq!(status.unwrap(), 200);
    }
    assert_eq!(one.most_under_way(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_a_key_go_to_one_server() {
    let servers = [Server::start().await, Server::start().await, Server::start().await];
    let app = start(&servers.each_ref(), "balance = \"hash\"\nhash_key = \"query:tenant\"").await;
    for tenant in 0..20 {
        let mut seen = std::collections::BTreeSet::new();
        for page in 0..3 {
            seen.insert(app.nobody().get(&format!("/app?page={page}&tenant={tenant}")).await.assert_status(200).text());
        }
        assert_eq!(seen.len(), 1, "tenant {tenant} is at {seen:?}");
    }
    let reached = servers.iter().filter(|server| server.requests() > 0).count();
    assert!(reached >= 2, "twenty tenants at {reached} of three servers");
}
