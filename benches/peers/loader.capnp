using Workerd = import "/workerd/workerd.capnp";

# workerd with its worker loader: isolates are made for code that comes while it runs (needs --experimental).
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [
      (name = "loader.js", esModule = embed "loader.js"),
      (name = "worker.txt", text = embed "worker.js"),
    ],
    compatibilityDate = "2026-01-01",
    bindings = [(name = "LOADER", workerLoader = ())],
  ))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
