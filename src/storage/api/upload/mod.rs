//! Uploading objects: in one go, by a form, or in steps that go on where the one before broke off.

mod form;
pub(super) mod plain;
pub(super) mod resumable;
pub(super) mod signed;
mod tus;

pub(super) use self::plain::{Authority, Target, Uploaded, receive};
