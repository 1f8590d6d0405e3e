// node:tty: there is no terminal.
(function () {
const { core } = __bootstrap;
const { make } = core.loadExtScript("ext:plinth/node/errors.js");

class Absent {
  constructor() {
    throw make(TypeError, "ERR_TTY_INIT_FAILED", "TTY initialization failed: a function has no terminal");
  }
}

return { ReadStream: class ReadStream extends Absent {}, WriteStream: class WriteStream extends Absent {}, isatty: () => false };
})();
