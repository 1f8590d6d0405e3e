//! AWS Lambda's API on the wire: shapes, refusals, records, and that its functions are the same ones. `tests/sdk` drives it with AWS's
//! own clients.

mod contract;
mod shared;
mod versions;
mod wire;
