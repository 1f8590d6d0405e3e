// Random bytes and what is made of them.
(function () {
const { core, internals } = __bootstrap;
const load = core.loadExtScript;
const { Buffer } = load("ext:plinth/node/buffer/buffer.js");
const { checkFunction, invalidType, outOfRange } = load("ext:plinth/node/errors.js");
const { crypto } = load("ext:deno_crypto/00_crypto.js");

/** What the web's function fills at once, in bytes. */
const MOST_AT_ONCE = 65536;
const MAX_SIZE = 2 ** 31 - 1;

function fill(bytes) {
  for (let at = 0; at < bytes.length; at += MOST_AT_ONCE) crypto.getRandomValues(bytes.subarray(at, at + MOST_AT_ONCE));
}

const later = (callback, ...args) => internals.plinth.process.nextTick(callback, ...args);

function randomBytes(size, callback) {
  if (typeof size !== "number") throw invalidType("size", "of type number", size);
  if (!(size >= 0 && size <= MAX_SIZE)) throw outOfRange("size", `>= 0 && <= ${MAX_SIZE}`, size);
  if (callback !== undefined) checkFunction(callback, "callback");
  const bytes = Buffer.alloc(size);
  fill(bytes);
  if (callback === undefined) return bytes;
  later(callback, null, bytes);
}

function checkedRange(buffer, offset = 0, size) {
  if (!ArrayBuffer.isView(buffer) && !core.isAnyArrayBuffer(buffer)) {
    throw invalidType("buf", "an instance of ArrayBuffer or ArrayBufferView", buffer);
  }
  const unit = buffer.BYTES_PER_ELEMENT ?? 1;
  const start = offset * unit;
  if (typeof offset !== "number") throw invalidType("offset", "of type number", offset);
  if (!(start >= 0 && start <= buffer.byteLength)) throw outOfRange("offset", `>= 0 && <= ${buffer.byteLength}`, offset);
  const length = size === undefined ? buffer.byteLength - start : size * unit;
  if (typeof length !== "number") throw invalidType("size", "of type number", size);
  if (!(length >= 0 && start + length <= buffer.byteLength)) {
    throw outOfRange("size + offset", `<= ${buffer.byteLength}`, length + start);
  }
  return new Uint8Array(buffer.buffer ?? buffer, (buffer.byteOffset ?? 0) + start, length);
}

function randomFillSync(buffer, offset, size) {
  fill(checkedRange(buffer, offset, size));
  return buffer;
}

function randomFill(buffer, ...rest) {
  const callback = rest.pop();
  checkFunction(callback, "callback");
  randomFillSync(buffer, ...rest);
  later(callback, null, buffer);
}

/** Evenly from `min` to below `max`. */
function randomInt(min, max, callback) {
  if (max === undefined || typeof max === "function") return randomInt(0, min, max);
  if (!Number.isSafeInteger(min)) throw invalidType("min", "a safe integer", min);
  if (!Number.isSafeInteger(max)) throw invalidType("max", "a safe integer", max);
  if (max <= min) throw outOfRange("max", `greater than the value of "min" (${min})`, max);
  const range = max - min;
  if (range >= 2 ** 48) throw outOfRange("max - min", `<= ${2 ** 48 - 1}`, range);
  if (callback !== undefined) checkFunction(callback, "callback");
  // Values above the last whole multiple of the range would favour the small ones.
  const bound = 2 ** 48 - (2 ** 48 % range);
  let value;
  do value = randomBytes(6).readUIntBE(0, 6);
  while (value >= bound);
  const chosen = min + (value % range);
  if (callback === undefined) return chosen;
  later(callback, undefined, chosen);
}

return { later, randomBytes, randomFill, randomFillSync, randomInt, randomUUID: () => crypto.randomUUID() };
})();
