//! A reader of SQL text that knows only what the compiler may write: anything else is said.

/// Words of SQL that statements may hold.
const KEYWORDS: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "by",
    "case",
    "cast",
    "coalesce",
    "collate",
    "conflict",
    "count",
    "cross",
    "default",
    "delete",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "exists",
    "false",
    "filter",
    "first",
    "from",
    "group",
    "having",
    "in",
    "insert",
    "into",
    "is",
    "join",
    "last",
    "left",
    "like",
    "limit",
    "not",
    "nothing",
    "null",
    "nulls",
    "offset",
    "on",
    "or",
    "order",
    "ordinality",
    "over",
    "overriding",
    "public",
    "returning",
    "select",
    "set",
    "then",
    "true",
    "union",
    "unknown",
    "update",
    "using",
    "value",
    "values",
    "when",
    "where",
    "with",
    "excluded",
    "system",
    "escape",
    "regexp",
    "glob",
    "match",
    "ilike",
    "similar",
    "place",
    "key",
    "j",
    "v",
    "fullkey",
    "json",
    "type",
];

/// Functions, types and collations that statements may name, besides those that begin with `plinth_`.
const KNOWN: &[&str] = &[
    "abs",
    "array_agg",
    "array_length",
    "array_to_json",
    "avg",
    "bigint",
    "bool_and",
    "bool_or",
    "boolean",
    "bytea",
    "cardinality",
    "ceil",
    "current_setting",
    "date",
    "decode",
    "double",
    "encode",
    "floor",
    "group_concat",
    "hex",
    "ifnull",
    "iif",
    "instr",
    "int2",
    "int4",
    "int8",
    "integer",
    "interval",
    "json_agg",
    "json_array",
    "json_array_elements",
    "json_array_length",
    "json_build_array",
    "json_build_object",
    "json_each",
    "json_extract",
    "json_group_array",
    "json_object",
    "json_quote",
    "json_type",
    "json_valid",
    "jsonb",
    "jsonb_array_elements",
    "jsonb_build_object",
    "length",
    "lower",
    "ltrim",
    "max",
    "min",
    "nextval",
    "nullif",
    "numeric",
    "octet_length",
    "pg_get_serial_sequence",
    "phraseto_tsquery",
    "plainto_tsquery",
    "precision",
    "real",
    "replace",
    "round",
    "row_to_json",
    "rtrim",
    "smallint",
    "string_agg",
    "substr",
    "substring",
    "sum",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "to_json",
    "to_jsonb",
    "to_tsquery",
    "to_tsvector",
    "total",
    "trim",
    "typeof",
    "unhex",
    "unnest",
    "upper",
    "uuid",
    "varchar",
    "websearch_to_tsquery",
    "zone",
    "at",
    "nocase",
    "binary",
    "char",
    "character",
    "varying",
    "regconfig",
    "tsvector",
    "tsquery",
    "body",
    "jsonb_typeof",
    "printf",
    "float4",
    "float8",
    "to_char",
    "array_position",
];

/// Names in double quotes that the compiler makes itself.
const OWN_NAMES: &[&str] = &["?", "C", "allowed", "body", "count", "default", "one", "row", "rows", "total", "value", "place"];

/// What may stand in single quotes, besides plain words: punctuation of JSON, formats, type names with their measures.
const OWN_TEXTS: &[&str] =
    &["", "[", "]", "[]", "{}", ",", ".", "\\", "\\x", "+00:00", "%", "$", "$[#-1]", "numeric(10,2)", "text[]"];

/// Complains of everything in a statement that is no keyword, no known function, no number, no placeholder, no punctuation, and in
/// double quotes no name that `may` be there.
pub(super) fn complaints(sql: &str, may: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let (length, complaint) = match first {
            ' ' => (1, None),
            '"' => quoted(rest, '"', |name| may(name) || OWN_NAMES.contains(&name) || is_made(name)),
            '\'' => quoted(rest, '\'', |text| is_word(text) || OWN_TEXTS.contains(&text)),
            '$' => placeholder(rest),
            '0'..='9' => (run(rest, |c| c.is_ascii_digit() || c == '.'), None),
            _ if first.is_ascii_alphabetic() || first == '_' => word(rest),
            _ => punctuation(rest),
        };
        if let Some(complaint) = complaint {
            found.push(complaint);
        }
        rest = &rest[length..];
    }
    found
}

fn run(text: &str, is_in: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is_in(c)).unwrap_or(text.len())
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// `c1`, ` order0`: columns by their places.
fn is_made(name: &str) -> bool {
    let digits = name.trim_start_matches(" order").trim_start_matches('c');
    digits.len() < name.len() && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A text in quotes, which are doubled inside.
fn quoted(rest: &str, quote: char, may: impl Fn(&str) -> bool) -> (usize, Option<String>) {
    let mut content = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            content.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
            content.push(c);
            chars.next();
        } else {
            let complaint = (content.contains('\0') || !may(&content)).then(|| format!("{quote}{content}{quote}"));
            return (at + 1, complaint);
        }
    }
    (rest.len(), Some(format!("a quote that does not end: {rest}")))
}

/// `$1`; `$$` and `$tag$` begin a text.
fn placeholder(rest: &str) -> (usize, Option<String>) {
    let digits = run(&rest[1..], |c| c.is_ascii_digit());
    let follows = rest[1 + digits..].chars().next();
    let is_whole = digits > 0 && follows.is_none_or(|c| !c.is_alphanumeric() && c != '$' && c != '_');
    (1 + digits, (!is_whole).then(|| format!("no placeholder: {}", rest.chars().take(20).collect::<String>())))
}

fn word(rest: &str) -> (usize, Option<String>) {
    let length = run(rest, |c| c.is_ascii_alphanumeric() || c == '_');
    let word = &rest[..length];
    let digits = word.trim_start_matches('s');
    let is_alias = word.starts_with('s') && digits.len() + 1 == word.len() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_known = is_alias || word.starts_with("plinth_") || KEYWORDS.contains(&word) || KNOWN.contains(&word);
    (length, (!is_known).then(|| format!("the word {word}")))
}

fn punctuation(rest: &str) -> (usize, Option<String>) {
    const SIGNS: &str = "()[],.=<>+-*/%|&@~!?#:";
    let length = run(rest, |c| "=<>+-*/%|&@~!?#:".contains(c)).max(1);
    let first = rest.chars().next().unwrap_or(' ');
    let sign = &rest[..if SIGNS.contains(first) { length } else { first.len_utf8() }];
    let is_comment = sign.contains("--") || sign.contains("/*") || sign.contains("*/");
    let complaint = (is_comment || !sign.chars().all(|c| SIGNS.contains(c))).then(|| format!("the sign {sign:?}"));
    (sign.len(), complaint)
}

#[test]
fn what_nobody_should_write_is_said() {
    let may = |name: &str| name == "clients";
    assert_eq!(complaints("select s1.\"clients\" from public.\"clients\" as s1 where s1.\"clients\" = $1::text", &may), [""; 0]);
    for hostile in [
        "select 1; select 2",
        "select 1 -- x",
        "select /* x */ 1",
        "select $$x$$",
        "select $a$x$a$",
        "select 'it''s'",
        "select \"other\"",
        "select \"clients",
        "select pg_sleep(1)",
        "select load_extension($1)",
        "select \u{2019}x\u{2019}",
        "select \\",
        "select \0",
        "drop table clients",
        "pragma x",
        "select s1x",
    ] {
        assert!(!complaints(hostile, &may).is_empty(), "{hostile}");
    }
}
