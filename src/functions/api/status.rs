//! What the functions of this node are doing, for `/admin/v1/status`.

use serde::Serialize;
use utoipa::ToSchema;

use crate::functions::Status;
use crate::isolate::protocol::{Layer, Sandbox};

/// Function workers, and which layers of their sandbox hold.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FunctionsStatus {
    /// The sandbox as the last worker found it; absent until there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox: Option<SandboxStatus>,
    /// Environments: workers bound to a function.
    #[schema(example = 3)]
    environments: usize,
    /// Environments that wait for their next call.
    #[schema(example = 2)]
    idle: usize,
    /// Workers that are ready without code.
    #[schema(example = 2)]
    spares: usize,
    /// Worker processes that live.
    #[schema(example = 5)]
    processes: usize,
    /// Calls that run.
    #[schema(example = 1)]
    running: usize,
    /// Calls that wait for a place.
    #[schema(example = 0)]
    waiting: usize,
}

/// The layers of a worker's sandbox.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct SandboxStatus {
    no_new_privs: LayerStatus,
    landlock: LayerStatus,
    seccomp: LayerStatus,
}

/// One layer of a sandbox.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct LayerStatus {
    /// Whether it is in force.
    on: bool,
    /// What it is, or why the kernel refused it.
    #[schema(example = "ABI 6")]
    detail: String,
}

impl From<Status> for FunctionsStatus {
    fn from(status: Status) -> Self {
        let Status { sandbox, environments, idle, spares, processes, running, waiting } = status;
        Self { sandbox: sandbox.map(SandboxStatus::from), environments, idle, spares, processes, running, waiting }
    }
}

impl From<Sandbox> for SandboxStatus {
    fn from(sandbox: Sandbox) -> Self {
        let Sandbox { no_new_privs, landlock, seccomp } = sandbox;
        Self { no_new_privs: no_new_privs.into(), landlock: landlock.into(), seccomp: seccomp.into() }
    }
}

impl From<Layer> for LayerStatus {
    fn from(layer: Layer) -> Self {
        match layer {
            Layer::On(detail) => Self { on: true, detail },
            Layer::Off(detail) => Self { on: false, detail },
        }
    }
}
