//! A schedule as it is answered.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::functions::model::{LastRun, Schedule};
use crate::types::{FunctionName, RequestId, Timestamp};

/// Due times that are shown.
const NEXT_RUNS: usize = 5;

/// A schedule of a function.
#[derive(Serialize, ToSchema)]
#[schema(as = Schedule)]
pub(super) struct ScheduleAnswer {
    #[schema(example = "weekday-mornings")]
    name: String,
    #[schema(value_type = String, example = "report")]
    function: FunctionName,
    #[schema(example = "cron(0 8 ? * MON-FRI *)")]
    expression: String,
    #[schema(example = "Europe/Berlin")]
    timezone: String,
    /// The event that the function gets; null for the `Scheduled Event` of EventBridge.
    #[schema(example = json!({"report": "daily"}))]
    payload: Option<Value>,
    /// A version or an alias; null for `$LATEST`.
    #[schema(example = json!(null))]
    qualifier: Option<String>,
    #[schema(example = true)]
    enabled: bool,
    /// What becomes of due times that passed while no server ran: `skip`, `once` or `all`.
    #[schema(example = "once")]
    missed: &'static str,
    #[schema(value_type = Option<String>, format = DateTime)]
    start: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    end: Option<Timestamp>,
    /// Whether it came with a deployment, and goes with one that has it no more.
    #[schema(example = false)]
    declared: bool,
    /// `active`; `disabled`; `ended`: it is not due any more.
    #[schema(example = "active")]
    state: &'static str,
    /// When it is due next, the next five times.
    #[schema(value_type = Vec<String>, example = json!(["2030-01-31T07:00:00.000000Z"]))]
    next_runs: Vec<Timestamp>,
    /// The last firing; null before the first.
    last_run: Option<LastRunAnswer>,
    /// Why the last due time was not accepted as a call; null when it was.
    #[schema(example = json!(null))]
    last_error: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// A firing.
#[derive(Serialize, ToSchema)]
#[schema(as = ScheduleRun)]
pub(super) struct LastRunAnswer {
    /// The due time it was for.
    #[schema(value_type = String, format = DateTime)]
    due_at: Timestamp,
    /// When the call was accepted.
    #[schema(value_type = String, format = DateTime)]
    fired_at: Timestamp,
    /// The request id of the call: in the function's log, and among `/admin/v1/invocations` until it succeeds.
    #[schema(value_type = String, format = Uuid)]
    request_id: RequestId,
}

/// The schedules of a function.
#[derive(Serialize, ToSchema)]
pub(super) struct SchedulesAnswer {
    pub(super) schedules: Vec<ScheduleAnswer>,
}

impl From<Schedule> for ScheduleAnswer {
    fn from(schedule: Schedule) -> Self {
        let next_runs = schedule
            .next_at
            .map_or_else(Vec::new, |next| std::iter::once(next).chain(schedule.timing.upcoming(next, NEXT_RUNS - 1)).collect());
        let state = match (schedule.is_enabled, schedule.next_at) {
            (false, _) => "disabled",
            (true, None) => "ended",
            (true, Some(_)) => "active",
        };
        Self {
            name: schedule.name.to_string(),
            function: schedule.function,
            expression: schedule.timing.expression.to_string(),
            timezone: schedule.timing.zone.name().to_owned(),
            payload: schedule.payload.and_then(|payload| serde_json::from_slice(&payload).ok()),
            qualifier: schedule.qualifier.map(|qualifier| qualifier.to_string()),
            enabled: schedule.is_enabled,
            missed: schedule.missed.as_str(),
            start: schedule.timing.start,
            end: schedule.timing.end,
            declared: schedule.is_declared,
            state,
            next_runs,
            last_run: schedule.last_run.map(LastRunAnswer::from),
            last_error: schedule.refusal,
            created_at: schedule.created_at,
            updated_at: schedule.updated_at,
        }
    }
}

impl From<LastRun> for LastRunAnswer {
    fn from(run: LastRun) -> Self {
        Self { due_at: run.due_at, fired_at: run.fired_at, request_id: run.request }
    }
}
