// What work.js does, with Node's http server; prints its port when it listens.
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

function fib(n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

async function digest(text) {
  const { items } = JSON.parse(text);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  const sha256 = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { items: items.length, sha256 };
}

const server = createServer(async (request, response) => {
  if (request.method === "POST") {
    const answer = JSON.stringify(await digest(await text(request)));
    response.setHeader("content-type", "application/json");
    response.end(answer);
  } else {
    response.setHeader("content-type", "text/plain;charset=UTF-8");
    response.end(`${fib(25)}`);
  }
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ event: "listen", port: server.address().port })));
