//! A request of the data API, understood as far as that goes without the catalogue.
//!
//! ```text
//! query string ── form ──→ pairs ── query ──→ Query      what to read, filter, sort, and write to
//! Prefer, Accept, Range, Accept-Profile  ── headers      how to answer
//! body: JSON, CSV, a form                ── body         rows, or a function's arguments
//! ```
//!
//! Names are whatever the client sent: `data::plan` looks each up, and none reaches SQL text before. Values stay text (or raw JSON),
//! digit for digit, until the type they are for is known.
//!
//! # Invariants
//!
//! - Total: any bytes give a value or a [`Fault`], in time that grows with their length, and no recursion goes past [`limits`].
//! - The grammar is read strictly to its end: what is left over is an error, never ignored.
//! - No I/O, no database, no actix.
//!
//! Faults have PostgREST's codes and, where a client may read them, its words.

pub mod ast;
pub mod body;
mod cursor;
mod embeds;
mod fault;
mod filter;
mod form;
pub mod headers;
pub mod limits;
mod query;
mod select;

pub use ast::{
    Aggregate, Arrow, Comparison, Condition, Field, Filter, Fts, Is, Join, JsonKey, JsonStep, Op, OrderTerm, Quantifier,
    SelectItem, Simple,
};
pub use body::{Body, CallBody, Content};
pub use embeds::{Embeds, Nested};
pub use fault::{Fault, OutOfRange};
pub use headers::{
    Accept, Action, ContentRange, Count, Handling, Media, Missing, Offers, Preferences, Profile, Range, Representation,
    Resolution, Tx,
};
pub use query::{Kind, Query};
