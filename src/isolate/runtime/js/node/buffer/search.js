// Comparing buffers, and finding one in another.
(function () {
const { core } = __bootstrap;
const { find } = core.loadExtScript("ext:plinth/node/buffer/encodings.js");
const { invalidType, make } = core.loadExtScript("ext:plinth/node/errors.js");

function compare(left, right) {
  const common = Math.min(left.length, right.length);
  for (let i = 0; i < common; i++) {
    if (left[i] !== right[i]) return left[i] < right[i] ? -1 : 1;
  }
  return Math.sign(left.length - right.length);
}

function matches(buffer, at, needle) {
  for (let i = 0; i < needle.length; i++) {
    if (buffer[at + i] !== needle[i]) return false;
  }
  return true;
}

// The place to begin: from the end when negative, and where none is given, at the very beginning or end.
function start(offset, length, forward) {
  let at = +offset;
  if (Number.isNaN(at)) at = forward ? 0 : length;
  at = Math.trunc(at);
  return at < 0 ? at + length : at;
}

/** `indexOf` and `lastIndexOf`. */
function search(buffer, value, offset, encodingName, forward) {
  if (typeof offset === "string") {
    encodingName = offset;
    offset = undefined;
  }
  if (typeof value === "number") value = new Uint8Array([value]);
  let unit = 1;
  if (typeof value === "string") {
    const encoding = find(encodingName);
    if (encoding === undefined) throw make(TypeError, "ERR_UNKNOWN_ENCODING", `Unknown encoding: ${encodingName}`);
    unit = encoding.unit ?? 1;
    value = encoding.encode(value);
  } else if (!(value instanceof Uint8Array)) {
    throw invalidType("value", "one of type number or string or an instance of Buffer or Uint8Array", value);
  }
  const last = buffer.length - value.length;
  let at = start(offset, buffer.length, forward);
  if (forward) {
    at = Math.max(at, 0);
    if (value.length === 0) return Math.min(at, buffer.length);
    while (at <= last) {
      at = Uint8Array.prototype.indexOf.call(buffer, value[0], at);
      if (at < 0 || at > last) return -1;
      if (at % unit === 0 && matches(buffer, at, value)) return at;
      at++;
    }
    return -1;
  }
  if (value.length === 0) return Math.min(at, buffer.length);
  for (at = Math.min(at, last); at >= 0; at--) {
    if (at % unit === 0 && matches(buffer, at, value)) return at;
  }
  return -1;
}

return { compare, search };
})();
