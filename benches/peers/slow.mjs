// An upstream that takes its time: 1 KiB after 100 ms.
import { createServer } from "node:http";

const body = "A line of text, thirty-two long\n".repeat(32);

const server = createServer((request, response) => {
  setTimeout(() => {
    response.writeHead(200, { "content-type": "text/plain", "content-length": body.length });
    response.end(body);
  }, 100);
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ event: "listen", port: server.address().port })));
