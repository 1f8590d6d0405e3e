// The entry point: evaluated while the snapshot is made; `boot` is called once in every worker that starts from it.
import "ext:plinth/stubs.js";
import { core, internals } from "ext:core/mod.js";
import { failWith, unhandledRejection } from "ext:plinth/errors.js";
import * as globals from "ext:plinth/globals.js";
import { drained, hasWork, invoke, load } from "ext:plinth/invoke.js";
import { bridge } from "ext:plinth/modules.js";
import * as node from "ext:plinth/node/modules.js";
import * as process from "ext:plinth/process.js";
import * as timers from "ext:plinth/timers.js";

globals.define();

// An event that a listener may cancel, as browsers have it, comes first.
function isHandled(type, make) {
  if (globals.event.listenerCount(globalThis, type) === 0) return false;
  const event = make();
  globals.event.setIsTrusted(event, true);
  globalThis.dispatchEvent(event);
  return event.defaultPrevented;
}

function rejected(promise, reason) {
  if (process.tell("unhandledRejection", reason, promise)) return true;
  const init = { promise, reason, cancelable: true };
  if (!isHandled("unhandledrejection", () => new globals.event.PromiseRejectionEvent("unhandledrejection", init))) {
    unhandledRejection(reason);
  }
  return true;
}

// A rejection that went unhandled has a listener now: told, never an error.
function handledLate(promise, reason) {
  isHandled("rejectionhandled", () => new globals.event.PromiseRejectionEvent("rejectionhandled", { promise, reason }));
}

function uncaught(error) {
  if (process.tell("uncaughtException", error, "uncaughtException")) return;
  const init = { error, message: `${error?.message ?? error}`, cancelable: true };
  if (!isHandled("error", () => new globals.event.ErrorEvent("error", init))) failWith(error, true);
}

internals.plinth = {
  // For Node's modules.
  process: process.process,
  timers,
  boot() {
    globals.complete();
    process.define();
    core.setUnhandledPromiseRejectionHandler(rejected);
    core.setHandledPromiseRejectionHandler(handledLate);
    core.setReportExceptionCallback(uncaught);
    const { builtinExports } = node;
    const { tellPending } = timers;
    return { surround: process.surround, load, hasWork, invoke, drained, bridge, builtinExports, tellPending };
  },
};

node.evaluate();
