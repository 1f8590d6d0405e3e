//! AWS Lambda's API, as its SDKs and its command line speak it, over [`crate::functions`].
//!
//! ```text
//! request -> signature (crate::aws) -> route by the raw path -> ops -> FunctionsService
//! GET /lambda-url/{id}/… -> url -> FunctionsService        GET /lambda-code/… -> download
//! ```
//!
//! # Invariants
//!
//! - Nothing but a signature of an access key lets a caller in; only function URLs and download links are open, as far as they say.
//! - Every answer, a refusal too, has AWS's shape: the exception's name in `x-amzn-errortype`, its text as `Message` and `message`.
//! - A change is done when it is answered: functions are `Active` and updates `Successful` at once.
//!
//! What a function is and how it runs is not here: a function made by this API is the same as one deployed by Plinth's own.

mod answers;
mod doc;
mod download;
mod error;
mod ops;
mod page;
mod reference;
mod request;
mod rules;
mod url;

use actix_web::web::{self, ServiceConfig};

pub use self::doc::Doc;

/// The dates that begin the paths of Lambda's API.
const DATES: [&str; 8] =
    ["2014-11-13", "2015-03-31", "2016-08-19", "2017-03-31", "2017-10-31", "2019-09-25", "2019-09-30", "2021-10-31"];

/// Mounts everything of this part.
pub fn routes(config: &mut ServiceConfig) {
    for date in DATES {
        config.service(web::scope(&format!("/{date}")).default_service(web::to(request::handle)));
    }
    config
        .service(web::scope(url::PREFIX).default_service(web::to(url::handle)))
        .service(web::scope(download::PREFIX).default_service(web::to(download::handle)));
}
