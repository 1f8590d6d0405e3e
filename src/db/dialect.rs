//! Where the two databases truly differ. Everything else is one SQL text.

/// Which database a connection speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// What ends a `select` in a write, so that the rows stay as they are until the commit.
    ///
    /// SQLite has one writer at a time, so nothing has to be said.
    #[must_use]
    pub const fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " for update",
        }
    }

    /// As [`Dialect::for_update`], but leaves out rows that another writer holds.
    #[must_use]
    pub const fn for_update_skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " for update skip locked",
        }
    }

    /// What a write says first when its rows must become visible in the order of the ids they get: it then waits for others that
    /// said the same to be committed. `None` where there is one writer anyway.
    #[must_use]
    pub const fn one_at_a_time(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("select pg_advisory_xact_lock(7015203)"),
        }
    }

    /// Tells every node that listens to a channel (`$1`, with the text `$2`) once the transaction is committed; `None` where there is
    /// one node.
    #[must_use]
    pub const fn announce(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("select pg_notify($1, $2)"),
        }
    }

    /// What a write says first when it is to be the only one of its kind until it is committed, and must see what those before it
    /// wrote: locking a table freezes no view of the data yet, as asking for an advisory lock would.
    #[must_use]
    pub const fn lock_app_migrations(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("lock table plinth.app_migrations in share row exclusive mode"),
        }
    }

    /// What a write says first that adds to rows of usage, of which every node adds to the same: it then waits for others instead of
    /// being run again after them.
    #[must_use]
    pub const fn lock_function_usage(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("lock table plinth.function_usage in share row exclusive mode"),
        }
    }

    /// Begins a transaction that is going to write.
    ///
    /// SQLite takes the write lock at once: one that waits until the first write cannot wait for it any more. On PostgreSQL the
    /// whole operation sees one state of the database, as it does on SQLite, and is run again when a row it writes was changed
    /// in between. (A rule over several rows still needs a constraint, or a lock on a row they share.)
    pub(super) const fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "begin immediate",
            Self::Postgres => "begin isolation level repeatable read",
        }
    }

    /// Begins a transaction that sees one state of the database and changes nothing.
    pub(super) const fn begin_read(self) -> &'static str {
        match self {
            Self::Sqlite => "begin deferred",
            Self::Postgres => "begin isolation level repeatable read read only",
        }
    }

    /// Makes the table that remembers the migrations.
    pub(super) const fn create_migrations(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "create table if not exists plinth.migrations (\
                 number integer primary key, name text not null, checksum text not null, applied_at text not null) strict"
            }
            Self::Postgres => {
                "create table if not exists plinth.migrations (\
                 number bigint primary key, name text not null, checksum text not null, applied_at timestamptz not null)"
            }
        }
    }

    /// Whether [`Dialect::create_migrations`] was done: one row with a boolean.
    pub(super) const fn has_migrations(self) -> &'static str {
        match self {
            Self::Sqlite => "select count(*) > 0 from sqlite_schema where type = 'table' and name = 'plinth.migrations'",
            Self::Postgres => "select to_regclass('plinth.migrations') is not null",
        }
    }
}
