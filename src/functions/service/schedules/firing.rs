//! Fires what is due.

use std::time::Duration;

use metrics::counter;

use super::message::{event_of, request_of};
use super::{LOOK_EVERY, LOOK_EVERY_ALONE};
use crate::db::Tx;
use crate::functions::FunctionsService;
use crate::functions::error::{Error, Result};
use crate::functions::events::StoredEvent;
use crate::functions::model::{LastRun, MAX_MADE_UP, Missed, Schedule};
use crate::functions::queries::schedules::{self as queries, Fired};
use crate::functions::queries::{events, functions};
use crate::types::Timestamp;

/// Schedules that are fired in one transaction at the most.
const CLAIM: u32 = 16;

/// A schedule that is due, and what comes of it.
#[derive(Clone)]
struct Firing {
    schedule: Schedule,
    fired: Fired,
    events: Vec<StoredEvent>,
    /// Whether due times were left out.
    leaves_out: bool,
}

impl FunctionsService {
    /// Fires what is due until the server stops.
    pub(in crate::functions::service) async fn run_schedules(self) {
        let tasks = self.0.invoker.tasks.clone();
        while !tasks.is_stopping() {
            let wait = match self.fire_due().await {
                Ok(true) => continue,
                Ok(false) => self.until_next().await,
                Err(err) => {
                    tracing::warn!(error = %err, "schedules are not fired for now: {err}");
                    LOOK_EVERY
                }
            };
            tokio::select! {
                () = self.0.schedules.or_after(wait) => {}
                () = tasks.soft_stopped() => {}
            }
        }
    }

    /// How long nothing is due, as far as this node knows.
    async fn until_next(&self) -> Duration {
        let system = &self.0.databases.system;
        let longest = if system.is_postgres() { LOOK_EVERY } else { LOOK_EVERY_ALONE };
        let next = async { queries::next_due(&mut system.read().await?).await };
        match next.await {
            Ok(next) => next.map_or(longest, |next| next.since(self.now()).min(longest)),
            Err(_) => longest,
        }
    }

    /// Fires some of what is due; false when nothing is.
    async fn fire_due(&self) -> Result<bool> {
        let now = self.now();
        let due = queries::due(&mut self.0.databases.system.read().await?, now, CLAIM).await?;
        if due.is_empty() {
            return Ok(false);
        }
        let mut firings = Vec::with_capacity(due.len());
        for schedule in due {
            if let Some(firing) = self.firing_of(schedule, now).await? {
                firings.push(firing);
            }
        }
        let written = self.0.databases.system.write(move |tx| {
            let firings = firings.clone();
            Box::pin(async move { take(tx, firings).await })
        });
        for firing in written.await? {
            firing.tell();
        }
        self.0.events.wake();
        Ok(true)
    }

    /// What comes of a schedule that is due; `None` when its function is gone, and the schedule with it.
    async fn firing_of(&self, schedule: Schedule, now: Timestamp) -> Result<Option<Firing>> {
        let (id, function) = (schedule.function_id, &schedule.function);
        if functions::name_of(&mut self.0.databases.app.read().await?, id).await?.is_none() {
            tracing::warn!(%function, schedule = %schedule.name, "the schedules of {function} are removed: the function was deleted");
            self.forget_schedules(id).await?;
            return Ok(None);
        }
        let (due, leaves_out) = due_times(&schedule, now, self.0.config.schedule_grace);
        let next_at = schedule.timing.next_after(now);
        let refusal = match self.target(function, schedule.qualifier.as_ref()).await {
            Err(err @ Error::UnknownQualifier { .. }) => Some(err.to_string()),
            // A node that did not hear yet that the function was made anew: the event is of the function by its id.
            Ok(_) | Err(Error::UnknownFunction(_)) => None,
            Err(err) => return Err(err),
        };
        if refusal.is_some() {
            let fired = Fired { next_at, last_run: None, refusal };
            return Ok(Some(Firing { schedule, fired, events: Vec::new(), leaves_out }));
        }
        let events: Vec<StoredEvent> = due.iter().map(|due| event(&schedule, *due, now)).collect();
        let last = due.last().zip(events.last());
        let last_run = last.map(|(due, event)| LastRun { due_at: *due, fired_at: now, request: event.id });
        let fired = Fired { next_at, last_run, refusal: None };
        Ok(Some(Firing { schedule, fired, events, leaves_out }))
    }

    /// Removes the schedules of a function that is gone.
    pub(in crate::functions::service) async fn forget_schedules(&self, function: crate::types::FunctionId) -> Result<()> {
        let write = self
            .0
            .databases
            .system
            .write(move |tx| Box::pin(async move { Ok::<_, Error>(queries::delete_of(tx, function).await?) }));
        write.await
    }
}

impl Firing {
    /// Counts it, and logs what was not accepted.
    fn tell(&self) {
        let (function, name) = (&self.schedule.function, &self.schedule.name);
        let count = |outcome: &'static str, number: usize| {
            let number = u64::try_from(number).unwrap_or(u64::MAX);
            counter!("plinth_schedule_firings_total", "function" => function.to_string(), "outcome" => outcome).increment(number);
        };
        if let Some(reason) = &self.fired.refusal {
            count("refused", 1);
            tracing::warn!(%function, schedule = %name, reason, "schedule {name} of {function} was not fired: {reason}");
            return;
        }
        count("accepted", self.events.len());
        if self.leaves_out {
            count("left_out", 1);
            let missed = self.schedule.missed.as_str();
            let since = self.schedule.next_at.map(|at| at.to_string()).unwrap_or_default();
            tracing::warn!(%function, schedule = %name, "times of schedule {name} of {function} since {since} were missed and left out (missed is {missed})");
        }
    }
}

/// Takes due times and adds their events; those that another node took, or that were set anew since they were read, are not given back.
async fn take(tx: &mut Tx, firings: Vec<Firing>) -> Result<Vec<Firing>> {
    let mut taken = Vec::with_capacity(firings.len());
    for firing in firings {
        if !queries::take(tx, &firing.schedule, &firing.fired).await? {
            continue;
        }
        for event in &firing.events {
            events::insert(tx, event).await?;
        }
        taken.push(firing);
    }
    Ok(taken)
}

/// The due times that fire, in their order, and whether others are left out.
fn due_times(schedule: &Schedule, now: Timestamp, grace: Duration) -> (Vec<Timestamp>, bool) {
    let Some(first) = schedule.next_at else { return (Vec::new(), false) };
    match schedule.missed {
        Missed::All => {
            let due = schedule.timing.last_moments_until(first, now, MAX_MADE_UP);
            let leaves_out = due.first().is_some_and(|oldest| *oldest > first);
            (due, leaves_out)
        }
        missed => {
            let last = schedule.timing.last_until(first, now);
            if missed == Missed::Skip && now.since(last) > grace { (Vec::new(), true) } else { (vec![last], last > first) }
        }
    }
}

fn event(schedule: &Schedule, due: Timestamp, now: Timestamp) -> StoredEvent {
    let id = request_of(schedule.series, due);
    let of = (schedule.function_id, schedule.function.clone(), schedule.qualifier.clone());
    StoredEvent::new(of, id, event_of(schedule, due, id), now)
}
