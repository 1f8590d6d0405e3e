//! SQL of the data API's own tables.

pub mod catalog;
pub mod migrations;
