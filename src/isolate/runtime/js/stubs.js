// What deno's web scripts expect of extensions that are not here. Evaluated before any of them.
import { internals } from "ext:core/mod.js";

// Normally deno_node's: the property by which a CryptoKey is also a KeyObject.
internals.kKeyObject = Symbol("kKeyObject");

// Normally deno_telemetry's; nothing is traced here.
internals.__telemetry = {
  TRACING_ENABLED: false,
  PROPAGATORS: [],
  DID_NOT_ENTER: Symbol("did not enter"),
  ContextManager: class ContextManager {},
  builtinTracer() {},
  enterSpan() {},
  exitSpan() {},
};
internals.__telemetryUtil = {
  updateSpanFromClientResponse() {},
  updateSpanFromError() {},
  updateSpanFromRequest() {},
};
