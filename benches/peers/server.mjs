// Node's http server with the trivial answer; prints its port when it listens.
import { createServer } from "node:http";

const server = createServer((request, response) => {
  response.setHeader("content-type", "text/plain;charset=UTF-8");
  response.end("ok");
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ event: "listen", port: server.address().port })));
