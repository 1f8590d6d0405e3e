//! The command line: a file or a folder for each subcommand. The only place that writes to standard output.

mod check;
mod door;
mod exit;
mod functions;
mod keys;
mod migrate;
mod openapi;
mod print;
mod reload;
mod serve;
mod storage;
mod target;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use self::print::{ask, complain, note, say};
use crate::config::{self, Flags, Loaded};
use crate::isolate;

/// One binary that is a client app's whole backend.
#[derive(Parser)]
#[command(name = "plinth", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve(Common),
    /// Check the configuration and print every error with its place
    Check(check::Options),
    /// Let the running server take the configuration as it is now, and print what changed
    Reload(reload::Options),
    /// Show the address and the keys of a data folder
    Keys(keys::Options),
    /// Deploy, call, list, publish, roll back and delete functions, and read their logs
    Functions(functions::Options),
    /// Make, apply and show the app's migrations: files VERSION_NAME.sql in a folder
    Migrate(migrate::Options),
    /// Compare the files with the bytes that are kept of them
    Storage(storage::Options),
    /// Print the OpenAPI document
    Openapi,
    /// The process that runs one function; started by the server
    #[command(hide = true)]
    FunctionWorker(Worker),
}

/// What every command that needs a configuration takes.
#[derive(Args, Clone, Debug)]
struct Common {
    /// The folder that holds everything the server keeps [env: PLINTH_DATA] [default: data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The address and port to listen on; port 0 picks a free one [env: PLINTH_LISTEN] [default: 127.0.0.1:8000]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// The configuration file [env: PLINTH_CONFIG] [default: plinth.toml, when it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Args)]
struct Worker {
    /// Write V8's startup snapshot to standard output
    #[arg(long)]
    make_snapshot: bool,
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(common) => serve::run(&common),
        Command::Check(options) => check::run(&options),
        Command::Reload(options) => reload::run(&options),
        Command::Keys(options) => keys::run(&options),
        Command::Functions(options) => functions::run(&options),
        Command::Migrate(options) => migrate::run(&options),
        Command::Storage(options) => storage::run(&options),
        Command::Openapi => openapi::run(),
        Command::FunctionWorker(Worker { make_snapshot: true }) => isolate::snapshot::main(),
        Command::FunctionWorker(Worker { make_snapshot: false }) => isolate::worker::main(),
    }
}

impl Common {
    /// Reads the configuration; prints every error there is when it does not check.
    fn load(&self) -> Result<Loaded, ExitCode> {
        let flags = Flags { config: self.config.clone(), data: self.data.clone(), listen: self.listen.clone() };
        config::load(&flags, &config::environment()).map_err(|errors| {
            for error in errors {
                complain(&error);
            }
            exit::CONFIG.into()
        })
    }
}
