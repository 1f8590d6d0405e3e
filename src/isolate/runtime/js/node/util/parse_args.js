// `util.parseArgs`: options and positionals of a command line.
(function () {
const { core } = __bootstrap;
const { checkObject, invalidType, make } = core.loadExtScript("ext:plinth/node/errors.js");

const fail = (code, message) => make(TypeError, `ERR_PARSE_ARGS_${code}`, message);

function checkOptions(options) {
  checkObject(options, "options");
  for (const [name, option] of Object.entries(options)) {
    checkObject(option, `options.${name}`);
    if (option.type !== "string" && option.type !== "boolean") {
      throw invalidType(`options.${name}.type`, "('string|boolean')", option.type);
    }
  }
}

/** The tokens of the arguments: options, positionals, and the `--` after which all is positional. */
function tokenize(args, options) {
  const tokens = [];
  const long = (short) => Object.keys(options).find((name) => options[name].short === short) ?? short;
  const option = (index, name, rawName, value, inlineValue) => {
    tokens.push({ kind: "option", name, rawName, index, value, inlineValue });
  };
  for (let index = 0; index < args.length; index++) {
    const arg = args[index];
    if (arg === "--") {
      tokens.push({ kind: "option-terminator", index });
      for (index++; index < args.length; index++) tokens.push({ kind: "positional", index, value: args[index] });
    } else if (/^--[^]/.test(arg)) {
      const at = arg.indexOf("=", 3);
      const name = at < 0 ? arg.slice(2) : arg.slice(2, at);
      if (at >= 0) option(index, name, `--${name}`, arg.slice(at + 1), true);
      else if (options[name]?.type === "string" && index + 1 < args.length) option(index, name, arg, args[++index], false);
      else option(index, name, arg, undefined, undefined);
    } else if (/^-[^-]/.test(arg)) {
      for (let i = 1; i < arg.length; i++) {
        const name = long(arg[i]);
        const rest = arg.slice(i + 1);
        if (options[name]?.type !== "string") option(index, name, `-${arg[i]}`, undefined, undefined);
        else if (rest !== "") option(index, name, `-${arg[i]}`, rest, true);
        else if (index + 1 < args.length) option(index, name, `-${arg[i]}`, args[++index], false);
        else option(index, name, `-${arg[i]}`, undefined, undefined);
        if (options[name]?.type === "string") break;
      }
    } else {
      tokens.push({ kind: "positional", index, value: arg });
    }
  }
  return tokens;
}

function checkToken(token, options, allowPositionals) {
  const { name, rawName, value } = token;
  const type = options[name]?.type;
  if (type === undefined) {
    const hint = allowPositionals
      ? `. To specify a positional argument starting with a '-', place it at the end of the command after '--', as in '-- "${rawName}"`
      : "";
    throw fail("UNKNOWN_OPTION", `Unknown option '${rawName}'${hint}`);
  }
  const { short } = options[name];
  const shown = `${short ? `-${short}, ` : ""}--${name}`;
  if (type === "string" && typeof value !== "string") {
    throw fail("INVALID_OPTION_VALUE", `Option '${shown} <value>' argument missing`);
  }
  if (type === "boolean" && value !== undefined) {
    throw fail("INVALID_OPTION_VALUE", `Option '${shown}' does not take an argument`);
  }
  if (token.inlineValue === false && value.length > 1 && value.startsWith("-")) {
    const message = `Option '${rawName}' argument is ambiguous.\nDid you forget to specify the option argument for '${rawName}'?\n` +
      `To specify an option argument starting with a dash use '${rawName}${rawName.startsWith("--") ? "=" : ""}-XYZ'.`;
    throw fail("INVALID_OPTION_VALUE", message);
  }
}

function parseArgs(config = {}) {
  const { args = [], options = {}, strict = true, allowNegative = false } = config;
  const allowPositionals = config.allowPositionals ?? !strict;
  checkOptions(options);
  const tokens = tokenize(args, options);
  const values = { __proto__: null };
  const positionals = [];
  for (const token of tokens) {
    if (token.kind === "positional") {
      if (!allowPositionals) {
        throw fail("UNEXPECTED_POSITIONAL", `Unexpected argument '${token.value}'. This command does not take positional arguments`);
      }
      positionals.push(token.value);
    } else if (token.kind === "option") {
      let { name } = token;
      let value = token.value ?? true;
      if (allowNegative && name.startsWith("no-") && options[name] === undefined) {
        name = name.slice(3);
        value = false;
      }
      if (strict) checkToken({ ...token, name }, options, allowPositionals);
      if (options[name]?.multiple) (values[name] ??= []).push(value);
      else values[name] = value;
    }
  }
  for (const [name, option] of Object.entries(options)) {
    if (option.default !== undefined && values[name] === undefined) values[name] = option.default;
  }
  return config.tokens ? { values, positionals, tokens } : { values, positionals };
}

return { parseArgs };
})();
