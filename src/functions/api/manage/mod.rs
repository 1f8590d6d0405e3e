//! What operators do with a function beside deploying it: versions, aliases, going back, variables, trying it out. All of it needs the
//! service key.

mod aliases;
mod env;
mod rollback;
mod run;
mod versions;

use actix_web::web::ServiceConfig;

pub(super) use self::aliases::*;
pub(super) use self::env::*;
pub(super) use self::rollback::*;
pub(super) use self::run::*;
pub(super) use self::versions::*;

/// Adds what is below `/functions/{name}`.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(versions::list_function_versions)
        .service(versions::publish_function_version)
        .service(aliases::list_function_aliases)
        .service(aliases::put_function_alias)
        .service(aliases::delete_function_alias)
        .service(rollback::roll_back_function)
        .service(env::change_env)
        .service(run::run_function);
}
