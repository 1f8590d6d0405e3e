//! How a server stands: what checks and requests say of it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU32, Ordering};
use std::time::Duration;

use super::passive::Record;
use crate::config::front::HealthCheck;
use crate::front::balance::backend::Moment;
use crate::front::balance::lock;
use crate::front::balance::selection::FULL;

/// How a server stands: what checks and requests say of it.
#[derive(Debug, Default)]
pub(in crate::front::balance) struct Standing {
    checked: AtomicU8,
    /// Checks in a row that said other than `checked`.
    streak: AtomicU32,
    checked_at: AtomicI64,
    /// 0, or when the time of being left alone ends.
    pub(super) ejected_until: AtomicI64,
    /// 0, or since when it rises to its full share; later than now while it is left alone.
    rising_since: AtomicI64,
    /// Whether a request that succeeds changes anything.
    pub(super) on_probation: AtomicBool,
    pub(super) record: Mutex<Record>,
    /// What was wrong last.
    pub(super) why: Mutex<Option<String>>,
}

/// What checks say of a server.
const UNKNOWN: u8 = 0;
const WELL: u8 = 1;
const UNWELL: u8 = 2;

/// What a check changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::front::balance) enum Turn {
    Nothing,
    Well,
    Unwell,
}

impl Standing {
    /// Whether it is to be sent requests.
    pub(in crate::front::balance) fn is_well(&self, now: Moment, longest: Duration) -> bool {
        self.checked.load(Ordering::Relaxed) != UNWELL && !self.is_ejected(now, longest)
    }

    /// Whether checks say that it is unwell.
    pub(in crate::front::balance) fn is_unwell(&self) -> bool {
        self.checked.load(Ordering::Relaxed) == UNWELL
    }

    /// Whether it is left alone because requests failed. A clock that was set back does not lengthen that: it is never more than
    /// `longest` from now.
    pub(in crate::front::balance) fn is_ejected(&self, now: Moment, longest: Duration) -> bool {
        let until = self.ejected_until.load(Ordering::Relaxed);
        until > now && until - now <= micros(longest)
    }

    /// When the time of being left alone ends; `None` when it does not.
    pub(in crate::front::balance) fn ejected_until(&self, now: Moment, longest: Duration) -> Option<Moment> {
        self.is_ejected(now, longest).then(|| self.ejected_until.load(Ordering::Relaxed))
    }

    /// Its weight while it rises: a part of it that grows with time.
    pub(in crate::front::balance) fn risen(&self, weight: u32, now: Moment, slow_start: Duration) -> u32 {
        let full = weight.saturating_mul(FULL);
        let (since, whole) = (self.rising_since.load(Ordering::Relaxed), micros(slow_start));
        if since == 0 || whole == 0 || now >= since.saturating_add(whole) {
            return full;
        }
        let part =
            u128::from(full) * u128::from(now.saturating_sub(since).max(0).unsigned_abs()) / u128::from(whole.unsigned_abs());
        // A hundredth at the least, or it would never be seen to be well.
        u32::try_from(part).unwrap_or(full).max(weight.saturating_mul(FULL / 100))
    }

    /// It comes, or comes back: it starts slowly from now.
    pub(in crate::front::balance) fn rise(&self, now: Moment) {
        self.rising_since.store(now, Ordering::Relaxed);
    }

    /// Takes what a check said: the first decides, later ones when enough in a row say other than before.
    pub(in crate::front::balance) fn take(&self, verdict: Result<(), String>, rules: &HealthCheck, now: Moment) -> Turn {
        self.checked_at.store(now, Ordering::Relaxed);
        let before = self.checked.load(Ordering::Relaxed);
        let said = if verdict.is_ok() { WELL } else { UNWELL };
        if before == said {
            self.streak.store(0, Ordering::Relaxed);
            return Turn::Nothing;
        }
        let needed = match (before, said) {
            (UNKNOWN, _) => 1,
            (_, WELL) => rules.rise,
            _ => rules.fall,
        };
        if self.streak.fetch_add(1, Ordering::Relaxed) + 1 < needed {
            return Turn::Nothing;
        }
        self.streak.store(0, Ordering::Relaxed);
        self.checked.store(said, Ordering::Relaxed);
        match verdict {
            Ok(()) => {
                *lock(&self.why) = None;
                if before == UNWELL {
                    self.rise(now);
                }
                Turn::Well
            }
            Err(why) => {
                *lock(&self.why) = Some(why);
                Turn::Unwell
            }
        }
    }

    /// Nobody asks it any more: nothing is known against it.
    pub(in crate::front::balance) fn forget_checks(&self) {
        if self.checked.swap(UNKNOWN, Ordering::Relaxed) == UNWELL {
            *lock(&self.why) = None;
        }
        self.streak.store(0, Ordering::Relaxed);
    }

    /// What is wrong with it.
    pub(in crate::front::balance) fn why(&self) -> Option<String> {
        lock(&self.why).clone()
    }

    /// When it was asked last; `None` when it never was.
    pub(in crate::front::balance) fn checked_at(&self) -> Option<Moment> {
        Some(self.checked_at.load(Ordering::Relaxed)).filter(|at| *at != 0)
    }
}

pub(super) fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
