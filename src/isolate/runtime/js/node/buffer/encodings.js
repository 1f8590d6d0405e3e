// The encodings of text that buffers know: how many bytes a text takes, the bytes of a text, and the text of bytes.
(function () {
const { core } = __bootstrap;
const { op_encoding_decode_utf8 } = core.ops;
const utf8 = new TextEncoder();

/** Bytes whose text is made in pieces of this many units, since each is an argument of a call. */
const PIECE = 8192;

function encodeLatin1(text) {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function decodeAscii(bytes) {
  const seven = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) seven[i] = bytes[i] & 0x7f;
  return core.encodeBinaryString(seven);
}

function encodeUtf16(text) {
  const units = new Uint16Array(text.length);
  for (let i = 0; i < text.length; i++) units[i] = text.charCodeAt(i);
  return new Uint8Array(units.buffer);
}

function decodeUtf16(bytes) {
  const even = bytes.length & ~1;
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : Uint8Array.from(bytes);
  const units = new Uint16Array(aligned.buffer, aligned.byteOffset, even / 2);
  let text = "";
  for (let i = 0; i < units.length; i += PIECE) text += String.fromCharCode.apply(null, units.subarray(i, i + PIECE));
  return text;
}

const digit = (unit) => {
  if (unit >= 48 && unit <= 57) return unit - 48;
  const lower = unit | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
};

// Ends at the first pair that is not hexadecimal.
function decodeHex(text) {
  const bytes = new Uint8Array(text.length >>> 1);
  for (let i = 0; i < bytes.length; i++) {
    const high = digit(text.charCodeAt(2 * i));
    const low = digit(text.charCodeAt(2 * i + 1));
    if (high < 0 || low < 0) return bytes.subarray(0, i);
    bytes[i] = high * 16 + low;
  }
  return bytes;
}

// Either alphabet; what is in neither is passed over, and the first `=` is the end.
function decodeBase64(text) {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    const end = text.indexOf("=");
    const digits = (end < 0 ? text : text.slice(0, end)).replace(/-/g, "+").replace(/_/g, "/").replace(/[^A-Za-z0-9+/]/g, "");
    return Uint8Array.fromBase64(digits.length % 4 === 1 ? digits.slice(0, -1) : digits);
  }
}

function base64Length(text) {
  let length = text.length;
  if (length > 0 && text.charCodeAt(length - 1) === 61) length--;
  if (length > 1 && text.charCodeAt(length - 1) === 61) length--;
  return Math.floor((length * 3) / 4);
}

const base64url = { alphabet: "base64url", omitPadding: true };

// `toHex`, `toBase64` and `fromBase64` are V8's; a snapshot is made before it has them, so they are looked up when they are called.
const ENCODINGS = {
  __proto__: null,
  utf8: {
    name: "utf8",
    length: (text) => core.byteLength(text),
    encode: (text) => core.encode(text),
    decode: (bytes) => op_encoding_decode_utf8(bytes, true),
    // Never half a character.
    write: (text, target) => utf8.encodeInto(text, target).written,
  },
  utf16le: { name: "utf16le", length: (text) => text.length * 2, encode: encodeUtf16, decode: decodeUtf16, unit: 2 },
  latin1: { name: "latin1", length: (text) => text.length, encode: encodeLatin1, decode: (bytes) => core.encodeBinaryString(bytes) },
  ascii: { name: "ascii", length: (text) => text.length, encode: encodeLatin1, decode: decodeAscii },
  hex: { name: "hex", length: (text) => text.length >>> 1, encode: decodeHex, decode: (bytes) => bytes.toHex() },
  base64: { name: "base64", length: base64Length, encode: decodeBase64, decode: (bytes) => bytes.toBase64() },
  base64url: { name: "base64url", length: base64Length, encode: decodeBase64, decode: (bytes) => bytes.toBase64(base64url) },
};

const ALIASES = { __proto__: null, "utf-8": "utf8", ucs2: "utf16le", "ucs-2": "utf16le", "utf-16le": "utf16le", binary: "latin1" };

/** The encoding of that name; `undefined` when there is none. */
function find(name) {
  const found = ENCODINGS[name];
  if (found !== undefined) return found;
  if (name === undefined || name === null || name === "") return ENCODINGS.utf8;
  const lower = String(name).toLowerCase();
  return ENCODINGS[ALIASES[lower] ?? lower];
}

/** Writes as much of the text as fits, in whole characters; gives the number of bytes. */
function write(encoding, text, target) {
  if (encoding.write !== undefined) return encoding.write(text, target);
  const bytes = encoding.encode(text);
  const unit = encoding.unit ?? 1;
  const room = Math.min(bytes.length, target.length - (target.length % unit));
  target.set(room < bytes.length ? bytes.subarray(0, room) : bytes);
  return room;
}

return { ENCODINGS, find, write };
})();
