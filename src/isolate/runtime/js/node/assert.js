// node:assert. Each function comes loose, and strict in `assert.strict`.
(function () {
const { core } = __bootstrap;
const load = core.loadExtScript;
const { checkFunction, checkString, invalidType, invalidValue, make } = load("ext:plinth/node/errors.js");
const { inspect } = load("ext:plinth/node/util/inspect.js");
const { isDeepEqual, isDeepStrictEqual } = load("ext:plinth/node/util/equal.js");

const WHOLE = { compact: false, customInspect: false, depth: 1000, maxArrayLength: Infinity, sorted: true, getters: true };
const show = (value) => inspect(value, WHOLE);
const isPrimitive = (value) => (typeof value !== "object" || value === null) && typeof value !== "function";

/** What each comparison says when it fails, before the values. */
const HEADLINES = {
  deepEqual: "Expected values to be loosely deep-equal:",
  deepStrictEqual: "Expected values to be strictly deep-equal:",
  strictEqual: "Expected values to be strictly equal:",
  notDeepEqual: 'Expected "actual" not to be loosely deep-equal to:',
  notDeepStrictEqual: 'Expected "actual" not to be strictly deep-equal to:',
  notStrictEqual: 'Expected "actual" to be strictly unequal to:',
};

/** Lines that only one of the values has, marked as such. */
function difference(actual, expected) {
  const [left, right] = [show(actual).split("\n"), show(expected).split("\n")];
  let start = 0;
  while (start < left.length && start < right.length && left[start] === right[start]) start++;
  let end = 0;
  while (end < left.length - start && end < right.length - start && left.at(-1 - end) === right.at(-1 - end)) end++;
  const marked = (lines, mark) => lines.slice(start, lines.length - end).map((line) => `${mark} ${line}`);
  const same = (lines) => lines.map((line) => `  ${line}`);
  return [...same(left.slice(0, start)), ...marked(left, "+"), ...marked(right, "-"), ...same(left.slice(left.length - end))].join("\n");
}

function messageOf(operator, actual, expected) {
  const headline = HEADLINES[operator];
  if (operator === "==" || operator === "!=") return `${inspect(actual)} ${operator} ${inspect(expected)}`;
  if (headline === undefined) return `${inspect(actual)} ${operator} ${inspect(expected)}`;
  if (operator.startsWith("not")) {
    if (isPrimitive(actual)) return `${headline} ${inspect(actual)}`;
    return `${headline}\n\n${show(actual)}\n`;
  }
  if (operator === "strictEqual" && isPrimitive(actual) && isPrimitive(expected)) {
    return `${headline}\n\n${inspect(actual)} !== ${inspect(expected)}\n`;
  }
  if (operator === "deepEqual") return `${headline}\n\n${show(actual)}\n\nshould loosely deep-equal\n\n${show(expected)}`;
  return `${headline}\n+ actual - expected\n\n${difference(actual, expected)}\n`;
}

class AssertionError extends Error {
  constructor(options) {
    if (options === null || typeof options !== "object") throw invalidType("options", "of type object", options);
    const { message, actual, expected, operator, stackStartFn } = options;
    super(message !== undefined ? String(message) : messageOf(operator, actual, expected));
    this.generatedMessage = message === undefined;
    Object.defineProperty(this, "name", { value: "AssertionError [ERR_ASSERTION]", configurable: true, writable: true });
    Error.captureStackTrace(this, stackStartFn ?? AssertionError);
    this.name = "AssertionError";
    this.code = "ERR_ASSERTION";
    this.actual = actual;
    this.expected = expected;
    this.operator = operator;
  }
  toString() {
    return `${this.name} [${this.code}]: ${this.message}`;
  }
}

function fail(options) {
  if (options.message instanceof Error) throw options.message;
  throw new AssertionError(options);
}

function ok(value, message, stackStartFn, given) {
  if (value) return;
  const none = "No value argument passed to `assert.ok()`";
  const text = given === 0 ? none : message ?? "The expression evaluated to a falsy value";
  const error = { actual: value, expected: true, operator: "==", stackStartFn };
  if (text instanceof Error) throw text;
  const thrown = new AssertionError({ ...error, message: text });
  thrown.generatedMessage = message === undefined;
  throw thrown;
}

function assert(...args) {
  ok(args[0], args[1], assert, args.length);
}

function comparison(name, operator, test) {
  const check = {
    [name](actual, expected, message) {
      if (arguments.length < 2) throw make(TypeError, "ERR_MISSING_ARGS", 'The "actual" and "expected" arguments must be specified');
      if (!test(actual, expected)) fail({ message, actual, expected, operator, stackStartFn: check });
    },
  }[name];
  return check;
}

// What was thrown is as expected: of a class, matching an expression or an object, or approved by a function.
function matches(thrown, expected, message, operator, stackStartFn) {
  if (expected === undefined) return;
  const complain = (text) => fail({ message: message ?? text, actual: thrown, expected, operator, stackStartFn });
  if (typeof expected === "function") {
    if (expected.prototype !== undefined && thrown instanceof expected) return;
    if (Object.prototype.isPrototypeOf.call(Error, expected)) {
      const classes = `an instance of "${expected.name}". Received "${thrown?.constructor?.name}"`;
      complain(`The error is expected to be ${classes}\n\nError message:\n\n${thrown?.message}`);
    }
    const approved = Reflect.apply(expected, {}, [thrown]);
    if (approved !== true) {
      const name = expected.name ? `"${expected.name}" ` : "";
      const result = `is expected to return "true". Received ${inspect(approved)}`;
      complain(`The ${name}validation function ${result}\n\nCaught error:\n\n${thrown}`);
    }
  } else if (core.isRegExp(expected)) {
    if (!expected.test(String(thrown))) {
      complain(`The input did not match the regular expression ${expected}. Input:\n\n${inspect(String(thrown))}\n`);
    }
  } else {
    const keys = Object.keys(expected);
    if (expected instanceof Error) keys.push("name", "message");
    if (keys.length === 0) throw invalidValue("error", expected, "may not be an empty object");
    const fits = (key) => typeof thrown?.[key] === "string" && core.isRegExp(expected[key])
      ? expected[key].test(thrown[key])
      : isDeepStrictEqual(thrown?.[key], expected[key]);
    if (!keys.every((key) => key in Object(thrown) && fits(key))) {
      const pick = (value) => Object.fromEntries(keys.filter((key) => key in Object(value)).map((key) => [key, value[key]]));
      complain(`Expected values to be strictly deep-equal:\n+ actual - expected\n\n${difference(pick(thrown), pick(expected))}\n`);
    }
  }
}

function expectation(expected, message) {
  return typeof expected === "string" ? [undefined, expected] : [expected, message];
}

const caught = (fn) => {
  try {
    fn();
  } catch (error) {
    return { error };
  }
};

const rejection = async (given) => {
  const promise = typeof given === "function" ? given() : given;
  if (typeof promise?.then !== "function") {
    if (typeof given !== "function") throw invalidType("promiseFn", "of type function or an instance of Promise", given);
    throw make(TypeError, "ERR_INVALID_RETURN_VALUE", 'Expected instance of Promise to be returned from the "promiseFn" function');
  }
  try {
    await promise;
  } catch (error) {
    return { error };
  }
};

function throwsOf(outcome, expected, message, operator, stackStartFn) {
  [expected, message] = expectation(expected, message);
  if (outcome === undefined) {
    const name = expected?.name ? ` (${expected.name})` : "";
    const kind = operator === "rejects" ? "rejection" : "exception";
    const text = `Missing expected ${kind}${name}${message ? `: ${message}` : "."}`;
    fail({ message: text, actual: undefined, expected, operator, stackStartFn });
  }
  matches(outcome.error, expected, message, operator, stackStartFn);
}

function throwsNotOf(outcome, expected, message, operator, stackStartFn) {
  if (outcome === undefined) return;
  [expected, message] = expectation(expected, message);
  const fits = () => (typeof expected === "function" ? outcome.error instanceof expected : expected.test?.(String(outcome.error)));
  const isExpected = expected === undefined || fits();
  if (!isExpected) throw outcome.error;
  const kind = operator === "doesNotReject" ? "rejection" : "exception";
  const text = `Got unwanted ${kind}${message ? `: ${message}` : "."}\nActual message: "${outcome.error?.message}"`;
  fail({ message: text, actual: outcome.error, expected, operator, stackStartFn });
}

const looselyEqual = (left, right) => left == right || (left !== left && right !== right);

const methods = {
  AssertionError,
  ok: (...args) => ok(args[0], args[1], methods.ok, args.length),
  fail(message = "Failed") {
    if (message instanceof Error) throw message;
    const error = new AssertionError({ message, operator: "fail", stackStartFn: methods.fail });
    error.generatedMessage = arguments.length === 0;
    throw error;
  },
  equal: comparison("equal", "==", looselyEqual),
  notEqual: comparison("notEqual", "!=", (left, right) => !looselyEqual(left, right)),
  strictEqual: comparison("strictEqual", "strictEqual", Object.is),
  notStrictEqual: comparison("notStrictEqual", "notStrictEqual", (left, right) => !Object.is(left, right)),
  deepEqual: comparison("deepEqual", "deepEqual", isDeepEqual),
  notDeepEqual: comparison("notDeepEqual", "notDeepEqual", (left, right) => !isDeepEqual(left, right)),
  deepStrictEqual: comparison("deepStrictEqual", "deepStrictEqual", isDeepStrictEqual),
  notDeepStrictEqual: comparison("notDeepStrictEqual", "notDeepStrictEqual", (left, right) => !isDeepStrictEqual(left, right)),
  throws(fn, expected, message) {
    checkFunction(fn, "fn");
    throwsOf(caught(fn), expected, message, "throws", methods.throws);
  },
  doesNotThrow(fn, expected, message) {
    checkFunction(fn, "fn");
    throwsNotOf(caught(fn), expected, message, "doesNotThrow", methods.doesNotThrow);
  },
  async rejects(promise, expected, message) {
    throwsOf(await rejection(promise), expected, message, "rejects", methods.rejects);
  },
  async doesNotReject(promise, expected, message) {
    throwsNotOf(await rejection(promise), expected, message, "doesNotReject", methods.doesNotReject);
  },
  ifError(value) {
    if (value === null || value === undefined) return;
    const told = typeof value === "object" && typeof value.message === "string";
    const text = told ? value.message || value.constructor.name : inspect(value);
    const message = `ifError got unwanted exception: ${text}`;
    const error = new AssertionError({ message, actual: value, expected: null, operator: "ifError", stackStartFn: methods.ifError });
    error.generatedMessage = true;
    throw error;
  },
  match(text, expression, message) {
    if (!core.isRegExp(expression)) throw invalidType("regexp", "an instance of RegExp", expression);
    if (typeof text === "string" && expression.test(text)) return;
    const why = typeof text === "string" ? "The input did not match the regular expression" : 'The "string" argument must be of type string.';
    const told = message ?? `${why} ${inspect(expression)}. Input:\n\n${inspect(text)}\n`;
    fail({ message: told, actual: text, expected: expression, operator: "match", stackStartFn: methods.match });
  },
  doesNotMatch(text, expression, message) {
    if (!core.isRegExp(expression)) throw invalidType("regexp", "an instance of RegExp", expression);
    if (message === undefined) checkString(text, "string");
    if (!expression.test(text)) return;
    const why = `The input was expected to not match the regular expression ${inspect(expression)}. Input:\n\n${inspect(text)}\n`;
    const operator = "doesNotMatch";
    fail({ message: message ?? why, actual: text, expected: expression, operator, stackStartFn: methods.doesNotMatch });
  },
};

function strict(...args) {
  ok(args[0], args[1], strict, args.length);
}

Object.assign(assert, methods);
Object.assign(strict, methods, {
  equal: methods.strictEqual,
  notEqual: methods.notStrictEqual,
  deepEqual: methods.deepStrictEqual,
  notDeepEqual: methods.notDeepStrictEqual,
});
strict.strict = strict;
assert.strict = strict;

return assert;
})();
