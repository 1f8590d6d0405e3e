// Keys out of passwords and secrets. The work is native and cannot be interrupted, so more than a few seconds of it is refused.
(function () {
const { core } = __bootstrap;
const { op_plinth_pbkdf2, op_plinth_scrypt } = core.ops;
const load = core.loadExtScript;
const { Buffer } = load("ext:plinth/node/buffer/buffer.js");
const { checkFunction, checkInteger, checkString, make, outOfRange } = load("ext:plinth/node/errors.js");
const { canonical, createHmac } = load("ext:plinth/node/crypto/hash.js");
const { keyBytes, toBytes } = load("ext:plinth/node/crypto/keys.js");
const { later } = load("ext:plinth/node/crypto/random.js");

/** The most iterations of PBKDF2, counted for each block of a digest's length that the key has. */
const MAX_PBKDF2 = 10_000_000;
/** The most that N times r times p of scrypt may be. */
const MAX_SCRYPT = 2 ** 23;
const MAX_LENGTH = 2 ** 31 - 1;
const DIGEST_BYTES = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 };

const tooMuch = (what) => make(RangeError, "ERR_OUT_OF_RANGE", `${what}: a function's native work is bounded`);

function pbkdf2Sync(password, salt, iterations, length, digest) {
  checkString(digest, "digest");
  const passwordBytes = keyBytes(password, "password");
  const saltBytes = toBytes(salt, "salt");
  checkInteger(iterations, "iterations", 1, MAX_LENGTH);
  checkInteger(length, "keylen", 0, MAX_LENGTH);
  const name = canonical(digest);
  const size = DIGEST_BYTES[name];
  if (size === undefined) throw make(TypeError, "ERR_CRYPTO_INVALID_DIGEST", `Invalid digest: ${digest}`);
  const work = iterations * Math.ceil(length / size);
  if (work > MAX_PBKDF2) throw tooMuch(`pbkdf2 would take ${work} iterations, over the limit of ${MAX_PBKDF2}`);
  const key = Buffer.alloc(length);
  if (length > 0) op_plinth_pbkdf2(name, passwordBytes, saltBytes, iterations, key);
  return key;
}

function option(options, short, long, otherwise) {
  const value = options[long] ?? options[short] ?? otherwise;
  checkInteger(value, long, 1, MAX_LENGTH);
  return value;
}

function scryptSync(password, salt, length, options = {}) {
  const passwordBytes = keyBytes(password, "password");
  const saltBytes = toBytes(salt, "salt");
  checkInteger(length, "keylen", 0, MAX_LENGTH);
  const n = option(options, "N", "cost", 16384);
  const r = option(options, "r", "blockSize", 8);
  const p = option(options, "p", "parallelization", 1);
  const memory = options.maxmem ?? 32 * 1024 * 1024;
  const invalid = (why) => make(RangeError, "ERR_CRYPTO_INVALID_SCRYPT_PARAMS", `Invalid scrypt params${why}`);
  if (n < 2 || (n & (n - 1)) !== 0) throw invalid("");
  if (128 * n * r > memory) throw invalid(": memory limit exceeded");
  if (n * r * p > MAX_SCRYPT) throw tooMuch(`scrypt would cost N * r * p = ${n * r * p}, over the limit of ${MAX_SCRYPT}`);
  if (length > 32 * 1024 * 1024) throw outOfRange("keylen", `<= ${32 * 1024 * 1024}`, length);
  const key = Buffer.alloc(length);
  if (length > 0 && !op_plinth_scrypt(passwordBytes, saltBytes, n, r, p, key)) {
    throw invalid(": there is not that much memory");
  }
  return key;
}

// RFC 5869.
function hkdfSync(digest, key, salt, info, length) {
  checkString(digest, "digest");
  checkInteger(length, "length", 0, MAX_LENGTH);
  const extracted = createHmac(digest, toBytes(salt, "salt")).update(keyBytes(key, "ikm")).digest();
  if (length > 255 * extracted.length) throw make(RangeError, "ERR_CRYPTO_INVALID_KEYLEN", "Invalid key length");
  const blocks = [];
  let last = Buffer.alloc(0);
  for (let i = 1; blocks.length * extracted.length < length; i++) {
    last = createHmac(digest, extracted).update(last).update(toBytes(info, "info")).update(Buffer.from([i])).digest();
    blocks.push(last);
  }
  const whole = new Uint8Array(length);
  Buffer.concat(blocks).copy(whole, 0, 0, length);
  return whole.buffer;
}

// The function that answers by callback. Arguments are checked now, the answer comes later.
function withCallback(sync) {
  return (...args) => {
    const callback = args.pop();
    checkFunction(callback, "callback");
    later(callback, null, sync(...args));
  };
}

return {
  hkdf: withCallback(hkdfSync),
  hkdfSync,
  pbkdf2: withCallback(pbkdf2Sync),
  pbkdf2Sync,
  scrypt: withCallback(scryptSync),
  scryptSync,
};
})();
