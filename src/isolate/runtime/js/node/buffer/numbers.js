// Numbers in buffers: the methods `readInt32LE`, `writeDoubleBE` and so on, for every width, sign and order of bytes.
(function () {
const { core } = __bootstrap;
const { invalidType, make, outOfRange } = core.loadExtScript("ext:plinth/node/errors.js");

const float64 = new Float64Array(1);
const float32 = new Float32Array(1);
const bytesOf64 = new Uint8Array(float64.buffer);
const bytesOf32 = new Uint8Array(float32.buffer);

function checkOffset(buffer, offset, size) {
  if (typeof offset !== "number") throw invalidType("offset", "of type number", offset);
  if (offset >= 0 && offset + size <= buffer.length && Number.isInteger(offset)) return;
  if (!Number.isInteger(offset)) throw outOfRange("offset", "an integer", offset);
  if (buffer.length < size) throw make(RangeError, "ERR_BUFFER_OUT_OF_BOUNDS", "Attempt to access memory outside buffer bounds");
  throw outOfRange("offset", `>= 0 and <= ${buffer.length - size}`, offset);
}

function checkWidth(size) {
  if (typeof size !== "number") throw invalidType("byteLength", "of type number", size);
  if (!Number.isInteger(size)) throw outOfRange("byteLength", "an integer", size);
  if (size < 1 || size > 6) throw outOfRange("byteLength", ">= 1 and <= 6", size);
}

// Of six bytes at the most, so a float holds it exactly.
function read(buffer, offset, size, little, signed) {
  let value = 0;
  let place = 1;
  for (let i = 0; i < size; i++) {
    value += buffer[little ? offset + i : offset + size - 1 - i] * place;
    place *= 256;
  }
  return signed && value >= place / 2 ? value - place : value;
}

function checkValue(value, size, signed) {
  const bits = size * 8;
  const least = signed ? -(2 ** (bits - 1)) : 0;
  const most = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  if (value >= least && value <= most) return;
  if (!(value > most || value < least)) return;
  const wide = signed ? `>= -(2 ** ${bits - 1}) and < 2 ** ${bits - 1}` : `>= 0 and < 2 ** ${bits}`;
  throw outOfRange("value", size > 4 ? wide : `>= ${least} and <= ${most}`, value);
}

function write(buffer, value, offset, size, little, signed) {
  value = +value;
  checkValue(value, size, signed);
  checkOffset(buffer, offset, size);
  // What is not a number is zero, as a typed array has it.
  let rest = Math.trunc(value) || 0;
  if (rest < 0) rest += 2 ** (size * 8);
  for (let i = 0; i < size; i++) {
    buffer[little ? offset + i : offset + size - 1 - i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return offset + size;
}

function copyOut(buffer, offset, bytes, little) {
  const last = bytes.length - 1;
  for (let i = 0; i <= last; i++) bytes[little ? i : last - i] = buffer[offset + i];
}

function copyIn(buffer, offset, bytes, little) {
  const last = bytes.length - 1;
  for (let i = 0; i <= last; i++) buffer[offset + i] = bytes[little ? i : last - i];
  return offset + bytes.length;
}

function readBig(buffer, offset, little, signed) {
  const low = BigInt(read(buffer, little ? offset : offset + 4, 4, little, false));
  const high = BigInt(read(buffer, little ? offset + 4 : offset, 4, little, signed));
  return (high << 32n) + low;
}

function writeBig(buffer, value, offset, little, signed) {
  if (typeof value !== "bigint") throw invalidType("value", "of type bigint", value);
  const least = signed ? -(2n ** 63n) : 0n;
  const most = signed ? 2n ** 63n - 1n : 2n ** 64n - 1n;
  if (value < least || value > most) {
    throw outOfRange("value", signed ? ">= -(2n ** 63n) and < 2n ** 63n" : ">= 0n and < 2n ** 64n", value);
  }
  checkOffset(buffer, offset, 8);
  const low = Number(value & 0xffffffffn);
  const high = Number((value >> 32n) & 0xffffffffn);
  write(buffer, low, little ? offset : offset + 4, 4, little, false);
  write(buffer, high, little ? offset + 4 : offset, 4, little, false);
  return offset + 8;
}

/** Every such method, to be put on the prototype. */
function methods() {
  const all = {};
  const both = (name, make) => {
    all[`${name}LE`] = make(true);
    all[`${name}BE`] = make(false);
  };
  for (const signed of [false, true]) {
    const kind = signed ? "Int" : "UInt";
    all[`read${kind}8`] = function (offset = 0) {
      checkOffset(this, offset, 1);
      return read(this, offset, 1, true, signed);
    };
    all[`write${kind}8`] = function (value, offset = 0) {
      return write(this, value, offset, 1, true, signed);
    };
    for (const size of [2, 4]) {
      both(`read${kind}${size * 8}`, (little) => function (offset = 0) {
        checkOffset(this, offset, size);
        return read(this, offset, size, little, signed);
      });
      both(`write${kind}${size * 8}`, (little) => function (value, offset = 0) {
        return write(this, value, offset, size, little, signed);
      });
    }
    both(`read${kind}`, (little) => function (offset, size) {
      if (offset === undefined) throw invalidType("offset", "of type number", offset);
      checkWidth(size);
      checkOffset(this, offset, size);
      return read(this, offset, size, little, signed);
    });
    both(`write${kind}`, (little) => function (value, offset, size) {
      checkWidth(size);
      return write(this, value, offset, size, little, signed);
    });
    both(`readBig${kind}64`, (little) => function (offset = 0) {
      checkOffset(this, offset, 8);
      return readBig(this, offset, little, signed);
    });
    both(`writeBig${kind}64`, (little) => function (value, offset = 0) {
      return writeBig(this, value, offset, little, signed);
    });
  }
  for (const [name, value, bytes] of [["Float", float32, bytesOf32], ["Double", float64, bytesOf64]]) {
    both(`read${name}`, (little) => function (offset = 0) {
      checkOffset(this, offset, bytes.length);
      copyOut(this, offset, bytes, little);
      return value[0];
    });
    both(`write${name}`, (little) => function (number, offset = 0) {
      checkOffset(this, offset, bytes.length);
      value[0] = number;
      return copyIn(this, offset, bytes, little);
    });
  }
  for (const name of Object.keys(all)) {
    if (name.includes("UInt")) all[name.replace("UInt", "Uint")] = all[name];
  }
  return all;
}

return { methods };
})();
