//! Whether a session still lives, without asking the database on every request.
//!
//! A state is remembered for at most [`REMEMBERED`]. Ending sessions, banning and deleting move the user's *epoch* forward after
//! the change is committed, and a state counts only while its epoch is still the current one. The epoch is read before the
//! database is: a look that began before the change cannot bring the old state back after it.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::sync::Cache;

use super::principal::Role;
use super::queries::sessions;
use crate::db::{self, Db};
use crate::types::{SessionId, Timestamp, UserId};

/// How long a state is taken as true on a node that did not hear of a change.
pub const REMEMBERED: Duration = Duration::from_secs(3);

/// How many epochs there are; users share them, which costs a look too many now and then.
const EPOCHS: usize = 4096;

/// What is known of a session and its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The user was deleted.
    NoUser,
    /// The session was signed out.
    Over,
    /// The session lives. The user's role and ban are the database's, not the token's.
    Live { role: Role, banned_until: Option<Timestamp> },
}

/// Remembers the states of sessions.
#[derive(Debug)]
pub struct Sessions {
    states: Cache<(SessionId, UserId), (u64, State)>,
    epochs: Box<[AtomicU64]>,
    hasher: RandomState,
}

impl Default for Sessions {
    fn default() -> Self {
        let states = Cache::builder().max_capacity(100_000).time_to_live(REMEMBERED).build();
        let epochs = std::iter::repeat_with(AtomicU64::default).take(EPOCHS).collect();
        Self { states, epochs, hasher: RandomState::new() }
    }
}

impl Sessions {
    /// The state of a user's session, at most [`REMEMBERED`] old.
    ///
    /// # Errors
    /// The database failed.
    pub async fn state(&self, db: &Db, session: SessionId, user: UserId) -> db::Result<State> {
        let epoch = self.epoch(user).load(Ordering::SeqCst);
        if let Some((seen_in, state)) = self.states.get(&(session, user))
            && seen_in == epoch
        {
            return Ok(state);
        }
        let mut conn = db.read().await?;
        let state = sessions::state(&mut conn, session, user).await?;
        self.states.insert((session, user), (epoch, state));
        Ok(state)
    }

    /// Forgets what is known of a user's sessions. To be called after the change is committed, and before it is answered.
    pub fn forget(&self, user: UserId) {
        self.epoch(user).fetch_add(1, Ordering::SeqCst);
    }

    fn epoch(&self, user: UserId) -> &AtomicU64 {
        let slot = usize::try_from(self.hasher.hash_one(user) % EPOCHS as u64).unwrap_or(0);
        &self.epochs[slot]
    }
}
