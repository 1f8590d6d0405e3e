//! The cookie that leads a client back to its server.

use std::time::Duration;

use plinth::front::balance::{Ask, BackendState, Change};

use super::{Stage, app};

const STICKY: &str = "sticky = { name = \"route\", ttl = \"1h\", secure = true }\nejection = { failures = 1, time = \"10s\" }";

/// The value of a `Set-Cookie`.
fn value(set_cookie: &str) -> &str {
    set_cookie.split_once('=').unwrap().1.split_once(';').unwrap().0
}

#[test]
fn a_client_comes_back_to_its_server() {
    let stage = Stage::new(&app(&[1, 2, 3], STICKY));
    let first = stage.pick();
    let cookie = first.sticky().expect("a cookie");
    assert_eq!(cookie, format!("route={}; Path=/; Max-Age=3600; SameSite=Lax; Secure; HttpOnly", value(&cookie)));
    for _ in 0..5 {
        let again = stage.try_pick(&Ask { cookie: Some(value(&cookie)), ..Ask::default() }).unwrap();
        assert_eq!(again.address(), first.address());
        assert_eq!(again.sticky(), None, "a cookie that is right is not set again");
    }
}

#[test]
fn a_cookie_is_opaque_and_one_that_leads_nowhere_is_replaced() {
    let stage = Stage::new(&app(&[1, 2, 3], STICKY));
    let first = stage.pick();
    let cookie = first.sticky().unwrap();
    assert!(!cookie.contains("127.0.0.1"));
    assert_eq!(value(&cookie).len(), 22, "16 bytes in base64");
    for forged in ["127.0.0.1:2", "", "1", "AAAAAAAAAAAAAAAAAAAAAA"] {
        let pick = stage.try_pick(&Ask { cookie: Some(forged), ..Ask::default() }).unwrap();
        assert!(pick.sticky().is_some(), "{forged:?} leads to no server");
    }

    // The same key gives the same cookies, on another node or after a restart; another key others.
    let other = Stage::new(&app(&[1, 2, 3], STICKY));
    assert_ne!(other.at(first.address().port()).sticky(), Some(cookie));
    stage.upstreams.use_key(&[7; 32]);
    other.upstreams.use_key(&[7; 32]);
    let same = other.at(first.address().port()).sticky().unwrap();
    assert_eq!(stage.at(first.address().port()).sticky().as_ref(), Some(&same));
    let led = stage.try_pick(&Ask { cookie: Some(value(&same)), ..Ask::default() }).unwrap();
    assert_eq!(led.address(), first.address());
}

#[test]
fn from_a_server_that_fails_a_client_goes_to_another_and_stays() {
    let stage = Stage::new(&app(&[1, 2], STICKY));
    let cookie = stage.at(1).sticky().unwrap();
    stage.fail_at(1);
    assert_eq!(stage.backend(1).state, BackendState::Ejected);
    let other = stage.try_pick(&Ask { cookie: Some(value(&cookie)), ..Ask::default() }).unwrap();
    let moved = other.sticky().expect("a new cookie");
    assert_eq!(other.address().port(), 2);
    stage.clock.advance(Duration::from_secs(10));
    let stays = stage.try_pick(&Ask { cookie: Some(value(&moved)), ..Ask::default() }).unwrap();
    assert_eq!(stays.address().port(), 2);
}

#[test]
fn a_server_that_is_drained_keeps_its_clients() {
    let stage = Stage::new(&app(&[1, 2], STICKY));
    let cookie = stage.at(1).sticky().unwrap();
    stage.upstreams.change("app", "127.0.0.1:1", Change { drain: Some(true), ..Change::default() }).unwrap();
    assert_eq!(stage.ports(3), [2, 2, 2]);
    let own = stage.try_pick(&Ask { cookie: Some(value(&cookie)), ..Ask::default() }).unwrap();
    assert_eq!(own.address().port(), 1);
}

#[test]
fn without_the_setting_there_is_no_cookie() {
    assert_eq!(Stage::new(&app(&[1], "")).pick().sticky(), None);
}
