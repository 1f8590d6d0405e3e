//! Native work of `node:crypto` and `crypto.subtle` is bounded.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::isolate::driver::Worker;

#[test]
fn costs_over_the_limits_are_refused() {
    let source = "const { pbkdf2Sync, scryptSync } = process.getBuiltinModule('crypto');
        const told = (run) => { try { return run() } catch (error) { return [error.name, error.code] } };
        export const handler = async () => [
            told(() => pbkdf2Sync('p', 's', 2 ** 31 - 1, 32, 'sha512')),
            told(() => pbkdf2Sync('p', 's', 1000, 2 ** 30, 'sha512')),
            told(() => scryptSync('p', 's', 32, { N: 2 ** 20, r: 16, maxmem: 2 ** 40 })),
            told(() => scryptSync('p', 's', 32, { N: 2 ** 17, r: 8, p: 4096, maxmem: 2 ** 40 })),
        ]";
    let start = Instant::now();
    let refused = json!(["RangeError", "ERR_OUT_OF_RANGE"]);
    assert_eq!(Worker::of(source).result("{}"), json!([refused, refused, refused, refused]));
    assert!(start.elapsed() < Duration::from_secs(10), "nothing was derived");
}

#[test]
fn hashes_that_are_forgotten_are_freed() {
    let source = "const { createHash } = process.getBuiltinModule('crypto');
        export const handler = async () => {
            for (let i = 0; i < 20_000; i++) createHash('sha512').update('x');
            await new Promise((resolve) => setTimeout(resolve, 1));
            return 'done';
        }";
    let mut worker = Worker::of(source);
    worker.limit_memory(160 << 20);
    for _ in 0..30 {
        assert_eq!(worker.result("{}"), json!("done"));
    }
}
