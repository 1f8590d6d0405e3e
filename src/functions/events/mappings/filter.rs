//! Which messages a function wants: patterns as EventBridge and AWS Lambda have them.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Number, Value};

use crate::types::InvalidName;

/// The longest pattern, in bytes, as AWS Lambda has it.
pub const MAX_FILTER: usize = 4096;

/// How deep a pattern may nest.
const DEPTH: usize = 16;

/// Fields whose text is compared as JSON when the pattern has fields for it.
const PARSED: &str = "body";

/// A pattern: what fields of a message must be.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    text: String,
    fields: Fields,
}

/// What an object must have: each of these.
type Fields = Vec<Wanted>;

#[derive(Clone, Debug, PartialEq)]
enum Wanted {
    Field(String, Condition),
    /// One of these.
    AnyOf(Vec<Fields>),
}

#[derive(Clone, Debug, PartialEq)]
enum Condition {
    /// It is an object that has these.
    Object(Fields),
    /// One of these holds.
    Rules(Vec<Rule>),
}

#[derive(Clone, Debug, PartialEq)]
enum Rule {
    Equals(Value),
    EqualsIgnoringCase(String),
    Prefix(String),
    Suffix(String),
    Numeric(Vec<(Comparison, f64)>),
    Exists(bool),
    /// None of these holds.
    Not(Vec<Self>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl FromStr for Filter {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > MAX_FILTER {
            return Err(InvalidName(format!("a pattern has at most {MAX_FILTER} bytes")));
        }
        let Ok(Value::Object(fields)) = serde_json::from_str(text) else {
            return Err(InvalidName("a pattern is a JSON object".to_owned()));
        };
        Ok(Self { text: text.to_owned(), fields: fields_of(fields, DEPTH).map_err(InvalidName)? })
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Filter {
    /// Whether a message, in the form in which functions get it, is as the pattern says.
    #[must_use]
    pub fn matches(&self, message: &Map<String, Value>) -> bool {
        let parsed = message.get(PARSED).and_then(Value::as_str).and_then(|text| serde_json::from_str::<Value>(text).ok());
        all_hold(&self.fields, |name, condition| match (name, condition, &parsed) {
            (PARSED, Condition::Object(fields), Some(Value::Object(body))) => have(fields, body),
            (PARSED, Condition::Object(_), _) => false,
            _ => holds(condition, message.get(name)),
        })
    }
}

fn fields_of(fields: Map<String, Value>, depth: usize) -> Result<Fields, String> {
    if depth == 0 {
        return Err(format!("a pattern nests at most {DEPTH} deep"));
    }
    if fields.is_empty() {
        return Err("an object of a pattern has at least one field".to_owned());
    }
    fields.into_iter().map(|(name, value)| wanted(name, value, depth)).collect()
}

fn wanted(name: String, value: Value, depth: usize) -> Result<Wanted, String> {
    match value {
        Value::Array(all) if name == "$or" => {
            let one = |value| match value {
                Value::Object(fields) => fields_of(fields, depth - 1),
                _ => Err("$or: is an array of objects".to_owned()),
            };
            Ok(Wanted::AnyOf(all.into_iter().map(one).collect::<Result<_, _>>()?))
        }
        Value::Array(rules) => Ok(Wanted::Field(name.clone(), Condition::Rules(rules_of(&name, rules)?))),
        Value::Object(fields) => Ok(Wanted::Field(name, Condition::Object(fields_of(fields, depth - 1)?))),
        _ => Err(format!("{name}: must be an array of values and rules, or an object")),
    }
}

fn rules_of(name: &str, rules: Vec<Value>) -> Result<Vec<Rule>, String> {
    if rules.is_empty() {
        return Err(format!("{name}: must have at least one value or rule"));
    }
    rules.into_iter().map(|rule| rule_of(name, rule)).collect()
}

fn rule_of(name: &str, value: Value) -> Result<Rule, String> {
    let fields = match value {
        Value::Array(_) => return Err(format!("{name}: has an array within an array")),
        Value::Object(fields) => fields,
        value => return Ok(Rule::Equals(value)),
    };
    let mut fields = fields.into_iter();
    let (Some((kind, value)), None) = (fields.next(), fields.next()) else {
        return Err(format!("{name}: a rule has one field, such as {{\"prefix\": \"a\"}}"));
    };
    match (kind.as_str(), value) {
        ("prefix", Value::String(text)) => Ok(Rule::Prefix(text)),
        ("suffix", Value::String(text)) => Ok(Rule::Suffix(text)),
        ("equals-ignore-case", Value::String(text)) => Ok(Rule::EqualsIgnoringCase(text.to_lowercase())),
        ("exists", Value::Bool(is_there)) => Ok(Rule::Exists(is_there)),
        ("numeric", Value::Array(parts)) => numeric(name, &parts),
        ("anything-but", Value::Array(values)) => {
            let is_plain = |value: &Value| value.is_string() || value.is_number();
            if values.is_empty() || !values.iter().all(is_plain) {
                return Err(format!("{name}: anything-but has texts or numbers"));
            }
            Ok(Rule::Not(values.into_iter().map(Rule::Equals).collect()))
        }
        ("anything-but", value @ (Value::String(_) | Value::Number(_))) => Ok(Rule::Not(vec![Rule::Equals(value)])),
        ("anything-but", value @ Value::Object(_)) => match rule_of(name, value)? {
            rule @ (Rule::Prefix(_) | Rule::Suffix(_) | Rule::EqualsIgnoringCase(_)) => Ok(Rule::Not(vec![rule])),
            _ => Err(format!("{name}: anything-but has values, or one of prefix, suffix and equals-ignore-case")),
        },
        (other, _) => Err(format!(
            "{name}: {other} is no rule, or has a value of another type; there are prefix, suffix, equals-ignore-case, \
             anything-but (texts), numeric (an array such as [\">\", 0, \"<=\", 5]) and exists (true or false)"
        )),
    }
}

fn numeric(name: &str, parts: &[Value]) -> Result<Rule, String> {
    let wrong =
        || format!("{name}: numeric is an array of one or two comparisons (=, <, <=, >, >=), each with a number behind it");
    let one = |pair: &[Value]| {
        let [Value::String(comparison), Value::Number(number)] = pair else { return None };
        let comparison = match comparison.as_str() {
            "=" => Comparison::Equal,
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            _ => return None,
        };
        Some((comparison, number.as_f64()?))
    };
    if !matches!(parts.len(), 2 | 4) {
        return Err(wrong());
    }
    parts.chunks(2).map(one).collect::<Option<Vec<_>>>().map(Rule::Numeric).ok_or_else(wrong)
}

fn have(fields: &Fields, object: &Map<String, Value>) -> bool {
    all_hold(fields, |name, condition| holds(condition, object.get(name)))
}

fn all_hold(fields: &Fields, holds: impl Fn(&str, &Condition) -> bool + Copy) -> bool {
    fields.iter().all(|wanted| match wanted {
        Wanted::Field(name, condition) => holds(name, condition),
        Wanted::AnyOf(all) => all.iter().any(|fields| all_hold(fields, holds)),
    })
}

fn holds(condition: &Condition, value: Option<&Value>) -> bool {
    match (condition, value) {
        (Condition::Object(fields), Some(Value::Object(object))) => have(fields, object),
        // Nothing is there: what must not be there is not.
        (Condition::Object(fields), None) => have(fields, &Map::new()),
        (Condition::Object(fields), Some(Value::Array(all))) => {
            all.iter().any(|one| one.as_object().is_some_and(|object| have(fields, object)))
        }
        (Condition::Object(_), Some(_)) => false,
        (Condition::Rules(rules), value) => rules.iter().any(|rule| is_so(rule, value)),
    }
}

fn is_so(rule: &Rule, value: Option<&Value>) -> bool {
    if let Rule::Exists(wanted) = rule {
        return value.is_some() == *wanted;
    }
    match (rule, value) {
        (_, None) => false,
        // No element may be what is not wanted; one must be what is.
        (Rule::Not(rules), Some(Value::Array(all))) => !all.iter().any(|one| rules.iter().any(|rule| is_so_of_one(rule, one))),
        (rule, Some(Value::Array(all))) => all.iter().any(|one| is_so_of_one(rule, one)),
        (rule, Some(value)) => is_so_of_one(rule, value),
    }
}

fn is_so_of_one(rule: &Rule, value: &Value) -> bool {
    let text = value.as_str();
    match rule {
        Rule::Equals(Value::Number(wanted)) => value.as_number().is_some_and(|number| same(number, wanted)),
        Rule::Equals(wanted) => wanted == value,
        Rule::EqualsIgnoringCase(wanted) => text.is_some_and(|text| text.to_lowercase() == *wanted),
        Rule::Prefix(prefix) => text.is_some_and(|text| text.starts_with(prefix)),
        Rule::Suffix(suffix) => text.is_some_and(|text| text.ends_with(suffix)),
        Rule::Numeric(comparisons) => value.as_f64().is_some_and(|number| {
            comparisons.iter().all(|(comparison, with)| match comparison {
                Comparison::Equal => number.total_cmp(with).is_eq() || number == *with,
                Comparison::Less => number < *with,
                Comparison::LessOrEqual => number <= *with,
                Comparison::Greater => number > *with,
                Comparison::GreaterOrEqual => number >= *with,
            })
        }),
        Rule::Exists(wanted) => *wanted,
        Rule::Not(rules) => !rules.iter().any(|rule| is_so_of_one(rule, value)),
    }
}

/// 1 and 1.0 are the same number.
fn same(one: &Number, other: &Number) -> bool {
    one == other || one.as_f64().zip(other.as_f64()).is_some_and(|(one, other)| one == other)
}
