//! The subset's functions: PostgreSQL's by their names; on SQLite its own or those that are registered.

use super::operators::{Comparable, LOCALE, Ordered, Real, width};
use super::state::{Compiler, Done, emit};
use crate::sql::ast::{Builtin, Expr, Node, Param};
use crate::sql::fault::{Fault, sqlstate};
use crate::values::{Datum, Family, Type};

/// The last part of a path.
const FILE_NAME: [&str; 2] = ["reverse(split_part(reverse(", "), '/', 1))"];

impl Compiler<'_> {
    pub(super) fn call(&mut self, builtin: Builtin, arguments: &[Expr], ty: &Type) -> Done {
        match (builtin, arguments) {
            (Builtin::Extract, [field, moment]) => self.extract(field, moment, ty),
            (Builtin::DateTrunc, [field, moment]) => self.date_trunc(field, moment),
            (Builtin::CurrentDate, []) => self.current_date(),
            (Builtin::Greatest | Builtin::Least, _) => self.extreme(builtin, arguments),
            (Builtin::Interval, _) => Err(Fault::unsupported("an interval as a value", "add it to a moment, or keep seconds")),
            _ if self.is_sqlite() => self.sqlite_call(builtin, arguments, ty),
            _ => self.postgres_call(builtin, arguments),
        }
    }

    fn named(&mut self, name: &str, arguments: &[Expr]) -> Done {
        emit!(self; name, "(")?;
        self.separated(arguments, ", ", |this, argument| this.expr(argument))?;
        emit!(self; ")")
    }

    fn postgres_call(&mut self, builtin: Builtin, arguments: &[Expr]) -> Done {
        match (builtin, arguments) {
            (Builtin::StorageFileName, [path]) => emit!(self; FILE_NAME[0], path, FILE_NAME[1]),
            (Builtin::StorageExtension, [path]) => {
                emit!(self; "reverse(split_part(split_part(reverse(", path, "), '/', 1), '.', 1))")
            }
            (Builtin::StorageFolderName, [path]) => {
                let path = self.text_of(path)?;
                emit!(self; "(string_to_array(", path, ", '/'))[1:array_length(string_to_array(", path, ", '/'), 1) - 1]")
            }
            (Builtin::Series, _) => {
                emit!(self; "array(select ")?;
                self.named(postgres_name(builtin), arguments)?;
                emit!(self; ")")
            }
            (Builtin::ToTsvector, [text]) => emit!(self; "to_tsvector('simple', ", text, ")"),
            // Letters are the database's own; what comes of them goes by its bytes, like everything.
            (Builtin::Lower | Builtin::Upper | Builtin::Initcap, [text]) => {
                emit!(self; "(", postgres_name(builtin), "(", text, LOCALE, ") collate \"C\")")
            }
            _ => self.named(postgres_name(builtin), arguments),
        }
    }

    fn sqlite_call(&mut self, builtin: Builtin, arguments: &[Expr], ty: &Type) -> Done {
        use Builtin as B;
        match (builtin, arguments) {
            (B::Coalesce, [only]) => emit!(self; only),
            (B::NullIf, [left, right]) => emit!(self; "nullif(", Comparable(left), ", ", Comparable(right), ")"),
            (B::Length, [text]) if matches!(text.ty, Type::Char(_)) => emit!(self; "length(rtrim(", text, ", ' '))"),
            (B::StartsWith, [text, beginning]) => {
                let beginning = self.text_of(beginning)?;
                emit!(self; "(substr(", text, ", 1, length(", beginning, ")) = ", beginning, ")")
            }
            (B::Substring, [text, rest @ ..]) => self.substring(text, rest),
            (B::Concat | B::ConcatWs, _) => self.concatenated(builtin, arguments),
            (B::Random, []) => emit!(self; "(abs(random() % 9007199254740992) / 9007199254740992.0)"),
            (B::Abs | B::Sign | B::Ceil | B::Floor | B::Round | B::Trunc | B::Power | B::Sqrt, _) => {
                self.number_function(builtin, arguments, ty)
            }
            (B::JsonbBuildObject | B::JsonbBuildArray | B::ToJsonb, _) => self.json_builder(builtin, arguments),
            (B::ArrayToString, [array, ..]) => {
                let Type::Array(element) = &array.ty else { return Err(wrong_arguments("array_to_string")) };
                emit!(self; "plinth_array_to_string('", element.to_string(), "', ")?;
                self.separated(arguments, ", ", |this, argument| this.expr(argument))?;
                emit!(self; ")")
            }
            (B::ArrayLength, [array, ..]) => emit!(self; "nullif(json_array_length(", array, "), 0)"),
            (B::StorageFileName, [path]) => {
                emit!(self; "plinth_reverse(plinth_split_part(plinth_reverse(", path, "), '/', 1))")
            }
            (B::StorageExtension, [path]) => {
                emit!(self; "plinth_reverse(plinth_split_part(plinth_split_part(plinth_reverse(", path, "), '/', 1), '.', 1))")
            }
            (B::StorageFolderName, [path]) => {
                emit!(self; "json_remove('[' || replace(json_quote(", path, "), '/', '\",\"') || ']', '$[#-1]')")
            }
            _ => self.named(sqlite_name(builtin), arguments),
        }
    }

    /// From a place that may lie before the text, as PostgreSQL counts.
    fn substring(&mut self, text: &Expr, rest: &[Expr]) -> Done {
        match rest {
            [from] => emit!(self; "substr(", text, ", max(1, ", from, "))"),
            [from, length] => {
                let from = self.text_of(from)?;
                emit!(self; "substr(", text, ", max(1, ", from, "), max(0, ", from, " + ", length, " - max(1, ", from, ")))")
            }
            _ => Err(wrong_arguments("substring")),
        }
    }

    fn concatenated(&mut self, builtin: Builtin, arguments: &[Expr]) -> Done {
        emit!(self; sqlite_name(builtin), "(")?;
        self.separated(arguments, ", ", |this, argument| {
            let text = Expr { node: Node::Cast(Box::new(argument.clone())), ty: Type::Text };
            if argument.ty.family() == Family::Text { this.expr(argument) } else { this.expr(&text) }
        })?;
        emit!(self; ")")
    }

    fn number_function(&mut self, builtin: Builtin, arguments: &[Expr], ty: &Type) -> Done {
        let [first, rest @ ..] = arguments else { return Err(wrong_arguments("a function of numbers")) };
        if builtin == Builtin::Abs && width(ty).is_some() {
            return emit!(self; "plinth_int_check(abs(", first, "), ", width(ty).unwrap_or("8"), ")");
        }
        if matches!(ty, Type::Numeric(_)) {
            return self.numeric_function(builtin, first, rest);
        }
        let text = self.captured(|this| emit!(this; Real(first)))?;
        match builtin {
            Builtin::Abs => emit!(self; "abs(", text, ")"),
            Builtin::Sign => emit!(self; "cast(sign(", text, ") as real)"),
            Builtin::Round => {
                emit!(self; "case when abs(", text, " - round(", text, ")) = 0.5 then 2.0 * round(", text, " / 2.0) else round(")?;
                emit!(self; text, ") end")
            }
            // Beyond 2^53 every float is a whole number.
            Builtin::Trunc | Builtin::Ceil | Builtin::Floor => {
                let whole = format!("cast({text} as integer)");
                let correction = match builtin {
                    Builtin::Ceil => format!(" + ({text} > {whole})"),
                    Builtin::Floor => format!(" - ({text} < {whole})"),
                    _ => String::new(),
                };
                emit!(self; "case when abs(", text, ") < 9007199254740992.0 then cast(", whole, correction, " as real) else ")?;
                emit!(self; text, " end")
            }
            Builtin::Power => match rest {
                [exponent] => emit!(self; "cast(plinth_num_pow(", text, ", ", exponent, ") as real)"),
                _ => Err(wrong_arguments("power")),
            },
            _ => emit!(self; "cast(plinth_num_pow(", text, ", '0.5') as real)"),
        }
    }

    fn numeric_function(&mut self, builtin: Builtin, first: &Expr, rest: &[Expr]) -> Done {
        let name = match builtin {
            Builtin::Abs => "abs",
            Builtin::Sign => "sign",
            Builtin::Ceil => "ceil",
            Builtin::Floor => "floor",
            Builtin::Round => "round",
            Builtin::Trunc => "trunc",
            Builtin::Power | Builtin::Sqrt => "pow",
            _ => return Err(wrong_arguments("a function of numbers")),
        };
        emit!(self; "plinth_num_", name, "(", first)?;
        match (builtin, rest) {
            (Builtin::Round | Builtin::Trunc, []) => emit!(self; ", 0)"),
            (Builtin::Sqrt, _) => emit!(self; ", '0.5')"),
            (_, [second]) => emit!(self; ", ", second, ")"),
            _ => emit!(self; ")"),
        }
    }

    fn json_builder(&mut self, builtin: Builtin, arguments: &[Expr]) -> Done {
        let open = match builtin {
            Builtin::JsonbBuildObject => "plinth_jsonb(json_object(",
            Builtin::JsonbBuildArray => "plinth_jsonb(json_array(",
            _ => {
                let [only] = arguments else { return Err(wrong_arguments("to_jsonb")) };
                let value = self.text_of(only)?;
                let ty = only.ty.to_string();
                return emit!(self; "case when ", value, " is not null then plinth_jsonb(plinth_out(", value, ", '", ty, "')) end");
            }
        };
        self.push(open);
        for (index, argument) in arguments.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            // Keys are texts, as they are.
            if builtin == Builtin::JsonbBuildObject && index % 2 == 0 { self.expr(argument)? } else { self.json_value(argument)? }
        }
        emit!(self; "))")
    }

    fn extreme(&mut self, builtin: Builtin, arguments: &[Expr]) -> Done {
        let is_greatest = builtin == Builtin::Greatest;
        if arguments.first().is_some_and(|first| matches!(first.ty, Type::Enum(_))) {
            return Err(Fault::unsupported("greatest or least of an enumeration", "use case when a > b then a else b end"));
        }
        if !self.is_sqlite() {
            emit!(self; if is_greatest { "greatest(" } else { "least(" })?;
            self.separated(arguments, ", ", |this, argument| emit!(this; Ordered(argument)))?;
            return emit!(self; ")");
        }
        // Unlike SQLite's own functions, PostgreSQL's pass over nulls.
        let collation = match arguments.first().map(|first| &first.ty) {
            Some(Type::Numeric(_)) => " collate plinth_numeric",
            Some(Type::Jsonb) => " collate plinth_jsonb",
            _ => "",
        };
        emit!(self; "(select ", if is_greatest { "max" } else { "min" }, "(v", collation, ") from (")?;
        for (index, argument) in arguments.iter().enumerate() {
            emit!(self; if index == 0 { "select " } else { " union all select " }, argument)?;
            if index == 0 {
                self.push(" as v");
            }
        }
        emit!(self; "))")
    }

    fn extract(&mut self, field: &Expr, moment: &Expr, ty: &Type) -> Done {
        let field = word(field)?;
        match (self.is_sqlite(), ty.is_float()) {
            (true, false) => emit!(self; "plinth_extract('", field, "', ", moment, ", '", moment.ty.to_string(), "')"),
            (true, true) => {
                emit!(self; "cast(plinth_extract('", field, "', ", moment, ", '", moment.ty.to_string(), "') as real)")
            }
            (false, is_float) => {
                emit!(self; "extract(", field, " from ", moment, ")", if is_float { "::double precision" } else { "" })
            }
        }
    }

    fn date_trunc(&mut self, field: &Expr, moment: &Expr) -> Done {
        let field = word(field)?;
        if self.is_sqlite() {
            return emit!(self; "plinth_date_trunc('", field, "', ", moment, ", '", moment.ty.to_string(), "')");
        }
        let zone = if moment.ty == Type::Timestamptz { ", 'UTC')" } else { ")" };
        emit!(self; "date_trunc('", field, "', ", moment, zone)
    }

    fn current_date(&mut self) -> Done {
        let (before, after) = if self.is_sqlite() { ("substr(", ", 1, 10)") } else { ("((", ") at time zone 'UTC')::date") };
        self.push(before);
        self.param(&Param::Now)?;
        self.push(after);
        Ok(())
    }
}

/// A field's name, which is written out.
fn word(field: &Expr) -> Result<String, Fault> {
    match &field.node {
        Node::Literal(Datum::Text(text)) if !text.is_empty() && text.chars().all(|c| c.is_ascii_alphabetic()) => {
            Ok(text.to_ascii_lowercase())
        }
        _ => Err(Fault::unsupported("a field that is not a constant", "write the field's name: extract(year from x)")),
    }
}

fn wrong_arguments(name: &str) -> Fault {
    Fault::new(sqlstate::UNDEFINED_FUNCTION, format!("{name} does not take so many arguments"))
}

const fn postgres_name(builtin: Builtin) -> &'static str {
    use Builtin as B;
    match builtin {
        B::Coalesce => "coalesce",
        B::NullIf => "nullif",
        B::Greatest => "greatest",
        B::Least => "least",
        B::Lower => "lower",
        B::Upper => "upper",
        B::Initcap => "initcap",
        B::Length => "length",
        B::OctetLength => "octet_length",
        B::BTrim => "btrim",
        B::LTrim => "ltrim",
        B::RTrim => "rtrim",
        B::LPad => "lpad",
        B::RPad => "rpad",
        B::Left => "left",
        B::Right => "right",
        B::Substring => "substring",
        B::Replace => "replace",
        B::Reverse => "reverse",
        B::Repeat => "repeat",
        B::SplitPart => "split_part",
        B::RegexpReplace => "regexp_replace",
        B::StringToArray => "string_to_array",
        B::StrPos => "strpos",
        B::StartsWith => "starts_with",
        B::Concat => "concat",
        B::ConcatWs => "concat_ws",
        B::Md5 => "md5",
        B::ToTsvector => "to_tsvector",
        B::Abs => "abs",
        B::Sign => "sign",
        B::Ceil => "ceil",
        B::Floor => "floor",
        B::Round => "round",
        B::Trunc => "trunc",
        B::Power => "power",
        B::Sqrt => "sqrt",
        B::Random => "random",
        B::GenRandomUuid => "gen_random_uuid",
        B::JsonbTypeof => "jsonb_typeof",
        B::JsonbArrayLength => "jsonb_array_length",
        B::JsonbBuildObject => "jsonb_build_object",
        B::JsonbBuildArray => "jsonb_build_array",
        B::JsonbStripNulls => "jsonb_strip_nulls",
        B::JsonbSet => "jsonb_set",
        B::ToJsonb => "to_jsonb",
        B::ArrayLength => "array_length",
        B::Cardinality => "cardinality",
        B::ArrayAppend => "array_append",
        B::ArrayPrepend => "array_prepend",
        B::ArrayRemove => "array_remove",
        B::ArrayPosition => "array_position",
        B::ArrayCat => "array_cat",
        B::Series => "generate_series",
        B::ArrayToString => "array_to_string",
        B::Extract => "extract",
        B::DateTrunc => "date_trunc",
        B::Interval => "make_interval",
        B::CurrentDate => "current_date",
        B::StorageFolderName => "storage.foldername",
        B::StorageFileName => "storage.filename",
        B::StorageExtension => "storage.extension",
    }
}

/// Functions that take PostgreSQL's arguments on SQLite.
const fn sqlite_name(builtin: Builtin) -> &'static str {
    use Builtin as B;
    match builtin {
        B::Lower => "plinth_lower",
        B::Upper => "plinth_upper",
        B::Initcap => "plinth_initcap",
        B::BTrim => "plinth_btrim",
        B::LTrim => "plinth_ltrim",
        B::RTrim => "plinth_rtrim",
        B::LPad => "plinth_lpad",
        B::RPad => "plinth_rpad",
        B::Left => "plinth_left",
        B::Right => "plinth_right",
        B::Reverse => "plinth_reverse",
        B::Repeat => "plinth_repeat",
        B::SplitPart => "plinth_split_part",
        B::RegexpReplace => "plinth_regexp_replace",
        B::StringToArray => "plinth_string_to_array",
        B::StrPos => "plinth_strpos",
        B::Concat => "plinth_concat",
        B::ConcatWs => "plinth_concat_ws",
        B::Md5 => "plinth_md5",
        B::ToTsvector => "plinth_tsvector",
        B::GenRandomUuid => "plinth_uuid",
        B::JsonbTypeof => "plinth_jsonb_typeof",
        B::JsonbArrayLength => "plinth_jsonb_array_length",
        B::JsonbStripNulls => "plinth_jsonb_strip_nulls",
        B::JsonbSet => "plinth_jsonb_set",
        B::Cardinality => "json_array_length",
        B::ArrayAppend => "plinth_array_append",
        B::ArrayPrepend => "plinth_array_prepend",
        B::ArrayRemove => "plinth_array_remove",
        B::ArrayPosition => "plinth_array_position",
        B::ArrayCat => "plinth_array_concat",
        B::Series => "plinth_series",
        // `coalesce`, `length`, `octet_length`, `replace` mean the same.
        other => postgres_name(other),
    }
}
