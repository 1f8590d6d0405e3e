//! Requests as text, understood without the catalogue.

mod bodies;
mod headers;
mod limits;
mod print;
mod queries;
mod strategy;
mod untrusted;
mod wording;
