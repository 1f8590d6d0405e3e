//! The one binary: `plinth serve`, its tools, and the function worker it re-executes itself as.

use std::process::ExitCode;

fn main() -> ExitCode {
    plinth::cli::main()
}
