//! The account: what this server allows, and what is used of it.

use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::lambda::answers::json_answer;
use crate::lambda::error::{ExceptionBody, Result};
use crate::lambda::request::Call;

/// What AWS allows an account to store, in bytes; nothing here is counted against it.
const TOTAL_CODE: i64 = 80_530_636_800;

/// What a package may have when it is unpacked, in bytes.
const UNZIPPED: i64 = 262_144_000;

/// Limits and usage.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaAccountSettings)]
pub(in crate::lambda) struct AccountSettings {
    account_limit: AccountLimit,
    account_usage: AccountUsage,
}

/// What this server allows.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaAccountLimit)]
struct AccountLimit {
    total_code_size: i64,
    code_size_unzipped: i64,
    code_size_zipped: usize,
    concurrent_executions: i64,
    unreserved_concurrent_executions: i64,
}

/// What is used of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaAccountUsage)]
struct AccountUsage {
    total_code_size: i64,
    function_count: i64,
}

/// Get limits and usage
#[utoipa::path(
    get,
    path = "/2016-08-19/account-settings",
    tag = "lambda",
    security(("sigv4" = [])),
    responses(
        (status = 200, description = "Limits and usage", body = AccountSettings),
        (status = 403, description = "The signature does not do", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn get_account_settings(call: &Call) -> Result {
    let (totals, config) = (call.functions.totals().await?, call.functions.config());
    let concurrent = i64::try_from(config.max_running).unwrap_or(i64::MAX);
    let settings = AccountSettings {
        account_limit: AccountLimit {
            total_code_size: TOTAL_CODE,
            code_size_unzipped: UNZIPPED,
            code_size_zipped: config.max_package,
            concurrent_executions: concurrent,
            unreserved_concurrent_executions: concurrent.saturating_sub(totals.reserved).max(0),
        },
        account_usage: AccountUsage { total_code_size: totals.code_size, function_count: totals.functions },
    };
    json_answer(StatusCode::OK, &settings)
}
