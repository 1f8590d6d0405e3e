// node:stream/consumers: everything a stream gives, at once.
(function () {
const { core } = __bootstrap;
const { Buffer } = core.loadExtScript("ext:plinth/node/buffer/buffer.js");

async function buffer(stream) {
  const chunks = [];
  for await (const chunk of stream) {
    chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : Buffer.from(chunk.buffer ?? chunk, chunk.byteOffset, chunk.byteLength));
  }
  return Buffer.concat(chunks);
}

async function arrayBuffer(stream) {
  const whole = await buffer(stream);
  return whole.buffer.slice(whole.byteOffset, whole.byteOffset + whole.byteLength);
}

const text = async (stream) => new TextDecoder().decode(await buffer(stream));

return {
  arrayBuffer,
  blob: async (stream) => new Blob([await buffer(stream)]),
  buffer,
  json: async (stream) => JSON.parse(await text(stream)),
  text,
};
})();
