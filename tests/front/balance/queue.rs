//! Requests that wait while every server has as many as it takes.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use plinth::front::balance::{Ask, Unavailable, Upstream};

use super::{Stage, app};

const FULL: &str = "max_connections = 1\nqueue = { length = 3, timeout = \"30s\" }";

fn waiting(stage: &Stage) -> usize {
    stage.upstreams.report()[0].queue.waiting
}

#[tokio::test]
async fn who_waits_longest_is_served_first() {
    let stage = Stage::new(&app(&[1, 2], FULL));
    let mut held = vec![stage.pick(), stage.pick()];
    let upstream = stage.upstream();
    let ask = Ask::default();
    let mut waiters: Vec<_> = (0..3).map(|_| Box::pin(upstream.pick(&ask))).collect();
    for waiter in &mut waiters {
        assert!(waiter.now_or_never().is_none(), "every server is full");
    }
    assert_eq!(waiting(&stage), 3);
    assert_eq!(stage.try_pick(&ask).unwrap_err(), Unavailable::QueueFull);

    let freed = held.remove(0).address();
    // Nobody who comes now overtakes those who wait: the place is taken.
    assert_eq!(waiting(&stage), 2);
    let first = waiters.remove(0).now_or_never().expect("the first is served").unwrap();
    assert_eq!(first.address(), freed);
    for waiter in &mut waiters {
        assert!(waiter.now_or_never().is_none());
    }
    drop(first);
    let second = waiters.remove(0).now_or_never().expect("then the second").unwrap();
    drop((second, held));
    waiters.remove(0).now_or_never().expect("then the third").unwrap();
    assert_eq!(waiting(&stage), 0);
}

#[tokio::test]
async fn who_goes_away_leaves_the_queue() {
    let stage = Stage::new(&app(&[1], FULL));
    let held = stage.pick();
    let upstream = stage.upstream();
    let ask = Ask::default();
    let (mut gone, mut stays) = (Box::pin(upstream.pick(&ask)), pin!(upstream.pick(&ask)));
    assert!(gone.as_mut().now_or_never().is_none() && stays.as_mut().now_or_never().is_none());
    drop(gone);
    assert_eq!(waiting(&stage), 1);
    drop(held);
    let pick = stays.now_or_never().expect("the place is for who stayed").unwrap();

    // One that was served and goes away before it knows gives the place back.
    let mut gone = Box::pin(upstream.pick(&ask));
    assert!(gone.as_mut().now_or_never().is_none());
    drop(pick);
    assert_eq!(stage.backend(1).connections, 1, "it is the waiter's");
    drop(gone);
    assert_eq!(stage.backend(1).connections, 0);
    assert_eq!(stage.ports(1), [1]);
}

#[tokio::test]
async fn nobody_waits_longer_than_said() {
    let stage = Stage::new(&app(&[1], "max_connections = 1\nqueue = { timeout = \"20ms\" }"));
    let held = stage.pick();
    let late = stage.upstream().pick(&Ask::default()).await.unwrap_err();
    assert_eq!(late, Unavailable::QueueTimeout);
    assert_eq!(late.retry_after(), Some(Duration::from_secs(1)));
    assert_eq!(waiting(&stage), 0);
    drop(held);
    assert_eq!(stage.ports(2), [1, 1]);
}

#[tokio::test]
async fn without_a_queue_one_more_is_refused_at_once() {
    let stage = Stage::new(&app(&[1], "max_connections = 1\nqueue = { length = 0 }"));
    let _held = stage.pick();
    assert_eq!(stage.try_pick(&Ask::default()).unwrap_err(), Unavailable::QueueFull);
}

#[tokio::test]
async fn a_server_that_comes_serves_those_who_wait() {
    let stage = Stage::new(&app(&[1], FULL));
    let _held = stage.pick();
    let upstream = stage.upstream();
    let ask = Ask::default();
    let mut waiter = pin!(upstream.pick(&ask));
    assert!(waiter.as_mut().now_or_never().is_none());
    stage.upstreams.add("app", plinth::config::front::Server::parse("127.0.0.1:2").unwrap()).unwrap();
    assert_eq!(waiter.now_or_never().expect("a place").unwrap().address().port(), 2);
}

#[tokio::test]
async fn who_was_refused_by_the_free_server_does_not_hold_up_the_others() {
    let stage = Stage::new(&app(&[1, 2], FULL));
    let (one, two) = (stage.at(1), stage.at(2));
    let upstream = stage.upstream();
    let (tried, ask) = ([one.id()], Ask::default());
    let retry = Ask { tried: &tried, ..ask };
    let (mut picky, mut any) = (pin!(upstream.pick(&retry)), pin!(upstream.pick(&ask)));
    assert!(picky.as_mut().now_or_never().is_none() && any.as_mut().now_or_never().is_none());
    drop(one);
    assert_eq!(any.now_or_never().expect("a place").unwrap().address().port(), 1);
    drop(two);
    assert_eq!(picky.now_or_never().expect("a place").unwrap().address().port(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_load_no_server_has_more_than_it_takes_and_everybody_is_served() {
    let stage = Stage::new(&app(&[1, 2, 3], "max_connections = 2\nqueue = { length = 1000, timeout = \"60s\" }"));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        tasks.spawn(ask_on_and_on(stage.upstream()));
    }
    while let Some(done) = {
        let most = stage.backends().iter().map(|backend| backend.connections).max().unwrap();
        assert!(most <= 2, "{most} requests at a server");
        tasks.join_next().await
    } {
        done.unwrap();
    }
    assert_eq!(waiting(&stage), 0);
    assert!(stage.backends().iter().all(|backend| backend.connections == 0));
    assert_eq!(stage.backends().iter().map(|backend| backend.requests).sum::<u64>(), 8000);
}

/// Two requests at a time, 500 times.
async fn ask_on_and_on(upstream: Arc<Upstream>) {
    let held = async || {
        let _pick = upstream.pick(&Ask::default()).await.unwrap();
        tokio::task::yield_now().await;
    };
    for _ in 0..500 {
        futures_util::future::join(held(), held()).await;
    }
}
