//! Casts: from one type's form to another's.

use super::literal::quoted;
use super::operators::{Real, width};
use super::state::{Compiler, Done, emit};
use crate::sql::ast::Expr;
use crate::values::{Family, Type};

impl Compiler<'_> {
    /// An explicit cast.
    pub(super) fn cast(&mut self, inner: &Expr, to: &Type) -> Done {
        if self.is_sqlite() { self.sqlite_cast(inner, to) } else { self.postgres_cast(inner, to) }
    }

    /// Moments without a zone are taken to be in UTC, whatever the session says.
    fn postgres_cast(&mut self, inner: &Expr, to: &Type) -> Done {
        let is_zoned = |ty: &Type| *ty == Type::Timestamptz;
        let is_local = |ty: &Type| matches!(ty, Type::Timestamp | Type::Date | Type::Time);
        if is_zoned(&inner.ty) && is_local(to) {
            emit!(self; "(", inner, " at time zone 'UTC')::", to.to_string())
        } else if is_zoned(to) && is_local(&inner.ty) {
            emit!(self; "((", inner, ")::timestamp at time zone 'UTC')")
        } else {
            emit!(self; "(", inner, ")::", to.to_string())
        }
    }

    fn sqlite_cast(&mut self, inner: &Expr, to: &Type) -> Done {
        let from = &inner.ty;
        match to {
            Type::Text | Type::Varchar(_) | Type::Char(_) => self.cast_to_text(inner, to),
            _ if from == to => emit!(self; inner),
            _ if *from == Type::Jsonb && (to.family() == Family::Number || *to == Type::Bool) => self.cast_jsonb(inner, to),
            Type::Enum(of) => {
                let labels = serde_json::to_string(&of.labels).unwrap_or_default();
                emit!(self; "plinth_enum(", inner, ", ", quoted(&of.name)?, ", ", quoted(&labels)?, ")")
            }
            _ if from.family() == Family::Text => emit!(self; "plinth_cast(", inner, ", '", to.to_string(), "')"),
            Type::Bool if from.is_integer() => emit!(self; "(", inner, " <> 0)"),
            Type::Int2 | Type::Int4 | Type::Int8 => self.cast_to_integer(inner, to),
            Type::Float4 | Type::Float8 => emit!(self; Real(inner)),
            Type::Numeric(None) if matches!(from, Type::Numeric(_)) => emit!(self; inner),
            Type::Numeric(None) => emit!(self; "plinth_num(", inner, ")"),
            Type::Numeric(Some((precision, scale))) => {
                emit!(self; "plinth_num_scale(", inner, ", ", precision.to_string(), ", ", scale.to_string(), ")")
            }
            Type::Timestamptz | Type::Timestamp | Type::Date | Type::Time => self.cast_moment(inner, to),
            Type::Jsonb if *from == Type::Json => emit!(self; "plinth_jsonb(", inner, ")"),
            Type::Json if *from == Type::Jsonb => emit!(self; inner),
            Type::Array(_) if matches!(from, Type::Array(_)) && from.bare() == to.bare() => emit!(self; inner),
            _ => emit!(self; "plinth_cast(plinth_text(", inner, ", '", from.to_string(), "'), '", to.to_string(), "')"),
        }
    }

    fn cast_to_text(&mut self, inner: &Expr, to: &Type) -> Done {
        let text = self.captured(|this| match &inner.ty {
            Type::Text | Type::Varchar(_) | Type::Uuid | Type::Date | Type::Json | Type::Enum(_) => emit!(this; inner),
            Type::Char(_) if matches!(to, Type::Char(_)) => emit!(this; inner),
            Type::Char(_) => emit!(this; "rtrim(", inner, ", ' ')"),
            Type::Int2 | Type::Int4 | Type::Int8 => emit!(this; "cast(", inner, " as text)"),
            other => emit!(this; "plinth_text(", inner, ", '", other.to_string(), "')"),
        })?;
        match to {
            // An explicit cast cuts off what is too long.
            Type::Varchar(Some(length)) => emit!(self; "substr(", text, ", 1, ", length.to_string(), ")"),
            Type::Char(length) => {
                let length = length.to_string();
                emit!(self; "plinth_rpad(substr(", text, ", 1, ", length, "), ", length, ")")
            }
            _ => emit!(self; text),
        }
    }

    /// A number or a boolean out of `jsonb`; any other is refused.
    fn cast_jsonb(&mut self, inner: &Expr, to: &Type) -> Done {
        let scalar = self.captured(|this| emit!(this; "plinth_jsonb_scalar(", inner, ", '", to.to_string(), "')"))?;
        match to {
            Type::Bool => emit!(self; "plinth_cast(", scalar, ", 'boolean')"),
            Type::Int2 | Type::Int4 | Type::Int8 => {
                emit!(self; "plinth_cast(plinth_num_round(", scalar, ", 0), '", to.to_string(), "')")
            }
            Type::Numeric(Some((precision, scale))) => {
                emit!(self; "plinth_num_scale(", scalar, ", ", precision.to_string(), ", ", scale.to_string(), ")")
            }
            Type::Numeric(None) => emit!(self; "plinth_num(", scalar, ")"),
            _ => emit!(self; "cast(plinth_num(", scalar, ") as real)"),
        }
    }

    fn cast_to_integer(&mut self, inner: &Expr, to: &Type) -> Done {
        let bytes = width(to).unwrap_or("8");
        match &inner.ty {
            Type::Bool => emit!(self; inner),
            from if from.is_integer() && width(from) <= Some(bytes) => emit!(self; inner),
            from if from.is_integer() => emit!(self; "plinth_int_check(", inner, ", ", bytes, ")"),
            from if from.is_float() => {
                // Half of a whole goes to the even neighbour; what no integer holds is left for the check to refuse.
                let text = self.text_of(inner)?;
                let whole =
                    format!("case when abs({text} - round({text})) = 0.5 then 2.0 * round({text} / 2.0) else round({text}) end");
                emit!(self; "plinth_int_check(case when abs(", text, ") < 9.2e18 then cast(", whole, " as integer) else ", text)?;
                emit!(self; " end, ", bytes, ")")
            }
            _ => emit!(self; "plinth_cast(plinth_num_round(", inner, ", 0), '", to.to_string(), "')"),
        }
    }

    /// Between moments, whose forms are parts of each other's.
    fn cast_moment(&mut self, inner: &Expr, to: &Type) -> Done {
        match (&inner.ty, to) {
            (Type::Timestamptz, Type::Timestamp) => emit!(self; "rtrim(", inner, ", 'Z')"),
            (Type::Timestamp, Type::Timestamptz) => emit!(self; "(", inner, " || 'Z')"),
            (Type::Date, Type::Timestamp) => emit!(self; "(", inner, " || 'T00:00:00.000000')"),
            (Type::Date, Type::Timestamptz) => emit!(self; "(", inner, " || 'T00:00:00.000000Z')"),
            (Type::Timestamptz | Type::Timestamp, Type::Date) => emit!(self; "substr(", inner, ", 1, 10)"),
            (Type::Timestamptz | Type::Timestamp, Type::Time) => emit!(self; "substr(", inner, ", 12, 15)"),
            (from, to) => emit!(self; "plinth_cast(plinth_text(", inner, ", '", from.to_string(), "'), '", to.to_string(), "')"),
        }
    }

    /// A value as a column of a type takes it on SQLite, which knows neither lengths nor scales.
    pub(super) fn assigned(&mut self, value: &Expr, to: &Type) -> Done {
        if !self.is_sqlite() || value.ty == *to {
            return self.expr(value);
        }
        match to {
            Type::Varchar(Some(_)) | Type::Char(_) => {
                let text = Expr { node: crate::sql::ast::Node::Cast(Box::new(value.clone())), ty: Type::Text };
                emit!(self; "plinth_cast(", text, ", '", to.to_string(), "')")
            }
            _ => self.sqlite_cast(value, to),
        }
    }
}
