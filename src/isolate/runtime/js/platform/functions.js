// plinth:functions: calls of other functions.
(function () {
const { core } = __bootstrap;
const { PlatformError, ask, decode, encode, text } = core.loadExtScript("ext:plinth/platform/ask.js");

const MODULE = "plinth:functions";

/** The other function failed; `errorType` is the class of what it threw, or `Runtime` or `Sandbox` and what happened. */
class FunctionError extends Error {
  constructor(name, errorType, message) {
    super(`${name}: ${message}`);
    this.errorType = errorType;
  }
}
Object.defineProperty(FunctionError.prototype, "name", { value: "FunctionError", writable: true, configurable: true });

/**
 * Calls a function with an event.
 * @returns what it gives; with `mode: "event"` the id under which the call is stored, `{ requestId }`
 */
async function invoke(name, payload = {}, options = {}) {
  const { qualifier, mode = "sync" } = options;
  if (mode !== "sync" && mode !== "event") throw new TypeError('mode must be "sync" or "event"');
  const called = {
    function: text("the name of a function", name),
    qualifier: qualifier === undefined ? null : text("qualifier", String(qualifier)),
    event: mode === "event",
  };
  const { kind, said, bytes } = await ask(MODULE, { invoke: called }, encode("a payload", payload));
  if (kind === "function_failed") throw new FunctionError(name, said.error_type, said.message);
  return kind === "accepted" ? { requestId: said.request_id } : decode(bytes);
}

return { FunctionError, PlatformError, invoke };
})();
