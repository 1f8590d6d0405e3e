//! Constants and the request's values: bound in statements, written out in definitions.

use std::fmt::Write as _;

use uuid::Uuid;

use super::context::Bindings;
use super::state::{Compiler, Done};
use crate::db::{Kind, Value};
use crate::sql::ast::{Expr, Param};
use crate::sql::fault::{Fault, sqlstate};
use crate::values::{Datum, Type, from_text, postgres_text};

impl Bindings {
    /// The value of one; null for an argument, which is no request's.
    pub(super) fn value(&self, param: &Param) -> Value {
        match param {
            Param::Uid => self.uid.into(),
            Param::Role => Value::Text(self.role.clone()),
            Param::Email => self.email.clone().into(),
            Param::Jwt => Value::Text(canonical(&self.jwt)),
            Param::Now => Value::Text(self.now.rfc3339()),
            Param::Argument(_) => Value::Null(Kind::Text),
        }
    }
}

impl Compiler<'_> {
    /// A constant.
    pub(super) fn literal(&mut self, datum: &Datum, ty: &Type) -> Done {
        if self.is_definition {
            return self.written_out(datum, ty);
        }
        let known = self.repeated.as_ref().and_then(|all| all.iter().find(|(known, of, _)| known == datum && of == ty));
        if let Some(number) = known.map(|(_, _, number)| *number) {
            self.number(number);
        } else {
            let value = if self.is_sqlite() { sqlite_value(datum, ty) } else { postgres_value(datum, ty)? };
            let number = self.bind(value);
            if let Some(repeated) = &mut self.repeated {
                repeated.push((datum.clone(), ty.clone(), number));
            }
        }
        self.say_type(ty);
        Ok(())
    }

    /// What follows a parameter, so that PostgreSQL takes it for a type.
    fn say_type(&mut self, ty: &Type) {
        if !self.is_sqlite() {
            self.push(&parameter_type(ty));
        }
    }

    /// A value that comes with the request.
    pub(super) fn param(&mut self, param: &Param) -> Done {
        if let Param::Argument(place) = param {
            let Some(text) = self.piece().arguments.get(*place).cloned() else {
                return Err(Fault::new(sqlstate::UNDEFINED_PARAMETER, format!("there is no parameter ${}", place + 1)));
            };
            self.push("(");
            self.push(&text);
            self.push(")");
            return Ok(());
        }
        if self.is_definition {
            let message = "a definition cannot use what differs from one request to the next, such as now() and auth.uid()";
            return Err(Fault::new(sqlstate::INVALID_OBJECT_DEFINITION, message));
        }
        let bindings = self.context.bindings;
        let ty = match param {
            Param::Uid => Type::Uuid,
            Param::Role | Param::Email | Param::Argument(_) => Type::Text,
            Param::Jwt => Type::Jsonb,
            Param::Now => Type::Timestamptz,
        };
        self.bind_once(param, || bindings.value(param));
        self.say_type(&ty);
        Ok(())
    }

    /// Constants of one type as one parameter, which can stand where a list of them can.
    ///
    /// `None` when they cannot be put together so.
    pub(super) fn list(&mut self, items: &[Expr]) -> Result<Option<String>, Fault> {
        let Some(ty) = items.first().map(|item| &item.ty) else { return Ok(None) };
        let data: Option<Vec<&Datum>> = items.iter().map(|item| constant(item, ty)).collect();
        let (Some(data), false, false) = (data, self.is_definition, matches!(ty, Type::Bytea | Type::Array(_))) else {
            return Ok(None);
        };
        self.captured(|this| {
            if this.is_sqlite() {
                this.push("(select value from json_each(");
                this.bind(Value::Text(json_array(&data)));
                this.push("))");
            } else {
                let elements = data.iter().map(|datum| postgres_text(ty, datum)).collect::<Vec<_>>();
                this.push("(");
                this.bind(Value::Text(postgres_array(elements.iter().map(Option::as_deref))));
                this.push(&format!("::text::{ty}[])"));
            }
            Ok(())
        })
        .map(Some)
    }

    fn written_out(&mut self, datum: &Datum, ty: &Type) -> Done {
        let sqlite = self.is_sqlite();
        let text = match datum {
            Datum::Null => "null".to_owned(),
            Datum::Bool(value) => value.to_string(),
            Datum::Int(value) => format!("({value})"),
            Datum::Float(value) if sqlite => format!("({})", float(*value)),
            Datum::Float(value) => quoted(&value.to_string())?,
            Datum::Text(value) if sqlite => quoted(value)?,
            Datum::Text(_) => quoted(&postgres_text(ty, datum).unwrap_or_default())?,
            Datum::Bytes(value) if sqlite => format!("x'{}'", hex(value)),
            Datum::Bytes(value) => format!("'\\x{}'", hex(value)),
        };
        self.push(&text);
        if !sqlite && *ty != Type::Void {
            self.push(&format!("::{ty}"));
        }
        Ok(())
    }
}

/// JSON in `jsonb`'s form.
fn canonical(json: &serde_json::Value) -> String {
    let text = json.to_string();
    match from_text(&Type::Jsonb, &text) {
        Ok(Datum::Text(canonical)) => canonical,
        _ => text,
    }
}

/// The constant of an expression, if it is one of this type and not null.
fn constant<'e>(expr: &'e Expr, ty: &Type) -> Option<&'e Datum> {
    match &expr.node {
        crate::sql::ast::Node::Literal(datum) if expr.ty == *ty && *datum != Datum::Null => Some(datum),
        _ => None,
    }
}

fn parameter_type(ty: &Type) -> String {
    match kind_of(ty) {
        Kind::Text if matches!(ty, Type::Text | Type::Void) => "::text".to_owned(),
        Kind::Text => format!("::text::{ty}"),
        _ => format!("::{ty}"),
    }
}

/// What is bound on PostgreSQL for a type, whatever the value.
const fn kind_of(ty: &Type) -> Kind {
    match ty {
        Type::Bool => Kind::Bool,
        Type::Int2 | Type::Int4 | Type::Int8 => Kind::Int,
        Type::Float4 | Type::Float8 => Kind::Real,
        Type::Uuid => Kind::Uuid,
        Type::Bytea => Kind::Bytes,
        _ => Kind::Text,
    }
}

fn sqlite_value(datum: &Datum, ty: &Type) -> Value {
    match datum {
        Datum::Null => Value::Null(kind_of(ty)),
        Datum::Bool(value) => Value::Bool(*value),
        Datum::Int(value) => Value::Int(*value),
        Datum::Float(value) => Value::Real(*value),
        Datum::Text(value) => Value::Text(value.clone()),
        Datum::Bytes(value) => Value::Bytes(value.clone()),
    }
}

fn postgres_value(datum: &Datum, ty: &Type) -> Result<Value, Fault> {
    let kind = kind_of(ty);
    Ok(match (kind, datum) {
        (_, Datum::Null) => Value::Null(kind),
        (Kind::Bool, Datum::Bool(value)) => Value::Bool(*value),
        (Kind::Int, Datum::Int(value)) => Value::Int(*value),
        (Kind::Real, Datum::Float(value)) => Value::Real(*value),
        #[expect(clippy::cast_precision_loss, reason = "what PostgreSQL does with an integer that stands for a float")]
        (Kind::Real, Datum::Int(value)) => Value::Real(*value as f64),
        (Kind::Bytes, Datum::Bytes(value)) => Value::Bytes(value.clone()),
        (Kind::Uuid, Datum::Text(value)) => Value::Uuid(Uuid::parse_str(value).map_err(|_| mismatch(ty))?),
        (Kind::Text, datum) => Value::Text(postgres_text(ty, datum).unwrap_or_default()),
        _ => return Err(mismatch(ty)),
    })
}

fn mismatch(ty: &Type) -> Fault {
    Fault::new("42804", format!("a constant is not of its type {ty}"))
}

/// An array literal of PostgreSQL's.
fn postgres_array<'t>(elements: impl Iterator<Item = Option<&'t str>>) -> String {
    let mut out = String::from("{");
    for element in elements {
        if out.len() > 1 {
            out.push(',');
        }
        match element {
            None => out.push_str("NULL"),
            Some(text) => {
                out.push('"');
                out.push_str(&text.replace('\\', "\\\\").replace('"', "\\\""));
                out.push('"');
            }
        }
    }
    out.push('}');
    out
}

/// A JSON array of values as SQLite holds them.
fn json_array(data: &[&Datum]) -> String {
    let mut out = String::from("[");
    for datum in data {
        if out.len() > 1 {
            out.push(',');
        }
        json_of(datum, &mut out);
    }
    out.push(']');
    out
}

/// A value in JSON, so that SQLite's `->>` gives it back as it is held; bytes as hexadecimal text.
pub(super) fn json_of(datum: &Datum, out: &mut String) {
    match datum {
        Datum::Null => out.push_str("null"),
        Datum::Bool(value) => out.push(if *value { '1' } else { '0' }),
        Datum::Int(value) => out.push_str(&value.to_string()),
        Datum::Float(value) => out.push_str(&float(*value)),
        Datum::Text(value) => out.push_str(&serde_json::Value::from(value.as_str()).to_string()),
        Datum::Bytes(value) => {
            out.push('"');
            out.push_str(&hex(value));
            out.push('"');
        }
    }
}

/// A float that SQLite reads as the same one; it has no NaN.
fn float(value: f64) -> String {
    if value.is_nan() {
        "null".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "9e999".to_owned() } else { "-9e999".to_owned() }
    } else {
        format!("{value:?}")
    }
}

/// Text in single quotes.
pub(super) fn quoted(text: &str) -> Result<String, Fault> {
    if text.contains('\0') {
        return Err(Fault::new("22021", "a text holds a NUL character"));
    }
    Ok(format!("'{}'", text.replace('\'', "''")))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing to a string does not fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}
