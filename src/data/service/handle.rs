//! [`DataService`]: what `data::api` and whoever reads tables for a caller holds.

use std::fmt;
use std::sync::Arc;

use super::model::Caller;
use super::plans::Plans;
use crate::auth::principal::Role;
use crate::config;
use crate::data::plan::{Planner, Relationships};
use crate::db::{Db, Dialect};
use crate::policy;
use crate::sql::Schema;
use crate::sql::compile::{Bindings, Context, Owner, Rights};
use crate::types::Clock;
use arc_swap::ArcSwapOption;

/// Where the schema of the moment comes from.
pub trait Current: Send + Sync {
    /// The schema as this node knows it.
    fn schema(&self) -> Arc<Schema>;
}

/// Runs requests of the data API. Cheap to clone.
#[derive(Clone)]
pub struct DataService {
    pub(super) db: Db,
    schemas: Arc<dyn Current>,
    clock: Clock,
    pub(super) settings: Arc<config::Data>,
    /// The relationships of the last schema that was asked for.
    known: Arc<ArcSwapOption<Known>>,
}

/// A schema with what is worked out from it.
pub(super) struct Known {
    pub(super) schema: Arc<Schema>,
    pub(super) relationships: Relationships,
    pub(super) plans: Plans,
}

/// One request: whose it is, over which schema, at what time.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) known: Arc<Known>,
    pub(super) bindings: Arc<Bindings>,
    pub(super) rights: Arc<dyn Rights + Send>,
    /// Whether neither grants nor policies apply.
    pub(super) is_owner: bool,
    pub(super) dialect: Dialect,
    pub(super) max_rows: u64,
}

impl DataService {
    #[must_use]
    pub fn new(db: Db, schemas: Arc<dyn Current>, clock: Clock, settings: config::Data) -> Self {
        Self { db, schemas, clock, settings: Arc::new(settings), known: Arc::default() }
    }

    /// The schema of the moment.
    #[must_use]
    pub fn schema(&self) -> Arc<Schema> {
        self.schemas.schema()
    }

    pub(super) fn request(&self, caller: &Caller) -> Request {
        Request {
            known: self.known(),
            bindings: Arc::new(policy::bindings(caller.role.as_str(), caller.uid, &caller.claims, self.clock.now())),
            rights: policy::rights(caller.grantee()),
            is_owner: caller.role == Role::ServiceRole,
            dialect: if self.db.is_postgres() { Dialect::Postgres } else { Dialect::Sqlite },
            max_rows: self.settings.max_rows,
        }
    }

    /// The schema of the moment with its relationships, which are worked out when it has changed.
    fn known(&self) -> Arc<Known> {
        let schema = self.schemas.schema();
        if let Some(known) = self.known.load_full().filter(|known| Arc::ptr_eq(&known.schema, &schema)) {
            return known;
        }
        let relationships = Relationships::of(schema.catalog());
        let known = Arc::new(Known { schema, relationships, plans: Plans::default() });
        self.known.store(Some(Arc::clone(&known)));
        known
    }
}

impl Request {
    pub(super) fn planner(&self) -> Planner<'_> {
        Planner::new(&self.known.schema, &self.known.relationships, self.rights.as_ref(), self.max_rows)
    }

    pub(super) fn context(&self) -> Context<'_> {
        Context {
            dialect: self.dialect,
            schema: self.known.schema.as_ref(),
            bindings: &self.bindings,
            rights: self.rights.as_ref(),
        }
    }

    /// The same without limits of what may be seen, for the server's own look at rows.
    pub(super) fn as_owner(&self) -> Context<'_> {
        Context { rights: &Owner, ..self.context() }
    }
}

impl fmt::Debug for DataService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataService").field("db", &self.db).finish_non_exhaustive()
    }
}
