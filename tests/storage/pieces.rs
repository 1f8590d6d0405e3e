//! Uploads in pieces, and the collector, by the service's own verbs and a clock that the test moves.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use plinth::auth::vault::Vault;
use plinth::blob::Blobs;
use plinth::config;
use plinth::data::Schemas;
use plinth::db::Databases;
use plinth::storage::model::{BucketName, Caller, Declared, Mode, NewBucket, ObjectName, ObjectPath, Uploading};
use plinth::storage::{Error, Parts, Pieced, StorageService};
use plinth::tasks::Tasks;
use plinth::types::{Clock, Secret, Timestamp};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::on_postgres;
use crate::support::postgres::{FreshDatabase, fresh_database};

const DAY: Duration = Duration::from_secs(86_400);

struct Fixture {
    storage: StorageService,
    blobs: Blobs,
    clock: Clock,
    caller: Caller,
    _databases: Databases,
    _folder: TempDir,
    /// Dropped last.
    _fresh: Option<FreshDatabase>,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fresh = if on_postgres() { Some(fresh_database().await) } else { None };
        let url = fresh.as_ref().map(|fresh| Secret::new(fresh.url().to_owned()));
        let database = config::Database { url, connections: 8, timeout: Duration::from_secs(10) };
        let tasks = Tasks::new(tokio::runtime::Handle::current());
        let databases = Databases::open(&database, folder.path(), &tasks).await.unwrap();
        let clock = Clock::manual(Timestamp::from_micros(4_000_000_000_000_000).unwrap());
        databases.migrate(&clock).await.unwrap();
        let schemas =
            Arc::new(Schemas::open(databases.app.clone(), clock.clone(), &tasks, config::Data::default()).await.unwrap());
        let blobs = Blobs::open(folder.path()).unwrap();
        let settings = config::Storage { max_object_size: 1000, grace: Duration::from_secs(60), ..config::Storage::default() };
        let storage = StorageService::new(Parts {
            config: settings,
            db: databases.app.clone(),
            blobs: blobs.clone(),
            schemas,
            vault: &Vault::open(folder.path(), None).unwrap(),
            clock: clock.clone(),
        });
        let (storage, caller) = (storage.unwrap(), Caller::server(None));
        let bucket = NewBucket {
            name: BucketName::parse("files").unwrap(),
            public: false,
            file_size_limit: None,
            allowed_mime_types: None,
            quota: None,
        };
        storage.create_bucket(&caller, &bucket).await.unwrap();
        Self { storage, blobs, clock, caller, _databases: databases, _folder: folder, _fresh: fresh }
    }

    async fn begin(&self, mode: Mode) -> Result<Pieced, Error> {
        let what = Uploading { path: path("whole"), mode, declared: Declared::default(), length: None };
        self.storage.begin_pieces(&self.caller, "test", what, DAY).await
    }

    async fn piece(&self, upload: &Pieced, part: u32, bytes: &[u8]) -> Result<(), Error> {
        let mut piece = self.storage.begin_piece(upload, part, 600)?;
        piece.write(bytes).await?;
        piece.finish().await.map(drop)
    }

    async fn read(&self, range: std::ops::Range<u64>) -> Vec<u8> {
        let object = self.storage.find(&self.caller, &path("whole")).await.unwrap();
        let opened = self.storage.open(object, Some(range)).await.unwrap();
        opened.bytes.try_collect::<Vec<_>>().await.unwrap().concat()
    }

    async fn kept(&self) -> usize {
        self.blobs.list("storage").await.unwrap().len()
    }
}

fn path(name: &str) -> ObjectPath {
    ObjectPath { bucket: BucketName::parse("files").unwrap(), name: ObjectName::parse(name).unwrap() }
}

#[tokio::test]
async fn pieces_in_any_order_become_one_object() {
    let fixture = Fixture::new().await;
    let upload = fixture.begin(Mode::Create).await.unwrap();
    for (part, text) in [(3, "three"), (1, "old"), (7, "left out"), (1, "one-"), (2, "two-")] {
        fixture.piece(&upload, part, text.as_bytes()).await.unwrap();
    }
    let parts: Vec<u32> = fixture.storage.pieces(upload.id).await.unwrap().iter().map(|piece| piece.part).collect();
    assert_eq!(parts, [1, 2, 3, 7]);
    assert!(matches!(fixture.storage.find(&fixture.caller, &path("whole")).await, Err(Error::NoSuchKey)));
    let found = fixture.storage.pieced(&fixture.caller, "test", upload.id).await.unwrap();
    assert_eq!((found.path, found.mode), (upload.path.clone(), upload.mode));
    assert!(matches!(fixture.storage.pieced(&fixture.caller, "other", upload.id).await, Err(Error::NoSuchUpload)));
    let stranger =
        Caller { role: plinth::auth::principal::Role::Authenticated, owner: Some(Uuid::from_u128(1)), ..Caller::server(None) };
    assert!(matches!(fixture.storage.pieced(&stranger, "test", upload.id).await, Err(Error::NoSuchUpload)));
    let missing = fixture.storage.complete_pieces(&fixture.caller, &upload, &[1, 4], "\"tag-2\"").await;
    assert!(matches!(missing, Err(Error::InvalidInput(_))));
    let stored = fixture.storage.complete_pieces(&fixture.caller, &upload, &[1, 2, 3], "\"tag-3\"").await.unwrap();
    assert_eq!((stored.size, stored.etag.as_str(), stored.version.pieces), (13, "\"tag-3\"", 3));
    assert_eq!(fixture.read(0..13).await, b"one-two-three");
    assert_eq!(fixture.read(2..10).await, b"e-two-th");
    assert_eq!(fixture.read(4..8).await, b"two-");
    let again = fixture.storage.complete_pieces(&fixture.caller, &upload, &[1, 2, 3], "\"tag-3\"").await;
    assert!(matches!(again, Err(Error::Duplicate | Error::NoSuchUpload)));
    assert!(matches!(fixture.piece(&upload, 4, b"late").await, Err(Error::NoSuchUpload)));

    // A copy has pieces of its own.
    fixture.storage.copy(&fixture.caller, (&path("whole"), &path("copy")), Mode::Create, None).await.unwrap();
    fixture.storage.delete_one(&fixture.caller, &path("whole")).await.unwrap();
    fixture.clock.advance(Duration::from_secs(61));
    fixture.storage.collect().await.unwrap();
    let copy = fixture.storage.find(&fixture.caller, &path("copy")).await.unwrap();
    let opened = fixture.storage.open(copy, None).await.unwrap();
    assert_eq!(opened.bytes.try_collect::<Vec<_>>().await.unwrap().concat(), b"one-two-three");
    assert_eq!(fixture.storage.check(Duration::MAX).await.unwrap().damaged, []);
}

#[tokio::test]
async fn an_upload_in_pieces_has_limits_and_ends() {
    let fixture = Fixture::new().await;
    let upload = fixture.begin(Mode::Upsert).await.unwrap();
    assert!(matches!(fixture.piece(&upload, 0, b"x").await, Err(Error::InvalidInput(_))));
    assert!(matches!(fixture.piece(&upload, 1, &[0; 601]).await, Err(Error::TooLarge { limit: 600 })));
    fixture.piece(&upload, 1, &[1; 600]).await.unwrap();
    fixture.piece(&upload, 2, &[2; 600]).await.unwrap();
    let whole = fixture.storage.complete_pieces(&fixture.caller, &upload, &[1, 2], "\"\"").await;
    assert!(matches!(whole, Err(Error::TooLarge { limit: 1000 })));
    fixture.storage.abandon(upload.id).await.unwrap();
    assert!(matches!(fixture.storage.abandon(upload.id).await, Err(Error::NoSuchUpload)));
    let forgotten = fixture.begin(Mode::Upsert).await.unwrap();
    fixture.piece(&forgotten, 1, b"x").await.unwrap();
    let listed = fixture.storage.list_pieced(&fixture.caller, "test", (&upload.path.bucket, "wh"), 10).await.unwrap();
    assert_eq!(listed.iter().map(|upload| upload.id).collect::<Vec<_>>(), [forgotten.id]);
    fixture.clock.advance(DAY);
    fixture.storage.collect().await.unwrap();
    assert!(matches!(fixture.storage.pieced(&fixture.caller, "test", forgotten.id).await, Err(Error::NoSuchUpload)));
    fixture.clock.advance(Duration::from_secs(61));
    fixture.storage.collect().await.unwrap();
    assert_eq!(fixture.kept().await, 0);
}

#[tokio::test]
async fn bytes_wait_for_their_grace_and_orphans_for_their_age() {
    let fixture = Fixture::new().await;
    let what = || Uploading { path: path("whole"), mode: Mode::Upsert, declared: Declared::default(), length: Some(3) };
    for text in [b"one", b"two"] {
        let mut upload = fixture.storage.begin_upload(&fixture.caller, what()).await.unwrap();
        upload.write(text).await.unwrap();
        upload.finish().await.unwrap();
    }
    fixture.storage.collect().await.unwrap();
    assert_eq!(fixture.kept().await, 2, "a reader of the first may finish");
    fixture.clock.advance(Duration::from_secs(61));
    assert_eq!(fixture.storage.collect().await.unwrap(), 1);
    assert_eq!((fixture.kept().await, fixture.read(0..3).await), (1, b"two".to_vec()));

    let mut dropped = fixture.storage.begin_upload(&fixture.caller, what()).await.unwrap();
    dropped.write(b"xyz").await.unwrap();
    drop(dropped);
    fixture.blobs.put("storage/ab/abababab-0000-4000-8000-000000000000", "orphan".into()).await.unwrap();
    // The clock stands at 2096: what was written today is older than any age of days.
    assert_eq!(fixture.storage.remove_orphans(Duration::from_secs(200 * 365 * 86_400)).await.unwrap(), 0);
    assert_eq!(fixture.storage.remove_orphans(DAY).await.unwrap(), 1);
    assert_eq!(fixture.read(0..3).await, b"two");
}
