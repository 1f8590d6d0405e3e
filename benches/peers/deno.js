// A worker in Deno's http server; its file, beside this one, is the argument. Prints its port when it listens.
const { default: worker } = await import(Deno.args[0]);

Deno.serve(
  { port: 0, hostname: "127.0.0.1", onListen: ({ port }) => console.log(JSON.stringify({ event: "listen", port })) },
  (request) => worker.fetch(request),
);
