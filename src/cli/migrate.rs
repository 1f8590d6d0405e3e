//! `plinth migrate`: make, apply and show the app's migrations, through a running server's API or, without one, in the data folder
//! or on PostgreSQL itself.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::door::{Door, Failure};
use super::{Common, complain, exit, say};
use crate::config::Loaded;
use crate::data::migrations::{self, FileFault, Migration, Plan, State};
use crate::types::Clock;

/// The folder when neither the command line nor the configuration names one.
const FOLDER: &str = "migrations";

#[derive(Args)]
pub(super) struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make an empty migration that comes after all others
    New {
        /// What it does, such as add_teams
        name: String,
        #[command(flatten)]
        place: Place,
    },
    /// Apply the migrations that are not applied yet, in order, each wholly or not at all
    Up {
        #[command(flatten)]
        place: Place,
        /// Apply those too that are earlier than the last one that is applied
        #[arg(long)]
        include_all: bool,
        /// Only look through what would be applied, against the schema as it is now
        #[arg(long)]
        dry_run: bool,
    },
    /// Show which migrations are applied, pending, changed since, missing or out of order
    Status {
        #[command(flatten)]
        place: Place,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

/// Which folder, and which server.
#[derive(Args)]
pub(super) struct Place {
    #[command(flatten)]
    pub(super) common: Common,
    /// The folder of migrations [default: data.migrations of the configuration, otherwise migrations]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The server's address [env: PLINTH_URL] [default: that of the server which runs on the data folder; without one, the database]
    #[arg(long)]
    pub(super) url: Option<String>,
    /// The service key [env: PLINTH_SERVICE_KEY] [default: that of the data folder]
    #[arg(long)]
    pub(super) key: Option<String>,
}

pub(super) fn run(options: &Options) -> ExitCode {
    let done = match &options.action {
        Action::New { name, place } => new(name, place),
        Action::Up { place, include_all, dry_run } => up(place, *include_all, *dry_run),
        Action::Status { place, json } => status(place, *json),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.message.is_empty() {
                complain(&failure.message);
            }
            failure.code.into()
        }
    }
}

fn new(name: &str, place: &Place) -> Result<(), Failure> {
    let (_, folder) = load(place)?;
    let path = migrations::new_file(&folder, name, Clock::system().now()).map_err(Failure::plain)?;
    say(path.display());
    Ok(())
}

fn status(place: &Place, json: bool) -> Result<(), Failure> {
    let (loaded, folder) = load(place)?;
    let files = read(&folder)?;
    let door = Door::open(place, loaded)?;
    let applied = door.applied();
    door.close();
    let plan = Plan::of(&files, &applied?);
    if json {
        say(serde_json::json!({ "migrations": plan.entries }));
        return Ok(());
    }
    if plan.entries.is_empty() {
        say(format_args!("there are no migrations in {}", folder.display()));
    }
    for entry in &plan.entries {
        let when = entry.applied_at.map(|at| at.to_string()).unwrap_or_default();
        say(format_args!("{}\t{}\t{when}", word(entry.state), entry.file_name()).to_string().trim_end());
    }
    Ok(())
}

fn up(place: &Place, include_all: bool, dry_run: bool) -> Result<(), Failure> {
    let (loaded, folder) = load(place)?;
    let files = read(&folder)?;
    let door = Door::open(place, loaded)?;
    let done = apply(&door, &folder, files, include_all, dry_run);
    door.close();
    done
}

fn apply(door: &Door, folder: &Path, mut files: Vec<Migration>, include_all: bool, dry_run: bool) -> Result<(), Failure> {
    let plan = Plan::of(&files, &door.applied()?);
    for entry in plan.in_state(State::Missing) {
        complain(&format_args!("{} is applied, but is not in {}", entry.file_name(), folder.display()));
    }
    for entry in plan.in_state(State::Empty) {
        complain(&format_args!("{} has no statement yet, and is passed over", in_folder(folder, &entry.file_name())));
    }
    let faults = plan.faults(include_all);
    if !faults.is_empty() {
        return Err(Failure { code: exit::DATA, message: faults_in(folder, &faults) });
    }
    files.retain(|file| plan.is_due(file));
    if files.is_empty() {
        say("nothing is to be applied");
        return Ok(());
    }
    if dry_run {
        for file in door.dry_run(folder, files, include_all)? {
            say(format_args!("would apply {file}"));
        }
        return Ok(());
    }
    for file in files {
        let name = file.file_name();
        match door.apply(folder, file, include_all)? {
            Some(millis) => say(format_args!("applied {name} ({millis} ms)")),
            None => say(format_args!("{name} was applied by another a moment ago")),
        }
    }
    Ok(())
}

/// The configuration, and the folder.
fn load(place: &Place) -> Result<(Loaded, PathBuf), Failure> {
    let loaded = place.common.load().map_err(|_| Failure { code: exit::CONFIG, message: String::new() })?;
    let folder = place.dir.clone().or_else(|| loaded.config.data.migrations.clone());
    Ok((loaded, folder.unwrap_or_else(|| PathBuf::from(FOLDER))))
}

fn read(folder: &Path) -> Result<Vec<Migration>, Failure> {
    migrations::read(folder).map_err(|faults| Failure { code: exit::DATA, message: faults_in(folder, &faults) })
}

/// All faults, a line each, by the files' paths.
pub(super) fn faults_in(folder: &Path, faults: &[FileFault]) -> String {
    faults.iter().map(|fault| in_folder(folder, fault)).collect::<Vec<_>>().join("\n")
}

/// What is said of a file, with the folder before its name.
pub(super) fn in_folder(folder: &Path, said: &impl std::fmt::Display) -> String {
    let said = said.to_string();
    // What is said of the folder itself begins with it.
    if said.starts_with(&*folder.to_string_lossy()) { said } else { format!("{}/{said}", folder.display()) }
}

const fn word(state: State) -> &'static str {
    match state {
        State::Applied => "applied",
        State::Pending => "pending",
        State::Empty => "empty",
        State::OutOfOrder => "out of order",
        State::Changed => "changed since",
        State::Missing => "missing",
    }
}
