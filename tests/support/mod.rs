//! The harness every test uses: a real server process on its own data folder, and callers with an identity.
//!
//! ```ignore
//! let app = TestApp::start().await;
//! let ada = app.sign_up("ada@example.com").await;
//! ada.get("/auth/v1/user").await.assert_status(200);
//! app.deploy("hello", "export const handler = async () => 'hi'", json!({})).await;
//! ada.post("/functions/v1/hello").json(&json!({})).await.assert_status(200);
//! ```
//!
//! Each [`TestApp`] is the built binary itself, so a test may kill it. `PLINTH_TEST_DB=postgres` puts every server on a fresh
//! PostgreSQL database; otherwise each has SQLite in its folder.

mod app;
mod disk;
pub mod dns;
mod env;
mod functions;
mod http;
mod lambda;
mod nodes;
pub mod postgres;
mod process;
mod store;
mod users;
mod wait;
mod zip;

pub use app::{Options, TestApp};
pub use disk::Disk;
pub use env::{environment, on_postgres};
pub use functions::{JAVASCRIPT, TYPESCRIPT};
pub use http::{Client, Request, Response};
pub use lambda::zipped;
pub use nodes::Nodes;
pub use process::{Finished, run_plinth};
pub use store::{Fault, Store};
pub use users::{PASSWORD, User, claims};
pub use wait::eventually;
pub use zip::zip;
