// node:crypto, as far as it goes without keys of two halves and ciphers: those are `crypto.subtle`'s.
(function () {
const { core } = __bootstrap;
const load = core.loadExtScript;
const { invalidType, make } = load("ext:plinth/node/errors.js");
const { Hash, Hmac, createHash, createHmac, getHashes, hash } = load("ext:plinth/node/crypto/hash.js");
const { KeyObject, createSecretKey, generateKeySync } = load("ext:plinth/node/crypto/keys.js");
const derive = load("ext:plinth/node/crypto/derive.js");
const { later, ...random } = load("ext:plinth/node/crypto/random.js");
const { crypto } = load("ext:deno_crypto/00_crypto.js");

/** Takes as long whether they are alike or not. */
function timingSafeEqual(left, right) {
  const view = (value, name) => {
    if (core.isAnyArrayBuffer(value)) return new Uint8Array(value);
    if (!ArrayBuffer.isView(value)) throw invalidType(name, "an instance of ArrayBuffer, Buffer, TypedArray, or DataView", value);
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  };
  const [a, b] = [view(left, "buf1"), view(right, "buf2")];
  if (a.length !== b.length) {
    throw make(RangeError, "ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH", "Input buffers must have the same byte length");
  }
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}

function generateKey(type, options, callback) {
  later(callback, null, generateKeySync(type, options));
}

return {
  ...derive,
  ...random,
  Hash,
  Hmac,
  KeyObject,
  constants: {},
  createHash,
  createHmac,
  createSecretKey,
  generateKey,
  generateKeySync,
  getCiphers: () => [],
  getCurves: () => [],
  getFips: () => 0,
  getHashes,
  getRandomValues: (array) => crypto.getRandomValues(array),
  hash,
  pseudoRandomBytes: random.randomBytes,
  prng: random.randomBytes,
  rng: random.randomBytes,
  subtle: crypto.subtle,
  timingSafeEqual,
  webcrypto: crypto,
};
})();
