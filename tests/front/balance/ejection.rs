//! A server at which requests fail is left alone for a while, and comes back slowly.

use std::collections::BTreeMap;
use std::time::Duration;

use plinth::front::balance::{Ask, BackendState, Failure, Outcome, Unavailable};

use super::{Stage, app};

const RULES: &str = "ejection = { failures = 3, window = \"10s\", time = \"10s\", max_time = \"40s\" }";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn failures_within_the_window_eject_for_a_while() {
    let stage = Stage::new(&app(&[1, 2, 3], RULES));
    stage.fail_at(1);
    stage.fail_at(1);
    assert_eq!(stage.backend(1).state, BackendState::Well);
    stage.fail_at(1);
    let ejected = stage.backend(1);
    assert_eq!(ejected.state, BackendState::Ejected);
    assert_eq!(ejected.ejected_until.unwrap().since(stage.clock.now()), seconds(10));
    assert_eq!(ejected.why.as_deref(), Some("3 requests failed within 10s, the last: no connection"));
    assert_eq!(ejected.failures, 3);
    stage.assert_even(&[2, 3]);

    stage.clock.advance(seconds(10));
    assert_eq!(stage.backend(1).state, BackendState::Well);
    stage.assert_even(&[1, 2, 3]);
}

#[test]
fn failures_far_apart_do_not_eject() {
    let stage = Stage::new(&app(&[1, 2, 3], RULES));
    for _ in 0..10 {
        stage.fail_at(1);
        stage.clock.advance(seconds(6));
    }
    assert_eq!(stage.backend(1).state, BackendState::Well);
}

#[test]
fn each_time_it_is_longer_up_to_a_limit_and_a_good_while_forgives() {
    let stage = Stage::new(&app(&[1, 2, 3], RULES));
    (0..3).for_each(|_| stage.fail_at(1));
    // One that comes back is on probation: its first failure is enough.
    for expected in [20, 40, 40] {
        stage.clock.advance(stage.backend(1).ejected_until.unwrap().since(stage.clock.now()));
        assert_eq!(stage.backend(1).state, BackendState::Well);
        stage.fail_at(1);
        assert_eq!(stage.backend(1).ejected_until.unwrap().since(stage.clock.now()), seconds(expected));
    }

    stage.clock.advance(seconds(40));
    stage.at(1).report(Outcome::Answered { status: 200, first_byte: Duration::from_millis(1) });
    stage.fail_at(1);
    assert_eq!(stage.backend(1).state, BackendState::Well, "one that succeeded is not on probation");
    stage.clock.advance(seconds(41));
    (0..3).for_each(|_| stage.fail_at(1));
    assert_eq!(stage.backend(1).ejected_until.unwrap().since(stage.clock.now()), seconds(10));
}

#[test]
fn at_most_half_are_ejected_and_the_only_one_never() {
    let stage = Stage::new(&app(&[1, 2, 3, 4, 5], RULES));
    for port in 1..=5 {
        (0..3).for_each(|_| stage.fail_at(port));
    }
    let ejected = stage.backends().iter().filter(|backend| backend.state == BackendState::Ejected).count();
    assert_eq!(ejected, 2);

    let stage = Stage::new(&app(&[1], RULES));
    (0..10).for_each(|_| stage.fail_at(1));
    assert_eq!(stage.backend(1).state, BackendState::Well);
}

#[test]
fn only_the_configured_statuses_are_failures() {
    let stage = Stage::new(&app(&[1, 2], RULES));
    let answer = |status| stage.at(1).report(Outcome::Answered { status, first_byte: Duration::from_millis(1) });
    (0..10).for_each(|_| answer(500));
    assert_eq!(stage.backend(1).state, BackendState::Well);
    (0..3).for_each(|_| answer(503));
    let ejected = stage.backend(1);
    assert_eq!((ejected.state, ejected.failures), (BackendState::Ejected, 3));
    assert_eq!(ejected.why.as_deref(), Some("3 requests failed within 10s, the last: answered 503"));
}

#[test]
fn while_none_is_well_all_are_tried_or_all_refused() {
    let rules = "ejection = { failures = 1, max_percent = 100 }";
    let stage = Stage::new(&app(&[1, 2], rules));
    stage.fail_at(1);
    stage.fail_at(2);
    assert!(stage.backends().iter().all(|backend| backend.state == BackendState::Ejected));
    stage.assert_even(&[1, 2]);

    let stage = Stage::new(&app(&[1, 2], &format!("{rules}\nall_unwell = \"refuse\"")));
    stage.fail_at(1);
    stage.fail_at(2);
    assert_eq!(stage.try_pick(&Ask::default()).unwrap_err(), Unavailable::NoBackend);
}

#[test]
fn a_request_is_not_sent_again_to_where_it_failed() {
    let stage = Stage::new(&app(&[1, 2], ""));
    let first = stage.pick();
    first.report(Outcome::Failed(Failure::Timeout));
    let second = stage.try_pick(&Ask { tried: &[first.id()], ..Ask::default() }).unwrap();
    assert_ne!(first.address(), second.address());
    let none = stage.try_pick(&Ask { tried: &[first.id(), second.id()], ..Ask::default() });
    assert_eq!(none.unwrap_err(), Unavailable::NoBackend);
}

#[test]
fn a_backup_takes_requests_only_while_no_other_can() {
    let servers = "servers = [\"127.0.0.1:1\", { address = \"127.0.0.1:2\", backup = true }]";
    let stage = Stage::new(&format!("[[upstreams]]\nname = \"app\"\n{servers}\nejection = {{ failures = 1, time = \"10s\" }}"));
    assert_eq!(stage.shares(10), BTreeMap::from([(1, 10)]));
    stage.fail_at(1);
    assert_eq!(stage.shares(10), BTreeMap::from([(2, 10)]));
    stage.clock.advance(seconds(10));
    assert_eq!(stage.shares(10), BTreeMap::from([(1, 10)]));
}

#[test]
fn one_that_comes_back_has_its_share_after_a_while() {
    let stage = Stage::new(&app(&[1, 2], "slow_start = \"100s\"\nejection = { failures = 1, time = \"10s\" }"));
    assert_eq!(stage.shares(100), BTreeMap::from([(1, 50), (2, 50)]), "who is there from the start does not start slowly");
    stage.fail_at(1);
    stage.clock.advance(seconds(10));
    let share = |expected: std::ops::RangeInclusive<usize>| {
        let share = stage.shares(1000).get(&1).copied().unwrap_or(0);
        assert!(expected.contains(&share), "{share} of 1000, {expected:?} expected");
    };
    share(5..=15);
    stage.clock.advance(seconds(25));
    assert_eq!(stage.backend(1).share_percent, 25);
    share(195..=205);
    stage.clock.advance(seconds(25));
    share(328..=338);
    stage.clock.advance(seconds(50));
    share(499..=501);
    assert_eq!(stage.backend(1).share_percent, 100);
}
