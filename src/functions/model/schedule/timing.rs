//! The moments at which a schedule is due.

use std::time::Duration;

use super::cron::Cron;
use super::expression::{Expression, Kind};
use super::zone::Zone;
use crate::types::Timestamp;

/// The finest difference between moments.
const TICK: Duration = Duration::from_micros(1);

const SECOND: i64 = 1_000_000;

/// When a schedule is due. Two timings that are equal are due at the same moments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    pub expression: Expression,
    pub zone: Zone,
    /// Nothing is due before it, and a rate counts from it.
    pub start: Option<Timestamp>,
    /// Nothing is due after it.
    pub end: Option<Timestamp>,
    /// When the timing was set: what a rate without a start counts from.
    pub set_at: Timestamp,
}

impl Timing {
    /// Whether it says the same as another one that was set at another time.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        *self == Self { set_at: self.set_at, ..other.clone() }
    }

    /// The first moment after this one at which it is due; `None` when it is over.
    #[must_use]
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        let after = self.start.map_or(moment, |start| moment.max(start.minus(TICK)));
        let next = match &self.expression.kind {
            Kind::Rate(rate) => self.next_by_rate(*rate, after),
            Kind::At(local) => self.zone.moment(*local).filter(|at| *at > after),
            Kind::Cron(cron) if cron.is_by_the_hour => self.next_in_passing_hours(cron, after),
            Kind::Cron(cron) => self.next_time_of_day(cron, after),
        };
        next.filter(|next| self.end.is_none_or(|end| *next <= end))
    }

    /// The next moments after this one, as many as are wanted.
    #[must_use]
    pub fn upcoming(&self, moment: Timestamp, count: usize) -> Vec<Timestamp> {
        std::iter::successors(self.next_after(moment), |last| self.next_after(*last)).take(count).collect()
    }

    /// The last moment at which it is due until `until`, where `due` is one of those.
    ///
    /// What is due after a moment moves forward with it, so the last one is found by halving; the time that passed does not matter.
    #[must_use]
    pub fn last_until(&self, due: Timestamp, until: Timestamp) -> Timestamp {
        let (mut last, mut end) = (due, until.micros());
        while let Some(next) = self.next_after(last).filter(|next| next.micros() <= end) {
            let middle = i64::midpoint(next.micros(), end);
            let found = Timestamp::from_micros(middle).and_then(|middle| self.next_after(middle)).filter(|at| at.micros() <= end);
            match found {
                Some(found) => last = found,
                None => (last, end) = (next, middle),
            }
        }
        last
    }

    /// The last `count` moments at which it is due until `until`, in their order; `due` is the first that counts.
    #[must_use]
    pub fn last_moments_until(&self, due: Timestamp, until: Timestamp, count: usize) -> Vec<Timestamp> {
        let before = |last: &Timestamp| (*last > due).then(|| self.last_until(due, last.minus(TICK)));
        let mut moments: Vec<_> = std::iter::successors(Some(self.last_until(due, until)), before).take(count).collect();
        moments.reverse();
        moments
    }

    fn next_by_rate(&self, rate: Duration, after: Timestamp) -> Option<Timestamp> {
        let from = whole_second(self.start.unwrap_or(self.set_at))?;
        if self.start.is_some() && from > after {
            return Some(from);
        }
        let rate = i64::try_from(rate.as_micros()).ok()?;
        let passed = after.micros().checked_sub(from.micros())?.max(0);
        Timestamp::from_micros((passed / rate + 1).checked_mul(rate)?.checked_add(from.micros())?)
    }

    /// A time that clocks skip is due when they have skipped it, and one that they show twice is due the first time.
    fn next_time_of_day(&self, cron: &Cron, after: Timestamp) -> Option<Timestamp> {
        let mut local = self.zone.local(after)?;
        loop {
            let due = cron.at_or_after(following_minute(local)?)?;
            match self.zone.moment(due) {
                Some(moment) if moment > after => return Some(moment),
                _ => local = due,
            }
        }
    }

    /// Due whenever clocks show such a minute: those of a skipped hour never are, those of a repeated one are twice.
    fn next_in_passing_hours(&self, cron: &Cron, after: Timestamp) -> Option<Timestamp> {
        let mut since = after;
        let mut from = following_minute(self.zone.local(since)?)?;
        loop {
            let due = self.zone.moment_by_the_clock_of(since, cron.at_or_after(from)?)?;
            let Some(change) = self.zone.next_change(since).filter(|change| *change <= due) else { return Some(due) };
            since = change;
            let local = self.zone.local(change)?;
            from = if local.second() == 0 { local } else { following_minute(local)? };
        }
    }
}

/// The first minute that begins after a local time.
fn following_minute(local: jiff::civil::DateTime) -> Option<jiff::civil::DateTime> {
    let minute = local.date().at(local.hour(), local.minute(), 0, 0);
    minute.checked_add(jiff::SignedDuration::from_mins(1)).ok()
}

/// The first whole second that is not before a moment.
fn whole_second(moment: Timestamp) -> Option<Timestamp> {
    let micros = moment.micros();
    Timestamp::from_micros(micros.checked_add((SECOND - micros.rem_euclid(SECOND)) % SECOND)?)
}
