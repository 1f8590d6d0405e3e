//! What the operator does with schedules.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::db::Tx;
use crate::functions::FunctionsService;
use crate::functions::error::{Error, Result};
use crate::functions::model::{MAX_SCHEDULES, Qualifier, Revision, Schedule, ScheduleDraft, ScheduleName, Timing};
use crate::functions::queries::schedules as queries;
use crate::types::{FunctionId, FunctionName, Timestamp};

/// Schedules that come with a deployment.
pub type Declarations = BTreeMap<ScheduleName, ScheduleDraft>;

/// Whose schedule is set, and how.
#[derive(Clone)]
struct Wanted {
    function_id: FunctionId,
    function: FunctionName,
    name: ScheduleName,
    draft: ScheduleDraft,
    is_declared: bool,
    now: Timestamp,
}

impl FunctionsService {
    /// Makes a schedule, or changes it; what it was before, when it was there. A timing that stays as it is goes on where it was.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`]; [`Error::Invalid`] for a qualifier that is none, a timing that is over, and one schedule too many;
    /// [`Error::Contended`], or the database fails.
    pub async fn set_schedule(
        &self,
        function: &FunctionName,
        name: ScheduleName,
        draft: ScheduleDraft,
    ) -> Result<(Schedule, bool)> {
        let function_id = match self.get_qualified(function, draft.qualifier.as_ref()).await {
            Ok(revision) => revision.function_id,
            Err(err @ Error::UnknownQualifier { .. }) => return Err(invalid("qualifier", err.to_string())),
            Err(err) => return Err(err),
        };
        let wanted = Wanted { function_id, function: function.clone(), name, draft, is_declared: false, now: self.now() };
        let written = self.0.databases.system.write(move |tx| {
            let wanted = wanted.clone();
            Box::pin(async move {
                let before = queries::find(tx, wanted.function_id, &wanted.name).await?;
                if before.is_none() && queries::list(tx, wanted.function_id).await?.len() >= MAX_SCHEDULES {
                    return Err(too_many(&wanted.function));
                }
                let is_new = before.is_none();
                let schedule = set(tx, wanted, before).await?;
                Ok((schedule, is_new))
            })
        });
        let set = written.await?;
        self.0.schedules.wake();
        Ok(set)
    }

    /// Sets the schedules that came with a deployment; those of the deployment before that it does not have go. Nothing is done when
    /// another deployment came after it.
    ///
    /// # Errors
    /// [`Error::Contended`], or the database fails.
    pub async fn declare_schedules(&self, revision: &Revision, declared: Declarations) -> Result<()> {
        let (function_id, function, now) = (revision.function_id, revision.name.clone(), self.now());
        let before = queries::list(&mut self.0.databases.system.read().await?, function_id).await?;
        let is_nothing = declared.is_empty() && !before.iter().any(|schedule| schedule.is_declared);
        if is_nothing || self.get(&function).await?.id != revision.id {
            return Ok(());
        }
        let written = self.0.databases.system.write(move |tx| {
            let (function, declared) = (function.clone(), declared.clone());
            Box::pin(async move {
                let before = queries::list(tx, function_id).await?;
                for schedule in before.iter().filter(|schedule| schedule.is_declared && !declared.contains_key(&schedule.name)) {
                    queries::delete(tx, function_id, &schedule.name).await?;
                }
                for (name, draft) in declared {
                    let before = before.iter().find(|schedule| schedule.name == name).cloned();
                    let function = function.clone();
                    set(tx, Wanted { function_id, function, name, draft, is_declared: true, now }, before).await?;
                }
                Ok::<_, Error>(())
            })
        });
        written.await?;
        self.0.schedules.wake();
        Ok(())
    }

    /// Whether a deployment's schedules find room beside those that API calls made, before anything is deployed.
    ///
    /// # Errors
    /// [`Error::Invalid`] when they are too many, or the database fails.
    pub async fn check_room_for(&self, function: &FunctionName, declared: &Declarations) -> Result<()> {
        if declared.is_empty() {
            return Ok(());
        }
        let others = match self.schedules(function).await {
            Ok(schedules) => {
                schedules.iter().filter(|schedule| !schedule.is_declared && !declared.contains_key(&schedule.name)).count()
            }
            Err(Error::UnknownFunction(_)) => 0,
            Err(err) => return Err(err),
        };
        if others + declared.len() > MAX_SCHEDULES { Err(too_many(function)) } else { Ok(()) }
    }

    /// The schedules of a function, in the order of their names.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], or the database fails.
    pub async fn schedules(&self, function: &FunctionName) -> Result<Vec<Schedule>> {
        let function = self.get(function).await?.function_id;
        Ok(queries::list(&mut self.0.databases.system.read().await?, function).await?)
    }

    /// A schedule of a function.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], [`Error::Absent`], or the database fails.
    pub async fn schedule(&self, function: &FunctionName, name: &ScheduleName) -> Result<Schedule> {
        let id = self.get(function).await?.function_id;
        let found = queries::find(&mut self.0.databases.system.read().await?, id, name).await?;
        found.ok_or_else(|| absent(function, name))
    }

    /// Removes a schedule. What it fired already runs.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], [`Error::Absent`], or the database fails.
    pub async fn remove_schedule(&self, function: &FunctionName, name: ScheduleName) -> Result<()> {
        let (id, gone) = (self.get(function).await?.function_id, name.clone());
        let written = self.0.databases.system.write(move |tx| {
            let name = name.clone();
            Box::pin(async move { Ok::<_, Error>(queries::delete(tx, id, &name).await?) })
        });
        if written.await? { Ok(()) } else { Err(absent(function, &gone)) }
    }
}

/// Writes a schedule where there is none or this one. One that an operator sets must still become due; a deployment may be repeated
/// when its time is over.
async fn set(tx: &mut Tx, wanted: Wanted, before: Option<Schedule>) -> Result<Schedule> {
    let Wanted { function_id, function, name, draft, is_declared, now } = wanted;
    let ScheduleDraft { expression, zone, start, end, payload, qualifier, is_enabled, missed } = draft;
    let timing = Timing { expression, zone, start, end, set_at: now };
    let next_at = timing.next_after(now).filter(|_| is_enabled);
    let mut schedule = Schedule {
        function_id,
        function: function.clone(),
        name,
        series: Uuid::new_v4(),
        timing,
        payload,
        qualifier: qualifier.filter(|qualifier| *qualifier != Qualifier::Latest),
        is_enabled,
        missed,
        is_declared,
        next_at,
        last_run: None,
        refusal: None,
        created_at: now,
        updated_at: now,
    };
    let goes_on =
        before.as_ref().is_some_and(|before| before.is_enabled == is_enabled && before.timing.says_the_same(&schedule.timing));
    if is_enabled && next_at.is_none() && !is_declared && !goes_on {
        return Err(invalid("expression", "it is not due any more, neither now nor later, from start to end"));
    }
    let Some(before) = before else {
        return if queries::insert(tx, &schedule).await? { Ok(schedule) } else { Err(Error::Contended(function)) };
    };
    (schedule.created_at, schedule.last_run) = (before.created_at, before.last_run);
    if goes_on {
        (schedule.series, schedule.timing) = (before.series, before.timing);
        (schedule.next_at, schedule.refusal) = (before.next_at, before.refusal);
    } else {
        queries::set_timing(tx, &schedule).await?;
    }
    queries::change(tx, &schedule).await?;
    Ok(schedule)
}

fn absent(function: &FunctionName, name: &ScheduleName) -> Error {
    Error::Absent { function: function.clone(), what: format!("schedule {name}") }
}

fn too_many(function: &FunctionName) -> Error {
    let message = format!("function {function} may have {MAX_SCHEDULES} schedules; remove one first");
    invalid("schedules", message)
}

fn invalid(field: &str, message: impl Into<String>) -> Error {
    Error::Invalid { field: field.to_owned(), message: message.into() }
}
