// `require`, `module` and what an ES module sees of a CommonJS one.
import { core, primordials } from "ext:core/mod.js";
import { builtin, provide } from "ext:plinth/node/modules.js";
import { op_import_sync, op_plinth_compile, op_plinth_find, op_plinth_kind, op_plinth_text } from "ext:core/ops";

const {
  ArrayPrototypePush,
  Error,
  JSONParse,
  ObjectDefineProperty,
  ReflectApply,
  String,
  StringPrototypeLastIndexOf,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  SyntaxError,
  TypeError,
} = primordials;

const FOLDER = "/var/task";
const [MODULE, COMMON_JS, JSON_FILE] = [0, 1, 2];

/** Modules by file name, as `require.cache` shows them. */
const cache = { __proto__: null };

let main;

/** What V8 threw last at a file that it does not take. */
let uncompiled;

function Module(path, parent) {
  this.id = path;
  this.path = folderOf(path);
  this.exports = {};
  this.filename = path;
  this.loaded = false;
  this.children = [];
  this.paths = [];
  ObjectDefineProperty(this, "parent", { __proto__: null, value: parent, writable: true, configurable: true });
}
Module.prototype.require = function (name) {
  return requireFrom(name, this);
};

const folderOf = (path) => StringPrototypeSlice(path, 0, StringPrototypeLastIndexOf(path, "/")) || "/";
const inPackage = (path) => StringPrototypeSlice(path, FOLDER.length + 1);

function find(name, path) {
  if (typeof name !== "string") {
    const error = new TypeError('The "id" argument must be of type string');
    error.code = "ERR_INVALID_ARG_TYPE";
    throw error;
  }
  try {
    return op_plinth_find(name, inPackage(path));
  } catch (cause) {
    const error = new Error(`Cannot find module '${name}': ${cause.message}\nRequire stack:\n- ${path}`);
    error.code = "MODULE_NOT_FOUND";
    error.requireStack = [path];
    throw error;
  }
}

// What is found is a file of the package, or the whole name of a module that is built in.
const isBuiltin = (found) => StringPrototypeStartsWith(found, "node:") || StringPrototypeStartsWith(found, "plinth:");

function requireFrom(name, parent) {
  const found = find(name, parent.filename);
  return isBuiltin(found) ? builtin(found) : load(found, parent);
}

/** The exports of a file of the package. */
function load(file, parent, isEntry = false) {
  const path = `${FOLDER}/${file}`;
  const known = cache[path];
  if (known !== undefined) {
    if (parent !== undefined) ArrayPrototypePush(parent.children, known);
    return known.exports;
  }
  const kind = op_plinth_kind(file);
  if (kind === MODULE) return loadModule(path);
  const module = new Module(path, parent);
  if (isEntry) {
    module.id = ".";
    main = module;
  }
  cache[path] = module;
  if (parent !== undefined) ArrayPrototypePush(parent.children, module);
  let done = false;
  try {
    if (kind === COMMON_JS) run(file, module);
    else if (kind === JSON_FILE) module.exports = parse(file);
    else throw new Error(`Cannot require '${path}': code and JSON can be`);
    done = true;
  } finally {
    // As in Node, a module that failed is tried anew by whoever asks next.
    if (!done) delete cache[path];
  }
  module.loaded = true;
  return module.exports;
}

function run(file, module) {
  const body = op_plinth_compile(file);
  if (typeof body !== "function") {
    uncompiled = body;
    throw body;
  }
  const { exports, filename, path } = module;
  ReflectApply(body, exports, [exports, makeRequire(module), module, filename, path]);
}

function parse(file) {
  try {
    return JSONParse(op_plinth_text(file));
  } catch (error) {
    throw new SyntaxError(`${FOLDER}/${file}: ${error.message}`);
  }
}

// An ES module, as Node gives it: the namespace, or what it exports under "module.exports".
function loadModule(path) {
  let namespace;
  try {
    namespace = op_import_sync(`file://${encodeURI(path)}`, undefined);
  } catch (error) {
    if (error?.message === "Top-level await is not allowed in synchronous evaluation") {
      error.code = "ERR_REQUIRE_ASYNC_MODULE";
    }
    throw error;
  }
  return "module.exports" in namespace ? namespace["module.exports"] : namespace;
}

function makeRequire(module) {
  const require = (name) => requireFrom(name, module);
  require.resolve = (name) => {
    const found = find(name, module.filename);
    return isBuiltin(found) ? found : `${FOLDER}/${found}`;
  };
  require.main = main;
  require.cache = cache;
  return require;
}

// A `require` as it is in that file.
function createRequire(file) {
  const path = StringPrototypeStartsWith(String(file), "file:") ? decodeURI(new URL(file).pathname) : String(file);
  return makeRequire(new Module(path, main));
}

provide("module", { createRequire, Module, isBuiltin: (name) => builtin(String(name)) !== undefined });

/** The exports of the entry, when that is CommonJS. */
export const requireEntry = (file) => load(file, undefined, true);

/** For an ES module that imports what is none: a function that gives the exports. */
export const bridge = (name, isBuiltin) => (isBuiltin ? () => builtin(name) : () => load(name, main));

/** Whether this is why a file did not compile. */
export const isSyntaxError = (error) => error !== undefined && error === uncompiled;
