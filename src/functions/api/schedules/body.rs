//! A schedule as it is asked for, in a body or in `x-plinth-config`, checked field by field.

use std::str::FromStr;

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::FieldError;
use crate::functions::Declarations;
use crate::functions::model::{Expression, MAX_PAYLOAD, MAX_SCHEDULES, Missed, Qualifier, ScheduleDraft, ScheduleName, Zone};
use crate::types::Timestamp;

/// A schedule as it is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ScheduleSettings)]
pub(super) struct Body {
    /// The name; only in the list `schedules` of `x-plinth-config`.
    #[schema(value_type = Option<String>, example = json!(null))]
    #[serde(default)]
    name: Value,
    /// When it is due: `rate(5 minutes)`, `cron(0 8 ? * MON-FRI *)`, `at(2030-01-31T12:00:00)`, or a line of crontab such as
    /// `*/5 * * * *` or `@daily`. At most 256 characters.
    #[schema(value_type = String, example = "cron(0 8 ? * MON-FRI *)")]
    #[serde(default)]
    expression: Value,
    /// A time zone of the IANA database, by whose clocks `cron`, `at` and crontab go; `UTC` unless said.
    #[schema(value_type = Option<String>, example = "Europe/Berlin")]
    #[serde(default)]
    timezone: Value,
    /// The event that the function gets, 64 KiB of JSON at the most; without it the `Scheduled Event` of EventBridge.
    #[schema(value_type = Option<Value>, example = json!({"report": "daily"}))]
    #[serde(default)]
    payload: Value,
    /// A version or an alias; `$LATEST` unless said.
    #[schema(value_type = Option<String>, example = "live")]
    #[serde(default)]
    qualifier: Value,
    /// Whether it fires; true unless said.
    #[schema(value_type = Option<bool>, example = true)]
    #[serde(default)]
    enabled: Value,
    /// What becomes of due times that passed while no server ran: `skip`, `once` (the newest fires; the default) or `all` (each fires,
    /// the newest 100 at the most).
    #[schema(value_type = Option<String>, example = "once")]
    #[serde(default)]
    missed: Value,
    /// It is not due before; a rate counts from here.
    #[schema(value_type = Option<String>, format = DateTime, example = json!(null))]
    #[serde(default)]
    start: Value,
    /// It is not due after.
    #[schema(value_type = Option<String>, format = DateTime, example = json!(null))]
    #[serde(default)]
    end: Value,
}

impl Body {
    /// What is asked for the schedule of this name.
    ///
    /// # Errors
    /// Everything that is wrong, each with its field.
    pub(super) fn draft(self, name: &ScheduleName) -> Result<ScheduleDraft, Vec<FieldError>> {
        let mut reader = Reader { prefix: String::new(), errors: Vec::new() };
        if !self.name.is_null() && self.name != name.as_str() {
            reader.refuse("name", format!("the path names the schedule {name}; leave the name out here"));
        }
        let draft = self.read(&mut reader);
        draft.filter(|_| reader.errors.is_empty()).ok_or(reader.errors)
    }

    fn read(self, reader: &mut Reader) -> Option<ScheduleDraft> {
        let expression = match self.expression {
            Value::Null => {
                reader.refuse("expression", "is missing; it says when the schedule is due, such as rate(5 minutes)".to_owned());
                None
            }
            expression => reader.parse::<Expression>("expression", expression),
        };
        let zone = reader.take("timezone", self.timezone, |value| Zone::named(text(&value)?).map_err(|err| err.to_string()));
        let payload = reader.take("payload", self.payload, |value| {
            let json = value.to_string();
            let size = json.len();
            if size > MAX_PAYLOAD { Err(format!("has {size} bytes of JSON; {MAX_PAYLOAD} are allowed")) } else { Ok(json.into()) }
        });
        let qualifier = reader.parse::<Qualifier>("qualifier", self.qualifier);
        let is_enabled = reader.take("enabled", self.enabled, |value| value.as_bool().ok_or("must be true or false".to_owned()));
        let missed = reader.take("missed", self.missed, |value| {
            Missed::named(text(&value)?).ok_or_else(|| "must be \"skip\", \"once\" or \"all\"".to_owned())
        });
        let start = reader.take("start", self.start, moment);
        let end = reader.take("end", self.end, moment);
        if end.is_some_and(|end| start.is_some_and(|start| end < start)) {
            reader.refuse("end", "is before start".to_owned());
        }
        Some(ScheduleDraft {
            expression: expression?,
            zone: zone.unwrap_or_else(Zone::utc),
            start,
            end,
            payload,
            qualifier,
            is_enabled: is_enabled.unwrap_or(true),
            missed: missed.unwrap_or_default(),
        })
    }
}

/// The schedules that a deployment declares.
///
/// # Errors
/// Everything that is wrong, each with its place in the list.
pub(in crate::functions::api) fn declared(list: Value) -> Result<Declarations, Vec<FieldError>> {
    let Value::Array(list) = list else {
        let message = "must be a list, such as [{\"name\": \"daily\", \"expression\": \"cron(0 8 * * ? *)\"}]";
        return Err(vec![FieldError::new("schedules", message)]);
    };
    if list.len() > MAX_SCHEDULES {
        let message = format!("has {} schedules; a function may have {MAX_SCHEDULES}", list.len());
        return Err(vec![FieldError::new("schedules", message)]);
    }
    let mut declared = Declarations::new();
    let mut errors = Vec::new();
    for (index, item) in list.into_iter().enumerate() {
        let mut reader = Reader { prefix: format!("schedules[{index}]."), errors: Vec::new() };
        match serde_json::from_value::<Body>(item) {
            Ok(body) => declare(&mut declared, body, &mut reader),
            Err(err) => reader.errors.push(FieldError::new(format!("schedules[{index}]"), format!("is no schedule: {err}"))),
        }
        errors.append(&mut reader.errors);
    }
    if errors.is_empty() { Ok(declared) } else { Err(errors) }
}

fn declare(declared: &mut Declarations, mut body: Body, reader: &mut Reader) {
    let name = match body.name.take() {
        Value::Null => {
            reader.refuse("name", "is missing".to_owned());
            None
        }
        name => reader.parse::<ScheduleName>("name", name),
    };
    let draft = body.read(reader);
    let Some((name, draft)) = name.zip(draft) else { return };
    if declared.contains_key(&name) {
        reader.refuse("name", format!("{name} is there twice"));
    }
    declared.insert(name, draft);
}

/// Collects what is wrong.
struct Reader {
    /// What stands before the names of fields.
    prefix: String,
    errors: Vec<FieldError>,
}

impl Reader {
    /// A field, when it is not null and as it must be.
    fn take<T>(&mut self, field: &str, value: Value, read: impl FnOnce(Value) -> Result<T, String>) -> Option<T> {
        if value.is_null() {
            return None;
        }
        read(value).map_err(|message| self.refuse(field, message)).ok()
    }

    /// A text that is something else.
    fn parse<T: FromStr<Err: ToString>>(&mut self, field: &str, value: Value) -> Option<T> {
        self.take(field, value, |value| text(&value)?.parse().map_err(|err: T::Err| err.to_string()))
    }

    fn refuse(&mut self, field: &str, message: String) {
        self.errors.push(FieldError::new(format!("{}{field}", self.prefix), message));
    }
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| "must be a text".to_owned())
}

fn moment(value: Value) -> Result<Timestamp, String> {
    let moment = text(&value)?.parse().ok();
    moment.ok_or_else(|| "must be a time with its zone, such as 2030-01-31T12:00:00Z".to_owned())
}
