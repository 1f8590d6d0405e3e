//! What storage is about: buckets, objects, their names and their versions.

mod bucket;
mod caller;
mod list;
mod mime;
mod name;
mod object;
pub(in crate::storage) mod version;

pub use bucket::{Bucket, BucketChanges, NewBucket};
pub use caller::Caller;
pub use list::{Column, Entry, Flat, Folder, ListRequest, Page, PageRequest, Sort};
pub use mime::{MediaType, is_active};
pub use name::{BucketName, InvalidName, MAX_NAME, ObjectName};
pub use object::{Declared, Mode, Object, ObjectPath, Opened, Piece, Uploading};
pub use version::Version;
