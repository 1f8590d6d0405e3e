//! The database layer on SQLite and on PostgreSQL alike.

mod durability;
mod fixture;
mod folder;
mod migrations;
mod names;
mod reruns;
mod values;
mod violations;
mod writes;
