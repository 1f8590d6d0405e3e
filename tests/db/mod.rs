//! The database layer on SQLite and on PostgreSQL alike.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod durability;
mod fixture;
mod folder;
mod functions;
mod migrations;
mod names;
mod reads;
mod reruns;
mod values;
mod violations;
mod writes;
