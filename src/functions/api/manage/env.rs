//! A function's variables, changed without its code.

use std::collections::BTreeMap;

use actix_web::patch;
use actix_web::web::{Data, Json, Path};
use serde_json::{Map, Value};

use crate::api::{FieldError, JsonBody, Problem, PublicUrl};
use crate::auth::api::Caller;
use crate::functions::api::answers::FunctionAnswer;
use crate::functions::api::config::{changed_variables, too_many_bytes};
use crate::functions::api::existing_name;
use crate::functions::{Error, FunctionsService};

/// Change a function's variables
///
/// A text sets a variable, null removes it, and what is not named stays. It makes a new live revision with the same code, which new
/// calls run at once. Values are not readable.
#[utoipa::path(
    patch,
    path = "/admin/v1/functions/{name}/env",
    tag = "functions",
    security(("bearer" = [])),
    params(("name" = String, Path, example = "hello")),
    request_body(content = Object, description = "The variables", example = json!({"GREETING": "hello", "OLD": null})),
    responses((status = 200, description = "The function as it is now", body = FunctionAnswer), Problem),
)]
#[patch("/functions/{name}/env")]
pub(in crate::functions::api) async fn change_env(
    caller: Caller,
    name: Path<String>,
    body: JsonBody<Map<String, Value>>,
    functions: Data<FunctionsService>,
    url: Data<PublicUrl>,
) -> Result<Json<FunctionAnswer>, Problem> {
    caller.require_service()?;
    let changes = changed_variables(body.0).map_err(Problem::invalid)?;
    if changes.is_empty() {
        return Err(Problem::invalid(vec![FieldError::new("env", "names no variable to set or to remove")]));
    }
    let name = existing_name(&name)?;
    let changed = functions.update(&name, None, |draft| {
        change(&mut draft.env, &changes);
        too_many_bytes(&draft.env).map_or(Ok(()), |message| Err(Error::Invalid { field: "env".to_owned(), message }))
    });
    Ok(Json(FunctionAnswer::new(changed.await?, &url)))
}

fn change(env: &mut BTreeMap<String, String>, changes: &[(String, Option<String>)]) {
    for (name, value) in changes {
        match value {
            Some(value) => drop(env.insert(name.clone(), value.clone())),
            None => drop(env.remove(name)),
        }
    }
}
