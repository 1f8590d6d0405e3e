//! The one transaction that makes an object of bytes that are kept.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::{StorageService, let_go, meaning, within_quota};
use crate::db::{self, Tx};
use crate::storage::model::{Caller, Declared, Mode, Object, ObjectPath, Piece, Version};
use crate::storage::queries::{Ask, Own, Value, objects, own, uploads};
use crate::storage::{Error, Result};
use crate::types::Timestamp;

/// How often an upsert is tried again that met another one of the same name.
const TRIES: u32 = 5;

/// An object that was made or replaced.
#[derive(Clone, Debug)]
pub struct Stored {
    pub id: Uuid,
    pub path: ObjectPath,
    pub version: Version,
    /// With its quotes.
    pub etag: String,
    pub size: u64,
    pub modified: Timestamp,
}

/// An object to be made of bytes that are kept.
#[derive(Clone)]
pub(super) struct Commit {
    pub(super) ask: Ask,
    pub(super) path: ObjectPath,
    pub(super) mode: Mode,
    pub(super) owner: Option<Uuid>,
    pub(super) metadata: Map<String, Json>,
    pub(super) user_metadata: Option<Json>,
    pub(super) version: Version,
    /// Pieces that are not in the database yet.
    pub(super) pieces: Vec<Piece>,
    /// The entity tag of what is replaced, where it must be that and no other.
    pub(super) replaces: Option<String>,
    /// The upload in pieces that this ends.
    pub(super) ends: Option<Uuid>,
    /// The resumable upload that this finishes: where it must stand, and its length.
    pub(super) finishes: Option<(Uuid, u64, u64)>,
    pub(super) id: Uuid,
    pub(super) now: Timestamp,
    pub(super) due: Timestamp,
}

/// Why a transaction ends without being kept.
enum Stop {
    Refused(Error),
    /// It was only tried.
    Tried,
}

impl From<db::Error> for Stop {
    fn from(err: db::Error) -> Self {
        Self::Refused(err.into())
    }
}

/// What is known of bytes.
pub(super) struct Known<'k> {
    pub(super) size: u64,
    /// With its quotes.
    pub(super) etag: &'k str,
    pub(super) sha256: Option<&'k str>,
}

/// What the server keeps with an object, under the names that Supabase's clients know.
pub(super) fn metadata(declared: &Declared, known: &Known<'_>, now: Timestamp) -> Map<String, Json> {
    let cache_control = declared.cache_control.as_deref().unwrap_or("no-cache");
    let mut metadata = Map::new();
    metadata.insert("eTag".to_owned(), known.etag.into());
    metadata.insert("size".to_owned(), known.size.into());
    metadata.insert("mimetype".to_owned(), declared.content_type.as_str().into());
    metadata.insert("cacheControl".to_owned(), cache_control.into());
    metadata.insert("lastModified".to_owned(), now.rfc3339().into());
    metadata.insert("contentLength".to_owned(), known.size.into());
    metadata.insert("httpStatusCode".to_owned(), json!(200));
    if let Some(sha256) = known.sha256 {
        metadata.insert("sha256".to_owned(), sha256.into());
    }
    if let Some(encoding) = &declared.content_encoding {
        metadata.insert("contentEncoding".to_owned(), encoding.as_str().into());
    }
    metadata
}

impl StorageService {
    /// A commit for a caller, with what all of them have.
    pub(super) fn commit_of(&self, caller: &Caller, path: &ObjectPath, mode: Mode, version: Version) -> Result<Commit> {
        Ok(Commit {
            ask: self.ask(caller)?,
            path: path.clone(),
            mode,
            owner: caller.owner,
            metadata: Map::new(),
            user_metadata: None,
            version,
            pieces: Vec::new(),
            replaces: None,
            ends: None,
            finishes: None,
            id: Uuid::new_v4(),
            now: self.now(),
            due: self.due(),
        })
    }

    /// Makes the object, and lets the bytes go that it replaces.
    pub(super) async fn commit(&self, commit: Commit) -> Result<Stored> {
        let commit = Arc::new(commit);
        let mut tries = 0;
        let id = loop {
            tries += 1;
            let run = Arc::clone(&commit);
            let done = self.0.db.write(move |tx| {
                let run = Arc::clone(&run);
                Box::pin(async move { run.run(tx).await })
            });
            match done.await.map_err(meaning) {
                // Another made the object between the look and the insert: now it is there to be replaced.
                Err(Error::Duplicate) if commit.mode == Mode::Upsert && tries < TRIES => {}
                done => break done?,
            }
        };
        let text = |name: &str| commit.metadata.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
        Ok(Stored {
            id,
            path: commit.path.clone(),
            version: commit.version,
            etag: text("eTag"),
            size: commit.metadata.get("size").and_then(Json::as_u64).unwrap_or(0),
            modified: commit.now,
        })
    }

    /// Whether the object could be made, by making it and undoing that.
    pub(super) async fn rehearse(&self, commit: Commit) -> Result<()> {
        let commit = Arc::new(commit);
        let done = self.0.db.write(move |tx| {
            let run = Arc::clone(&commit);
            Box::pin(async move {
                match run.run(tx).await {
                    Ok(_) => Err::<(), Stop>(Stop::Tried),
                    Err(err) => Err(Stop::Refused(err)),
                }
            })
        });
        match done.await {
            Ok(()) | Err(Stop::Tried) => Ok(()),
            Err(Stop::Refused(err)) => Err(meaning(err)),
        }
    }
}

impl Commit {
    async fn run(&self, tx: &mut Tx) -> Result<Uuid> {
        if let Some((upload, offset, length)) = self.finishes
            && !uploads::finish(tx, upload, (offset, length)).await?
        {
            return Err(Error::elsewhere());
        }
        let old = objects::known(tx, self.path.bucket.as_str(), self.path.name.as_str()).await?;
        let (old, old_known) = old.unzip();
        let id = match (self.mode, &old) {
            (Mode::Create, Some(_)) => {
                // Who may not insert shall not learn what is there.
                own::done(tx, self.ask.insertable(self.row())?).await?;
                return Err(Error::Duplicate);
            }
            (Mode::Create | Mode::Upsert, None) => {
                own::done(tx, self.ask.compiled(Own::Insert, self.row())?).await?;
                self.id
            }
            (Mode::Upsert, Some(_)) => {
                let rows: Vec<Object> = own::rows(tx, self.ask.compiled(Own::Upsert, self.row())?).await?;
                rows.first().ok_or_else(|| Error::row_refused("objects"))?.id
            }
            (Mode::Replace, None) => return Err(Error::NoSuchKey),
            (Mode::Replace, Some(_)) => self.replace(tx).await?,
        };
        // Only after the statement, which asks the policies: who may not replace it shall not learn what is there.
        let tag = |known: &Json| known.get("eTag").and_then(Json::as_str).map(str::to_owned);
        if self.replaces.is_some() && self.replaces != old_known.as_ref().and_then(tag) {
            return Err(Error::Changed);
        }
        if let Some(old) = old {
            let_go(tx, &old, self.due).await?;
        }
        within_quota(tx, self.path.bucket.as_str()).await?;
        for piece in &self.pieces {
            uploads::put_piece(tx, self.version.id, piece).await?;
        }
        if let Some(upload) = self.ends
            && !uploads::delete(tx, upload).await?
        {
            return Err(Error::NoSuchUpload);
        }
        Ok(id)
    }

    async fn replace(&self, tx: &mut Tx) -> Result<Uuid> {
        let (bucket, name) = (self.path.bucket.as_str(), self.path.name.as_str());
        let owner = Value::Said(self.owner.map(|owner| owner.to_string()));
        let values = vec![
            bucket.into(),
            name.into(),
            Value::Id(self.owner),
            owner,
            Value::At(self.now),
            Value::Json(Some(self.metadata.clone().into())),
            Value::Text(self.version.to_string()),
            Value::Json(self.user_metadata.clone()),
        ];
        let rows: Vec<Object> = own::rows(tx, self.ask.compiled(Own::Replace, values)?).await?;
        if let Some(object) = rows.first() {
            return Ok(object.id);
        }
        let seen: Vec<Object> = own::rows(tx, self.ask.compiled(Own::Find, vec![bucket.into(), name.into()])?).await?;
        Err(if seen.is_empty() { Error::NoSuchKey } else { Error::row_refused("objects") })
    }

    /// The values of [`Own::Insert`].
    pub(super) fn row(&self) -> Vec<Value> {
        vec![
            Value::Id(Some(self.id)),
            self.path.bucket.as_str().into(),
            self.path.name.as_str().into(),
            Value::Id(self.owner),
            Value::Said(self.owner.map(|owner| owner.to_string())),
            Value::At(self.now),
            Value::At(self.now),
            Value::At(self.now),
            Value::Json(Some(self.metadata.clone().into())),
            Value::Text(self.version.to_string()),
            Value::Json(self.user_metadata.clone()),
        ]
    }
}
