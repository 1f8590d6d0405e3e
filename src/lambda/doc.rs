//! The document of Lambda's API.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{download, ops, url};

/// The document of Lambda's API.
#[derive(OpenApi)]
#[openapi(
    paths(
        ops::functions::create_function,
        ops::functions::list_functions,
        ops::functions::get_function,
        ops::functions::delete_function,
        ops::functions::update_function_code,
        ops::functions::get_function_configuration,
        ops::functions::update_function_configuration,
        ops::invoke::invoke_lambda,
        ops::versions::publish_version,
        ops::versions::list_versions_by_function,
        ops::aliases::create_alias,
        ops::aliases::list_aliases,
        ops::aliases::get_alias,
        ops::aliases::update_alias,
        ops::aliases::delete_alias,
        ops::permissions::add_permission,
        ops::permissions::get_policy,
        ops::permissions::remove_permission,
        ops::concurrency::put_function_concurrency,
        ops::concurrency::get_function_concurrency,
        ops::concurrency::delete_function_concurrency,
        ops::event_config::put_function_event_invoke_config,
        ops::event_config::update_function_event_invoke_config,
        ops::event_config::get_function_event_invoke_config,
        ops::event_config::list_function_event_invoke_configs,
        ops::event_config::delete_function_event_invoke_config,
        ops::event_sources::create_event_source_mapping,
        ops::event_sources::list_event_source_mappings,
        ops::event_sources::get_event_source_mapping,
        ops::event_sources::update_event_source_mapping,
        ops::event_sources::delete_event_source_mapping,
        ops::provisioned::put_provisioned_concurrency_config,
        ops::provisioned::get_provisioned_concurrency_config,
        ops::provisioned::delete_provisioned_concurrency_config,
        ops::urls::create_function_url_config,
        ops::urls::get_function_url_config,
        ops::urls::update_function_url_config,
        ops::urls::delete_function_url_config,
        ops::urls::list_function_url_configs,
        ops::tags::tag_resource,
        ops::tags::list_tags,
        ops::tags::untag_resource,
        ops::account::get_account_settings,
        download::handle,
        url::handle,
    ),
    tags((name = "lambda", description = "AWS Lambda's API, for AWS's SDKs and command line: requests are signed (Signature Version 4) \
          with the access key that `plinth keys` shows")),
    modifiers(&Signature)
)]
pub struct Doc;

struct Signature;

impl Modify for Signature {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_with(Default::default);
        let header = ApiKeyValue::with_description(
            "Authorization",
            "AWS Signature Version 4 for the service `lambda`, or `s3`, and any region, with the server's access key",
        );
        components.add_security_scheme("sigv4", SecurityScheme::ApiKey(ApiKey::Header(header)));
    }
}
