//! Listings: one level of folders (v1), or pages by a cursor (v2).

use super::{BucketName, Object};
use crate::types::Timestamp;

/// What a listing is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Column {
    #[default]
    Name,
    CreatedAt,
    UpdatedAt,
    LastAccessedAt,
}

/// The order of a listing; the name decides between equals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sort {
    pub column: Column,
    pub descending: bool,
}

/// One level of a bucket: the folders in a folder, then its objects.
#[derive(Clone, Debug)]
pub struct ListRequest {
    pub bucket: BucketName,
    /// Empty, or ends with `/`.
    pub folder: String,
    /// What names in it begin with, whatever their case.
    pub search: String,
    pub sort: Sort,
    pub limit: u32,
    pub offset: u32,
}

/// A line of such a listing, by its name in the folder.
#[derive(Clone, Debug)]
pub enum Entry {
    Folder(String),
    Object(String, Box<Object>),
}

/// Objects by name, a page at a time; with a delimiter the names below a `/` after the prefix are put together.
#[derive(Clone, Debug)]
pub struct PageRequest {
    pub bucket: BucketName,
    pub prefix: String,
    /// Whether what lies deeper is put together as folders.
    pub by_folder: bool,
    /// Objects and folders at the most.
    pub limit: u32,
    /// The last name or folder of the page before.
    pub after: Option<String>,
}

/// What a page by time ended with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// A folder, by its name after the prefix.
    Folder(String),
    /// The time that an object stands at, and its name.
    Object(Timestamp, String),
}

/// What lies below a folder, put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder(pub String);

/// An object or a folder, by its whole name.
#[derive(Clone, Debug)]
pub enum Flat {
    /// Ends with `/`.
    Folder(Folder),
    Object(Box<Object>),
}

/// A page.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub entries: Vec<Flat>,
    /// What the next page comes after; `None` when this is the last.
    pub next: Option<String>,
}
