//! Typed queries as SQL of both databases: each case runs on both, and the answers are compared.

mod expressions;
mod fixture;
mod generated;
mod policies;
mod queries;
mod shapes;
mod writes;
