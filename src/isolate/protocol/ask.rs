//! Questions to the platform's modules (`plinth:kv`, `plinth:functions`), and their answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A question, numbered from 1 within its call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The call it belongs to; 0 is initialisation.
    pub call: u64,
    pub number: u64,
    pub question: Question,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// Something about a store of `plinth:kv`.
    Kv { store: String, ask: KvAsk },
    /// Call a function. The body is the event, JSON.
    Invoke(InvokeAsk),
    /// Send messages, all or none. The body is theirs, one behind the other.
    Send(SendAsk),
}

/// A question to a key-value store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KvAsk {
    Get {
        key: String,
    },
    /// The body is the value.
    Set {
        key: String,
        form: KvForm,
        /// How long the entry is there, in milliseconds; `None`: for good.
        #[serde(default)]
        expires_in_ms: Option<u64>,
        /// What must be so; otherwise nothing is changed.
        #[serde(default)]
        only_if: OnlyIf,
    },
    Delete {
        key: String,
        #[serde(default)]
        only_if: OnlyIf,
    },
    Increment {
        key: String,
        by: i64,
        #[serde(default)]
        expires_in_ms: Option<u64>,
    },
    List {
        #[serde(default)]
        prefix: String,
        /// The key behind which the page begins.
        #[serde(default)]
        after: Option<String>,
        #[serde(default)]
        limit: Option<u32>,
    },
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KvForm {
    Json,
    Bytes,
}

/// What must be so for a change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnlyIf {
    #[default]
    Always,
    /// There is no entry.
    Absent,
    /// There is one of this version.
    Version(String),
}

/// A call of another function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvokeAsk {
    pub function: String,
    /// A version or an alias.
    #[serde(default)]
    pub qualifier: Option<String>,
    /// Whether nobody waits for its end.
    #[serde(default)]
    pub event: bool,
}

/// Messages for a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendAsk {
    pub queue: String,
    pub messages: Vec<SentMessage>,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentMessage {
    /// Bytes of its body.
    pub length: usize,
    #[serde(default)]
    pub attributes: BTreeMap<String, SentAttribute>,
    /// How long it waits, in seconds; `None` for as long as the queue says.
    #[serde(default)]
    pub delay_s: Option<u32>,
}

/// An attribute of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentAttribute {
    pub kind: AttributeKind,
    /// As text; bytes in base64.
    pub value: String,
}

/// What an attribute is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttributeKind {
    String,
    Number,
    Binary,
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answered {
    /// An entry; the body is its value.
    Entry {
        form: KvForm,
        version: String,
        expires_at_ms: Option<i64>,
    },
    /// There is no such entry.
    NoEntry,
    /// It was written, and has this version.
    Written {
        version: String,
    },
    /// Whether there was something to delete.
    Deleted {
        existed: bool,
    },
    /// What must have been so was not; nothing was changed.
    Unchanged,
    /// The sum.
    Number {
        value: i64,
        version: String,
    },
    Listed {
        entries: Vec<ListedKey>,
        more: bool,
    },
    /// The function's result is the body, JSON.
    Result,
    /// The function failed.
    FunctionFailed {
        error_type: String,
        message: String,
    },
    /// The event is stored under this id.
    Accepted {
        request_id: String,
    },
    /// The messages are stored under these ids.
    Sent {
        ids: Vec<String>,
    },
    /// Nothing was done.
    Refused {
        code: Refused,
        message: String,
    },
}

/// A key of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedKey {
    pub key: String,
    pub version: String,
    pub expires_at_ms: Option<i64>,
}

/// Why a question was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// The function's configuration does not allow it.
    PermissionDenied,
    /// Something about the question is not as it must be.
    Invalid,
    /// What it names is not there.
    NotFound,
    /// A limit of the call.
    TooMany,
    /// The call has gone through too many functions.
    LoopDetected,
    /// There is no room now.
    Busy,
    /// The server cannot do it now.
    Unavailable,
}

impl Question {
    /// The module whose question it is.
    #[must_use]
    pub const fn module(&self) -> &'static str {
        match self {
            Self::Kv { .. } => "kv",
            Self::Invoke(_) => "functions",
            Self::Send(_) => "queue",
        }
    }

    /// What it weighs beside its body, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        let only_if = |only_if: &OnlyIf| if let OnlyIf::Version(version) = only_if { version.len() } else { 0 };
        match self {
            Self::Kv { store, ask } => {
                store.len()
                    + match ask {
                        KvAsk::Get { key } | KvAsk::Increment { key, .. } => key.len(),
                        KvAsk::Set { key, only_if: condition, .. } | KvAsk::Delete { key, only_if: condition } => {
                            key.len() + only_if(condition)
                        }
                        KvAsk::List { prefix, after, .. } => prefix.len() + after.as_ref().map_or(0, String::len),
                    }
            }
            Self::Invoke(InvokeAsk { function, qualifier, .. }) => function.len() + qualifier.as_ref().map_or(0, String::len),
            Self::Send(SendAsk { queue, messages }) => {
                let attributes = messages.iter().flat_map(|message| &message.attributes);
                let bytes: usize = attributes.map(|(name, attribute)| name.len() + attribute.value.len()).sum();
                queue.len() + bytes + messages.len() * size_of::<SentMessage>()
            }
        }
    }
}
