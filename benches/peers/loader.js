// Gives each path its own dynamically loaded worker, so the first request to a path is a cold call.
import source from "worker.txt";

export default {
  fetch(request, env) {
    const worker = env.LOADER.get(new URL(request.url).pathname, () => ({
      compatibilityDate: "2026-01-01",
      mainModule: "worker.js",
      modules: { "worker.js": source },
      globalOutbound: null,
    }));
    return worker.getEntrypoint().fetch(request);
  },
};
