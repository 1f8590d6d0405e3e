//! Names of types, and which may stand for which.

use sqlparser::ast::{ArrayElemTypeDef, DataType, ObjectName};

use crate::sql::catalog::Catalog;
use crate::sql::fault::{Fault, sqlstate};
use crate::values::{Family, Type};

/// How far a value may be bent to a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Bend {
    /// Between operands.
    Implicit,
    /// Into a column.
    Assignment,
    /// By `cast` or `::`.
    Explicit,
}

/// Digits of a `numeric`, and characters of a `varchar` or `char`.
const MAX_PRECISION: u16 = 1000;
const MAX_LENGTH: u32 = 10_485_760;

/// The type that a text in PostgreSQL's grammar names.
///
/// # Errors
///
/// A type that the subset lacks (0A000), or that is not one (42704).
pub fn data_type(ty: &DataType, catalog: &Catalog) -> Result<Type, Fault> {
    match ty {
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, _) | ArrayElemTypeDef::Qualified(element, _)) => {
            match data_type(element, catalog)? {
                // PostgreSQL's types do not say how many dimensions there are; here an array has one.
                Type::Array(_) => Err(Fault::unsupported("an array of arrays", "use jsonb")),
                element => Ok(Type::Array(Box::new(element))),
            }
        }
        DataType::Interval { .. } => {
            Err(Fault::unsupported("the type interval", "keep seconds as an integer or double precision"))
        }
        DataType::Enum(..) => Err(Fault::unsupported("an enum without a name", "write create type … as enum (…)")),
        DataType::TsVector | DataType::TsQuery => {
            let hint = "search a text column with to_tsvector('simple', …) @@ …, or a column generated as that";
            Err(Fault::unsupported("a value of a full-text type", hint))
        }
        DataType::Custom(name, arguments) if arguments.is_empty() => match enumeration(name, catalog)? {
            Some(found) => Ok(found),
            None => named(&ty.to_string().to_lowercase()),
        },
        other => named(&other.to_string().to_lowercase()),
    }
}

/// The enumeration of a name, if the app has one.
fn enumeration(name: &ObjectName, catalog: &Catalog) -> Result<Option<Type>, Fault> {
    match super::scope::object_name(name) {
        Ok((name, _)) if name.is_public() => Ok(catalog.enumeration(&name.name).map(|of| Type::Enum(Box::new(of.clone())))),
        Ok(_) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// `numeric(10, 2)`, `character varying(20)`, `timestamp with time zone`.
fn named(text: &str) -> Result<Type, Fault> {
    let (name, arguments) = match (text.find('('), text.find(')')) {
        (Some(open), Some(close)) if open < close => {
            let rest = format!("{}{}", &text[..open], &text[close + 1..]);
            (rest, Some(&text[open + 1..close]))
        }
        _ => (text.to_owned(), None),
    };
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let name = name.strip_prefix("pg_catalog.").unwrap_or(&name).trim_matches('"');
    let name = match name {
        "double" => "double precision",
        "dec" => "numeric",
        "char varying" | "nvarchar" => "varchar",
        "citext" => return Err(Fault::unsupported("citext", "use text, and lower(…) in the unique index and in comparisons")),
        "serial" | "serial4" | "bigserial" | "serial8" | "smallserial" | "serial2" => {
            return Err(Fault::new(sqlstate::UNDEFINED_OBJECT, format!("{name} is a type of a table's column alone")));
        }
        "inet"
        | "cidr"
        | "macaddr"
        | "xml"
        | "money"
        | "bit"
        | "point"
        | "oid"
        | "name"
        | "hstore"
        | "interval"
        | "timetz"
        | "time with time zone" => return Err(Fault::unsupported(format!("the type {name}"), "use text, numeric or jsonb")),
        name => name,
    };
    let ty = Type::named(name).filter(|ty| *ty != Type::Tsvector).ok_or_else(|| {
        Fault::new(sqlstate::UNDEFINED_OBJECT, format!("type \"{name}\" does not exist"))
            .hint("see the table of types in docs/data.md")
    })?;
    with_arguments(ty, arguments)
}

fn with_arguments(ty: Type, arguments: Option<&str>) -> Result<Type, Fault> {
    let Some(arguments) = arguments else { return Ok(ty) };
    let wrong = || Fault::new(sqlstate::SYNTAX_ERROR, format!("({arguments}) cannot stand after the type {ty}"));
    let numbers: Vec<u32> = arguments.split(',').map(|n| n.trim().parse().map_err(|_| wrong())).collect::<Result<_, _>>()?;
    match (&ty, &*numbers) {
        (Type::Varchar(None), [length @ 1..=MAX_LENGTH]) => Ok(Type::Varchar(Some(*length))),
        (Type::Char(_), [length @ 1..=MAX_LENGTH]) => Ok(Type::Char(*length)),
        (Type::Numeric(None), [precision] | [precision, _]) => {
            let precision = u16::try_from(*precision).ok().filter(|p| (1..=MAX_PRECISION).contains(p)).ok_or_else(wrong)?;
            let scale = u16::try_from(numbers.get(1).copied().unwrap_or(0)).ok().filter(|s| *s <= precision).ok_or_else(wrong)?;
            Ok(Type::Numeric(Some((precision, scale))))
        }
        (Type::Float8, [1..=24]) => Ok(Type::Float4),
        (Type::Float8, [25..=53]) => Ok(Type::Float8),
        (Type::Timestamptz | Type::Timestamp | Type::Time, [6]) => Ok(ty),
        (Type::Timestamptz | Type::Timestamp | Type::Time, [_]) => {
            Err(Fault::unsupported("a moment of less than microseconds", "leave the number out"))
        }
        _ => Err(wrong()),
    }
}

/// The type both are brought to where one type is needed (`case`, `coalesce`, `union`, comparisons).
pub(super) fn common(left: &Type, right: &Type) -> Option<Type> {
    let (left, right) = (left.bare(), right.bare());
    if left == right {
        return Some(left);
    }
    match (&left, &right) {
        (Type::Array(a), Type::Array(b)) => common(a, b).map(|element| Type::Array(Box::new(element))),
        _ => match (rank(&left), rank(&right)) {
            (Some((family, a)), Some((other, b))) if family == other => Some(if a >= b { left } else { right }),
            _ => None,
        },
    }
}

/// A type's place among those that turn into one another by themselves.
fn rank(ty: &Type) -> Option<(Family, u8)> {
    let rank = match ty {
        Type::Int2 | Type::Date => 0,
        Type::Int4 | Type::Timestamp => 1,
        Type::Int8 | Type::Timestamptz => 2,
        Type::Numeric(_) => 3,
        Type::Float4 => 4,
        Type::Float8 => 5,
        _ => return None,
    };
    Some((ty.family(), rank))
}

/// The type of `+ - * / %` over numbers.
pub(super) fn arithmetic(left: &Type, right: &Type) -> Option<Type> {
    let ty = common(left, right)?;
    let mixed = ty == Type::Float4 && left.bare() != right.bare();
    (ty.family() == Family::Number).then_some(if mixed { Type::Float8 } else { ty })
}

/// Whether a column's values may be put into a column of another type without a cast.
#[must_use]
pub fn assigns(from: &Type, to: &Type) -> bool {
    bends(from, to, Bend::Assignment)
}

/// Whether a value of a type may become one of another.
pub(super) fn bends(from: &Type, to: &Type, bend: Bend) -> bool {
    let (from, to) = (from.bare(), to.bare());
    if from == to {
        return true;
    }
    if let (Type::Array(from), Type::Array(to)) = (&from, &to) {
        return bends(from, to, bend);
    }
    if let (Some((family, a)), Some((other, b))) = (rank(&from), rank(&to))
        && family == other
    {
        return a <= b || bend >= Bend::Assignment;
    }
    if from == Type::Void || to == Type::Void || to == Type::Tsvector {
        return false;
    }
    match (&from, &to) {
        (Type::Json, Type::Jsonb) | (Type::Jsonb, Type::Json) | (Type::Timestamptz | Type::Timestamp, Type::Time) => {
            bend >= Bend::Assignment
        }
        (_, Type::Text) => bend >= Bend::Assignment,
        (Type::Text, _) | (Type::Bool, Type::Int4) | (Type::Int4, Type::Bool) => bend == Bend::Explicit,
        (Type::Jsonb, to) => bend == Bend::Explicit && (*to == Type::Bool || to.family() == Family::Number),
        _ => false,
    }
}

/// Whether it can be compared for order; those that cannot be compared for equality either are [`Type::Json`], [`Type::Tsvector`]
/// (whose form differs where PostgreSQL's parser knows more) and [`Type::Void`].
pub(super) fn is_comparable(ty: &Type) -> bool {
    match ty {
        Type::Json | Type::Tsvector | Type::Void => false,
        Type::Array(element) => is_comparable(element),
        _ => true,
    }
}
