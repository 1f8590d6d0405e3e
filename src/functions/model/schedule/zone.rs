//! Time zones, and the moments that local times stand for.

use std::sync::LazyLock;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};

use crate::types::Timestamp;

/// The longest name of a time zone, in characters.
const ZONE_CHARS: usize = 64;

/// The zones that the program carries: every node has the same, whatever its machine has.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone of the IANA database. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// A name that no time zone has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidZone(String);

impl Zone {
    /// Coordinated universal time.
    #[must_use]
    pub const fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The zone of this name, such as `Europe/Berlin`.
    ///
    /// # Errors
    /// [`InvalidZone`] with an example.
    pub fn named(name: &str) -> Result<Self, InvalidZone> {
        if name == "UTC" {
            return Ok(Self::utc());
        }
        let found = if name.len() > ZONE_CHARS { None } else { ZONES.get(name).ok() };
        let named = found.filter(|zone| zone.iana_name().is_some());
        named.map(Self).ok_or_else(|| {
            InvalidZone(
                "must be the name of a time zone in the IANA database, such as Europe/Berlin, America/New_York or UTC".to_owned(),
            )
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// What its clocks show at a moment.
    pub(super) fn local(&self, moment: Timestamp) -> Option<DateTime> {
        Some(self.0.to_datetime(jiff::Timestamp::from_microsecond(moment.micros()).ok()?))
    }

    /// When its clocks show a local time: for the first time where they show it twice, and the first moment after it where they skip it.
    pub(super) fn moment(&self, local: DateTime) -> Option<Timestamp> {
        let ambiguous = self.0.to_ambiguous_timestamp(local);
        let moment = match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok()?,
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local).ok()?,
            // By the clock that is in force after the gap, a time in it is a moment before the gap.
            AmbiguousOffset::Gap { after, .. } => self.0.following(after.to_timestamp(local).ok()?).next()?.timestamp(),
        };
        Timestamp::from_micros(moment.as_microsecond())
    }

    /// When clocks that run on as they do at `since` would show a local time.
    pub(super) fn moment_by_the_clock_of(&self, since: Timestamp, local: DateTime) -> Option<Timestamp> {
        let offset = self.0.to_offset(jiff::Timestamp::from_microsecond(since.micros()).ok()?);
        Timestamp::from_micros(offset.to_timestamp(local).ok()?.as_microsecond())
    }

    /// When its clocks are changed next.
    pub(super) fn next_change(&self, after: Timestamp) -> Option<Timestamp> {
        let change = self.0.following(jiff::Timestamp::from_microsecond(after.micros()).ok()?).next()?;
        Timestamp::from_micros(change.timestamp().as_microsecond())
    }
}
