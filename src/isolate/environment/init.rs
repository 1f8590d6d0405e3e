//! Initialisation: the code outside the handler.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use deno_core::futures::FutureExt;
use deno_core::{ModuleSpecifier, v8};
use tokio::time::Instant;

use super::turn::Stop;
use super::{Environment, Health};
use crate::isolate::failure;
use crate::isolate::host::Outcome;
use crate::isolate::modules::builtins::is_whole_name;
use crate::isolate::protocol::{Assign, Bundle, FromWorker, FunctionError, ModuleKind};
use crate::isolate::runtime::arguments::Exports;
use crate::isolate::runtime::engine::Which;
use crate::isolate::runtime::meter::Meter;
use crate::isolate::runtime::modules::package::{Package, url_of};

impl Environment {
    pub(super) async fn initialise(&mut self, assign: Assign, body: Vec<u8>) -> io::Result<Health> {
        let meter = Meter::start();
        let timeout = Duration::from_millis(assign.init_timeout_ms);
        self.engine.raise_heap(assign.heap_limit);
        self.engine.host.set_log_limit(assign.log_limit);
        self.engine.host.begin(0);
        self.watchdog.arm(timeout);
        let loaded = self.load(assign, body, Instant::now() + timeout).await;
        let failure = match self.limit_reached(|| failure::init_timed_out(timeout)).or(loaded.err()) {
            Some(error) => Some(error),
            None => match self.engine.host.current().take_outcome() {
                Some(Outcome::Loaded) => None,
                Some(Outcome::Failed { error, .. }) => Some(error),
                _ => Some(failure::never_settled("the module")),
            },
        };
        self.engine.host.current().streams().close();
        let usage = meter.read(&mut self.engine.runtime);
        let health = if failure.is_some() { Health::Broken } else { Health::Sound };
        if let Some(error) = &failure {
            self.tell_pending(error)?;
        }
        let message = failure.map_or(FromWorker::Initialised(usage), |error| FromWorker::InitFailed { error, usage });
        self.send(&message, &[]).await?;
        Ok(health)
    }

    /// Evaluates the entry and lets the extension find the handler.
    async fn load(&mut self, mut assign: Assign, body: Vec<u8>, deadline: Instant) -> Result<(), FunctionError> {
        let refused = |message: String| failure::plain("Runtime.ImportModuleError", message);
        let style = assign.bundle.style;
        let bundle = std::mem::replace(&mut assign.bundle, Bundle { style, modules: Vec::new() });
        let entry = bundle.modules.first().map(|module| (module.file.clone(), module.kind));
        let (file, kind) = entry.ok_or_else(|| refused("the assignment holds no module".to_owned()))?;
        let links = bundle.modules.iter().flat_map(|module| &module.links).map(|link| link.file.as_str());
        let builtins: BTreeSet<String> = links.filter(|file| is_whole_name(file)).map(ToOwned::to_owned).collect();
        let package = Package::new(bundle, body).ok_or_else(|| refused("the assignment is cut short".to_owned()))?;
        self.engine.loader.take(package);
        self.engine.set_environment(&assign);
        if !builtins.is_empty() {
            self.engine.learn_builtins(builtins.iter().map(String::as_str));
        }
        let exports = if kind == ModuleKind::CommonJs {
            Exports::CommonJs(file)
        } else {
            let specifier = url_of(&file).ok_or_else(|| refused(format!("{file} is not the name of a file")))?;
            match self.evaluate(&specifier, deadline).await? {
                Some(namespace) => Exports::Namespace(namespace),
                None => return Ok(()),
            }
        };
        self.engine.call(Which::Load, (style, assign.handler.as_deref(), exports));
        Ok(())
    }

    /// Runs an ES module to its end; `None` when the script told an outcome of its own, or ran into a limit.
    async fn evaluate(
        &mut self,
        specifier: &ModuleSpecifier,
        deadline: Instant,
    ) -> Result<Option<v8::Global<v8::Object>>, FunctionError> {
        let runtime = &mut self.engine.runtime;
        let id = runtime.load_main_es_module(specifier).await.map_err(|error| failure::from_load(&error))?;
        let mut evaluated = runtime.mod_evaluate(id).boxed_local();
        match self.run(deadline, |context| evaluated.poll_unpin(context)).await {
            Stop::Over => Ok(None),
            Stop::Drained => Err(failure::never_settled("the module's top-level await")),
            Stop::Failed(error) | Stop::Ready(Err(error)) => Err(failure::from_core(&error)),
            Stop::Ready(Ok(())) => {
                let namespace = self.engine.runtime.get_module_namespace(id);
                namespace.map(Some).map_err(|error| failure::from_core(&error))
            }
        }
    }
}
