// node:console: the global console, and the class of consoles that write to streams.
(function () {
const { core } = __bootstrap;
const { formatWithOptions, inspect } = core.loadExtScript("ext:plinth/node/util/inspect.js");
const { invalidType } = core.loadExtScript("ext:plinth/node/errors.js");

class Console {
  #out;
  #error;
  #options;
  #indent = "";
  #counts = new Map();
  #timers = new Map();
  constructor(options, errorStream) {
    const given = typeof options?.write === "function" ? { stdout: options, stderr: errorStream } : options ?? {};
    const { stdout, stderr = stdout, inspectOptions = {} } = given;
    if (typeof stdout?.write !== "function") throw invalidType("stdout", "an instance of Writable", stdout);
    this.#out = stdout;
    this.#error = stderr;
    this.#options = inspectOptions;
    // A method taken out of its console still writes.
    for (const name of Object.getOwnPropertyNames(Console.prototype)) {
      if (name !== "constructor") this[name] = this[name].bind(this);
    }
  }
  #write(stream, args) {
    const text = formatWithOptions(this.#options, ...args);
    stream.write(`${this.#indent}${text.replaceAll("\n", `\n${this.#indent}`)}\n`);
  }
  log(...args) {
    this.#write(this.#out, args);
  }
  info(...args) {
    this.#write(this.#out, args);
  }
  debug(...args) {
    this.#write(this.#out, args);
  }
  warn(...args) {
    this.#write(this.#error, args);
  }
  error(...args) {
    this.#write(this.#error, args);
  }
  dir(value, options) {
    this.#out.write(`${this.#indent}${inspect(value, { customInspect: false, ...this.#options, ...options })}\n`);
  }
  dirxml(...args) {
    this.log(...args);
  }
  table(value) {
    this.log(value);
  }
  trace(...args) {
    const error = { name: "Trace", message: formatWithOptions(this.#options, ...args) };
    Error.captureStackTrace(error, this.trace);
    this.error(error.stack);
  }
  assert(condition, ...args) {
    if (condition) return;
    if (typeof args[0] === "string") args[0] = `Assertion failed: ${args[0]}`;
    else args.unshift("Assertion failed");
    this.warn(...args);
  }
  count(label = "default") {
    this.#counts.set(label, (this.#counts.get(label) ?? 0) + 1);
    this.log(`${label}: ${this.#counts.get(label)}`);
  }
  countReset(label = "default") {
    this.#counts.delete(label);
  }
  time(label = "default") {
    this.#timers.set(label, performance.now());
  }
  timeLog(label = "default", ...args) {
    if (this.#timers.has(label)) this.log(`${label}: ${(performance.now() - this.#timers.get(label)).toFixed(3)}ms`, ...args);
  }
  timeEnd(label = "default") {
    this.timeLog(label);
    this.#timers.delete(label);
  }
  group(...label) {
    if (label.length > 0) this.log(...label);
    this.#indent += "  ";
  }
  groupCollapsed(...label) {
    this.group(...label);
  }
  groupEnd() {
    this.#indent = this.#indent.slice(2);
  }
}

return { ...globalThis.console, Console };
})();
