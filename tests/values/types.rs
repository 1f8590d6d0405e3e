//! Types by their names.

use plinth::values::{Family, Type};

#[test]
fn a_type_is_read_as_it_is_written() {
    let types = [
        Type::Bool,
        Type::Int2,
        Type::Int4,
        Type::Int8,
        Type::Float4,
        Type::Float8,
        Type::Numeric(None),
        Type::Numeric(Some((10, 2))),
        Type::Text,
        Type::Varchar(None),
        Type::Varchar(Some(20)),
        Type::Char(5),
        Type::Uuid,
        Type::Timestamptz,
        Type::Timestamp,
        Type::Date,
        Type::Time,
        Type::Json,
        Type::Jsonb,
        Type::Bytea,
        Type::Void,
        Type::Array(Box::new(Type::Numeric(Some((10, 2))))),
        Type::Array(Box::new(Type::Timestamptz)),
    ];
    for ty in types {
        assert_eq!(ty.to_string().parse::<Type>().as_ref(), Ok(&ty));
    }
}

#[test]
fn other_spellings_are_known_and_what_is_none_is_not() {
    for (name, ty) in [
        ("int4", Type::Int4),
        ("varchar(3)", Type::Varchar(Some(3))),
        ("numeric(5)", Type::Numeric(Some((5, 0)))),
        ("decimal(5, 1)", Type::Numeric(Some((5, 1)))),
        ("timestamptz[]", Type::Array(Box::new(Type::Timestamptz))),
    ] {
        assert_eq!(name.parse(), Ok(ty), "{name}");
    }
    for name in ["", "nothing", "text(3)", "integer[][]", "numeric(1,2,3)", "varchar(", "varchar(x)", "void[]"] {
        assert!(name.parse::<Type>().is_err(), "{name}");
    }
    assert_eq!(Type::Date.family(), Family::Moment);
}
