//! Reloads and changes at run time keep what is known of servers that stay.

use std::time::Duration;

use plinth::config::front::Server;
use plinth::front::balance::{BackendOrigin, BackendState, Change, ChangeError};

use super::{Stage, app};

const RULES: &str = "ejection = { failures = 1, time = \"10s\" }";

fn server(text: &str) -> Server {
    Server::parse(text).unwrap()
}

#[test]
fn a_reload_keeps_the_health_and_the_counts_of_servers_that_stay() {
    let stage = Stage::new(&app(&[1, 2, 3], RULES));
    let under_way = stage.at(2);
    stage.fail_at(1);
    stage.reload(&app(&[4, 2, 1], &format!("{RULES}\nbalance = \"least_connections\"")));
    let one = stage.backend(1);
    assert_eq!((one.state, one.failures), (BackendState::Ejected, 1));
    assert_eq!(stage.backend(2).connections, 1);
    assert_eq!(
        stage.backends().iter().map(|backend| backend.address.as_str()).collect::<Vec<_>>(),
        ["127.0.0.1:4", "127.0.0.1:2", "127.0.0.1:1"]
    );
    drop(under_way);
    assert_eq!(stage.backend(2).connections, 0);
}

#[test]
fn a_reload_may_take_an_upstream_away_while_requests_are_under_way() {
    let stage = Stage::new(&app(&[1], ""));
    let (upstream, pick) = (stage.upstream(), stage.pick());
    stage.reload("");
    assert!(stage.upstreams.get("app").is_none());
    assert_eq!(pick.name(), "127.0.0.1:1");
    drop(pick);
    assert_eq!(upstream.config().name, "app");
}

#[test]
fn what_operators_change_lasts_until_the_next_reload() {
    let stage = Stage::new(&app(&[1, 2], ""));
    stage.upstreams.add("app", Server { weight: 2, ..server("127.0.0.1:3") }).unwrap();
    stage.upstreams.change("app", "127.0.0.1:1", Change { weight: Some(2), ..Change::default() }).unwrap();
    let report = stage.upstreams.remove("app", "127.0.0.1:2").unwrap();
    assert!(report.changed);
    stage.assert_even(&[1, 3]);
    assert_eq!((stage.backend(1).origin, stage.backend(3).origin), (BackendOrigin::Changed, BackendOrigin::Added));

    stage.reload(&app(&[1, 2], ""));
    stage.assert_even(&[1, 2]);
    assert!(stage.backends().iter().all(|backend| backend.origin == BackendOrigin::Configuration));
}

#[test]
fn with_keep_changes_they_outlive_it() {
    let stage = Stage::new(&app(&[1, 2], "keep_changes = true"));
    stage.upstreams.add("app", server("127.0.0.1:3")).unwrap();
    stage.upstreams.remove("app", "127.0.0.1:2").unwrap();
    stage.reload(&app(&[1, 2], "keep_changes = true"));
    stage.assert_even(&[1, 3]);
    stage.upstreams.add("app", server("127.0.0.1:2")).unwrap();
    // Added again, it is back.
    stage.assert_even(&[1, 2, 3]);
}

#[test]
fn a_change_of_nothing_is_an_error() {
    let stage = Stage::new(&app(&[1], ""));
    let no_server = stage.upstreams.remove("app", "127.0.0.1:9").unwrap_err();
    assert_eq!(no_server, ChangeError::NoServer { upstream: "app".to_owned(), server: "127.0.0.1:9".to_owned() });
    assert_eq!(stage.upstreams.remove("other", "127.0.0.1:1").unwrap_err(), ChangeError::NoUpstream("other".to_owned()));
    let twice = stage.upstreams.add("app", server("127.0.0.1:1")).unwrap_err();
    assert_eq!(twice, ChangeError::Exists { upstream: "app".to_owned(), server: "127.0.0.1:1".to_owned() });
}

#[test]
fn a_server_that_comes_later_starts_slowly() {
    let stage = Stage::new(&app(&[1], "slow_start = \"100s\""));
    stage.upstreams.add("app", server("127.0.0.1:2")).unwrap();
    assert_eq!(stage.backend(2).share_percent, 1);
    stage.clock.advance(Duration::from_secs(50));
    assert_eq!(stage.backend(2).share_percent, 50);
}

#[test]
fn a_server_that_is_drained_finishes_what_it_has() {
    let stage = Stage::new(&app(&[1, 2], ""));
    let under_way = stage.at(1);
    stage.upstreams.change("app", "127.0.0.1:1", Change { drain: Some(true), ..Change::default() }).unwrap();
    assert_eq!(stage.ports(5), [2; 5]);
    assert_eq!((stage.backend(1).state, stage.backend(1).connections), (BackendState::Draining, 1));
    drop(under_way);
    assert_eq!(stage.backend(1).connections, 0);
    stage.upstreams.change("app", "127.0.0.1:1", Change { drain: Some(false), ..Change::default() }).unwrap();
    stage.assert_even(&[1, 2]);
}
