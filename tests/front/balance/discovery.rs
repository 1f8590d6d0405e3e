//! Names of servers become addresses by DNS, again and again.

use std::net::Ipv4Addr;
use std::time::Duration;

use plinth::front::balance::{Ask, Unavailable};

use super::Stage;
use crate::support::dns::{Answer, Dns};
use crate::support::eventually;

const SOON: Duration = Duration::from_secs(20);

fn addresses(last: &[u8]) -> Vec<Ipv4Addr> {
    last.iter().map(|last| Ipv4Addr::new(127, 0, 0, *last)).collect()
}

fn named(dns: &Dns, more: &str) -> String {
    format!(
        "[[upstreams]]\nname = \"app\"\nservers = [\"app.example:8080\"]\nqueue = {{ timeout = \"10s\" }}\n\
         resolve = {{ servers = [\"{}\"], {more} }}",
        dns.address,
    )
}

fn known(stage: &Stage) -> Vec<String> {
    stage.backends().into_iter().map(|backend| backend.address).collect()
}

async fn becomes(stage: &Stage, expected: &[&str]) {
    let what = format!("the servers' being {expected:?}");
    eventually(&what, SOON, async || (known(stage) == expected).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_is_every_address_of_it_for_as_long_as_its_ttl() {
    let dns = Dns::start(Answer::Addresses(addresses(&[2, 1]), 1)).await;
    let stage = Stage::new(&named(&dns, "min = \"10ms\""));
    // Who comes before the first answer waits for it.
    let first = stage.upstream().pick(&Ask::default()).await.unwrap();
    assert_eq!(first.name(), "app.example:8080");
    becomes(&stage, &["127.0.0.1:8080", "127.0.0.2:8080"]).await;

    dns.say(Answer::Addresses(addresses(&[2, 3]), 3600));
    becomes(&stage, &["127.0.0.2:8080", "127.0.0.3:8080"]).await;
    let asked = dns.asked();
    // Now the answer holds for an hour: nobody asks while another name's server does what takes a while.
    assert_eq!(stage.shares(4).len(), 1, "one port");
    assert_eq!(dns.asked(), asked);
    drop(first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_dns_fails_the_last_answer_is_used_on() {
    let dns = Dns::start(Answer::Addresses(addresses(&[1]), 0)).await;
    let stage = Stage::new(&named(&dns, "min = \"20ms\", timeout = \"200ms\""));
    becomes(&stage, &["127.0.0.1:8080"]).await;
    let name = || stage.upstreams.report().remove(0).names.remove(0);
    for broken in [Answer::Failure, Answer::Silence] {
        dns.say(broken);
        eventually("a fault", SOON, async || name().fault).await;
        assert_eq!(known(&stage), ["127.0.0.1:8080"]);
        assert_eq!(name().addresses, ["127.0.0.1:8080"]);
        dns.say(Answer::Addresses(addresses(&[1]), 0));
        eventually("an answer", SOON, async || name().fault.is_none().then_some(())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_ttl_is_cut_and_servers_that_stay_keep_their_counts() {
    let dns = Dns::start(Answer::Addresses(addresses(&[1]), 86_400)).await;
    let stage = Stage::new(&named(&dns, "min = \"10ms\", max = \"30ms\""));
    becomes(&stage, &["127.0.0.1:8080"]).await;
    stage.ports(5);
    dns.say(Answer::Addresses(addresses(&[2, 1]), 86_400));
    becomes(&stage, &["127.0.0.1:8080", "127.0.0.2:8080"]).await;
    assert_eq!(stage.backends()[0].requests, 5);

    // A reload that keeps the name keeps its addresses, too.
    stage.reload(&named(&dns, "min = \"10ms\", max = \"40ms\""));
    assert_eq!(known(&stage), ["127.0.0.1:8080", "127.0.0.2:8080"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_without_an_address_is_no_server() {
    let dns = Dns::start(Answer::Failure).await;
    let stage = Stage::new(&named(&dns, "min = \"20ms\", timeout = \"1s\""));
    let refused = stage.upstream().pick(&Ask::default()).await.unwrap_err();
    assert_eq!(refused, Unavailable::NoBackend);
    dns.say(Answer::Addresses(addresses(&[1]), 60));
    becomes(&stage, &["127.0.0.1:8080"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_adds_a_name_and_changes_all_its_addresses_at_once() {
    let dns = Dns::start(Answer::Addresses(addresses(&[1, 2]), 60)).await;
    let stage = Stage::new(&format!(
        "[[upstreams]]\nname = \"app\"\nservers = [\"127.0.0.9:1\"]\nresolve = {{ servers = [\"{}\"] }}",
        dns.address,
    ));
    let server = plinth::config::front::Server::parse("other.example:81").unwrap();
    stage.upstreams.add("app", server).unwrap();
    becomes(&stage, &["127.0.0.9:1", "127.0.0.1:81", "127.0.0.2:81"]).await;
    let change = plinth::front::balance::Change { weight: Some(7), ..Default::default() };
    let report = stage.upstreams.change("app", "other.example:81", change).unwrap();
    assert_eq!(report.backends.iter().map(|backend| backend.weight).collect::<Vec<_>>(), [1, 7, 7]);
    stage.upstreams.remove("app", "other.example:81").unwrap();
    assert_eq!(known(&stage), ["127.0.0.9:1"]);
}
