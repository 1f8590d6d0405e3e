// Hashes and HMACs: the digesting itself is native, one state for each object. They are streams, too, once used as one.
(function () {
const { core } = __bootstrap;
const {
  op_plinth_hash_copy,
  op_plinth_hash_drop,
  op_plinth_hash_finish,
  op_plinth_hash_new,
  op_plinth_hash_once,
  op_plinth_hash_update_bytes,
  op_plinth_hash_update_text,
  op_plinth_hmac_new,
} = core.ops;
const load = core.loadExtScript;
const { Buffer } = load("ext:plinth/node/buffer/buffer.js");
const encodings = load("ext:plinth/node/buffer/encodings.js");
const { checkString, invalidType, make } = load("ext:plinth/node/errors.js");
const { keyBytes } = load("ext:plinth/node/crypto/keys.js");
const { Transform } = load("ext:plinth/node/stream/stream.js");

const HASHES = ["md5", "sha1", "sha224", "sha256", "sha3-256", "sha3-384", "sha3-512", "sha384", "sha512", "sha512-256"];

/** The longest digest, in bytes. */
const LONGEST = 64;

// States that nobody asked the digest of are freed with their objects.
const forgotten = new FinalizationRegistry((id) => op_plinth_hash_drop(id));
const states = new WeakMap();

function attach(object, id) {
  states.set(object, { id, digest: undefined });
  forgotten.register(object, id, object);
}

// `RSA-SHA256`, `SHA-256` and `sha256` are the same.
function canonical(name) {
  const lower = name.toLowerCase().replace(/^rsa-/, "");
  return lower.startsWith("sha3-") ? lower : lower.replace(/^sha-/, "sha").replace("/", "-");
}

const finalized = () => make(Error, "ERR_CRYPTO_HASH_FINALIZED", "Digest already called");

function Hash(algorithm, options, from) {
  if (!new.target) return new Hash(algorithm, options);
  checkString(algorithm, "algorithm");
  const id = from ?? op_plinth_hash_new(canonical(algorithm));
  if (id === 0) {
    throw Object.assign(new Error("Digest method not supported"), { code: "ERR_CRYPTO_INVALID_DIGEST" });
  }
  attach(this, id);
}

function Hmac(algorithm, key, options) {
  if (!new.target) return new Hmac(algorithm, key, options);
  checkString(algorithm, "hmac");
  const id = op_plinth_hmac_new(canonical(algorithm), keyBytes(key, "key", options?.encoding));
  if (id === 0) throw make(TypeError, "ERR_CRYPTO_INVALID_DIGEST", `Invalid digest: ${algorithm}`);
  attach(this, id);
}

function update(data, encoding) {
  const state = states.get(this);
  if (state.id === undefined) throw finalized();
  if (typeof data === "string") {
    const found = encodings.find(encoding) ?? encodings.ENCODINGS.utf8;
    if (found === encodings.ENCODINGS.utf8) op_plinth_hash_update_text(state.id, data);
    else op_plinth_hash_update_bytes(state.id, found.encode(data));
  } else if (ArrayBuffer.isView(data)) {
    op_plinth_hash_update_bytes(state.id, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  } else {
    throw invalidType("data", "of type string or an instance of Buffer, TypedArray, or DataView", data);
  }
  return this;
}

function shown(bytes, encoding) {
  return encoding === undefined || encoding === "buffer" ? bytes : bytes.toString(encoding);
}

function finish(object, state) {
  const out = Buffer.alloc(LONGEST);
  const digest = out.subarray(0, op_plinth_hash_finish(state.id, out));
  forgotten.unregister(object);
  state.id = undefined;
  return digest;
}

function finishHash(encoding) {
  const state = states.get(this);
  if (state.id === undefined) throw finalized();
  return shown(finish(this, state), encoding);
}

// Asked again, an HMAC gives nothing instead of an error: so it is in Node.
function finishHmac(encoding) {
  const state = states.get(this);
  return shown(state.id === undefined ? Buffer.alloc(0) : finish(this, state), encoding);
}

function copy(options) {
  const { id } = states.get(this);
  if (id === undefined) throw finalized();
  return new Hash("copy", options, op_plinth_hash_copy(id));
}

for (const [Class, digest] of [[Hash, finishHash], [Hmac, finishHmac]]) {
  Object.setPrototypeOf(Class.prototype, Transform.prototype);
  Object.setPrototypeOf(Class, Transform);
  Object.assign(Class.prototype, {
    update,
    digest,
    _transform(chunk, encoding, callback) {
      this.update(chunk, encoding);
      callback();
    },
    _flush(callback) {
      this.push(this.digest());
      callback();
    },
  });
  // What makes it a stream is only made when somebody looks.
  for (const field of ["_readableState", "_writableState", "_events"]) {
    Object.defineProperty(Class.prototype, field, {
      configurable: true,
      get() {
        if (!states.has(this)) return undefined;
        for (const name of ["_readableState", "_writableState", "_events"]) {
          Object.defineProperty(this, name, { value: undefined, writable: true, configurable: true, enumerable: true });
        }
        Transform.call(this);
        return this[field];
      },
      set(value) {
        Object.defineProperty(this, field, { value, writable: true, configurable: true, enumerable: true });
      },
    });
  }
}
Hash.prototype.copy = copy;

/** All in one: hexadecimal, unless another encoding is asked for. */
function hash(algorithm, data, encoding = "hex") {
  checkString(algorithm, "algorithm");
  if (typeof data !== "string" && !ArrayBuffer.isView(data)) {
    throw invalidType("input", "of type string or an instance of Buffer, TypedArray, or DataView", data);
  }
  const bytes = typeof data === "string" ? core.encode(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const out = Buffer.alloc(LONGEST);
  const length = op_plinth_hash_once(canonical(algorithm), bytes, out);
  if (length === 0) throw Object.assign(new Error("Digest method not supported"), { code: "ERR_CRYPTO_INVALID_DIGEST" });
  return shown(out.subarray(0, length), encoding);
}

return {
  Hash,
  Hmac,
  canonical,
  createHash: (algorithm, options) => new Hash(algorithm, options),
  createHmac: (algorithm, key, options) => new Hmac(algorithm, key, options),
  getHashes: () => [...HASHES],
  hash,
};
})();
