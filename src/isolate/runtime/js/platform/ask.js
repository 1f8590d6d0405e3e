// What the platform's own modules share: a question to the server, and what its answer means.
(function () {
const { core } = __bootstrap;
const { op_plinth_ask, op_plinth_call } = core.ops;
const { parse, stringify } = JSON;

/** A call of the platform that was refused; `code` says why in a word. */
class PlatformError extends Error {
  constructor(module, code, message) {
    super(`${module}: ${message}`);
    this.code = code;
  }
}
Object.defineProperty(PlatformError.prototype, "name", { value: "PlatformError", writable: true, configurable: true });

/**
 * Asks, and waits for the answer.
 * @returns its kind, what it says, and the bytes that came with it
 */
async function ask(module, question, body) {
  const { answer, body: bytes } = await op_plinth_ask(op_plinth_call(), stringify(question), body);
  const told = parse(answer);
  const [kind, said] = typeof told === "string" ? [told, {}] : Object.entries(told)[0];
  if (kind === "refused") throw new PlatformError(module, said.code, said.message);
  return { kind, said, bytes: bytes ?? new Uint8Array() };
}

/** JSON of a value, as bytes. */
function encode(what, value) {
  const json = stringify(value);
  if (json === undefined) throw new TypeError(`${what} must be a value that JSON can hold, not ${typeof value}`);
  return core.encode(json);
}

const decode = (bytes) => parse(core.decode(bytes));

function text(what, value) {
  if (typeof value !== "string") throw new TypeError(`${what} must be a text, not ${value === null ? "null" : typeof value}`);
  return value;
}

return { PlatformError, ask, decode, encode, text };
})();
