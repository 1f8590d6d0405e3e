//! `[[upstreams]]`: what is allowed, and what is wrong where.

use std::time::Duration;

use plinth::config::Flags;
use plinth::config::front::{AllUnwell, Balance, CheckKind, HashKey, SameSite, Upstream};

use super::{load, refused};

fn upstream(text: &str) -> Upstream {
    let text = format!("[[upstreams]]\nname = \"app\"\n{text}\n");
    load(&text, &[], &Flags::default()).unwrap_or_else(|errors| panic!("{errors:?}")).config.front.upstreams.remove(0)
}

#[test]
fn what_is_not_said_has_its_default() {
    let app = upstream("servers = \"127.0.0.1:3000\"");
    assert_eq!((app.balance, app.balancing.hash_key.clone()), (Balance::RoundRobin, HashKey::Address));
    assert_eq!((app.balancing.all_unwell, app.balancing.slow_start), (AllUnwell::Try, Duration::ZERO));
    assert!(app.health.is_none() && app.sticky.is_none() && !app.balancing.keep_changes);
    assert_eq!((app.ejection.failures, app.ejection.max_percent, app.ejection.status.clone()), (5, 50, vec![502..=504]));
    assert_eq!((app.queue.length, app.queue.timeout), (128, Duration::from_secs(5)));
    assert_eq!((app.keep_alive.idle, app.resolve.max), (32, Duration::from_secs(300)));
}

#[test]
fn servers_are_addresses_or_tables() {
    let app = upstream(
        "servers = [\"127.0.0.1:3000\", \"[::1]:81\", { address = \"App.Example:80\", weight = 7, max_connections = 9, backup = true }]",
    );
    let names: Vec<_> = app.servers.iter().map(plinth::config::front::Server::name).collect();
    assert_eq!(names, ["127.0.0.1:3000", "[::1]:81", "app.example:80"]);
    let last = &app.servers[2];
    assert_eq!((last.weight, last.max_connections, last.backup), (7, Some(9), true));
    assert_eq!((app.servers[0].weight, app.servers[0].max_connections, app.servers[0].backup), (1, None, false));
}

#[test]
fn the_tables_within_an_upstream_are_read() {
    let app = upstream(
        "servers = \"127.0.0.1:1\"\nbalance = \"hash\"\nhash_key = \"header:X-Tenant\"\n\
         sticky = { name = \"r\", ttl = \"1d\", same_site = \"strict\", domain = \"Example.com\" }\n\
         [upstreams.health]\nkind = \"tcp\"\nport = 99\nstatus = [204, \"300-302\"]\n",
    );
    assert_eq!(app.balancing.hash_key, HashKey::Header("x-tenant".to_owned()));
    let sticky = app.sticky.unwrap();
    assert_eq!((sticky.name.as_str(), sticky.same_site, sticky.domain.as_deref()), ("r", SameSite::Strict, Some("example.com")));
    assert_eq!((sticky.ttl, sticky.http_only), (Some(Duration::from_secs(86_400)), true));
    let health = app.health.unwrap();
    assert_eq!((health.kind, health.port, health.status), (CheckKind::Tcp, Some(99), vec![204..=204, 300..=302]));
    assert_eq!((health.interval, health.rise, health.fall), (Duration::from_secs(5), 2, 3));
}

#[test]
fn every_error_has_its_place() {
    let text = "[[upstreams]]\nname = \"app\"\nservers = [\"127.0.0.1\"]\nbalance = \"luck\"\nhash_key = \"header:\"\n\
                hash_balance_factor = 90\nhealth = { pth = \"/\", status = \"200-100\" }\nqueue = 7\n\n\
                [upstreams.sticky]\nname = \"a b\"\npath = \"/;\"\n";
    let errors = refused(text);
    let of =
        |line: &str| errors.iter().find(|error| error.starts_with(&format!("plinth.toml:{line}"))).cloned().unwrap_or_default();
    assert!(of("3:11: ").contains("servers of a upstream must be host:port"), "{errors:?}");
    assert!(of("4:11: ").contains("\"round_robin\", \"least_connections\""), "{errors:?}");
    assert!(of("5:12: ").contains("\"header:NAME\""), "{errors:?}");
    assert!(of("6:23: ").contains("from 101 to 10000"), "{errors:?}");
    assert!(of("7:12: ").contains("did you mean path?"), "{errors:?}");
    assert!(of("7:32: ").contains("status of a health check must be"), "{errors:?}");
    assert!(of("8:9: ").contains("a queue is a table"), "{errors:?}");
    assert!(of("11:8: ").contains("name of a sticky cookie must be"), "{errors:?}");
    assert!(of("12:8: ").contains("path of a sticky cookie must be"), "{errors:?}");
}

#[test]
fn settings_that_contradict_each_other_are_errors() {
    let errors = refused(
        "[[upstreams]]\nname = \"app\"\nservers = [\"127.0.0.1:1\", \"127.0.0.1:1\"]\nresolve = { min = \"1h\", max = \"1m\" }\n\
         ejection = { time = \"1h\", max_time = \"1m\" }\n[[upstreams]]\nname = \"none\"\n[[upstreams]]\nname = \"backups\"\n\
         servers = { address = \"127.0.0.1:1\", backup = true }\n",
    );
    assert_eq!(
        errors,
        [
            "plinth.toml:2:1: the upstream app has the server 127.0.0.1:1 twice; give it a weight instead",
            "plinth.toml:2:1: the upstream app has a resolve.min that is longer than its resolve.max",
            "plinth.toml:2:1: the upstream app has an ejection.time that is longer than its ejection.max_time",
            "plinth.toml:7:1: the upstream none must have servers, such as [\"127.0.0.1:3000\"]",
            "plinth.toml:9:1: the upstream backups must have a server that is no backup",
        ]
    );
}
