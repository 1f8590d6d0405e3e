//! Queries and expressions with their names and types resolved.
//!
//! A table's rows are seen through a [`Source`], which has a number that is unique in the statement; a column is a source's number and
//! a name. Literals are [`Datum`]s of the type beside them and are always bound, never written into SQL text.

use std::sync::Arc;

use super::catalog::{Function, Relation};
use crate::values::{Datum, Type};

/// An expression and its type. One whose type is not known yet (a bare `null`, a quoted literal) has been given one from where it
/// stands, as PostgreSQL does.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub node: Node,
    pub ty: Type,
}

/// The number of a [`Source`]; its alias in SQL text is `s` and the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u32);

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A constant of the expression's type.
    Literal(Datum),
    /// A value that the request brings.
    Param(Param),
    /// A column of a source that is in scope.
    Column(SourceId, String),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    /// An operator whose operands have been brought to types it is defined for.
    Binary(Operator, Box<Expr>, Box<Expr>),
    /// `left operator any (array)`, or `all`.
    Quantified {
        operator: Operator,
        all: bool,
        left: Box<Expr>,
        array: Box<Expr>,
    },
    IsNull(Box<Expr>),
    /// `is true`, `is false`; `is unknown` is [`Node::IsNull`].
    IsBool(Box<Expr>, bool),
    /// `is distinct from`.
    IsDistinct(Box<Expr>, Box<Expr>),
    /// `in (a, b)`; an empty list is false.
    In(Box<Expr>, Vec<Expr>),
    InQuery(Box<Expr>, Box<Query>),
    Exists(Box<Query>),
    /// The one value of a query's one column and row; null when there is no row.
    Scalar(Box<Query>),
    /// `case when … then … else … end`; `case x when y` was turned into comparisons.
    Case {
        branches: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    /// To the expression's type.
    Cast(Box<Expr>),
    Call(Builtin, Vec<Expr>),
    /// A function of the catalogue that is one query, with its arguments.
    Function(Arc<Function>, Vec<Expr>),
    Aggregate {
        function: Aggregate,
        argument: Option<Box<Expr>>,
        /// What `string_agg` puts between the texts; `None` for the others.
        separator: Option<Box<Expr>>,
        distinct: bool,
        filter: Option<Box<Expr>>,
        order: Vec<Order>,
    },
    /// A function over the rows that go with a row.
    Window {
        function: Window,
        over: Box<Over>,
    },
    /// `array[a, b]`.
    Array(Vec<Expr>),
    /// A JSON object with these keys; the values are shown as PostgreSQL's `to_json` shows them, JSON as it is.
    JsonObject(Vec<(String, Expr)>),
    /// A JSON array of the rows of a query, each as an object of its columns; `[]` when there are none.
    JsonRows(Box<Query>),
    /// The first row of a query as a JSON object; null when there is none.
    JsonRow(Box<Query>),
}

/// Values that come with each request, bound once a statement, never computed per row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Param {
    /// `auth.uid()`: uuid, null unless a user is signed in.
    Uid,
    /// `auth.role()`: text.
    Role,
    /// `auth.jwt()`: jsonb, the claims that users cannot edit.
    Jwt,
    /// `auth.email()`: text.
    Email,
    /// `now()`: timestamptz, the same throughout a transaction.
    Now,
    /// An argument of the function whose body this is, by its place from 0.
    Argument(usize),
}

/// Binary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    Eq,
    NotEq,
    Lt,
    LtEq,
    Gt,
    GtEq,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    /// `||` of text, arrays or jsonb, by the expression's type.
    Concat,
    Like,
    ILike,
    /// `~` and `~*`.
    Match,
    IMatch,
    /// `@>` and `<@` of jsonb and arrays, `&&` of arrays.
    Contains,
    ContainedBy,
    Overlaps,
    /// jsonb `?`.
    HasKey,
    /// `->` and `->>`, with a text key or an integer place.
    JsonGet,
    JsonGetText,
    /// `#>` and `#>>`, with a text array.
    JsonPath,
    JsonPathText,
    /// `array[place]`, from 1.
    ArrayGet,
    /// Full text: a text, or what `to_tsvector` made of it, against a query in the syntax that the name says.
    Fts,
    PlainFts,
    PhraseFts,
    WebFts,
    /// A moment and an interval; the interval is a literal of months, days and microseconds, see [`Builtin::Interval`].
    AddInterval,
    SubtractInterval,
}

impl Operator {
    /// Whether it asks for a text's words.
    #[must_use]
    pub const fn is_full_text(self) -> bool {
        matches!(self, Self::Fts | Self::PlainFts | Self::PhraseFts | Self::WebFts)
    }
}

/// Functions that the subset has. Those with PostgreSQL's names mean what they mean there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Builtin {
    Coalesce,
    NullIf,
    Greatest,
    Least,
    Lower,
    Upper,
    Initcap,
    Length,
    OctetLength,
    BTrim,
    LTrim,
    RTrim,
    LPad,
    RPad,
    Left,
    Right,
    Substring,
    Replace,
    Reverse,
    Repeat,
    SplitPart,
    RegexpReplace,
    StringToArray,
    StrPos,
    StartsWith,
    Concat,
    ConcatWs,
    Md5,
    /// `to_tsvector('simple', text)`, of the text alone.
    ToTsvector,
    Abs,
    Sign,
    Ceil,
    Floor,
    Round,
    Trunc,
    Power,
    Sqrt,
    Random,
    GenRandomUuid,
    /// `extract(field from x)`, `date_part(field, x)`: the field is a literal.
    Extract,
    DateTrunc,
    /// `interval '…'` or `make_interval`: literals of months, days and microseconds (the last a `bigint`). Its type is
    /// [`Type::Void`], for it stands only to the right of [`Operator::AddInterval`] and [`Operator::SubtractInterval`].
    Interval,
    CurrentDate,
    JsonbTypeof,
    JsonbArrayLength,
    JsonbBuildObject,
    JsonbBuildArray,
    JsonbStripNulls,
    JsonbSet,
    ToJsonb,
    ArrayLength,
    Cardinality,
    ArrayAppend,
    ArrayPrepend,
    ArrayRemove,
    ArrayPosition,
    ArrayCat,
    /// The integers of `generate_series`, as an array.
    Series,
    ArrayToString,
    /// `storage.foldername(name)`, `storage.filename(name)`, `storage.extension(name)`.
    StorageFolderName,
    StorageFileName,
    StorageExtension,
}

/// Aggregate functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aggregate {
    Count,
    Sum,
    Avg,
    Min,
    Max,
    BoolAnd,
    BoolOr,
    StringAgg,
    ArrayAgg,
    JsonAgg,
}

/// What is computed over a window.
#[derive(Clone, Debug, PartialEq)]
pub enum Window {
    /// A [`Node::Aggregate`].
    Aggregate(Box<Expr>),
    /// A function that only windows have, with its arguments.
    Function(WindowFunction, Vec<Expr>),
}

/// Functions that only windows have, each as PostgreSQL's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowFunction {
    RowNumber,
    Rank,
    DenseRank,
    PercentRank,
    CumeDist,
    Ntile,
    Lag,
    Lead,
    FirstValue,
    LastValue,
    NthValue,
}

/// `over (partition by … order by … rows between … and …)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Over {
    pub partition: Vec<Expr>,
    pub order: Vec<Order>,
    pub frame: Option<WindowFrame>,
}

/// Which of a partition's rows a function sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowFrame {
    pub units: FrameUnits,
    pub start: FrameBound,
    pub end: FrameBound,
}

/// What a window's bounds count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameUnits {
    Rows,
    /// Rows that are equal by the window's order go together.
    Range,
    Groups,
}

/// Where a window begins or ends. Its numbers are written into the statement's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameBound {
    UnboundedPreceding,
    Preceding(u32),
    CurrentRow,
    Following(u32),
    UnboundedFollowing,
}

/// A term of `order by`.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    pub by: Expr,
    pub descending: bool,
    /// PostgreSQL's default is last ascending, first descending; here it is always said.
    pub nulls_first: bool,
}

/// A query with what may stand around it.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub body: Body,
    /// By expressions over the body's sources; a literal of type `integer` is a column's place, from 1. `distinct`, unions and their
    /// like are ordered by places alone.
    pub order: Vec<Order>,
    pub limit: Option<Expr>,
    pub offset: Option<Expr>,
}

/// What a query selects from.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Select(Box<Select>),
    Union { all: bool, left: Box<Query>, right: Box<Query> },
    Intersect { left: Box<Query>, right: Box<Query> },
    Except { left: Box<Query>, right: Box<Query> },
}

/// `select … from … where … group by … having …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    pub distinct: bool,
    pub columns: Vec<Output>,
    /// Joined from left to right; empty for `select 1`.
    pub from: Vec<Join>,
    pub filter: Option<Expr>,
    pub group_by: Vec<Expr>,
    pub having: Option<Expr>,
}

/// A column that a query gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    pub name: String,
    pub expr: Expr,
}

/// A source and how it is joined to those before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    pub kind: JoinKind,
    pub source: Source,
    /// `None` for a cross join and for the first.
    pub on: Option<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    Inner,
    Left,
    Cross,
}

/// Rows by a number.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    pub id: SourceId,
    pub rows: Rows,
}

/// Where rows come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Rows {
    /// A table, through the caller's policies; or a view, whose query is put here with the same applied inside.
    Relation(Arc<Relation>),
    /// A common table expression or a query in `from`; names are its outputs' names.
    Query(Box<Query>),
    /// The rows of a function of the catalogue.
    Function(Arc<Function>, Vec<Expr>),
    /// Rows that came with the request: bound as one JSON text, so that the statement's text does not depend on how many there are.
    Values { columns: Vec<(String, Type)>, rows: Vec<Vec<Datum>> },
    /// `jsonb_array_elements(_text)(x)`, `unnest(x)`: one column, `value`.
    Elements { of: Expr, as_text: bool },
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    Query(Query),
    Insert(Insert),
    Update(Update),
    Delete(Delete),
}

/// `insert into … select … from values … on conflict … returning …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Insert {
    pub into: Arc<Relation>,
    /// The number that `returning`, assignments and conditions see the new row by.
    pub id: SourceId,
    pub columns: Vec<String>,
    /// As many outputs as columns, of their types. Columns not named get their defaults.
    pub from: Query,
    pub conflict: Option<Conflict>,
    pub returning: Vec<Output>,
}

/// `on conflict (columns) do …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// Empty means any, which only goes with `do nothing`.
    pub columns: Vec<String>,
    /// Empty is `do nothing`. The row that was to be inserted is seen as `excluded`.
    pub assignments: Vec<(String, Expr)>,
    pub excluded: SourceId,
    pub filter: Option<Expr>,
}

/// `update … set … from … where … returning …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    pub table: Arc<Relation>,
    pub id: SourceId,
    pub assignments: Vec<(String, Expr)>,
    pub from: Vec<Join>,
    pub filter: Option<Expr>,
    pub returning: Vec<Output>,
}

/// `delete from … using … where … returning …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Delete {
    pub table: Arc<Relation>,
    pub id: SourceId,
    pub using: Vec<Join>,
    pub filter: Option<Expr>,
    pub returning: Vec<Output>,
}

impl Statement {
    /// The table that it writes to.
    #[must_use]
    pub const fn writes_to(&self) -> Option<&Arc<Relation>> {
        match self {
            Self::Query(_) => None,
            Self::Insert(insert) => Some(&insert.into),
            Self::Update(update) => Some(&update.table),
            Self::Delete(delete) => Some(&delete.table),
        }
    }
}
