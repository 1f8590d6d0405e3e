//! The server's settings: what each is called, what it may be, and what it is when nothing is said.
//!
//! A setting is one entry in its section's table: its name in `plinth.toml`, its environment variable, its default, its meaning
//! and its check. What a command line says goes before the environment, that before the file, and that before the default. Every
//! error of a configuration is reported, not the first alone, with its file, line and column and what is allowed there.

mod auth;
mod data;
mod database;
pub mod front;
mod functions;
mod load;
mod log;
mod server;
mod setting;
mod site;
mod storage;
mod tables;
mod written;

pub use auth::Auth;
pub use data::Data;
pub use database::Database;
pub use front::Front;
pub use functions::{Functions, KeepUsage, Prices};
#[doc(hidden)]
pub use load::errors_of;
pub use load::{ConfigError, Flags, Loaded, environment, load};
pub use log::{Log, LogFormat};
pub use server::{Edge, Server};
pub use setting::{Raw, Setting};
pub use site::Site;
pub use storage::{Backend, Storage};
pub use written::{Change, Written};

/// Every setting, checked.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub server: Server,
    pub edge: Edge,
    pub database: Database,
    pub log: Log,
    pub auth: Auth,
    pub data: Data,
    pub functions: Functions,
    pub storage: Storage,
    pub site: Site,
    /// Sites, their routes and upstreams: what the file has lists of.
    pub front: Front,
}

/// Every setting there is, in the order of the documentation.
pub fn settings() -> impl Iterator<Item = &'static Setting> {
    [
        server::SETTINGS,
        server::EDGE_SETTINGS,
        database::SETTINGS,
        log::SETTINGS,
        auth::SETTINGS,
        data::SETTINGS,
        functions::SETTINGS,
        storage::SETTINGS,
        site::SETTINGS,
    ]
    .into_iter()
    .flatten()
}
