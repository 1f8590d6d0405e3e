//! Why a request was refused, with the code, status and words that PostgREST's clients know.

use super::limits::MAX_QUOTED;

/// A request that cannot be done as it stands; codes `PGRST100` to `PGRST128`.
///
/// Those that need the catalogue or the outcome to be found (`PutFilters`, `Singular`, `OrderNotToOne`, …) are given by the planner
/// and the service; their words are here with the others.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A part of the query string does not parse.
    #[error("{message}")]
    Query { message: String, details: String },
    /// More of something than a query may have.
    #[error("too many {what}: {limit} at the most")]
    QueryLimit { what: &'static str, limit: usize },
    #[error("Cannot use the {0} method on RPC")]
    RpcMethod(String),
    /// A body that is malformed, or of a type that is not taken.
    #[error("{0}")]
    Body(String),
    /// More of something than a body may have.
    #[error("the body has more {what} than {limit}")]
    BodyLimit { what: &'static str, limit: usize },
    #[error("Requested range not satisfiable")]
    Range(OutOfRange),
    #[error("Filters must include all and only primary key columns with 'eq' operators")]
    PutFilters,
    #[error("Invalid schema: {schema}")]
    Profile { schema: String, exposed: Vec<String> },
    #[error("None of these media types are available: {}", .0.join(", "))]
    MediaType(Vec<String>),
    /// A prefix that names no embed of its level. `instead` is the alias (or, when several embeds have the name, the aliases) that
    /// would.
    #[error("'{name}' is not an embedded resource in this request")]
    NotEmbedded { name: String, instead: Vec<String> },
    #[error("limit/offset querystring parameters are not allowed for PUT")]
    PutLimit,
    #[error("Payload values do not match URL in primary key column(s)")]
    PutMismatch,
    /// One object was asked for, and this many rows found.
    #[error("Cannot coerce the result to a single JSON object")]
    Singular { rows: u64 },
    #[error("Unsupported HTTP method: {0}")]
    Method(String),
    #[error("A related order on '{target}' is not possible")]
    OrderNotToOne { origin: String, target: String },
    #[error("Bad operator on the '{0}' embedded resource")]
    EmbedFilter(String),
    #[error("Invalid preferences given with handling=strict")]
    Preferences(Vec<String>),
    #[error("Use of aggregate functions is not allowed")]
    AggregatesDisabled,
    #[error("Query result exceeds max-affected preference constraint")]
    MaxAffected { rows: u64 },
    #[error("Invalid path specified in request URL")]
    Path,
    #[error("Feature not implemented")]
    NotImplemented(String),
    #[error("Function must return SETOF or TABLE when max-affected preference is used with handling=strict")]
    MaxAffectedOnScalar,
}

/// What is wrong with a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfRange {
    /// A negative `limit` or `offset`, or a `Range` that has nothing in common with them.
    Negative,
    /// `Range: 9-5`.
    LowerAboveUpper,
    /// A count was asked for, and it is less than the offset.
    Offset { offset: u64, total: u64 },
}

impl Fault {
    /// `PGRST…`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Query { .. } | Self::QueryLimit { .. } => "PGRST100",
            Self::RpcMethod(_) => "PGRST101",
            Self::Body(_) | Self::BodyLimit { .. } => "PGRST102",
            Self::Range(_) => "PGRST103",
            Self::PutFilters => "PGRST105",
            Self::Profile { .. } => "PGRST106",
            Self::MediaType(_) => "PGRST107",
            Self::NotEmbedded { .. } => "PGRST108",
            Self::PutLimit => "PGRST114",
            Self::PutMismatch => "PGRST115",
            Self::Singular { .. } => "PGRST116",
            Self::Method(_) => "PGRST117",
            Self::OrderNotToOne { .. } => "PGRST118",
            Self::EmbedFilter(_) => "PGRST120",
            Self::Preferences(_) => "PGRST122",
            Self::AggregatesDisabled => "PGRST123",
            Self::MaxAffected { .. } => "PGRST124",
            Self::Path => "PGRST125",
            Self::NotImplemented(_) => "PGRST127",
            Self::MaxAffectedOnScalar => "PGRST128",
        }
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Path => 404,
            Self::RpcMethod(_) | Self::PutFilters | Self::Method(_) => 405,
            Self::Profile { .. } | Self::MediaType(_) | Self::Singular { .. } => 406,
            Self::BodyLimit { .. } => 413,
            Self::Range(_) => 416,
            Self::Query { .. }
            | Self::QueryLimit { .. }
            | Self::Body(_)
            | Self::NotEmbedded { .. }
            | Self::PutLimit
            | Self::PutMismatch
            | Self::OrderNotToOne { .. }
            | Self::EmbedFilter(_)
            | Self::Preferences(_)
            | Self::AggregatesDisabled
            | Self::MaxAffected { .. }
            | Self::NotImplemented(_)
            | Self::MaxAffectedOnScalar => 400,
        }
    }

    /// `message` of the answer.
    #[must_use]
    pub fn message(&self) -> String {
        self.to_string()
    }

    /// `details` of the answer; null when there is none.
    #[must_use]
    pub fn details(&self) -> Option<String> {
        match self {
            Self::Query { details, .. } | Self::NotImplemented(details) => Some(details.clone()),
            Self::Range(range) => Some(range.to_string()),
            Self::NotEmbedded { instead, .. } if !instead.is_empty() => {
                Some("Target names are not allowed in filters if they have an alias".to_owned())
            }
            Self::Singular { rows } => Some(format!("The result contains {rows} rows")),
            Self::OrderNotToOne { origin, target } => {
                Some(format!("'{origin}' and '{target}' do not form a many-to-one or one-to-one relationship"))
            }
            Self::EmbedFilter(_) => Some("Only is null or not is null filters are allowed on embedded resources".to_owned()),
            Self::Preferences(invalid) => Some(format!("Invalid preferences: {}", invalid.join(", "))),
            Self::MaxAffected { rows } => Some(format!("The query affects {rows} rows")),
            _ => None,
        }
    }

    /// `hint` of the answer; null when there is none.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::QueryLimit { .. } => Some("Ask for less in each request.".to_owned()),
            Self::BodyLimit { .. } => Some("Send less in each request.".to_owned()),
            Self::Profile { exposed, .. } => Some(format!("Only the following schemas are exposed: {}", exposed.join(", "))),
            Self::NotEmbedded { name, instead } if instead.is_empty() => {
                Some(format!("Verify that '{name}' is included in the 'select' query parameter."))
            }
            Self::NotEmbedded { name, instead } => {
                Some(format!("Change '{name}' to '{}' in filters, orders or limits.", instead.join("' or '")))
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Negative => f.write_str("Limit should be greater than or equal to zero."),
            Self::LowerAboveUpper => {
                f.write_str("The lower boundary must be lower than or equal to the upper boundary in the Range header.")
            }
            Self::Offset { offset, total } => {
                write!(f, "An offset of {offset} was requested, but there are only {total} rows.")
            }
        }
    }
}

/// Input as an error repeats it: its beginning, when it is long.
pub(super) fn quoted(input: &str) -> String {
    match input.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("{}…", &input[..end]),
        None => input.to_owned(),
    }
}
