//! Attributes of messages, and their checksum.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

/// An attribute of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// `String`, `Number` or `Binary`, and what the sender put behind a dot.
    #[serde(rename = "type")]
    pub data_type: String,
    #[serde(flatten)]
    pub value: AttributeValue,
}

/// An attribute's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttributeValue {
    String(String),
    /// In base64.
    Binary(String),
}

impl Attribute {
    /// What it counts of a message's size: its type and its value.
    #[must_use]
    pub fn size(&self) -> usize {
        self.data_type.len() + self.bytes().len()
    }

    fn bytes(&self) -> Vec<u8> {
        match &self.value {
            AttributeValue::String(text) => text.clone().into_bytes(),
            AttributeValue::Binary(encoded) => STANDARD.decode(encoded).unwrap_or_default(),
        }
    }
}

/// The checksum of attributes as SQS's clients compute it: in the order of their names, each name, type and value with its length
/// before it, in hexadecimal.
#[must_use]
pub fn md5_of(attributes: &BTreeMap<String, Attribute>) -> String {
    let mut hash = Md5::new();
    for (name, attribute) in attributes {
        for part in [name.as_bytes(), attribute.data_type.as_bytes()] {
            add(&mut hash, part);
        }
        hash.update([if matches!(attribute.value, AttributeValue::String(_)) { 1 } else { 2 }]);
        add(&mut hash, &attribute.bytes());
    }
    hexadecimal(&hash.finalize())
}

/// The checksum of a message's body, in hexadecimal.
#[must_use]
pub fn md5_of_body(body: &str) -> String {
    hexadecimal(&Md5::digest(body))
}

fn hexadecimal(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn add(hash: &mut Md5, part: &[u8]) {
    hash.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
    hash.update(part);
}
