//! PostgreSQL's types as JSON's.

use serde_json::{Map, Value, json};

/// What a type's values are in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    String,
    Boolean,
    Integer,
    Number,
    /// JSON itself: anything.
    Any,
    /// Of elements of a type.
    Array(&'a str),
}

impl<'a> Kind<'a> {
    /// Of a type's display text. `numeric(10,2)` and `character varying(5)` are what they are without the brackets.
    pub(super) fn of(ty: &'a str) -> Self {
        if let Some(element) = ty.strip_suffix("[]") {
            return Self::Array(element);
        }
        match bare(ty) {
            "boolean" => Self::Boolean,
            "smallint" | "integer" | "bigint" => Self::Integer,
            "numeric" | "real" | "double precision" => Self::Number,
            "json" | "jsonb" => Self::Any,
            _ => Self::String,
        }
    }

    /// The name of the type in JSON Schema; `None` for anything.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::String => Some("string"),
            Self::Boolean => Some("boolean"),
            Self::Integer => Some("integer"),
            Self::Number => Some("number"),
            Self::Any => None,
            Self::Array(_) => Some("array"),
        }
    }

    /// A default that is a constant; for text any expression, as it is written.
    pub(super) fn default(self, ty: &str, sql: &str) -> Option<Value> {
        match self {
            Self::String => {
                let constant = sql.strip_suffix(&format!("::{ty}"));
                Some(Value::from(constant.map_or(sql, |constant| constant.trim_matches('\''))))
            }
            _ => serde_json::from_str(sql).ok(),
        }
    }
}

/// A type without its modifier.
fn bare(ty: &str) -> &str {
    ty.split('(').next().unwrap_or(ty).trim()
}

/// A schema of OpenAPI 2.0: the format is PostgreSQL's own name, but for integers.
pub(super) fn swagger_schema(ty: &str) -> Map<String, Value> {
    let kind = Kind::of(ty);
    let mut schema = Map::new();
    let format = match bare(ty) {
        "smallint" | "integer" => "int32",
        "bigint" => "int64",
        _ => ty,
    };
    schema.insert("format".to_owned(), Value::from(format));
    if let Some(name) = kind.name() {
        schema.insert("type".to_owned(), Value::from(name));
    }
    if let Kind::Array(element) = kind {
        let items = Kind::of(element).name().map_or_else(|| json!({}), |name| json!({ "type": name }));
        schema.insert("items".to_owned(), items);
    }
    schema
}

/// A schema of OpenAPI 3.1, with the formats that JSON Schema knows.
pub(super) fn schema(ty: &str, nullable: bool) -> Map<String, Value> {
    let kind = Kind::of(ty);
    let mut schema = Map::new();
    if let Some(name) = kind.name() {
        let ty = if nullable { json!([name, "null"]) } else { Value::from(name) };
        schema.insert("type".to_owned(), ty);
    }
    let format = match bare(ty) {
        "smallint" | "integer" => Some("int32"),
        "bigint" => Some("int64"),
        "uuid" => Some("uuid"),
        "date" => Some("date"),
        "timestamp with time zone" => Some("date-time"),
        _ => None,
    };
    if let Some(format) = format.filter(|_| !matches!(kind, Kind::Array(_))) {
        schema.insert("format".to_owned(), Value::from(format));
    }
    if let Kind::Array(element) = kind {
        schema.insert("items".to_owned(), Value::Object(self::schema(element, true)));
    }
    schema
}
