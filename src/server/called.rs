//! Functions as the front calls them: a route of a site names one.

use actix_web::web::Payload;
use actix_web::{FromRequest, HttpResponse, ResponseError};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::api::Problem;
use crate::auth::api::Caller;
use crate::front::{CallFunction, FunctionCall};
use crate::functions::FunctionsService;
use crate::functions::api::{Target, answer};

impl CallFunction for FunctionsService {
    fn call(&self, call: FunctionCall) -> LocalBoxFuture<'static, HttpResponse> {
        let functions = self.clone();
        async move {
            let FunctionCall { name, request, mut payload, origin, target } = call;
            let payload = match Payload::from_request(&request, &mut payload).await {
                Ok(payload) => payload,
                Err(err) => return Problem::internal(err).error_response(),
            };
            let caller = Caller::of(&request, functions.auth()).await;
            let (path, query) = target.split_once('?').unwrap_or((&target, ""));
            let target = Target { name: &name, origin: &origin, path, below: path, query };
            answer(&caller, &request, payload, &functions, &target).await
        }
        .boxed_local()
    }
}
