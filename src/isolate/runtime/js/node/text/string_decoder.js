// node:string_decoder: text out of pieces of bytes, with characters that a piece cuts in two kept for the next.
(function () {
const { core } = __bootstrap;
const { Buffer } = core.loadExtScript("ext:plinth/node/buffer/buffer.js");
const { find } = core.loadExtScript("ext:plinth/node/buffer/encodings.js");
const { invalidType, make } = core.loadExtScript("ext:plinth/node/errors.js");

/** How many bytes at the end begin a character of UTF-8 that may go on. */
function unfinishedUtf8(bytes) {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back];
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    const needs = byte >= 0xf5 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1;
    if (needs <= back) return 0;
    if (back === 1) return 1;
    // A second byte that cannot follow the first has ended the character already.
    const second = bytes[bytes.length - back + 1];
    const [least, most] = { 0xe0: [0xa0, 0xbf], 0xed: [0x80, 0x9f], 0xf0: [0x90, 0xbf], 0xf4: [0x80, 0x8f] }[byte] ?? [0x80, 0xbf];
    return second >= least && second <= most ? back : 0;
  }
  return 0;
}

function unfinishedUtf16(bytes) {
  const odd = bytes.length % 2;
  const even = bytes.length - odd;
  const high = even >= 2 ? bytes[even - 1] : 0;
  return high >= 0xd8 && high <= 0xdb ? odd + 2 : odd;
}

const UNFINISHED = {
  __proto__: null,
  utf8: unfinishedUtf8,
  utf16le: unfinishedUtf16,
  base64: (bytes) => bytes.length % 3,
  base64url: (bytes) => bytes.length % 3,
};

function StringDecoder(name) {
  const encoding = find(name);
  if (encoding === undefined) throw make(TypeError, "ERR_UNKNOWN_ENCODING", `Unknown encoding: ${name}`);
  this.encoding = encoding.name;
  Object.defineProperty(this, "kept", { value: Buffer.alloc(0), writable: true, configurable: true });
}

StringDecoder.prototype.write = function write(chunk) {
  if (typeof chunk === "string") return chunk;
  if (!ArrayBuffer.isView(chunk)) {
    throw invalidType("buf", "an instance of Buffer, TypedArray, or DataView", chunk);
  }
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const whole = this.kept.length > 0 ? Buffer.concat([this.kept, bytes]) : bytes;
  const left = UNFINISHED[this.encoding]?.(whole) ?? 0;
  const text = whole.toString(this.encoding, 0, whole.length - left);
  this.kept = left > 0 ? Buffer.from(whole.subarray(whole.length - left)) : Buffer.alloc(0);
  return text;
};

StringDecoder.prototype.end = function end(chunk) {
  const text = chunk === undefined ? "" : this.write(chunk);
  const { kept } = this;
  this.kept = Buffer.alloc(0);
  if (kept.length === 0) return text;
  return text + (this.encoding === "utf8" ? "\ufffd" : kept.toString(this.encoding));
};

StringDecoder.prototype.text = function text(chunk, offset) {
  this.kept = Buffer.alloc(0);
  return this.write(chunk.subarray(offset));
};

return { StringDecoder };
})();
