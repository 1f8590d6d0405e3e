//! Indexes: which requests they serve on each database, and that they hide nothing.

mod fixture;
mod plans;
mod words;
