//! What a query string asks for, as a tree.

/// An item of `select`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelectItem {
    /// `*`: every column that the caller may read.
    All,
    /// `alias:name->path::cast.aggregate()::cast`.
    Field {
        name: String,
        path: Vec<JsonStep>,
        /// A type's name as it was written; applied before the aggregate.
        cast: Option<String>,
        /// With the type that its result is cast to.
        aggregate: Option<(Aggregate, Option<String>)>,
        alias: Option<String>,
    },
    /// `count()`: the number of rows.
    Count { alias: Option<String>, cast: Option<String> },
    /// `alias:name!hint!inner(select)`, or `...name(select)`.
    Embed {
        /// A relation, or a foreign key's constraint or column.
        name: String,
        /// Never there when it is a spread.
        alias: Option<String>,
        hint: Option<String>,
        join: Join,
        /// Empty for `name()`, which serves filtering alone.
        select: Vec<SelectItem>,
        /// Whether its columns are lifted into the parent.
        spread: bool,
    },
}

/// Whether parents without a match stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Join {
    /// Not said: they stay, unless the embed itself is filtered by `not.is.null`.
    #[default]
    Default,
    Inner,
    Left,
}

/// Aggregate functions that `select` has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    Sum,
    Avg,
    Count,
    Min,
    Max,
}

impl Aggregate {
    /// Its name, which is also the key in the answer when there is no alias.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Count => "count",
            Self::Min => "min",
            Self::Max => "max",
        }
    }
}

/// A column, or a part of one that holds JSON or an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub path: Vec<JsonStep>,
}

/// `->key`, `->>key`, `->0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonStep {
    pub arrow: Arrow,
    pub key: JsonKey,
}

/// What a step gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrow {
    /// `->`: JSON.
    Json,
    /// `->>`: text.
    Text,
}

/// What a step leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonKey {
    Key(String),
    /// From 0; from the end when negative.
    Index(i64),
}

/// A tree of filters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    Filter(Filter),
    Not(Box<Condition>),
    /// Never empty.
    And(Vec<Condition>),
    /// Never empty.
    Or(Vec<Condition>),
}

/// `field=not.op.value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// A column; where an embed has the name, `is.null` and `not.is.null` are about whether it has rows.
    pub field: Field,
    pub negated: bool,
    pub op: Op,
}

/// An operator with what it compares to, as text that nothing was done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// With a quantifier the value is an array literal: `{a,b}`.
    Compare {
        operator: Comparison,
        quantifier: Option<Quantifier>,
        value: String,
    },
    Simple {
        operator: Simple,
        value: String,
    },
    /// `is distinct from`: unlike `neq`, true of NULL.
    IsDistinct(String),
    /// Empty matches nothing.
    In(Vec<String>),
    Is(Is),
    Fts {
        syntax: Fts,
        /// The text search configuration; the database's own when there is none.
        config: Option<String>,
        value: String,
    },
}

/// Operators that take `(any)` and `(all)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Eq,
    Gt,
    Gte,
    Lt,
    Lte,
    /// In the value `*` means `%`; case-sensitive.
    Like,
    ILike,
    /// A POSIX regular expression; case-sensitive.
    Match,
    IMatch,
}

/// Over the elements of an array literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    Any,
    All,
}

/// Operators that take one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Simple {
    /// Not true of NULL.
    Neq,
    /// `@>`, of arrays (`{a,b}`) and JSON; `<@`; `&&`.
    Contains,
    ContainedBy,
    Overlaps,
    /// Of ranges: `<<`, `>>`, `&<`, `&>`, `-|-`.
    StrictlyLeft,
    StrictlyRight,
    NotExtendsRight,
    NotExtendsLeft,
    Adjacent,
}

/// What a full-text value is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fts {
    /// `fts`: PostgreSQL's tsquery.
    Query,
    /// `plfts`: words that must all be there.
    Plain,
    /// `phfts`: words that must follow each other.
    Phrase,
    /// `wfts`: as in a search engine.
    Web,
}

/// What `is` compares with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Is {
    Null,
    NotNull,
    True,
    False,
    Unknown,
}

/// A term of `order`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderTerm {
    /// `relation(field)`: an embed that is one row for each parent.
    pub relation: Option<String>,
    pub field: Field,
    pub descending: bool,
    /// When not said: last ascending, first descending.
    pub nulls_first: Option<bool>,
}

impl Comparison {
    /// The name in a query string.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::Lt => "lt",
            Self::Lte => "lte",
            Self::Like => "like",
            Self::ILike => "ilike",
            Self::Match => "match",
            Self::IMatch => "imatch",
        }
    }
}

impl Simple {
    /// The name in a query string.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Neq => "neq",
            Self::Contains => "cs",
            Self::ContainedBy => "cd",
            Self::Overlaps => "ov",
            Self::StrictlyLeft => "sl",
            Self::StrictlyRight => "sr",
            Self::NotExtendsRight => "nxr",
            Self::NotExtendsLeft => "nxl",
            Self::Adjacent => "adj",
        }
    }
}

impl Fts {
    /// The name in a query string.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Query => "fts",
            Self::Plain => "plfts",
            Self::Phrase => "phfts",
            Self::Web => "wfts",
        }
    }
}

impl Is {
    /// The name in a query string.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::NotNull => "not_null",
            Self::True => "true",
            Self::False => "false",
            Self::Unknown => "unknown",
        }
    }
}

impl SelectItem {
    /// The key that an embed has in the answer and as a prefix of other keys: its alias, or its name; none for what is no embed.
    #[must_use]
    pub fn embed_key(&self) -> Option<&str> {
        match self {
            Self::Embed { name, alias, .. } => Some(alias.as_deref().unwrap_or(name)),
            _ => None,
        }
    }
}
