// plinth:queue: messages to the queues of the server.
(function () {
const { core } = __bootstrap;
const { Buffer } = core.loadExtScript("ext:plinth/node/buffer/buffer.js");
const { PlatformError, ask, text } = core.loadExtScript("ext:plinth/platform/ask.js");

const MODULE = "plinth:queue";
const { stringify } = JSON;

/** A body as text: JSON of what is none. */
function bodyOf(body) {
  const sent = typeof body === "string" ? body : stringify(body);
  if (sent === undefined) throw new TypeError(`a message must be a text, or what JSON can hold, not ${typeof body}`);
  return core.encode(sent);
}

/** An attribute, of the type that its value has. */
function attribute(name, value) {
  if (typeof value === "string") return { kind: "string", value };
  if (typeof value === "number" || typeof value === "bigint") return { kind: "number", value: String(value) };
  if (value instanceof Uint8Array) return { kind: "binary", value: Buffer.from(value).toString("base64") };
  throw new TypeError(`the attribute ${name} must be a text, a number or bytes`);
}

function draft({ body, attributes = {}, delay }) {
  const bytes = bodyOf(body);
  const named = Object.entries(attributes).map(([name, value]) => [name, attribute(name, value)]);
  if (delay !== undefined && (!Number.isSafeInteger(delay) || delay < 0)) throw new TypeError("delay must be a whole number of seconds");
  return { bytes, message: { length: bytes.length, attributes: Object.fromEntries(named), delay_s: delay ?? null } };
}

async function sendAll(queue, drafts) {
  const size = drafts.reduce((size, { bytes }) => size + bytes.length, 0);
  const body = new Uint8Array(size);
  let at = 0;
  for (const { bytes } of drafts) {
    body.set(bytes, at);
    at += bytes.length;
  }
  const send = { queue: text("the name of a queue", queue), messages: drafts.map(({ message }) => message) };
  return (await ask(MODULE, { send }, body)).said.ids;
}

/** Sends a message: a text, or what becomes JSON. */
async function send(queue, body, options = {}) {
  const [messageId] = await sendAll(queue, [draft({ ...options, body })]);
  return { messageId };
}

/** Sends messages, all or none: `{ body, attributes, delay }` each. */
async function sendBatch(queue, messages) {
  const drafts = Array.from(messages, draft);
  return { messageIds: drafts.length === 0 ? [] : await sendAll(queue, drafts) };
}

return { PlatformError, send, sendBatch };
})();
