//! What calls came to, and what they cost. Needs the service key.

use std::time::Duration;

use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::admin::query_of;
use crate::api::{FieldError, Problem};
use crate::auth::api::Caller;
use crate::config::Prices;
use crate::functions::FunctionsService;
use crate::functions::metering::{Counts, Period, UsageFilter, UsageSummary};
use crate::functions::model::LATEST;
use crate::types::{FunctionName, Timestamp};

/// Intervals of an answer at the most.
const INTERVALS: u32 = 1500;

/// Functions' versions of an answer at the most.
const FUNCTIONS: usize = 1000;

/// Which usage.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UsageQuery {
    /// Only of this function; also of one that was deleted.
    #[param(value_type = Option<String>, example = "hello")]
    function: Option<FunctionName>,
    /// Only of this version of the function: a number, or `$LATEST`.
    #[param(example = "$LATEST")]
    version: Option<String>,
    /// `minute`, `hour` (the default) or `day`: how long the intervals are. They begin at whole ones, in UTC.
    #[param(example = "hour")]
    by: Option<String>,
    /// The first interval is the one that holds this moment (RFC 3339); an hour, a day or 30 days before `to` unless it is said.
    #[param(value_type = Option<String>, format = DateTime, example = "2026-11-01T00:00:00Z")]
    from: Option<String>,
    /// Intervals that begin at this moment (RFC 3339) and later are left out; now unless it is said.
    #[param(value_type = Option<String>, format = DateTime, example = "2026-12-01T00:00:00Z")]
    to: Option<String>,
}

/// What calls came to.
#[derive(Serialize, ToSchema)]
#[schema(as = FunctionUsage)]
pub(super) struct UsageAnswer {
    /// When the first interval begins.
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    /// When the last interval ends.
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    /// `minute`, `hour` or `day`.
    #[schema(example = "hour")]
    by: &'static str,
    /// What `cost` is in.
    #[schema(example = "USD")]
    currency: String,
    totals: CountsAnswer,
    /// The same by function and version, those with the most calls first; 1000 at the most.
    functions: Vec<FunctionUsageAnswer>,
    /// The same by interval; those without calls are left out.
    intervals: Vec<IntervalAnswer>,
}

/// What the calls of a function's version came to.
#[derive(Serialize, ToSchema)]
#[schema(as = FunctionUsageOfVersion)]
pub(super) struct FunctionUsageAnswer {
    #[schema(value_type = String, example = "hello")]
    function: FunctionName,
    #[schema(example = "$LATEST")]
    version: String,
    #[serde(flatten)]
    counts: CountsAnswer,
}

/// What the calls of an interval came to.
#[derive(Serialize, ToSchema)]
#[schema(as = FunctionUsageOfInterval)]
pub(super) struct IntervalAnswer {
    /// When the interval began.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    #[serde(flatten)]
    counts: CountsAnswer,
}

/// What calls came to.
#[derive(Serialize, ToSchema)]
#[schema(as = FunctionUsageCounts)]
pub(super) struct CountsAnswer {
    /// Calls that ran; each try of an asynchronous call is one.
    #[schema(example = 1200)]
    calls: i64,
    /// Those of them that failed, in any way.
    #[schema(example = 3)]
    errors: i64,
    /// Those of them that took longer than they may.
    #[schema(example = 1)]
    timeouts: i64,
    /// Calls that were refused with 429, and so are not among `calls`.
    #[schema(example = 0)]
    throttles: i64,
    /// Calls for which an environment was started.
    #[schema(example = 4)]
    cold_starts: i64,
    duration_ms: DurationAnswer,
    /// Handlers and initialisation, each call rounded up to a millisecond.
    #[schema(example = 5400)]
    billed_ms: i64,
    /// Billed milliseconds times the memory size in GB (1024 MB).
    #[schema(example = 675.0)]
    gb_ms: f64,
    /// CPU time of the functions' code; that of calls whose process ended is not known.
    #[schema(example = 2100.5)]
    cpu_ms: f64,
    /// The most memory that one environment held, in MB, rounded up.
    #[schema(example = 45)]
    peak_memory_mb: i64,
    /// An estimate, by the prices in the configuration.
    #[schema(example = 0.00025)]
    cost: f64,
}

/// How long handlers took, in milliseconds; null without a call whose handler ran. Percentiles are right within 1/32.
#[derive(Serialize, ToSchema)]
#[schema(as = FunctionUsageDuration)]
pub(super) struct DurationAnswer {
    #[schema(example = 4.5)]
    mean: Option<f64>,
    #[schema(example = 3.1)]
    p50: Option<f64>,
    #[schema(example = 7.7)]
    p90: Option<f64>,
    #[schema(example = 48.1)]
    p99: Option<f64>,
}

/// Read what calls came to
///
/// Calls, failures, times, memory and an estimate of the cost: in all, by function and version, and by interval. Everything that ended
/// on this node is in it; other nodes write every few seconds. Minutes are kept for 2 days, hours for 90 and days for two years, unless
/// the configuration says otherwise.
#[utoipa::path(
    get,
    path = "/admin/v1/usage",
    tag = "functions",
    security(("bearer" = [])),
    params(UsageQuery),
    responses((status = 200, description = "What calls came to", body = UsageAnswer), Problem),
)]
#[get("/usage")]
pub(super) async fn read_usage(
    caller: Caller,
    request: HttpRequest,
    functions: Data<FunctionsService>,
) -> Result<Json<UsageAnswer>, Problem> {
    caller.require_service()?;
    let filter = filter_of(query_of(&request)?, functions.now()).map_err(|error| Problem::invalid(vec![error]))?;
    let summary = functions.usage(&filter).await?;
    Ok(Json(UsageAnswer::new(&filter, summary, &functions.config().prices)))
}

fn filter_of(query: UsageQuery, now: Timestamp) -> Result<UsageFilter, FieldError> {
    let UsageQuery { function, version, by, from, to } = query;
    if let Some(version) = &version {
        if function.is_none() {
            return Err(FieldError::new("version", "needs `function` too: versions are numbered for each function"));
        }
        if version != LATEST && version.parse::<i64>().is_err() {
            return Err(FieldError::new("version", format!("must be the number of a version, or {LATEST}")));
        }
    }
    let by = by.as_deref().unwrap_or(Period::Hour.as_str());
    let period = Period::ALL.into_iter().find(|period| period.as_str() == by);
    let period = period.ok_or_else(|| FieldError::new("by", "must be minute, hour or day"))?;
    let (to, from) = (moment("to", to)?, moment("from", from)?);
    let to = last_end(period, to.unwrap_or(now));
    let from = period.begin_of(from.unwrap_or_else(|| to.minus(usual(period))));
    if from >= to {
        return Err(FieldError::new("from", "must be before `to`"));
    }
    if to.since(from) > period.length() * INTERVALS {
        let message = format!(
            "there are more than {INTERVALS} intervals up to `to`; ask for longer ones (by=hour, by=day) or for less time"
        );
        return Err(FieldError::new("from", message));
    }
    Ok(UsageFilter { function, version, period, from, to })
}

fn moment(field: &str, text: Option<String>) -> Result<Option<Timestamp>, FieldError> {
    let wrong = |err| FieldError::new(field, format!("must be a moment as RFC 3339 has it, such as 2026-11-01T00:00:00Z: {err}"));
    text.map(|text| text.parse().map_err(wrong)).transpose()
}

/// When the last interval ends that begins before a moment.
fn last_end(period: Period, moment: Timestamp) -> Timestamp {
    let begin = period.begin_of(moment);
    if begin == moment { begin } else { begin.plus(period.length()) }
}

/// How much time is told of unless it is said.
fn usual(period: Period) -> Duration {
    match period {
        Period::Minute => Duration::from_hours(1),
        Period::Hour => Duration::from_hours(24),
        Period::Day => Duration::from_hours(30 * 24),
    }
}

impl UsageAnswer {
    fn new(filter: &UsageFilter, summary: UsageSummary, prices: &Prices) -> Self {
        let UsageSummary { totals, functions, intervals } = summary;
        let counts = |counts: &Counts| CountsAnswer::new(counts, prices);
        let mut functions: Vec<_> = functions.into_iter().collect();
        functions.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.calls));
        functions.truncate(FUNCTIONS);
        let of_function = |((function, version), of): (_, Counts)| FunctionUsageAnswer { function, version, counts: counts(&of) };
        Self {
            from: filter.from,
            to: filter.to,
            by: filter.period.as_str(),
            currency: prices.currency.clone(),
            totals: counts(&totals),
            functions: functions.into_iter().map(of_function).collect(),
            intervals: intervals.into_iter().map(|(at, of)| IntervalAnswer { at, counts: counts(&of) }).collect(),
        }
    }
}

impl CountsAnswer {
    fn new(counts: &Counts, prices: &Prices) -> Self {
        let gb_ms = fraction(counts.mb_ms, 1024.0);
        let cpu_ms = fraction(counts.cpu_us, 1000.0);
        let cost = fraction(counts.calls, 1e6) * prices.million_calls
            + gb_ms / 1000.0 * prices.gb_second
            + cpu_ms / 1000.0 * prices.cpu_second;
        Self {
            calls: counts.calls,
            errors: counts.errors,
            timeouts: counts.timeouts,
            throttles: counts.throttles,
            cold_starts: counts.cold_starts,
            duration_ms: DurationAnswer::new(counts),
            billed_ms: counts.billed_ms,
            gb_ms,
            cpu_ms,
            peak_memory_mb: counts.peak_bytes.unsigned_abs().div_ceil(1024 * 1024).try_into().unwrap_or(i64::MAX),
            cost: (cost * 1e9).round() / 1e9,
        }
    }
}

impl DurationAnswer {
    fn new(counts: &Counts) -> Self {
        let percentile = |share: u64| {
            let micros = counts.durations.per_mille(share)?;
            Some(fraction(i64::try_from(micros).unwrap_or(i64::MAX), 1000.0))
        };
        let ran = i64::try_from(counts.durations.count()).unwrap_or(i64::MAX);
        #[expect(clippy::cast_precision_loss, reason = "a mean is a fraction; counts fit its 53 bits")]
        let mean = (ran > 0).then(|| (fraction(counts.duration_us, ran as f64)).round() / 1000.0);
        Self { mean, p50: percentile(500), p90: percentile(900), p99: percentile(990) }
    }
}

/// A sum in other units.
fn fraction(sum: i64, of: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "what is shown needs no more than 53 bits")]
    let sum = sum as f64;
    sum / of
}
