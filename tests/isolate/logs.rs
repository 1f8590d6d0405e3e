//! The console.

use plinth::isolate::protocol::LogLevel;

use super::driver::{Settings, Worker};

#[test]
fn every_level_is_kept_and_values_are_shown_as_node_shows_them() {
    let source = "console.log('outside');
        export const handler = async () => {
            console.debug('d', 1); console.info({ a: [1, 'x'] }); console.warn('%s is %d', 'x', 5); console.error(new Error('boom')); }";
    let mut worker = Worker::of(source);
    worker.result("{}");
    let lines = worker.log_lines();
    assert_eq!(lines[0], (LogLevel::Info, "outside"));
    assert_eq!(lines[1], (LogLevel::Debug, "d 1"));
    assert_eq!(lines[2], (LogLevel::Info, "{ a: [ 1, \"x\" ] }"));
    assert_eq!(lines[3], (LogLevel::Warn, "x is 5"));
    assert_eq!(lines[4].0, LogLevel::Error);
    assert!(lines[4].1.starts_with("Error: boom\n    at "), "{}", lines[4].1);
    let calls: Vec<_> = worker.logs.iter().map(|line| line.call).collect();
    assert_eq!(calls, [0, 1, 1, 1, 1], "each line names its call, 0 is initialisation");
}

#[test]
fn a_flood_is_cut_and_told_once_in_each_call() {
    let source = "export const handler = async (n) => { for (let i = 0; i < n; i++) console.log('x'.repeat(100)); return n }";
    let mut worker = Worker::with(Settings { log_limit: 1050, ..Settings::default() }, source);
    worker.result("100000");
    let lines = worker.log_lines();
    assert_eq!(lines.len(), 12, "ten whole lines, the rest of one, the notice");
    assert_eq!(lines[10].1.len(), 50);
    assert_eq!(lines[11], (LogLevel::Warn, "the log of this call is cut here: it may hold 1050 bytes (functions.log_limit)"));
    worker.logs.clear();
    worker.result("3");
    assert_eq!(worker.log_lines().len(), 3, "the next call has its own allowance");
}

#[test]
fn process_streams_write_to_the_log() {
    let mut worker =
        Worker::of("export const handler = async () => { process.stdout.write('out\\n'); process.stderr.write('err') }");
    worker.result("{}");
    assert_eq!(worker.log_lines(), [(LogLevel::Info, "out"), (LogLevel::Error, "err")]);
}
