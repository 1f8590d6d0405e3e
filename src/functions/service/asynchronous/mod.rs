//! The verbs of work that nobody waits for: events, how they are tried, and what feeds functions with queues' messages.

mod event_configs;
mod events;
mod feeding;
mod invocations;
mod mappings;
mod telling;

pub use self::event_configs::EventConfigDraft;
pub use self::events::MAX_EVENT;
pub use self::invocations::Work;
pub use self::mappings::{MappingDraft, MappingFilter};
