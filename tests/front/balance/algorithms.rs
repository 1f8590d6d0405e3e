//! Who is next, by each algorithm.

use std::collections::BTreeMap;
use std::time::Duration;

use plinth::front::balance::{Ask, BackendState, Outcome, Pick};
use proptest::prelude::*;

use super::{Stage, app, weighted};

const ALGORITHMS: [&str; 4] = ["round_robin", "least_connections", "power_of_two", "hash"];

#[test]
fn round_robin_is_smooth() {
    let stage = Stage::new(&weighted(&[5, 1, 1], ""));
    assert_eq!(stage.ports(14), [1, 1, 2, 1, 3, 1, 1, 1, 1, 2, 1, 3, 1, 1]);
}

#[test]
fn of_two_the_slow_one_is_avoided_and_asked_again_after_a_while() {
    let stage = Stage::new(&app(&[1, 2], "balance = \"power_of_two\""));
    for (port, millis) in [(1, 10), (2, 200)] {
        stage.at(port).report(Outcome::Answered { status: 200, first_byte: Duration::from_millis(millis) });
    }
    assert_eq!(stage.shares(100), BTreeMap::from([(1, 100)]));

    // The fast one goes on answering, of the slow one nothing is heard: what is known of it grows old.
    stage.clock.advance(Duration::from_secs(60));
    stage.at(1).report(Outcome::Answered { status: 200, first_byte: Duration::from_millis(10) });
    assert_eq!(stage.shares(1), BTreeMap::from([(2, 1)]));
}

#[test]
fn a_server_that_nothing_is_known_of_is_not_run_over() {
    let stage = Stage::new(&app(&[1, 2], "balance = \"power_of_two\""));
    stage.at(1).report(Outcome::Answered { status: 200, first_byte: Duration::from_millis(500) });
    let held: Vec<Pick> = (0..100).map(|_| stage.pick()).collect();
    let new = held.iter().filter(|pick| pick.address().port() == 2).count();
    assert_eq!(new, 50, "shared by load alone");
}

#[test]
fn a_request_without_a_key_goes_to_the_servers_in_their_turn() {
    let stage = Stage::new(&app(&[1, 2, 3], "balance = \"hash\"\nhash_key = \"header:x-tenant\""));
    assert_eq!(stage.ports(6), [1, 2, 3, 1, 2, 3]);
}

#[test]
fn with_a_bound_no_server_has_much_more_than_its_share() {
    let stage = Stage::new(&app(&[1, 2, 3, 4, 5], "balance = \"hash\"\nhash_balance_factor = 125"));
    let ask = Ask { key: Some("everybody"), ..Ask::default() };
    let held: Vec<Pick> = (0..200).map(|_| stage.try_pick(&ask).unwrap()).collect();
    let most = stage.backends().iter().map(|backend| backend.connections).max().unwrap();
    assert!(most <= 51, "{most} of 200 requests at one of 5 servers: more than 125 % of its share");
    drop(held);
    let alone = stage.try_pick(&ask).unwrap().address();
    assert_eq!(stage.try_pick(&ask).unwrap().address(), alone, "without load a key has its server");
}

/// Where each of so many keys goes.
fn keys(stage: &Stage, count: usize) -> BTreeMap<usize, u16> {
    let port = |key: usize| {
        let key = format!("key {key}");
        stage.try_pick(&Ask { key: Some(&key), ..Ask::default() }).unwrap().address().port()
    };
    (0..count).map(|key| (key, port(key))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn in_each_round_every_server_has_its_weight(weights in prop::collection::vec(1_u32..=20, 1..8), rounds in 1_usize..4) {
        let stage = Stage::new(&weighted(&weights, ""));
        let round = usize::try_from(weights.iter().sum::<u32>()).unwrap();
        for _ in 0..rounds {
            let shares = stage.shares(round);
            for (port, weight) in (1_u16..).zip(&weights) {
                prop_assert_eq!(shares.get(&port).copied().unwrap_or(0), *weight as usize);
            }
        }
    }

    #[test]
    fn the_fewest_connections_are_fewest_for_the_weight(
        weights in prop::collection::vec(1_u32..=20, 1..8), requests in 1_usize..200, gone in prop::collection::vec(any::<prop::sample::Index>(), 0..50),
    ) {
        let stage = Stage::new(&weighted(&weights, "balance = \"least_connections\""));
        let mut held: Vec<Pick> = Vec::new();
        for index in gone {
            held.push(stage.pick());
            held.remove(index.index(held.len()));
        }
        held.extend((0..requests).map(|_| stage.pick()));
        // None could give its last request to another and be better off.
        let loads: Vec<_> = stage.backends().iter().map(|backend| (backend.connections, backend.weight)).collect();
        for (one, weight) in loads.iter().filter(|(connections, _)| *connections > 0) {
            for (other, share) in &loads {
                prop_assert!(one * share <= (other + 1) * weight, "{loads:?}");
            }
        }
    }

    #[test]
    fn two_choices_keep_the_load_even(servers in 2_u16..12) {
        let stage = Stage::new(&app(&(1..=servers).collect::<Vec<_>>(), "balance = \"power_of_two\""));
        let held: Vec<Pick> = (0..50 * usize::from(servers)).map(|_| stage.pick()).collect();
        let loads: Vec<_> = stage.backends().iter().map(|backend| backend.connections).collect();
        let most = loads.iter().max().unwrap();
        prop_assert!(*most <= 56, "50 requests for each server, {loads:?} after {} picks", held.len());
    }

    #[test]
    fn keys_are_spread_by_weight(weights in prop::collection::vec(1_u32..=10, 1..8)) {
        let stage = Stage::new(&weighted(&weights, "balance = \"hash\""));
        let keys = keys(&stage, 4000);
        let all = f64::from(weights.iter().sum::<u32>());
        for (port, weight) in (1_u16..).zip(&weights) {
            let fair = 4000.0 * f64::from(*weight) / all;
            let has = f64::from(u32::try_from(keys.values().filter(|of| **of == port).count()).unwrap());
            prop_assert!((has - fair).abs() < 5.0 * fair.sqrt() + 10.0, "{has} keys at a server whose share is {fair}");
        }
    }

    #[test]
    fn when_a_server_leaves_its_keys_alone_move(servers in 2_u16..12, leaver in any::<prop::sample::Index>()) {
        let ports: Vec<u16> = (1..=servers).collect();
        let stage = Stage::new(&app(&ports, "balance = \"hash\""));
        let before = keys(&stage, 500);
        let leaver = ports[leaver.index(ports.len())];
        stage.upstreams.remove("app", &format!("127.0.0.1:{leaver}")).unwrap();
        let without = keys(&stage, 500);
        for (key, port) in &before {
            prop_assert!(*port == leaver || without[key] == *port, "key {key} moved from {port} to {}", without[key]);
            prop_assert!(without[key] != leaver);
        }
        // And they come back with it.
        stage.upstreams.add("app", plinth::config::front::Server::parse(&format!("127.0.0.1:{leaver}")).unwrap()).unwrap();
        prop_assert_eq!(keys(&stage, 500), before);
    }

    #[test]
    fn an_unwell_server_is_never_picked_while_a_well_one_has_room(
        algorithm in prop::sample::select(&ALGORITHMS[..]),
        // For each server: whether requests fail at it, how many it has, and whether it is drained.
        state in prop::collection::vec((any::<bool>(), 0_u32..=2, prop::bool::weighted(0.2)), 2..7),
        backups in 0_usize..3,
    ) {
        let server = |place: usize| format!(
            "{{ address = \"127.0.0.1:{}\", backup = {}, max_connections = 2 }}",
            place + 1, place > 0 && place <= backups,
        );
        let servers: Vec<_> = (0..state.len()).map(server).collect();
        let stage = Stage::new(&format!(
            "[[upstreams]]\nname = \"app\"\nbalance = \"{algorithm}\"\nservers = [{}]\n\
             ejection = {{ failures = 1, max_percent = 100 }}\nqueue = {{ length = 0 }}", servers.join(", "),
        ));
        // Drained first to reach each by itself, then as the case says.
        let address = |place: usize| format!("127.0.0.1:{}", place + 1);
        let drain = |place: usize, drain| {
            let change = plinth::front::balance::Change { drain: Some(drain), ..Default::default() };
            stage.upstreams.change("app", &address(place), change).unwrap();
        };
        (0..state.len()).for_each(|place| drain(place, true));
        let mut held = Vec::new();
        for (place, (fails, has, _)) in state.iter().enumerate() {
            drain(place, false);
            held.extend((0..*has).map(|_| stage.pick()));
            if *fails && *has > 0 {
                held[held.len() - 1].report(Outcome::Failed(plinth::front::balance::Failure::Reset));
            }
            drain(place, true);
        }
        for (place, (_, _, drained)) in state.iter().enumerate() {
            drain(place, *drained);
        }
        let before = stage.backends();
        let has_room = |backend: &&plinth::front::balance::BackendReport| backend.connections < 2 && !backend.draining;
        let good: Vec<_> = before.iter().filter(has_room).filter(|backend| backend.state == BackendState::Well).collect();
        match stage.try_pick(&Ask { key: Some("some key"), ..Ask::default() }) {
            Ok(pick) => {
                let picked = before.iter().find(|backend| backend.address == pick.address().to_string()).unwrap();
                prop_assert!(has_room(&picked), "{picked:?} of {before:?}");
                if good.is_empty() {
                    let well = before.iter().any(|backend| backend.state == BackendState::Well);
                    prop_assert!(!well, "{picked:?} was picked while a well one is full: {before:?}");
                } else {
                    prop_assert!(picked.state == BackendState::Well, "{picked:?} of {before:?}");
                    let primary = good.iter().any(|backend| !backend.backup);
                    prop_assert!(!(primary && picked.backup), "{picked:?} of {before:?}");
                }
            }
            Err(_) => prop_assert!(good.is_empty(), "{before:?}"),
        }
    }
}
