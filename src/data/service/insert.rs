//! `insert`, with what becomes of rows whose key is there, and `put`.

use std::sync::Arc;

use super::change::{Step, Upsert, Writing};
use super::handle::{DataService, Request};
use super::model::{Answer, Caller, Wants};
use crate::data::plan::{Incoming, OnConflict, Planner, Purpose, Shown, key};
use crate::data::request::{Body, Query, Resolution};
use crate::data::{Error, Result};
use crate::sql::catalog::{Command, Privilege, Relation};
use crate::sql::compile;

impl DataService {
    /// Adds a body's rows, all or none; with `Prefer: resolution`, those that are there already are changed or left.
    ///
    /// # Errors
    /// What the request cannot mean or may not; what the database refuses; PGRST116.
    pub async fn insert(&self, caller: &Caller, relation: &str, query: &Query, body: &Body, wants: &Wants) -> Result<Answer> {
        let request = self.request(caller);
        let writing = {
            let planner = request.planner();
            let relation = planner.writable(relation)?;
            planner.may_send(relation, &body.keys, Privilege::Insert)?;
            let incoming = Incoming::of(relation, body, Purpose::Insert, wants.defaults())?;
            let resolution = wants.preferences.resolution;
            let named = query.on_conflict.as_deref();
            let conflict = match resolution {
                Some(resolution) => planner.on_conflict(relation, named, resolution == Resolution::MergeDuplicates)?,
                None => None,
            };
            if incoming.rows.is_empty() {
                None
            } else {
                Some(self.inserting(&request, relation, incoming, conflict, (query, wants))?)
            }
        };
        match writing {
            Some(writing) => self.write(writing).await,
            None => Ok(Answer { inserted: Some(0), ..wants.of_nothing()? }),
        }
    }

    /// Puts one row at its key, new or in the place of the one there.
    ///
    /// # Errors
    /// PGRST105, PGRST114 and PGRST115 when the address is not the key of the body's one row; otherwise as [`DataService::insert`].
    pub async fn put(&self, caller: &Caller, relation: &str, query: &Query, body: &Body, wants: &Wants) -> Result<Answer> {
        query.check_put()?;
        let mut wants = wants.clone();
        wants.preferences.resolution = Some(Resolution::MergeDuplicates);
        let request = self.request(caller);
        let writing = {
            let planner = request.planner();
            let relation = planner.writable(relation)?;
            planner.may_send(relation, &body.keys, Privilege::Insert)?;
            let incoming = Incoming::of(relation, body, Purpose::Insert, wants.defaults())?;
            incoming.is_put_to(relation, &query.filters)?;
            let conflict = OnConflict { columns: key(relation).to_vec(), merge: true };
            self.inserting(&request, relation, incoming, Some(conflict), (query, &wants))?
        };
        self.write(writing).await
    }

    fn inserting(
        &self,
        request: &Request,
        relation: &Arc<Relation>,
        incoming: Incoming,
        conflict: Option<OnConflict>,
        (query, wants): (&Query, &Wants),
    ) -> Result<Writing> {
        let mut planner = request.planner();
        let relation = planner.relation(&relation.name.name)?;
        let shown = if wants.shows() {
            planner.shown(relation, query)
        } else if wants.wants_key() {
            Shown::Key
        } else {
            Shown::Nothing
        };
        let conflict = conflict.as_ref();
        let steps = steps(request, &mut planner, relation, &incoming, (conflict, true), (shown, query))?;
        let mut proposed = Vec::new();
        if conflict.is_some() {
            let refused = planner.refused(relation, &incoming)?;
            let compiled = refused.iter().map(|query| compile::query(query, &request.context()));
            proposed = compiled.collect::<Result<_, _>>()?;
        }
        let mut upsert = None;
        if let Some(conflict) = conflict.filter(|conflict| conflict.merge) {
            incoming.has_no_row_twice(&conflict.columns)?;
            let existing = planner.existing(relation, &incoming, &conflict.columns);
            let existing = existing.map(|query| compile::query(&query, &request.as_owner())).transpose()?;
            let fresh = steps_when_new(request, &mut planner, relation, &incoming, conflict, (shown, query))?;
            upsert = Some(Upsert { existing, fresh });
        }
        let has_key = !key(relation).is_empty() || query.on_conflict.is_some();
        let relation = Arc::clone(relation);
        let writing = self.writing(request.clone(), relation, (query, wants, shown), (Command::Insert, steps));
        Ok(Writing { incoming: Some(incoming), proposed, upsert, has_key, ..writing })
    }
}

fn steps_when_new<'a>(
    request: &'a Request,
    planner: &mut Planner<'a>,
    relation: &'a Arc<Relation>,
    incoming: &Incoming,
    conflict: &OnConflict,
    shown: (Shown, &Query),
) -> Result<Vec<Step>> {
    steps(request, planner, relation, incoming, (Some(conflict), false), shown)
}

fn steps<'a>(
    request: &'a Request,
    planner: &mut Planner<'a>,
    relation: &'a Arc<Relation>,
    incoming: &Incoming,
    (conflict, may_update): (Option<&OnConflict>, bool),
    shown: (Shown, &Query),
) -> Result<Vec<Step>> {
    let statements = planner.insert(relation, incoming, conflict, may_update, shown)?;
    let compiled = statements.into_iter().map(|(statement, places)| Ok::<_, Error>((request.compiled(&statement)?, places)));
    compiled.collect()
}
