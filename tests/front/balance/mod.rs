//! Load balancing: who is there, who is well, who is next; what operators see and change.

mod admin;
mod algorithms;
mod changes;
mod discovery;
mod ejection;
mod health;
mod proxied;
mod queue;
mod server;
mod sticky;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use futures_util::FutureExt;
use plinth::config::{self, Flags, front};
use plinth::front::balance::{Ask, BackendReport, Failure, Outcome, Parts, Pick, Unavailable, Upstream, Upstreams};
use plinth::tasks::Tasks;
use plinth::types::{Clock, Timestamp};
use tokio::runtime::Runtime;

static CORE: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());

/// Upstreams by a clock that stands still until a test moves it, and chance that is always the same.
struct Stage {
    upstreams: Upstreams,
    clock: Clock,
}

impl Stage {
    fn new(toml: &str) -> Self {
        let clock = Clock::manual("2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap());
        let upstreams = Upstreams::with(Parts { tasks: Tasks::new(CORE.handle().clone()), clock: clock.clone(), seed: 7 });
        upstreams.apply(&settings(toml));
        Self { upstreams, clock }
    }

    fn reload(&self, toml: &str) {
        self.upstreams.apply(&settings(toml));
    }

    fn upstream(&self) -> Arc<Upstream> {
        self.upstreams.get("app").expect("the upstream app")
    }

    /// Picks at once, as [`Upstream::pick`] does when nobody has to wait.
    fn try_pick(&self, ask: &Ask<'_>) -> Result<Pick, Unavailable> {
        self.upstream().pick(ask).now_or_never().expect("a pick at once")
    }

    fn pick(&self) -> Pick {
        self.try_pick(&Ask::default()).expect("a server")
    }

    /// Picks the server of this port, by having tried the others.
    fn at(&self, port: u16) -> Pick {
        let mut tried = Vec::new();
        loop {
            let pick = self.try_pick(&Ask { tried: &tried, ..Ask::default() }).unwrap_or_else(|_| panic!("no server at {port}"));
            if pick.address().port() == port {
                return pick;
            }
            tried.push(pick.id());
        }
    }

    /// A request fails at the server of this port.
    fn fail_at(&self, port: u16) {
        self.at(port).report(Outcome::Failed(Failure::Connect));
    }

    /// The ports of so many picks, each dropped at once.
    fn ports(&self, picks: usize) -> Vec<u16> {
        (0..picks).map(|_| self.pick().address().port()).collect()
    }

    /// How often each port is picked.
    fn shares(&self, picks: usize) -> BTreeMap<u16, usize> {
        let mut shares = BTreeMap::new();
        for port in self.ports(picks) {
            *shares.entry(port).or_default() += 1;
        }
        shares
    }

    /// These ports, and no other, are picked equally often.
    #[track_caller]
    fn assert_even(&self, ports: &[u16]) {
        let shares = self.shares(100 * ports.len());
        assert_eq!(shares.keys().collect::<Vec<_>>(), ports.iter().collect::<Vec<_>>());
        assert!(shares.values().all(|share| share.abs_diff(100) <= 2), "{shares:?}");
    }

    fn backends(&self) -> Vec<BackendReport> {
        self.upstreams.report().remove(0).backends
    }

    fn backend(&self, port: u16) -> BackendReport {
        let of = |backend: &BackendReport| backend.address.ends_with(&format!(":{port}"));
        self.backends().into_iter().find(of).unwrap_or_else(|| panic!("no server at {port}"))
    }
}

/// The upstreams of a configuration.
fn settings(toml: &str) -> Vec<front::Upstream> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plinth.toml");
    std::fs::write(&file, toml).unwrap();
    let loaded = config::load(&Flags { config: Some(file), ..Flags::default() }, &BTreeMap::new());
    loaded.unwrap_or_else(|errors| panic!("{errors:?}")).config.front.upstreams
}

/// An upstream named app with servers at these ports of 127.0.0.1, and further settings.
fn app(ports: &[u16], more: &str) -> String {
    let servers: Vec<_> = ports.iter().map(|port| format!("\"127.0.0.1:{port}\"")).collect();
    format!("[[upstreams]]\nname = \"app\"\nservers = [{}]\n{more}\n", servers.join(", "))
}

/// The same with weights.
fn weighted(weights: &[u32], more: &str) -> String {
    let server = |(place, weight): (usize, &u32)| format!("{{ address = \"127.0.0.1:{}\", weight = {weight} }}", place + 1);
    let servers: Vec<_> = weights.iter().enumerate().map(server).collect();
    format!("[[upstreams]]\nname = \"app\"\nservers = [{}]\n{more}\n", servers.join(", "))
}
