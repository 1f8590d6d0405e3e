//! Health checks of real servers that turn bad and good.

use std::time::Duration;

use plinth::front::balance::{Ask, BackendState, Unavailable};

use super::server::Server;
use super::{Stage, app};
use crate::support::eventually;

const SOON: Duration = Duration::from_secs(20);

/// Waits until the server of this port is in this state.
async fn becomes(stage: &Stage, port: u16, state: BackendState) {
    let what = format!("the server's being {state:?}");
    eventually(&what, SOON, async || (stage.backend(port).state == state).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_answers_badly_is_left_out_until_it_is_good_again() {
    let (one, other) = (Server::start().await, Server::start().await);
    let health = "health = { path = \"/well?really\", host = \"app.example\", interval = \"20ms\", timeout = \"5s\", status = [200, \"301-302\"] }";
    let stage = Stage::new(&app(&[one.port(), other.port()], health));
    eventually("a check of each", SOON, async || {
        stage.backends().iter().all(|backend| backend.checked_at.is_some()).then_some(())
    })
    .await;
    becomes(&stage, one.port(), BackendState::Well).await;
    let asked = one.last();
    assert!(asked.starts_with("GET /well?really HTTP/1.1\r\n") && asked.contains("host: app.example\r\n"), "{asked}");

    one.answer(500);
    becomes(&stage, one.port(), BackendState::Unwell).await;
    assert_eq!(stage.backend(one.port()).why.as_deref(), Some("the health check was answered 500"));
    assert_eq!(stage.ports(4), [other.port(); 4]);

    one.answer(302);
    becomes(&stage, one.port(), BackendState::Well).await;
    assert_eq!(stage.backend(one.port()).why, None);
    assert_eq!(stage.shares(4).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_gone_or_silent_is_unwell_and_comes_back() {
    let (one, other) = (Server::start().await, Server::start().await);
    let rules = "health = { interval = \"20ms\", timeout = \"400ms\", rise = 3, fall = 2 }";
    let stage = Stage::new(&app(&[one.port(), other.port()], rules));
    becomes(&stage, one.port(), BackendState::Well).await;

    other.hold();
    becomes(&stage, other.port(), BackendState::Unwell).await;
    assert_eq!(stage.backend(other.port()).why.as_deref(), Some("no answer to the health check within 400ms"));
    other.release(1000);
    becomes(&stage, other.port(), BackendState::Well).await;

    let (address, port) = (one.address, one.port());
    drop(one);
    becomes(&stage, port, BackendState::Unwell).await;
    assert!(stage.backend(port).why.unwrap().starts_with("no connection: "), "{:?}", stage.backend(port));
    let _again = Server::start_at(address).await;
    becomes(&stage, port, BackendState::Well).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_enough_for_a_tcp_check_and_may_be_to_another_port() {
    let (one, health) = (Server::start().await, Server::start().await);
    let rules = format!(
        "health = {{ kind = \"tcp\", interval = \"20ms\", timeout = \"5s\", port = {} }}\nall_unwell = \"refuse\"",
        health.port(),
    );
    let stage = Stage::new(&app(&[one.port()], &rules));
    eventually("a check", SOON, async || stage.backend(one.port()).checked_at).await;
    assert_eq!(stage.backend(one.port()).state, BackendState::Well);
    assert_eq!(health.requests(), 0);
    drop(health);
    becomes(&stage, one.port(), BackendState::Unwell).await;
    assert_eq!(stage.try_pick(&Ask::default()).unwrap_err(), Unavailable::NoBackend);
    assert_eq!(one.requests(), 0);

    // Nobody is asked any more, so nothing is known against it.
    stage.reload(&app(&[one.port()], ""));
    assert_eq!(stage.backend(one.port()).state, BackendState::Well);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_check_decides_at_once() {
    let one = Server::start().await;
    one.answer(500);
    let stage = Stage::new(&app(&[one.port()], "health = { interval = \"1h\", timeout = \"5s\", fall = 100 }"));
    becomes(&stage, one.port(), BackendState::Unwell).await;
    assert_eq!(one.requests(), 1);
    assert_eq!(stage.pick().address(), one.address, "while none is well all are tried");
}
