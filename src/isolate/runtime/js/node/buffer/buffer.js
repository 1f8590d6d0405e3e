// node:buffer.
(function () {
const { core } = __bootstrap;
const load = core.loadExtScript;
const { invalidType, invalidValue, make, outOfRange } = load("ext:plinth/node/errors.js");
const encodings = load("ext:plinth/node/buffer/encodings.js");
const numbers = load("ext:plinth/node/buffer/numbers.js");
const { compare, search } = load("ext:plinth/node/buffer/search.js");
const base64 = load("ext:deno_web/05_base64.js");
const file = load("ext:deno_web/09_file.js");

const MAX_LENGTH = 2 ** 53 - 1;
const MAX_STRING_LENGTH = 2 ** 29 - 24;

class FastBuffer extends Uint8Array {}

function Buffer(value, encodingOrOffset, length) {
  if (typeof value !== "number") return Buffer.from(value, encodingOrOffset, length);
  if (typeof encodingOrOffset === "string") throw invalidType("string", "of type string", value);
  return Buffer.alloc(value);
}
Object.setPrototypeOf(Buffer, Uint8Array);
Buffer.prototype = FastBuffer.prototype;
Object.defineProperty(Buffer.prototype, "constructor", { value: Buffer, writable: true, configurable: true });
Object.defineProperty(Buffer, Symbol.species, { configurable: true, get: () => FastBuffer });

function encodingOf(name) {
  const encoding = encodings.find(name);
  if (encoding === undefined) throw make(TypeError, "ERR_UNKNOWN_ENCODING", `Unknown encoding: ${name}`);
  return encoding;
}

const asBuffer = (bytes) => new FastBuffer(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function checkSize(size) {
  if (typeof size !== "number") throw invalidType("size", "of type number", size);
  if (!(size >= 0 && size <= MAX_LENGTH)) throw outOfRange("size", `>= 0 && <= ${MAX_LENGTH}`, size);
}

function checkBytes(value, name) {
  if (!(value instanceof Uint8Array)) throw invalidType(name, "an instance of Buffer or Uint8Array", value);
}

const FROM = "of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object";

function fromArrayBuffer(buffer, offset = 0, length) {
  offset = +offset || 0;
  const most = buffer.byteLength - offset;
  if (most < 0) throw make(RangeError, "ERR_BUFFER_OUT_OF_BOUNDS", '"offset" is outside of buffer bounds');
  if (length === undefined) return new FastBuffer(buffer, offset, most);
  length = +length;
  if (!(length > 0)) length = 0;
  if (length > most) throw make(RangeError, "ERR_BUFFER_OUT_OF_BOUNDS", '"length" is outside of buffer bounds');
  return new FastBuffer(buffer, offset, length);
}

function fromObject(value) {
  if (value.length !== undefined || core.isAnyArrayBuffer(value.buffer)) {
    return typeof value.length === "number" ? new FastBuffer(value) : new FastBuffer(0);
  }
  if (value.type === "Buffer" && Array.isArray(value.data)) return new FastBuffer(value.data);
}

Buffer.from = function from(value, encodingOrOffset, length) {
  if (typeof value === "string") return asBuffer(encodingOf(encodingOrOffset).encode(value));
  if (typeof value === "object" && value !== null) {
    if (core.isAnyArrayBuffer(value)) return fromArrayBuffer(value, encodingOrOffset, length);
    const primitive = value.valueOf?.();
    if (primitive !== null && primitive !== undefined && primitive !== value && ["string", "object"].includes(typeof primitive)) {
      return from(primitive, encodingOrOffset, length);
    }
    const made = fromObject(value);
    if (made !== undefined) return made;
    const convert = value[Symbol.toPrimitive];
    if (typeof convert === "function") {
      const text = convert.call(value, "string");
      if (typeof text === "string") return from(text, encodingOrOffset);
    }
  }
  throw invalidType("first argument", FROM, value);
};

Buffer.alloc = function alloc(size, fill, encoding) {
  checkSize(size);
  const buffer = new FastBuffer(size);
  if (fill === undefined || fill === 0 || size === 0) return buffer;
  if (typeof encoding !== "string" && encoding !== undefined) throw invalidType("encoding", "of type string", encoding);
  return buffer.fill(fill, encoding);
};

Buffer.allocUnsafe = function allocUnsafe(size) {
  checkSize(size);
  return new FastBuffer(size);
};

Buffer.allocUnsafeSlow = Buffer.allocUnsafe;

Buffer.of = (...items) => new FastBuffer(items);

Buffer.copyBytesFrom = function copyBytesFrom(view, offset = 0, length) {
  if (!core.isTypedArray(view)) throw invalidType("view", "an instance of TypedArray", view);
  const part = view.subarray(offset, length === undefined ? undefined : offset + length);
  return new FastBuffer(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
};

Buffer.isBuffer = (value) => value instanceof Buffer;
Buffer.isEncoding = (name) => typeof name === "string" && name.length > 0 && encodings.find(name) !== undefined;

Buffer.byteLength = function byteLength(value, encoding) {
  if (typeof value !== "string") {
    if (core.isArrayBufferView(value) || core.isAnyArrayBuffer(value)) return value.byteLength;
    throw invalidType("string", "of type string or an instance of Buffer or ArrayBuffer", value);
  }
  return (encodings.find(encoding) ?? encodings.ENCODINGS.utf8).length(value);
};

Buffer.compare = function (left, right) {
  checkBytes(left, "buf1");
  checkBytes(right, "buf2");
  return compare(left, right);
};

Buffer.concat = function concat(list, length) {
  if (!Array.isArray(list)) throw invalidType("list", "an instance of Array", list);
  list.forEach((item, index) => checkBytes(item, `list[${index}]`));
  if (length === undefined) length = list.reduce((sum, item) => sum + item.length, 0);
  else checkSize(length);
  const whole = Buffer.allocUnsafe(length);
  let at = 0;
  for (const item of list) {
    if (at >= length) break;
    whole.set(item.length > length - at ? item.subarray(0, length - at) : item, at);
    at += item.length;
  }
  return whole;
};

Buffer.poolSize = 8192;

const prototype = Object.assign(Object.create(null), numbers.methods());

// Of `buf.slice(start, end)` and `toString`: what is out of bounds is cut.
function bound(index, length, otherwise) {
  if (index === undefined) return otherwise;
  const number = Math.trunc(+index) || 0;
  return Math.min(number < 0 ? 0 : number, length);
}

prototype.toString = function toString(name, start, end) {
  if (arguments.length === 0) return encodings.ENCODINGS.utf8.decode(this);
  start = bound(start, this.length, 0);
  end = bound(end, this.length, this.length);
  if (end <= start) return "";
  const encoding = encodingOf(name);
  return encoding.decode(start === 0 && end === this.length ? this : Uint8Array.prototype.subarray.call(this, start, end));
};

prototype.toLocaleString = prototype.toString;

prototype.toJSON = function toJSON() {
  return { type: "Buffer", data: Array.from(this) };
};

prototype.equals = function equals(other) {
  checkBytes(other, "otherBuffer");
  return this === other || (this.length === other.length && compare(this, other) === 0);
};

function checkRange(value, name, most) {
  if (typeof value !== "number") throw invalidType(name, "of type number", value);
  if (!Number.isInteger(value)) throw outOfRange(name, "an integer", value);
  if (value < 0 || value > most) throw outOfRange(name, `>= 0 && <= ${most}`, value);
  return value;
}

prototype.compare = function (target, targetStart, targetEnd, start, end) {
  checkBytes(target, "target");
  if (arguments.length === 1) return compare(this, target);
  const from = targetStart === undefined ? 0 : checkRange(targetStart, "targetStart", MAX_LENGTH);
  const to = targetEnd === undefined ? target.length : checkRange(targetEnd, "targetEnd", target.length);
  const ownFrom = start === undefined ? 0 : checkRange(start, "sourceStart", MAX_LENGTH);
  const ownTo = end === undefined ? this.length : checkRange(end, "sourceEnd", this.length);
  if (ownFrom >= ownTo) return from >= to ? 0 : -1;
  if (from >= to) return 1;
  const { subarray } = Uint8Array.prototype;
  return compare(subarray.call(this, ownFrom, ownTo), subarray.call(target, from, to));
};

prototype.indexOf = function indexOf(value, offset, encoding) {
  return search(this, value, offset, encoding, true);
};

prototype.lastIndexOf = function lastIndexOf(value, offset, encoding) {
  return search(this, value, offset, encoding, false);
};

prototype.includes = function includes(value, offset, encoding) {
  return this.indexOf(value, offset, encoding) !== -1;
};

prototype.copy = function copy(target, targetStart, start, end) {
  checkBytes(target, "target");
  const integer = (value, otherwise, name) => {
    if (value === undefined) return otherwise;
    const number = Math.trunc(+value) || 0;
    if (number < 0) throw outOfRange(name, ">= 0", number);
    return number;
  };
  targetStart = integer(targetStart, 0, "targetStart");
  start = integer(start, 0, "sourceStart");
  if (start > this.length) throw outOfRange("sourceStart", `>= 0 && <= ${this.length}`, start);
  end = Math.min(integer(end, this.length, "sourceEnd"), this.length);
  if (targetStart >= target.length || start >= end) return 0;
  end = Math.min(end, start + target.length - targetStart);
  Uint8Array.prototype.set.call(target, Uint8Array.prototype.subarray.call(this, start, end), targetStart);
  return end - start;
};

prototype.slice = function slice(start, end) {
  return this.subarray(start, end);
};

prototype.subarray = function subarray(start, end) {
  const part = Uint8Array.prototype.subarray.call(this, start, end);
  return part instanceof FastBuffer ? part : asBuffer(part);
};

// `write(text)`, `write(text, encoding)` and `write(text, offset[, length][, encoding])`.
prototype.write = function write(text, offset, length, encoding) {
  if (typeof text !== "string") throw make(TypeError, "ERR_INVALID_ARG_TYPE", "argument must be a string");
  if (typeof offset === "string") return this.write(text, 0, this.length, offset);
  if (typeof length === "string") return this.write(text, offset, undefined, length);
  const from = offset === undefined ? 0 : checkRange(offset, "offset", this.length);
  const room = this.length - from;
  if (length !== undefined) checkRange(length, "length", this.length);
  const most = Math.min(length ?? room, room);
  return encodings.write(encodingOf(encoding), text, Uint8Array.prototype.subarray.call(this, from, from + most));
};

// `fill(value)`, `fill(text, encoding)` and `fill(value, start[, end][, encoding])`.
prototype.fill = function fill(value, start, end, encoding) {
  if (typeof start === "string") return this.fill(value, 0, this.length, start);
  if (typeof end === "string") return this.fill(value, start, this.length, end);
  start = start === undefined ? 0 : checkRange(start, "offset", MAX_LENGTH);
  end = end === undefined ? this.length : checkRange(end, "end", this.length);
  if (start >= end) return this;
  let pattern = value;
  if (typeof value === "string") {
    pattern = encodingOf(encoding).encode(value);
    if (pattern.length === 0 && value.length > 0) throw invalidValue("value", value);
    if (value.length === 0) pattern = 0;
  } else if (typeof value === "boolean") {
    pattern = +value;
  } else if (value instanceof Uint8Array && value.length === 0) {
    throw invalidValue("value", value);
  }
  if (!(pattern instanceof Uint8Array)) {
    Uint8Array.prototype.fill.call(this, pattern & 255, start, end);
    return this;
  }
  const { set, subarray } = Uint8Array.prototype;
  set.call(this, subarray.call(pattern, 0, end - start), start);
  // What is filled is copied behind itself, twice as much each time.
  for (let filled = pattern.length; start + filled < end; filled *= 2) {
    set.call(this, subarray.call(this, start, start + Math.min(filled, end - start - filled)), start + filled);
  }
  return this;
};

for (const bits of [16, 32, 64]) {
  const size = bits / 8;
  prototype[`swap${bits}`] = function () {
    if (this.length % size !== 0) throw make(RangeError, "ERR_INVALID_BUFFER_SIZE", `Buffer size must be a multiple of ${bits}-bits`);
    for (let at = 0; at < this.length; at += size) {
      Uint8Array.prototype.reverse.call(Uint8Array.prototype.subarray.call(this, at, at + size));
    }
    return this;
  };
}

// `latin1Slice`, `hexWrite` and the like, which packages call for speed.
const SHORT = { ascii: "ascii", base64: "base64", base64url: "base64url", hex: "hex", latin1: "latin1", ucs2: "utf16le", utf8: "utf8" };
for (const [name, encoding] of Object.entries(SHORT)) {
  prototype[`${name}Slice`] = function (start, end) {
    return this.toString(encoding, start, end);
  };
  prototype[`${name}Write`] = function (text, offset, length) {
    return this.write(text, offset ?? 0, length, encoding);
  };
}

/** Bytes that inspecting a buffer shows. */
let shownBytes = 50;

prototype[Symbol.for("nodejs.util.inspect.custom")] = function () {
  const { subarray } = Uint8Array.prototype;
  const most = Math.min(shownBytes, this.length);
  const hex = Array.from(subarray.call(this, 0, most), (byte) => byte.toString(16).padStart(2, "0"));
  const rest = this.length - most;
  if (rest > 0) hex.push(`... ${rest} more byte${rest > 1 ? "s" : ""}`);
  return `<${this.constructor.name}${hex.length > 0 ? ` ${hex.join(" ")}` : ""}>`;
};

for (const name of Reflect.ownKeys(prototype)) {
  Object.defineProperty(Buffer.prototype, name, { value: prototype[name], writable: true, enumerable: true, configurable: true });
}
for (const [name, key] of [["parent", "buffer"], ["offset", "byteOffset"]]) {
  Object.defineProperty(Buffer.prototype, name, {
    enumerable: true,
    configurable: true,
    get() {
      return this instanceof Buffer ? this[key] : undefined;
    },
  });
}

function transcode(source, from, to) {
  checkBytes(source, "source");
  return Buffer.from(encodingOf(from).decode(source), encodingOf(to).name);
}

function isUtf8(bytes) {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

const isAscii = (bytes) => Buffer.from(bytes.buffer ?? bytes, bytes.byteOffset, bytes.byteLength).every((byte) => byte < 128);

return {
  get INSPECT_MAX_BYTES() {
    return shownBytes;
  },
  set INSPECT_MAX_BYTES(value) {
    shownBytes = value;
  },
  Blob: file.Blob,
  Buffer,
  File: file.File,
  SlowBuffer: Buffer.allocUnsafeSlow,
  atob: base64.atob,
  btoa: base64.btoa,
  constants: { MAX_LENGTH, MAX_STRING_LENGTH },
  isAscii,
  isUtf8,
  kMaxLength: MAX_LENGTH,
  kStringMaxLength: MAX_STRING_LENGTH,
  transcode,
};
})();
