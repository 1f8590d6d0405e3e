// node:punycode: domain names with letters of other alphabets, written in ASCII (RFC 3492).
(function () {
const BASE = 36;
const T_MIN = 1;
const T_MAX = 26;

const fail = (why) => {
  throw new RangeError(why);
};

function adapt(delta, points, first) {
  delta = first ? Math.floor(delta / 700) : delta >> 1;
  delta += Math.floor(delta / points);
  let k = 0;
  for (; delta > ((BASE - T_MIN) * T_MAX) >> 1; k += BASE) delta = Math.floor(delta / (BASE - T_MIN));
  return k + Math.floor(((BASE - T_MIN + 1) * delta) / (delta + 38));
}

const threshold = (k, bias) => Math.min(Math.max(k - bias, T_MIN), T_MAX);
const toDigit = (value) => String.fromCharCode(value < 26 ? value + 97 : value + 22);

function fromDigit(unit) {
  if (unit >= 48 && unit < 58) return unit - 22;
  const lower = unit | 32;
  return lower >= 97 && lower < 123 ? lower - 97 : BASE;
}

function encode(text) {
  const points = Array.from(text, (char) => char.codePointAt(0));
  const basic = points.filter((point) => point < 128);
  let output = String.fromCodePoint(...basic);
  if (basic.length > 0) output += "-";
  let [n, delta, bias, handled] = [128, 0, 72, basic.length];
  while (handled < points.length) {
    const next = Math.min(...points.filter((point) => point >= n));
    delta += (next - n) * (handled + 1);
    n = next;
    for (const point of points) {
      if (point < n) delta++;
      if (point !== n) continue;
      let rest = delta;
      for (let k = BASE;; k += BASE) {
        const t = threshold(k, bias);
        if (rest < t) break;
        output += toDigit(t + ((rest - t) % (BASE - t)));
        rest = Math.floor((rest - t) / (BASE - t));
      }
      output += toDigit(rest);
      bias = adapt(delta, handled + 1, handled === basic.length);
      delta = 0;
      handled++;
    }
    delta++;
    n++;
  }
  return output;
}

function decode(text) {
  const dash = Math.max(text.lastIndexOf("-"), 0);
  const output = Array.from(text.slice(0, dash), (char) => char.charCodeAt(0));
  if (output.some((unit) => unit >= 128)) fail("Illegal input >= 0x80 (not a basic code point)");
  let [n, i, bias] = [128, 0, 72];
  for (let at = dash > 0 ? dash + 1 : 0; at < text.length;) {
    const before = i;
    for (let weight = 1, k = BASE;; k += BASE) {
      if (at >= text.length) fail("Invalid input");
      const digit = fromDigit(text.charCodeAt(at++));
      if (digit >= BASE) fail("Invalid input");
      i += digit * weight;
      if (i > 0x7fffffff) fail("Overflow: input needs wider integers to process");
      const t = threshold(k, bias);
      if (digit < t) break;
      weight *= BASE - t;
    }
    bias = adapt(i - before, output.length + 1, before === 0);
    n += Math.floor(i / (output.length + 1));
    i %= output.length + 1;
    output.splice(i++, 0, n);
  }
  return String.fromCodePoint(...output);
}

// Each label by itself; before an `@` is a name of a mailbox.
function labels(domain, convert) {
  const at = domain.indexOf("@") + 1;
  const parts = domain.slice(at).replace(/[\u3002\uff0e\uff61]/g, ".").split(".");
  return domain.slice(0, at) + parts.map(convert).join(".");
}

return {
  version: "2.1.0",
  ucs2: {
    decode: (text) => Array.from(text, (char) => char.codePointAt(0)),
    encode: (points) => String.fromCodePoint(...points),
  },
  decode,
  encode,
  toASCII: (domain) => labels(domain, (label) => (/[^\0-\x7f]/.test(label) ? `xn--${encode(label)}` : label)),
  toUnicode: (domain) => labels(domain, (label) => (/^xn--/.test(label) ? decode(label.slice(4).toLowerCase()) : label)),
};
})();
