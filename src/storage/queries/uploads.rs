//! Uploads in pieces.

use uuid::Uuid;

use crate::db::{self, Conn, FromRow, Row};
use crate::storage::model::Piece;
use crate::types::Timestamp;

/// An upload in pieces, as it is kept.
#[derive(Clone, Debug)]
pub(in crate::storage) struct Stored {
    pub id: Uuid,
    pub kind: String,
    pub bucket: String,
    pub name: String,
    pub length: Option<i64>,
    pub options: serde_json::Value,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// Bytes of a resumable one that are kept.
    pub received: i64,
    /// Whether it became an object; it is remembered until it expires, for clients that missed the answer.
    pub is_finished: bool,
}

pub(in crate::storage) async fn insert(conn: &mut Conn, upload: &Stored) -> db::Result<()> {
    let query = conn.query(
        "insert into storage.uploads (id, kind, bucket_id, name, length, options, created_at, expires_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    );
    let query = query.bind(upload.id).bind(&upload.kind).bind(&upload.bucket).bind(&upload.name).bind(upload.length);
    query.bind(&upload.options).bind(upload.created_at).bind(upload.expires_at).execute().await.map(drop)
}

pub(in crate::storage) async fn find(conn: &mut Conn, id: Uuid, now: Timestamp) -> db::Result<Option<Stored>> {
    let query = conn.query("select * from storage.uploads where id = $1 and expires_at > $2");
    query.bind(id).bind(now).fetch_optional().await
}

/// The uploads of a bucket whose names are after one and below another, in order of name and id; `below` is a bound.
pub(in crate::storage) async fn list(
    conn: &mut Conn,
    (bucket, kind): (&str, &str),
    (from, below): (&str, &str),
    limit: i64,
) -> db::Result<Vec<Stored>> {
    let query = conn.query(
        "select * from storage.uploads where bucket_id = $1 and kind = $2 and name >= $3 and name < $4 order by name, id limit $5",
    );
    query.bind(bucket).bind(kind).bind(from).bind(below).bind(limit).fetch_all().await
}

/// Those whose time is over.
pub(in crate::storage) async fn expired(conn: &mut Conn, now: Timestamp, limit: i64) -> db::Result<Vec<Uuid>> {
    let query = conn.query("select id from storage.uploads where expires_at <= $1 order by expires_at limit $2");
    Ok(query.bind(now).bind(limit).fetch_all::<(Uuid,)>().await?.into_iter().map(|(id,)| id).collect())
}

/// Puts so many bytes more on those of an upload that stands at an offset; whether it stood there.
pub(in crate::storage) async fn advance(conn: &mut Conn, id: Uuid, offset: u64, size: u64) -> db::Result<bool> {
    let query =
        conn.query("update storage.uploads set received = received + $3 where id = $1 and received = $2 and not is_finished");
    Ok(query.bind(id).bind(signed(offset)).bind(signed(size)).execute().await? > 0)
}

/// Marks an upload that stands at an offset as finished at another; whether it stood there.
pub(in crate::storage) async fn finish(conn: &mut Conn, id: Uuid, (offset, length): (u64, u64)) -> db::Result<bool> {
    let query = conn
        .query("update storage.uploads set received = $3, is_finished = $4 where id = $1 and received = $2 and not is_finished");
    Ok(query.bind(id).bind(signed(offset)).bind(signed(length)).bind(true).execute().await? > 0)
}

/// Forgets an upload; tells whether it was finished, or `None` when it was not there.
pub(in crate::storage) async fn end(conn: &mut Conn, id: Uuid) -> db::Result<Option<bool>> {
    let query = conn.query("delete from storage.uploads where id = $1 returning is_finished");
    Ok(query.bind(id).fetch_all::<(bool,)>().await?.pop().map(|(is_finished,)| is_finished))
}

/// How many pieces an upload has.
pub(in crate::storage) async fn count(conn: &mut Conn, upload: Uuid) -> db::Result<i64> {
    let query = conn.query("select count(*) from storage.pieces where upload_id = $1");
    query.bind(upload).fetch_one::<(i64,)>().await.map(|(count,)| count)
}

/// The uploads of a bucket that are not finished.
pub(in crate::storage) async fn of_bucket(conn: &mut Conn, bucket: &str) -> db::Result<Vec<Uuid>> {
    let query = conn.query("select id from storage.uploads where bucket_id = $1 and not is_finished");
    Ok(query.bind(bucket).fetch_all::<(Uuid,)>().await?.into_iter().map(|(id,)| id).collect())
}

const fn signed(bytes: u64) -> i64 {
    if bytes > i64::MAX as u64 { i64::MAX } else { bytes.cast_signed() }
}

/// Forgets an upload; whether it was there.
pub(in crate::storage) async fn delete(conn: &mut Conn, id: Uuid) -> db::Result<bool> {
    Ok(conn.query("delete from storage.uploads where id = $1").bind(id).execute().await? > 0)
}

/// The pieces of an upload, in order.
pub(in crate::storage) async fn pieces(conn: &mut Conn, upload: Uuid) -> db::Result<Vec<Piece>> {
    let query = conn.query(
        "select part, blob, size, md5, sha256, checksum, created_at from storage.pieces where upload_id = $1 order by part",
    );
    query.bind(upload).fetch_all().await
}

/// Puts a piece in its place. One that was there is to be looked for before.
pub(in crate::storage) async fn put_piece(conn: &mut Conn, upload: Uuid, piece: &Piece) -> db::Result<()> {
    conn.query("delete from storage.pieces where upload_id = $1 and part = $2").bind(upload).bind(piece.part).execute().await?;
    let query = conn.query(
        "insert into storage.pieces (upload_id, part, blob, size, md5, sha256, checksum, created_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    );
    let query = query.bind(upload).bind(piece.part).bind(&piece.blob).bind(i64::try_from(piece.size).unwrap_or(i64::MAX));
    query.bind(&piece.md5).bind(&piece.sha256).bind(piece.checksum.clone()).bind(piece.created_at).execute().await.map(drop)
}

/// Takes a piece out.
pub(in crate::storage) async fn delete_piece(conn: &mut Conn, upload: Uuid, part: u32) -> db::Result<()> {
    conn.query("delete from storage.pieces where upload_id = $1 and part = $2").bind(upload).bind(part).execute().await.map(drop)
}

impl FromRow for Stored {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            kind: row.get("kind")?,
            bucket: row.get("bucket_id")?,
            name: row.get("name")?,
            length: row.get("length")?,
            options: row.get("options")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            received: row.get("received")?,
            is_finished: row.get("is_finished")?,
        })
    }
}

impl FromRow for Piece {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            part: row.get("part")?,
            blob: row.get("blob")?,
            size: row.get::<i64>("size")?.try_into().unwrap_or(0),
            md5: row.get("md5")?,
            sha256: row.get("sha256")?,
            checksum: row.get("checksum")?,
            created_at: row.get("created_at")?,
        })
    }
}
