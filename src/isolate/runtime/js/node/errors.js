// The errors of Node's modules: a class of the language, a code that programs look at, and the message Node gives.
(function () {
const { core } = __bootstrap;

/** An error with a code, which its stack shows too. */
function make(Base, code, message) {
  const error = new Base(message);
  Object.defineProperty(error, "name", { value: `${Base.name} [${code}]`, configurable: true });
  Error.captureStackTrace(error, make);
  delete error.name;
  error.code = code;
  return error;
}

/** What was received, in the words of such a message. */
function received(value) {
  if (value === null || value === undefined) return ` Received ${value}`;
  if (typeof value === "function") return value.name === "" ? " Received function " : ` Received function ${value.name}`;
  if (typeof value === "object") {
    const name = value.constructor?.name;
    return name ? ` Received an instance of ${name}` : " Received [Object: null prototype] {}";
  }
  let text = typeof value === "string" ? `'${value}'` : typeof value === "bigint" ? `${value}n` : String(value);
  if (text.length > 28) text = `${text.slice(0, 25)}...`;
  return ` Received type ${typeof value} (${text})`;
}

/** @param expected the whole phrase: `of type string`, `an instance of Buffer` */
function invalidType(name, expected, value) {
  const what = name.endsWith(" argument") || name.includes(".")
    ? `${name.includes(".") ? `"${name}" property` : name}`
    : `"${name}" argument`;
  return make(TypeError, "ERR_INVALID_ARG_TYPE", `The ${what} must be ${expected}.${received(value)}`);
}

function separated(value) {
  const text = String(value);
  const isWhole = typeof value === "bigint" || Number.isInteger(value);
  const big = isWhole && (value > 2 ** 32 || value < -(2 ** 32));
  const digits = big ? text.replace(/\B(?=(\d{3})+$)/g, "_") : text;
  return typeof value === "bigint" ? `${digits}n` : digits;
}

function outOfRange(name, range, value) {
  const shown = typeof value === "number" || typeof value === "bigint" ? separated(value) : String(value);
  return make(RangeError, "ERR_OUT_OF_RANGE", `The value of "${name}" is out of range. It must be ${range}. Received ${shown}`);
}

function invalidValue(name, value, reason = "is invalid") {
  const kind = name.includes(".") ? "property" : "argument";
  const shown = core.loadExtScript("ext:deno_web/01_console.js").inspect(value, { quotes: ["'", '"', "`"] });
  return make(TypeError, "ERR_INVALID_ARG_VALUE", `The ${kind} '${name}' ${reason}. Received ${shown}`);
}

/** An abort, as Node's own modules tell it. */
function aborted(cause) {
  const error = new Error("The operation was aborted", cause === undefined ? undefined : { cause });
  error.name = "AbortError";
  error.code = "ABORT_ERR";
  return error;
}

function checkString(value, name) {
  if (typeof value !== "string") throw invalidType(name, "of type string", value);
}

function checkFunction(value, name) {
  if (typeof value !== "function") throw invalidType(name, "of type function", value);
}

function checkObject(value, name) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw invalidType(name, "of type object", value);
}

function checkInteger(value, name, least = Number.MIN_SAFE_INTEGER, most = Number.MAX_SAFE_INTEGER) {
  if (typeof value !== "number") throw invalidType(name, "of type number", value);
  if (!Number.isInteger(value)) throw outOfRange(name, "an integer", value);
  if (value < least || value > most) throw outOfRange(name, `>= ${least} && <= ${most}`, value);
}

function checkSignal(signal, name) {
  if (signal !== undefined && (signal === null || typeof signal !== "object" || !("aborted" in signal))) {
    throw invalidType(name, "an instance of AbortSignal", signal);
  }
}

return {
  aborted,
  checkFunction,
  checkInteger,
  checkObject,
  checkSignal,
  checkString,
  invalidType,
  invalidValue,
  make,
  outOfRange,
};
})();
