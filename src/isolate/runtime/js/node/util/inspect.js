// How values are shown: deno's engine for it, with Node's defaults; and formats in the way of `printf`.
(function () {
const { core } = __bootstrap;
const { checkObject } = core.loadExtScript("ext:plinth/node/errors.js");
const engine = core.loadExtScript("ext:deno_web/01_console.js");

const QUOTES = ["'", '"', "`"];

const defaultOptions = {
  showHidden: false,
  depth: 2,
  colors: false,
  customInspect: true,
  showProxy: false,
  maxArrayLength: 100,
  maxStringLength: 10000,
  breakLength: 128,
  compact: 3,
  sorted: false,
  getters: false,
  numericSeparator: false,
};

/** `inspect(value, options)`, and the old `inspect(value, showHidden, depth, colors)`. */
function inspect(value, options, depth, colors) {
  let given = options;
  if (typeof options === "boolean" || depth !== undefined) {
    given = { showHidden: options };
    if (depth !== undefined) given.depth = depth;
    if (colors !== undefined) given.colors = colors;
  }
  const all = { ...defaultOptions, ...given, quotes: QUOTES, inspect };
  all.iterableLimit = all.maxArrayLength ?? Infinity;
  if (all.colors) all.stylize ??= engine.createStylizeWithColor(inspect.styles, inspect.colors);
  return engine.inspect(value, all);
}

inspect.custom = Symbol.for("nodejs.util.inspect.custom");
inspect.styles = Object.assign({ __proto__: null }, engine.styles);
inspect.colors = Object.assign({ __proto__: null }, engine.colors);
inspect.replDefaults = { ...defaultOptions };
Object.defineProperty(inspect, "defaultOptions", {
  get: () => defaultOptions,
  set(options) {
    checkObject(options, "options");
    Object.assign(defaultOptions, options);
  },
});

const number = (value) => (Object.is(value, -0) ? "-0" : `${value}`);

// An object says itself how it is written, unless its way is one of the language's own.
function hasOwnText(value) {
  if (typeof value.toString !== "function" || core.isProxy(value)) return false;
  return !Function.prototype.toString.call(value.toString).includes("[native code]");
}

function asString(value, options) {
  if (typeof value === "number") return number(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null || hasOwnText(value)) return String(value);
  return inspect(value, { ...options, depth: 0, colors: false, compact: 3 });
}

function asJson(value) {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (/circular/i.test(error.message)) return "[Circular]";
    throw error;
  }
}

function asNumber(value, convert) {
  if (typeof value === "bigint") return `${value}n`;
  return typeof value === "symbol" ? "NaN" : number(convert(value));
}

const CONVERSIONS = {
  s: asString,
  d: (value) => (typeof value === "object" ? "NaN" : asNumber(value, Number)),
  i: (value) => (typeof value === "object" ? "NaN" : asNumber(value, (each) => parseInt(each))),
  f: (value) => (typeof value === "symbol" ? "NaN" : number(parseFloat(value))),
  j: asJson,
  O: (value, options) => inspect(value, options),
  o: (value, options) => inspect(value, { ...options, showHidden: true, showProxy: true, depth: 4 }),
  c: () => "",
};

function formatWithOptions(options, ...args) {
  checkObject(options, "inspectOptions");
  let text = "";
  let next = 0;
  if (typeof args[0] === "string") {
    next = 1;
    if (args.length === 1) return args[0];
    text = args[0].replace(/%([sdifjoOc%])/g, (found, kind) => {
      if (kind === "%") return "%";
      return next < args.length ? CONVERSIONS[kind](args[next++], options) : found;
    });
  }
  for (; next < args.length; next++) {
    const shown = typeof args[next] === "string" ? args[next] : inspect(args[next], { compact: 3, colors: false, depth: 2, ...options });
    text += next > 0 ? ` ${shown}` : shown;
  }
  return text;
}

return { format: (...args) => formatWithOptions({}, ...args), formatWithOptions, inspect };
})();
