//! What all calls of this node come to, on its way to the database.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Counts, Meter, Period, meter};
use crate::config::KeepUsage;
use crate::db::{self, Db};
use crate::functions::model::Revision;
use crate::functions::queries::usage as queries;
use crate::tasks::Tasks;
use crate::types::{Clock, FunctionName, Timestamp};

/// Functions that have a name of their own in the metrics; further ones share one.
const LABELS: usize = 1000;

/// What those are called together; no function can be.
const OTHERS: &str = "(other)";

/// Minutes of functions' versions that are held at the most when they cannot be written.
const HELD: usize = 10_000;

/// Minutes of functions' versions that are written in one transaction.
const BATCH: usize = 64;

/// Rows that are removed in one transaction.
const PRUNE: u32 = 1000;

/// The meters of this node, and what they counted. Cheap to clone.
#[derive(Clone)]
pub(in crate::functions) struct Usage(Arc<Shared>);

struct Shared {
    meters: Mutex<Meters>,
    /// What is counted and not written; held while it is written.
    unwritten: tokio::sync::Mutex<BTreeMap<Cell, Counts>>,
    db: Db,
    clock: Clock,
    tasks: Tasks,
}

#[derive(Default)]
struct Meters {
    of: HashMap<(FunctionName, Option<i64>), Arc<Meter>>,
    labels: HashSet<FunctionName>,
}

/// A minute of a version of a function; in the order in which what cannot be held is given up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Cell {
    minute: Timestamp,
    function: FunctionName,
    version: String,
}

/// Which usage.
#[derive(Clone, Debug)]
pub struct UsageFilter {
    pub function: Option<FunctionName>,
    /// Of that function: a number, or `$LATEST`.
    pub version: Option<String>,
    pub period: Period,
    /// Intervals that begin at this moment and later.
    pub from: Timestamp,
    /// Intervals that begin before this moment.
    pub to: Timestamp,
}

/// What a version of a function came to in an interval, as it is stored.
#[derive(Clone, Debug)]
pub struct UsageRow {
    pub period: Period,
    pub begins_at: Timestamp,
    pub function: FunctionName,
    pub version: String,
    pub counts: Counts,
}

/// What a time's calls came to.
#[derive(Clone, Debug, Default)]
pub struct UsageSummary {
    pub totals: Counts,
    /// By function and version, in their order.
    pub functions: BTreeMap<(FunctionName, String), Counts>,
    /// By when the interval began; those without calls are not there.
    pub intervals: BTreeMap<Timestamp, Counts>,
}

impl Usage {
    pub(in crate::functions) fn new(db: Db, clock: Clock, tasks: Tasks) -> Self {
        meter::describe_metrics();
        Self(Arc::new(Shared { meters: Mutex::default(), unwritten: tokio::sync::Mutex::default(), db, clock, tasks }))
    }

    /// The meter of a revision's function and version.
    pub(in crate::functions) fn meter(&self, revision: &Revision) -> Arc<Meter> {
        let mut meters = self.0.meters();
        let key = (revision.name.clone(), revision.version);
        if let Some(meter) = meters.of.get(&key) {
            return Arc::clone(meter);
        }
        let has_label = meters.labels.contains(&key.0) || meters.labels.len() < LABELS;
        if has_label {
            meters.labels.insert(key.0.clone());
        }
        let label = if has_label { key.0.as_str() } else { OTHERS };
        let meter = Arc::new(Meter::new(label, self.0.clock.clone()));
        meters.of.insert(key, Arc::clone(&meter));
        meter
    }

    /// Writes what was counted until now.
    pub(in crate::functions) async fn flush(&self) {
        let mut unwritten = self.0.unwritten.lock().await;
        for (cell, counts) in self.0.take() {
            unwritten.entry(cell).or_default().add(&counts);
        }
        give_up_what_is_too_much(&mut unwritten);
        while let Some(last) = unwritten.keys().nth(BATCH - 1).or_else(|| unwritten.keys().next_back()).cloned() {
            let rows = Arc::new(rows_of(unwritten.range(..=last.clone())));
            let written = self.0.db.write(move |tx| {
                let rows = Arc::clone(&rows);
                Box::pin(async move { queries::add(tx, &rows).await })
            });
            if let Err(err) = written.await {
                tracing::error!(error = %err, "the usage of functions waits to be written: {err}");
                return;
            }
            unwritten.retain(|cell, _| *cell > last);
        }
    }

    /// As [`Usage::flush`], to the end even when the caller goes away.
    pub(in crate::functions) async fn flush_apart(&self) {
        let usage = self.clone();
        // Cut short only by the end of the server.
        let _ = self.0.tasks.spawn(async move { usage.flush().await }).await;
    }

    /// Removes what is older than is kept.
    pub(in crate::functions) async fn prune(&self, keep: KeepUsage) -> db::Result<()> {
        let now = self.0.clock.now();
        for (period, keep) in [(Period::Minute, keep.minutes), (Period::Hour, keep.hours), (Period::Day, keep.days)] {
            let before = period.begin_of(now.minus(keep));
            let prune = || self.0.db.write(move |tx| Box::pin(async move { queries::prune(tx, period, before, PRUNE).await }));
            while prune().await? == u64::from(PRUNE) {}
        }
        Ok(())
    }
}

impl Shared {
    /// What every meter counted since this was last asked; meters that nobody uses any more are dropped.
    fn take(&self) -> Vec<(Cell, Counts)> {
        let mut taken = Vec::new();
        self.meters().of.retain(|(function, version), meter| {
            let version = Revision::name_of_version(*version);
            let counted = meter.take();
            let is_used = !counted.is_empty() || Arc::strong_count(meter) > 1;
            let cell = |minute| Cell { minute, function: function.clone(), version: version.clone() };
            taken.extend(counted.into_iter().map(|(minute, counts)| (cell(minute), counts)));
            is_used
        });
        taken
    }

    fn meters(&self) -> MutexGuard<'_, Meters> {
        self.meters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops the oldest of what is more than may be held, and says so.
fn give_up_what_is_too_much(unwritten: &mut BTreeMap<Cell, Counts>) {
    let (mut minutes, mut calls) = (0_u64, 0);
    while unwritten.len() > HELD {
        if let Some((_, lost)) = unwritten.pop_first() {
            minutes += 1;
            calls += lost.calls;
        }
    }
    if minutes > 0 {
        tracing::error!(calls, "the usage of {calls} calls is lost: it could not be written for too long");
    }
}

/// The rows that these minutes are added to: theirs, their hours' and their days'; in one order on every node.
fn rows_of<'c>(cells: impl Iterator<Item = (&'c Cell, &'c Counts)>) -> Vec<UsageRow> {
    let mut rows: BTreeMap<(Period, Timestamp, &FunctionName, &str), Counts> = BTreeMap::new();
    for (cell, counts) in cells {
        for period in Period::ALL {
            let key = (period, period.begin_of(cell.minute), &cell.function, cell.version.as_str());
            rows.entry(key).or_default().add(counts);
        }
    }
    let row = |((period, begins_at, function, version), counts): ((_, _, &FunctionName, &str), _)| UsageRow {
        period,
        begins_at,
        function: function.clone(),
        version: version.to_owned(),
        counts,
    };
    rows.into_iter().map(row).collect()
}

impl UsageSummary {
    /// Adds a row.
    pub(in crate::functions) fn add(&mut self, row: UsageRow) {
        self.totals.add(&row.counts);
        self.intervals.entry(row.begins_at).or_default().add(&row.counts);
        self.functions.entry((row.function, row.version)).or_default().add(&row.counts);
    }
}
