//! Aliases: names that point at versions.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};
use actix_web::{CustomizeResponder, HttpRequest, HttpResponse, Responder, delete, get, put};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::{FieldError, JsonBody, Problem};
use crate::auth::api::Caller;
use crate::functions::api::admin::{limit_of, query_of};
use crate::functions::api::existing_name;
use crate::functions::model::{Alias, DESCRIPTION_CHARS, LATEST, Qualifier};
use crate::functions::{AliasChange, Error, FunctionsService};
use crate::types::Timestamp;

/// Aliases a page has unless it is asked for another number.
const PAGE: u32 = 100;

/// Which aliases.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::functions::api) struct AliasesQuery {
    /// Aliases of the page at the most, from 1 to 1000.
    #[param(default = 100, minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// The name after which the page begins: `next_after` of the page before.
    #[param(example = "live")]
    after: Option<String>,
}

/// What an alias is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FunctionAliasChange)]
pub(in crate::functions::api) struct AliasBody {
    /// The number of the version it points at, or `$LATEST`.
    #[schema(example = "2")]
    version: String,
    /// Another version, and the share of the calls that it gets, from 0 to 1.
    #[serde(default)]
    #[schema(value_type = Object, example = json!({"3": 0.1}))]
    weights: BTreeMap<String, f64>,
    #[serde(default)]
    #[schema(example = "what clients call")]
    description: String,
}

/// An alias.
#[derive(Serialize, ToSchema)]
#[schema(as = FunctionAlias)]
pub(in crate::functions::api) struct AliasAnswer {
    #[schema(example = "live")]
    name: String,
    /// The number of the version it points at, or `$LATEST`.
    #[schema(example = "2")]
    version: String,
    /// The share of the calls that another version gets.
    #[schema(value_type = Object, example = json!({"3": 0.1}))]
    weights: BTreeMap<i64, f64>,
    #[schema(example = "what clients call")]
    description: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// A page of aliases.
#[derive(Serialize, ToSchema)]
#[schema(as = FunctionAliasPage)]
pub(in crate::functions::api) struct AliasesAnswer {
    aliases: Vec<AliasAnswer>,
    /// What to send as `after` for the next page; null on the last.
    #[schema(example = json!(null))]
    next_after: Option<String>,
}

impl From<Alias> for AliasAnswer {
    fn from(alias: Alias) -> Self {
        let Alias { name, version, weights, description, created_at, updated_at, .. } = alias;
        let version = version.map_or_else(|| LATEST.to_owned(), |number| number.to_string());
        Self { name, version, weights, description, created_at, updated_at }
    }
}

/// List the aliases of a function
#[utoipa::path(
    get,
    path = "/admin/v1/functions/{name}/aliases",
    tag = "functions",
    security(("bearer" = [])),
    params(("name" = String, Path, example = "hello"), AliasesQuery),
    responses((status = 200, description = "A page, in the order of the names", body = AliasesAnswer), Problem),
)]
#[get("/functions/{name}/aliases")]
pub(in crate::functions::api) async fn list_function_aliases(
    caller: Caller,
    name: Path<String>,
    request: HttpRequest,
    functions: Data<FunctionsService>,
) -> Result<Json<AliasesAnswer>, Problem> {
    caller.require_service()?;
    let query: AliasesQuery = query_of(&request)?;
    let limit = limit_of(query.limit, PAGE)?;
    let after = query.after.unwrap_or_default();
    let mut aliases = functions.list_aliases(&existing_name(&name)?, &after, limit + 1).await?;
    let has_more = aliases.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if has_more {
        aliases.pop();
    }
    let next_after = aliases.last().filter(|_| has_more).map(|last| last.name.clone());
    Ok(Json(AliasesAnswer { aliases: aliases.into_iter().map(AliasAnswer::from).collect(), next_after }))
}

/// Make an alias, or point it at another version
///
/// It counts for new calls at once; other nodes follow within two seconds. The body says everything anew.
#[utoipa::path(
    put,
    path = "/admin/v1/functions/{name}/aliases/{alias}",
    tag = "functions",
    security(("bearer" = [])),
    params(("name" = String, Path, example = "hello"), ("alias" = String, Path, description = "1 to 128 letters, digits, `-` and `_`, not digits alone", example = "live")),
    request_body = AliasBody,
    responses(
        (status = 200, description = "Changed", body = AliasAnswer),
        (status = 201, description = "Made", body = AliasAnswer),
        Problem,
    ),
)]
#[put("/functions/{name}/aliases/{alias}")]
pub(in crate::functions::api) async fn put_function_alias(
    caller: Caller,
    path: Path<(String, String)>,
    body: JsonBody<AliasBody>,
    functions: Data<FunctionsService>,
) -> Result<CustomizeResponder<Json<AliasAnswer>>, Problem> {
    caller.require_service()?;
    let (name, alias) = path.into_inner();
    let name = existing_name(&name)?;
    let alias = match alias.parse::<Qualifier>() {
        Ok(Qualifier::Alias(alias)) => alias,
        Ok(_) => return Err(invalid("alias", "is the name of a version; an alias has letters in its name")),
        Err(err) => return Err(invalid("alias", err.to_string())),
    };
    let change = change_of(body.0)?;
    let (changed, status) = match functions.update_alias(&name, &alias, change.clone()).await {
        Err(Error::Absent { .. }) => match functions.create_alias(&name, &alias, change.clone()).await {
            // Somebody else made it in this moment.
            Err(Error::Present { .. }) => (functions.update_alias(&name, &alias, change).await?, StatusCode::OK),
            made => (made?, StatusCode::CREATED),
        },
        changed => (changed?, StatusCode::OK),
    };
    Ok(Json(AliasAnswer::from(changed)).customize().with_status(status))
}

/// Delete an alias
///
/// With its function URL, its policy and what is provisioned for it. One that is not there is deleted too.
#[utoipa::path(
    delete,
    path = "/admin/v1/functions/{name}/aliases/{alias}",
    tag = "functions",
    security(("bearer" = [])),
    params(("name" = String, Path, example = "hello"), ("alias" = String, Path, example = "live")),
    responses((status = 204, description = "Deleted"), Problem),
)]
#[delete("/functions/{name}/aliases/{alias}")]
pub(in crate::functions::api) async fn delete_function_alias(
    caller: Caller,
    path: Path<(String, String)>,
    functions: Data<FunctionsService>,
) -> Result<HttpResponse, Problem> {
    caller.require_service()?;
    let (name, alias) = path.into_inner();
    functions.delete_alias(&existing_name(&name)?, &alias).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The change that a body asks for, checked in the words of this API.
fn change_of(body: AliasBody) -> Result<AliasChange, Problem> {
    let AliasBody { version, weights, description } = body;
    let target = match version.parse::<Qualifier>() {
        Ok(target @ (Qualifier::Latest | Qualifier::Version(_))) => target,
        _ => return Err(invalid("version", format!("must be the number of a version, or {LATEST}"))),
    };
    if weights.len() > 1 {
        return Err(invalid("weights", "names more than one version; an alias shares its calls between two at the most"));
    }
    if !weights.is_empty() && target == Qualifier::Latest {
        return Err(invalid("weights", format!("cannot stand beside {LATEST}: only versions share calls")));
    }
    let mut shares = BTreeMap::new();
    for (other, share) in weights {
        let Ok(number) = other.parse::<i64>() else {
            return Err(invalid("weights", format!("{other} is not the number of a version")));
        };
        if !(0.0..=1.0).contains(&share) {
            return Err(invalid("weights", "a share is a number from 0 to 1"));
        }
        if target == Qualifier::Version(number) {
            return Err(invalid("weights", format!("{number} is the version that the alias points at; name another")));
        }
        shares.insert(number, share);
    }
    if description.chars().count() > DESCRIPTION_CHARS || description.contains('\0') {
        return Err(invalid("description", format!("must be a text of at most {DESCRIPTION_CHARS} characters, without NUL")));
    }
    Ok(AliasChange { description: Some(description), target: Some(target), weights: Some(shares), expected: None })
}

fn invalid(field: &str, message: impl Into<String>) -> Problem {
    Problem::invalid(vec![FieldError::new(field, message.into())])
}
