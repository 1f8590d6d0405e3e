//! What storage is about: buckets, objects, their names and their versions.

mod bucket;
mod caller;
mod list;
mod mime;
mod name;
mod object;
mod resumable;
pub(in crate::storage) mod version;

pub use bucket::{Bucket, BucketChanges, NewBucket, Quota};
pub use caller::Caller;
pub use list::{Column, Cursor, Entry, Flat, Folder, ListRequest, Page, PageRequest, Sort};
pub use mime::{MediaType, is_active};
pub use name::{BucketName, InvalidName, MAX_NAME, ObjectName};
pub use object::{Copying, Declared, Mode, Object, ObjectPath, Opened, Piece, Terms, Uploading};
pub use resumable::{InvalidMetadata, MAX_UPLOAD_METADATA, UploadMetadata};
pub use version::Version;
