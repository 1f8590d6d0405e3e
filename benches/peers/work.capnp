using Workerd = import "/workerd/workerd.capnp";

# workerd with the worker that works for its answers.
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "work.js", esModule = embed "work.js")],
    compatibilityDate = "2026-01-01",
  ))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
