// node:util.
(function () {
const { core, internals } = __bootstrap;
const load = core.loadExtScript;
const { checkFunction, checkObject, checkString, invalidType, invalidValue, make } = load("ext:plinth/node/errors.js");
const { format, formatWithOptions, inspect } = load("ext:plinth/node/util/inspect.js");
const { isDeepStrictEqual } = load("ext:plinth/node/util/equal.js");
const { parseArgs } = load("ext:plinth/node/util/parse_args.js");
const types = load("ext:plinth/node/util/types.js");
const { stripVTControlCharacters } = load("ext:deno_web/01_console.js");
const { TextDecoder, TextEncoder } = load("ext:deno_web/08_text_encoding.js");

const custom = Symbol.for("nodejs.util.promisify.custom");

/** A function that answers by callback, as one that answers by promise. */
function promisify(original) {
  checkFunction(original, "original");
  const own = original[custom];
  if (own !== undefined) {
    checkFunction(own, "util.promisify.custom");
    return Object.defineProperty(own, custom, { value: own, configurable: true });
  }
  function promisified(...args) {
    return new Promise((resolve, reject) => {
      Reflect.apply(original, this, [...args, (error, value) => (error ? reject(error) : resolve(value))]);
    });
  }
  Object.setPrototypeOf(promisified, Object.getPrototypeOf(original));
  Object.defineProperties(promisified, Object.getOwnPropertyDescriptors(original));
  return Object.defineProperty(promisified, custom, { value: promisified, configurable: true });
}
promisify.custom = custom;

/** The reverse; what the callback throws is not the promise's. */
function callbackify(original) {
  checkFunction(original, "original");
  function callbackified(...args) {
    const callback = args.pop();
    checkFunction(callback, "last argument");
    const { nextTick } = internals.plinth.process;
    Reflect.apply(original, this, args).then(
      (value) => nextTick(callback, null, value),
      (error) => {
        if (!error) {
          const reason = error;
          error = make(Error, "ERR_FALSY_VALUE_REJECTION", "Promise was rejected with falsy value");
          error.reason = reason;
        }
        nextTick(callback, error);
      },
    );
  }
  const descriptors = Object.getOwnPropertyDescriptors(original);
  if (typeof descriptors.length?.value === "number") descriptors.length.value++;
  if (typeof descriptors.name?.value === "string") descriptors.name.value += "Callbackified";
  return Object.defineProperties(callbackified, descriptors);
}

function inherits(constructor, superConstructor) {
  checkFunction(constructor, "ctor");
  checkFunction(superConstructor, "superCtor");
  if (superConstructor.prototype === undefined) {
    throw invalidType("superCtor.prototype", "of type object", superConstructor.prototype);
  }
  Object.defineProperty(constructor, "super_", { value: superConstructor, writable: true, configurable: true });
  Object.setPrototypeOf(constructor.prototype, superConstructor.prototype);
}

const warned = new Set();

/** The same function, which warns when it is first called; with a code, once for all that have it. */
function deprecate(original, message, code) {
  let told = false;
  function deprecated(...args) {
    if (!told) {
      told = true;
      if (code === undefined || !warned.has(code)) {
        warned.add(code);
        internals.plinth.process.emitWarning(message, "DeprecationWarning", code);
      }
    }
    return new.target ? Reflect.construct(original, args, new.target) : Reflect.apply(original, this, args);
  }
  Object.setPrototypeOf(deprecated, original);
  if (original.prototype) deprecated.prototype = original.prototype;
  return deprecated;
}

/** Writes to the log when the section is named in the variable NODE_DEBUG. */
function debuglog(section, ready) {
  let log;
  const make = () => {
    const sections = (internals.plinth.process.env.NODE_DEBUG ?? "").toUpperCase().split(",");
    const pattern = (each) => each.trim().replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*");
    const on = sections.some((each) => new RegExp(`^${pattern(each)}$`).test(section.toUpperCase()));
    const write = (...args) => console.error(`${section.toUpperCase()} 1: ${format(...args)}`);
    return Object.assign(on ? write : () => {}, { on });
  };
  const logger = (...args) => {
    if (log === undefined) ready?.(log = make());
    (log ??= make())(...args);
  };
  return Object.defineProperty(logger, "enabled", { configurable: true, enumerable: true, get: () => (log ??= make()).on });
}

function styleText(format, text, { validateStream = true, stream } = {}) {
  checkString(text, "text");
  const plain = validateStream && stream !== undefined && !stream.isTTY;
  const styles = (Array.isArray(format) ? format : [format]).filter((style) => style !== "none");
  for (const style of styles) {
    if (inspect.colors[style] === undefined) {
      const names = Object.keys(inspect.colors).map((name) => `'${name}'`).join(", ");
      throw invalidValue("format", style, `must be one of: ${names}`);
    }
  }
  if (plain) return text;
  const wrap = ([open, close], inner) => `\u001b[${open}m${inner}\u001b[${close}m`;
  return styles.reduceRight((inner, style) => wrap(inspect.colors[style], inner), text);
}

async function whenAborted(signal, resource) {
  if (signal === undefined) throw invalidType("signal", "an instance of AbortSignal", signal);
  checkObject(resource, "resource");
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

const isObject = (value) => value !== null && typeof value === "object";

/** The names of the errors of the system that a function may meet. */
const ERRNO = {
  ECONNREFUSED: -111, ECONNRESET: -104, ENOENT: -2, EACCES: -13, ETIMEDOUT: -110, EPIPE: -32, ENOTFOUND: -3008, EINVAL: -22,
};
const errorName = (number) => Object.keys(ERRNO).find((name) => ERRNO[name] === number) ?? `Unknown system error ${number}`;

return {
  TextDecoder,
  TextEncoder,
  aborted: whenAborted,
  callbackify,
  debug: debuglog,
  debuglog,
  deprecate,
  format,
  formatWithOptions,
  getSystemErrorMap: () => new Map(Object.entries(ERRNO).map(([name, number]) => [number, [name, name]])),
  getSystemErrorName: errorName,
  inherits,
  inspect,
  isArray: Array.isArray,
  isBoolean: (value) => typeof value === "boolean",
  isBuffer: (value) => load("ext:plinth/node/buffer/buffer.js").Buffer.isBuffer(value),
  isDate: types.isDate,
  isDeepStrictEqual,
  isError: (value) => types.isNativeError(value) || value instanceof Error,
  isFunction: (value) => typeof value === "function",
  isNull: (value) => value === null,
  isNullOrUndefined: (value) => value === null || value === undefined,
  isNumber: (value) => typeof value === "number",
  isObject,
  isPrimitive: (value) => !isObject(value) && typeof value !== "function",
  isRegExp: types.isRegExp,
  isString: (value) => typeof value === "string",
  isSymbol: (value) => typeof value === "symbol",
  isUndefined: (value) => value === undefined,
  parseArgs,
  promisify,
  stripVTControlCharacters: (text) => (checkString(text, "str"), stripVTControlCharacters(text)),
  styleText,
  toUSVString: (text) => String(text).toWellFormed(),
  types,
  _extend: (target, source) => (isObject(source) ? Object.assign(target, source) : target),
};
})();
