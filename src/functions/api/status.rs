//! What the functions of this node are doing, for `/admin/v1/status`.

use serde::Serialize;
use utoipa::ToSchema;

use crate::functions::Status;
use crate::functions::invoker::Evicted;
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
    /// Environments that are kept initialised though nobody calls, busy and idle.
    #[schema(example = 1)]
    provisioned: usize,
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
    /// What the worker processes hold of memory of their own.
    #[schema(example = 73_400_320)]
    memory_bytes: u64,
    /// What they may hold: `functions.memory_budget`, or less while the machine is short of memory.
    #[schema(example = 2_147_483_648_u64)]
    memory_allowed_bytes: u64,
    evicted: EvictedStatus,
    /// Calls that were answered 429 since the server began.
    #[schema(example = 0)]
    throttled: u64,
}

/// Idle environments that were ended since the server began, by the reason.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct EvictedStatus {
    /// Nobody called them for `functions.idle_timeout`.
    #[schema(example = 12)]
    idle: u64,
    /// Another was needed, and there were as many as there may be.
    #[schema(example = 0)]
    room: u64,
    /// The workers held more memory than they may.
    #[schema(example = 0)]
    memory: u64,
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
        let Status { sandbox, environments, idle, provisioned, spares, processes, running, waiting, .. } = status;
        let Evicted { idle: long, room, memory } = status.evicted;
        Self {
            sandbox: sandbox.map(SandboxStatus::from),
            environments,
            idle,
            provisioned,
            spares,
            processes,
            running,
            waiting,
            memory_bytes: status.memory,
            memory_allowed_bytes: status.memory_allowed,
            evicted: EvictedStatus { idle: long, room, memory },
            throttled: status.throttled,
        }
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
