//! Makes V8's startup snapshot: the extensions' scripts, run once, as bytes that every worker starts from.

use std::io::Write;
use std::process::ExitCode;
use std::rc::Rc;

use deno_core::{JsRuntimeForSnapshot, RuntimeOptions};

use super::channel::Outbox;
use super::host::Host;
use super::runtime::{engine, extensions};

/// Writes the snapshot to standard output. It fits this very program only: V8 refuses that of another build.
#[must_use]
pub fn main() -> ExitCode {
    match make().and_then(|snapshot| std::io::stdout().lock().write_all(&snapshot).map_err(Into::into)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "the V8 snapshot cannot be made: {error}");
            ExitCode::FAILURE
        }
    }
}

fn make() -> Result<Box<[u8]>, Box<dyn std::error::Error>> {
    engine::set_flags();
    let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let _entered = tokio.enter();
    let host = Rc::new(Host::new(Outbox::nowhere()?));
    let options = RuntimeOptions { extensions: extensions::for_snapshot(host, Rc::default()), ..RuntimeOptions::default() };
    Ok(JsRuntimeForSnapshot::try_new(options)?.snapshot())
}
