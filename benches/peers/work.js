// Functions that work for their answer. Plinth, workerd and Deno run this same text, and work.mjs does the same in Node's way.
function fib(n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

async function digest(text) {
  const { items } = JSON.parse(text);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  const sha256 = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { items: items.length, sha256 };
}

export default {
  async fetch(request) {
    return request.method === "POST" ? Response.json(await digest(await request.text())) : new Response(`${fib(25)}`);
  },
};
