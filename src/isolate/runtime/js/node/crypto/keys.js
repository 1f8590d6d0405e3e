// Secret keys as objects, and bytes out of whatever Node takes for them.
(function () {
const { core } = __bootstrap;
const load = core.loadExtScript;
const { Buffer } = load("ext:plinth/node/buffer/buffer.js");
const encodings = load("ext:plinth/node/buffer/encodings.js");
const { invalidType, invalidValue, make } = load("ext:plinth/node/errors.js");

const bytesOfKey = new WeakMap();
const CREATE = Symbol("create");

class KeyObject {
  constructor(secret, bytes) {
    if (secret !== CREATE) throw make(TypeError, "ERR_ILLEGAL_CONSTRUCTOR", "Illegal constructor");
    bytesOfKey.set(this, bytes);
  }
  static from(key) {
    if (!(key instanceof CryptoKey)) throw invalidType("key", "an instance of CryptoKey", key);
    const message = "a CryptoKey cannot be made a KeyObject here: export it with crypto.subtle";
    throw make(Error, "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM", message);
  }
  get type() {
    return "secret";
  }
  get symmetricKeySize() {
    return bytesOfKey.get(this).length;
  }
  export(options) {
    const bytes = bytesOfKey.get(this);
    return options?.format === "jwk" ? { kty: "oct", k: bytes.toString("base64url") } : Buffer.from(bytes);
  }
  equals(other) {
    if (!(other instanceof KeyObject)) throw invalidType("otherKeyObject", "an instance of KeyObject", other);
    return bytesOfKey.get(this).equals(bytesOfKey.get(other));
  }
  get [Symbol.toStringTag]() {
    return "KeyObject";
  }
}

const EXPECTED = "of type string or an instance of ArrayBuffer, Buffer, TypedArray, or DataView";

/** A view of the bytes; a text is encoded. Nothing is copied that need not be. */
function toBytes(value, name, encoding, expected = EXPECTED) {
  if (typeof value === "string") return Buffer.from(value, encodings.find(encoding) === undefined ? "utf8" : encoding);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (core.isAnyArrayBuffer(value)) return new Uint8Array(value);
  throw invalidType(name, expected, value);
}

/** The bytes of a key. */
function keyBytes(key, name, encoding) {
  const bytes = typeof key === "object" && key !== null ? bytesOfKey.get(key) : undefined;
  const expected = "of type string or an instance of ArrayBuffer, Buffer, TypedArray, DataView, KeyObject, or CryptoKey";
  return bytes ?? toBytes(key, name, encoding, expected);
}

function createSecretKey(key, encoding) {
  return new KeyObject(CREATE, Buffer.from(keyBytes(key, "key", encoding)));
}

function generateKeySync(type, { length } = {}) {
  if (type !== "hmac" && type !== "aes") throw invalidValue("type", type, "must be a supported key type");
  if (!Number.isInteger(length)) throw invalidType("options.length", "of type number", length);
  if (type === "aes" && ![128, 192, 256].includes(length)) throw invalidValue("options.length", length, "must be one of: 128, 192, 256");
  const { randomBytes } = load("ext:plinth/node/crypto/random.js");
  return new KeyObject(CREATE, randomBytes(length >> 3));
}

return { KeyObject, createSecretKey, generateKeySync, keyBytes, toBytes };
})();
