// plinth:kv: values that outlive environments, and that all of them share.
(function () {
const { core } = __bootstrap;
const { PlatformError, ask, decode, encode, text } = core.loadExtScript("ext:plinth/platform/ask.js");

const MODULE = "plinth:kv";
const NAME = "default";

/** The form of a value, and its bytes. */
function pack(value) {
  if (value instanceof Uint8Array) return ["bytes", new Uint8Array(value)];
  if (value instanceof ArrayBuffer) return ["bytes", new Uint8Array(value.slice(0))];
  return ["json", encode("a value", value)];
}

const unpack = (form, bytes) => (form === "bytes" ? bytes : decode(bytes));

/** How long something is there, in milliseconds, from seconds or a moment. */
function lifetime(expires) {
  if (expires === undefined || expires === null) return undefined;
  const ms = expires instanceof Date ? expires.getTime() - Date.now() : typeof expires === "number" ? expires * 1000 : NaN;
  if (!Number.isFinite(ms)) throw new TypeError("expires must be a number of seconds, or a Date");
  return Math.max(0, Math.round(ms));
}

const moment = (ms) => (ms === null || ms === undefined ? undefined : new Date(ms));

/** A store of that name; there is nothing to be made before it is used. */
class Store {
  #name;
  constructor(name) {
    this.#name = text("the name of a store", name);
  }
  get name() {
    return this.#name;
  }

  #ask(question, body) {
    return ask(MODULE, { kv: { store: this.#name, ask: question } }, body);
  }

  async #write(key, value, options, only_if) {
    const [form, bytes] = pack(value);
    const set = { key: text("a key", key), form, expires_in_ms: lifetime(options?.expires), only_if };
    return this.#ask({ set }, bytes);
  }

  /** The value, or `undefined`. */
  async get(key) {
    return (await this.entry(key))?.value;
  }

  /** The value with its version, or `undefined`. */
  async entry(key) {
    const { kind, said, bytes } = await this.#ask({ get: { key: text("a key", key) } });
    if (kind !== "entry") return undefined;
    return { key, value: unpack(said.form, bytes), version: said.version, expires: moment(said.expires_at_ms) };
  }

  async set(key, value, options) {
    const { said } = await this.#write(key, value, options, "always");
    return { version: said.version };
  }

  /** Sets the value if the entry still has that version; `null` for none. */
  async compareAndSet(key, version, value, options) {
    const only_if = version === null || version === undefined ? "absent" : { version: text("a version", version) };
    const { kind, said } = await this.#write(key, value, options, only_if);
    return kind === "written" ? { ok: true, version: said.version } : { ok: false };
  }

  /** Whether there was something to delete. */
  async delete(key, options) {
    const version = options?.version;
    const only_if = version === undefined ? "always" : { version: text("a version", version) };
    const { kind, said } = await this.#ask({ delete: { key: text("a key", key), only_if } });
    return kind === "deleted" && said.existed;
  }

  /** Adds to a number, which is 0 when there is none, and gives the sum. */
  async increment(key, by = 1, options) {
    if (!Number.isSafeInteger(by)) throw new TypeError("what is added must be a whole number");
    const increment = { key: text("a key", key), by, expires_in_ms: lifetime(options?.expires) };
    return (await this.#ask({ increment })).said.value;
  }

  /** Keys in their order, a page at a time. */
  async list(options) {
    const { prefix = "", cursor, limit } = options ?? {};
    const list = { prefix: text("prefix", prefix), after: cursor === undefined ? null : text("cursor", cursor), limit: limit ?? null };
    if (list.limit !== null && !Number.isSafeInteger(list.limit)) throw new TypeError("limit must be a whole number");
    const { said } = await this.#ask({ list });
    const keys = said.entries.map(({ key, version, expires_at_ms }) => ({ key, version, expires: moment(expires_at_ms) }));
    return { keys, cursor: said.more ? keys.at(-1).key : undefined };
  }
}

for (const [other, name] of [["cas", "compareAndSet"], ["remove", "delete"]]) {
  Object.defineProperty(Store.prototype, other, { value: Store.prototype[name], writable: true, configurable: true });
}

const store = new Store(NAME);
const own = (name) => (...args) => store[name](...args);

return {
  PlatformError,
  Store,
  cas: own("compareAndSet"),
  compareAndSet: own("compareAndSet"),
  delete: own("delete"),
  entry: own("entry"),
  get: own("get"),
  increment: own("increment"),
  list: own("list"),
  open: (name) => new Store(name),
  remove: own("delete"),
  set: own("set"),
};
})();
