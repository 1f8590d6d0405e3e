//! How large a request may be. Passing one of these is a 400 (413 for a body) that names it.

/// Bytes of a query string, as it was sent.
pub const MAX_QUERY_BYTES: usize = 64 * 1024;

/// Key-value pairs of a query string.
pub const MAX_PAIRS: usize = 1000;

/// Filters of a query, those inside logic and of embeds included.
pub const MAX_FILTERS: usize = 500;

/// How deep `and` and `or` may nest.
pub const MAX_LOGIC_DEPTH: usize = 16;

/// Elements of all `in` lists of a query.
pub const MAX_IN_ELEMENTS: usize = 10_000;

/// Items of a `select`, those of its embeds included.
pub const MAX_SELECT_ITEMS: usize = 1000;

/// How deep embeds may nest.
pub const MAX_EMBED_DEPTH: usize = 8;

/// Embeds of a `select`, at all depths.
pub const MAX_EMBEDS: usize = 50;

/// Terms of all `order`s of a query.
pub const MAX_ORDER_TERMS: usize = 50;

/// Steps of one JSON path.
pub const MAX_JSON_STEPS: usize = 32;

/// Names in `columns` or `on_conflict`, and keys of a body: PostgreSQL's own limit of columns.
pub const MAX_COLUMNS: usize = 1600;

/// Bytes of a body.
pub const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// Rows of a body.
pub const MAX_BODY_ROWS: usize = 50_000;

/// Rows times keys of a body: each takes 16 bytes, whether or not the row has it.
pub const MAX_BODY_CELLS: usize = 1_000_000;

/// How deep the arrays and objects of a JSON body may nest; less than where `serde_json` stops.
pub const MAX_BODY_DEPTH: usize = 100;

/// Bytes of the `Prefer` or the `Accept` headers together that are looked at; more is refused.
pub const MAX_HEADER_BYTES: usize = 8 * 1024;

/// Characters of the input that an error repeats.
pub const MAX_QUOTED: usize = 200;
