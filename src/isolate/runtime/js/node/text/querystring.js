// node:querystring.
(function () {
const { core } = __bootstrap;
const { make } = core.loadExtScript("ext:plinth/node/errors.js");

function unescapeBuffer(text) {
  const { Buffer } = core.loadExtScript("ext:plinth/node/buffer/buffer.js");
  const bytes = Buffer.from(String(text));
  const out = Buffer.alloc(bytes.length);
  let length = 0;
  for (let i = 0; i < bytes.length; i++, length++) {
    const pair = bytes[i] === 37 ? bytes.latin1Slice(i + 1, i + 3) : "";
    const escaped = /^[0-9A-Fa-f]{2}$/.test(pair);
    out[length] = escaped ? parseInt(pair, 16) : bytes[i];
    if (escaped) i += 2;
  }
  return out.subarray(0, length);
}

function unescape(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return unescapeBuffer(text).toString();
  }
}

function escape(text) {
  if (typeof text !== "string") text = typeof text === "object" ? String(text) : `${text}`;
  try {
    return encodeURIComponent(text);
  } catch {
    throw make(URIError, "ERR_INVALID_URI", "URI malformed");
  }
}

function primitive(value) {
  if (typeof value === "string") return value;
  if (typeof value === "number") return Number.isFinite(value) ? `${value}` : "";
  if (typeof value === "bigint" || typeof value === "boolean") return `${value}`;
  return "";
}

function stringify(object, separator, equals, options) {
  const between = separator || "&";
  const is = equals || "=";
  const encode = options?.encodeURIComponent ?? querystring.escape;
  if (object === null || typeof object !== "object") return "";
  const fields = Object.keys(object).flatMap((key) => {
    const name = `${encode(primitive(key))}${is}`;
    const value = object[key];
    return Array.isArray(value) ? value.map((item) => name + encode(primitive(item))) : [name + encode(primitive(value))];
  });
  return fields.join(between);
}

function parse(text, separator, equals, options) {
  const parsed = { __proto__: null };
  if (typeof text !== "string" || text.length === 0) return parsed;
  const most = typeof options?.maxKeys === "number" ? options.maxKeys : 1000;
  const decode = options?.decodeURIComponent ?? querystring.unescape;
  const safely = (part) => {
    if (!/[%+]/.test(part)) return part;
    const spaced = part.replace(/\+/g, " ");
    try {
      return decode(spaced);
    } catch {
      return unescape(spaced);
    }
  };
  const is = `${equals || "="}`;
  let fields = text.split(`${separator || "&"}`).filter((field) => field !== "");
  if (most > 0) fields = fields.slice(0, most);
  for (const field of fields) {
    const at = field.indexOf(is);
    const name = safely(at < 0 ? field : field.slice(0, at));
    const value = at < 0 ? "" : safely(field.slice(at + is.length));
    if (!(name in parsed)) parsed[name] = value;
    else if (Array.isArray(parsed[name])) parsed[name].push(value);
    else parsed[name] = [parsed[name], value];
  }
  return parsed;
}

const querystring = { unescapeBuffer, unescape, escape, stringify, encode: stringify, parse, decode: parse };
return querystring;
})();
