// Node's modules, and the platform's own, by name.
import { core, internals } from "ext:core/mod.js";

const script = (path) => () => core.loadExtScript(`ext:plinth/node/${path}.js`);
const own = (path) => () => core.loadExtScript(`ext:plinth/platform/${path}.js`);
const buffer = script("buffer/buffer");
const path = script("path");
const timers = script("system/timers");
const util = script("util/util");

/** The same names as in `isolate/modules/builtins.rs`. */
const MODULES = {
  __proto__: null,
  assert: script("assert"),
  "assert/strict": () => script("assert")().strict,
  async_hooks: script("system/async_hooks"),
  buffer,
  console: script("system/console"),
  constants: () => flatConstants(),
  crypto: script("crypto/crypto"),
  diagnostics_channel: script("system/diagnostics_channel"),
  events: script("events"),
  os: script("system/os"),
  path,
  "path/posix": path,
  "path/win32": () => path().win32,
  perf_hooks: script("system/perf_hooks"),
  "plinth:functions": own("functions"),
  "plinth:kv": own("kv"),
  "plinth:queue": own("queue"),
  process: () => internals.plinth.process,
  punycode: script("text/punycode"),
  querystring: script("text/querystring"),
  stream: script("stream/stream"),
  "stream/consumers": script("stream/consumers"),
  "stream/promises": script("stream/promises"),
  "stream/web": script("stream/web_classes"),
  string_decoder: script("text/string_decoder"),
  sys: util,
  timers,
  "timers/promises": () => timers().promises,
  tty: script("system/tty"),
  url: script("url"),
  util,
  "util/types": () => util().types,
};

let constants;
function flatConstants() {
  const { errno, priority, signals } = script("system/os")().constants;
  return constants ??= { ...errno, ...priority, ...signals };
}

/**
 * What `require("node:buffer")` gives; with the prefix or without.
 * @returns `undefined` when there is no such module
 */
export function builtin(name) {
  return MODULES[name.startsWith("node:") ? name.slice(5) : name]?.();
}

/** The names that can be imported from the module by name. */
export function builtinExports(name) {
  return Object.keys(builtin(name) ?? {});
}

/** Adds a module whose exports are made elsewhere. */
export function provide(name, exports) {
  MODULES[name] = () => exports;
}

/** While the snapshot is made: evaluates all that can be in it. */
export function evaluate() {
  for (const name in MODULES) if (name !== "crypto") builtin(name);
}
