"""The benchmarks, one a file: each has `run(bench) -> Report`."""
