//! Which sources are needed: those of revisions, and those in `plinth.function_uploads`, whose revisions are still to be made.

use crate::db::{self, Conn};

/// What is needed at one moment.
#[derive(Debug, Default)]
pub(in crate::functions) struct Needed {
    /// The source of each revision: its key, its hash, its kind and the handler that is asked for.
    pub(in crate::functions) revisions: Vec<(String, String, String, Option<String>)>,
    /// The keys of sources whose revisions are still to be made.
    pub(in crate::functions) announced: Vec<String>,
}

/// Says that a source is about to be stored under a key.
#[tracing::instrument(name = "functions.sources.announce", skip_all, err)]
pub(in crate::functions) async fn announce(conn: &mut Conn, key: &str) -> db::Result<()> {
    conn.query("insert into plinth.function_uploads (source_key) values ($1)").bind(key).execute().await?;
    Ok(())
}

/// Takes an announcement back, since its revision is made in this transaction, or never will be; false when it was taken back before.
#[tracing::instrument(name = "functions.sources.redeem", skip_all, err)]
pub(in crate::functions) async fn redeem(conn: &mut Conn, key: &str) -> db::Result<bool> {
    let redeemed = conn.query("delete from plinth.function_uploads where source_key = $1").bind(key).execute().await?;
    Ok(redeemed > 0)
}

/// What is needed, as one statement sees it: a revision that is made at this moment is there, or its announcement is.
#[tracing::instrument(name = "functions.sources.needed", skip_all, err)]
pub(in crate::functions) async fn needed(conn: &mut Conn) -> db::Result<Needed> {
    type Row = (String, Option<String>, Option<String>, Option<String>);
    let rows: Vec<Row> = conn
        .query(
            "select distinct source_key, source_sha256, language, handler from plinth.function_revisions
             union all
             select source_key, null, null, null from plinth.function_uploads",
        )
        .fetch_all()
        .await?;
    let mut needed = Needed::default();
    for (key, sha256, language, handler) in rows {
        match sha256.zip(language) {
            Some((sha256, language)) => needed.revisions.push((key, sha256, language, handler)),
            None => needed.announced.push(key),
        }
    }
    Ok(needed)
}
