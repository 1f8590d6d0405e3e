// node:perf_hooks: the web's performance interfaces.
(function () {
const { core } = __bootstrap;
const web = core.loadExtScript("ext:deno_web/15_performance.js");

return {
  Performance: web.Performance,
  PerformanceEntry: web.PerformanceEntry,
  PerformanceMark: web.PerformanceMark,
  PerformanceMeasure: web.PerformanceMeasure,
  constants: {},
  performance: web.performance,
};
})();
