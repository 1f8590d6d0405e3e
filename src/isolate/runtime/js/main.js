// The entry point: evaluated while the snapshot is made; `boot` is called once in every worker that starts from it.
import "ext:plinth/stubs.js";
import { core, internals, primordials } from "ext:core/mod.js";
import { op_plinth_log } from "ext:core/ops";
import { awslambda } from "ext:plinth/awslambda.js";
import { failWith, unhandledRejection } from "ext:plinth/errors.js";
import * as globals from "ext:plinth/globals.js";
import { drained, hasWork, invoke, load, rehearse } from "ext:plinth/invoke.js";
import { bridge } from "ext:plinth/modules.js";
import * as node from "ext:plinth/node/modules.js";
import * as process from "ext:plinth/process.js";
import * as timers from "ext:plinth/timers.js";

const { ObjectDefineProperty, SafeArrayIterator, StringPrototypeStartsWith } = primordials;

globals.define();

// An event that a listener may cancel, as browsers have it, comes first.
function isHandled(type, make) {
  if (globals.event.listenerCount(globalThis, type) === 0) return false;
  const event = make();
  globals.event.setIsTrusted(event, true);
  globalThis.dispatchEvent(event);
  return event.defaultPrevented;
}

// A request that outlived its call was cut off by the runtime, not by a mistake in the code that made it.
function isCutOff(reason) {
  try {
    const { message } = reason;
    return StringPrototypeStartsWith(message, "fetch failed: the call it belonged to has ended")
      || StringPrototypeStartsWith(message, "platform call: the call it belonged to has ended");
  } catch {
    return false;
  }
}

function rejected(promise, reason) {
  if (isCutOff(reason)) {
    op_plinth_log(2, `${reason.message}`);
    return true;
  }
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
    ObjectDefineProperty(globalThis, "awslambda", { __proto__: null, value: awslambda, writable: true, enumerable: false, configurable: true });
    core.setUnhandledPromiseRejectionHandler(rejected);
    core.setHandledPromiseRejectionHandler(handledLate);
    core.setReportExceptionCallback(uncaught);
    timers.reportThrown(uncaught);
    const { builtinExports } = node;
    const { tellPending } = timers;
    return { surround: process.surround, load, hasWork, invoke, drained, bridge, builtinExports, tellPending, rehearse };
  },
};

node.evaluate();

// What is compiled now is in the snapshot.
for (const style of ["lambda", "web", undefined]) {
  rehearse(style);
  if (style === undefined) continue;
  for (const body of [null, core.encode("{}")]) {
    const http = ["POST", "http://localhost/?a=b", "/", "a=b", "127.0.0.1", 0, "host\nlocalhost\ncontent-type\ntext/plain\n", "{}", null];
    invoke(0, "00000000-0000-4000-8000-000000000000", 1000, 128, "", undefined, body, ...new SafeArrayIterator(http), false);
  }
}
