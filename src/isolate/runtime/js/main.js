// The entry point: evaluated while the snapshot is made; `boot` is called once in every worker that starts from it.
import "ext:plinth/stubs.js";
import { core, internals } from "ext:core/mod.js";
import { failWith, unhandledRejection } from "ext:plinth/errors.js";
import * as globals from "ext:plinth/globals.js";
import { drained, hasWork, invoke, load } from "ext:plinth/invoke.js";
import * as process from "ext:plinth/process.js";
import { tellPending } from "ext:plinth/timers.js";

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
  const init = { promise, reason, cancelable: true };
  if (!isHandled("unhandledrejection", () => new globals.event.PromiseRejectionEvent("unhandledrejection", init))) {
    unhandledRejection(reason);
  }
  return true;
}

function uncaught(error) {
  const init = { error, message: `${error?.message ?? error}`, cancelable: true };
  if (!isHandled("error", () => new globals.event.ErrorEvent("error", init))) failWith(error, true);
}

internals.plinth = {
  boot() {
    globals.complete();
    process.define();
    core.setUnhandledPromiseRejectionHandler(rejected);
    core.setReportExceptionCallback(uncaught);
    return { surround: process.surround, load, hasWork, invoke, drained, tellPending };
  },
};
