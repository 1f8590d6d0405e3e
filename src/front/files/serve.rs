//! What a site or a route serves of a folder.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, web};

use super::answer::{self, Chosen};
use super::builtin::{Builtin, NOT_FOUND};
use super::cache::{Cache, Cached, Key};
use super::folder::{Folder, Found};
use super::listing;
use super::path::{Refusal, SitePath};
use super::report::CachesReport;
use super::resource::Resource;
use crate::config::front as config;
use crate::front::compress::{Made, Settings};
use crate::front::error::Error;

/// What all folders share: memory for small files, for compressed ones, and the built-in page.
pub(in crate::front) struct Shared {
    cache: Cache,
    made: Made,
    builtin: Builtin,
    /// What the next folder is known by in the cache.
    next: AtomicU64,
}

/// A folder's files, or the built-in ones, or none. Cheap to clone.
#[derive(Clone)]
pub(in crate::front) struct Files(Arc<Inner>);

struct Inner {
    source: Source,
    /// The path that answers for every one at which there is nothing.
    fallback: Option<String>,
    listing: bool,
    shared: Arc<Shared>,
}

enum Source {
    Folder { id: u64, folder: Folder },
    Builtin,
    Nothing,
}

/// What is looked up for a request.
pub(in crate::front) struct Lookup(Result<SitePath, Refusal>);

/// What a path stands for.
enum Target {
    File(Arc<Resource>),
    NeedsSlash,
    Folder(SitePath),
    Nothing,
}

impl Shared {
    pub(in crate::front) fn new() -> Arc<Self> {
        Arc::new(Self { cache: Cache::new(), made: Made::new(), builtin: Builtin::new(), next: AtomicU64::new(0) })
    }

    /// What is held in memory.
    pub(in crate::front) async fn report(&self) -> CachesReport {
        CachesReport { files: self.cache.report(), compressed: self.made.report().await }
    }
}

impl Lookup {
    /// The path of a request as it came.
    pub(in crate::front) fn raw(path: &str) -> Self {
        Self(SitePath::parse(path))
    }

    /// A path that is decoded already.
    pub(in crate::front) fn decoded(path: &str) -> Self {
        Self(SitePath::of(path))
    }
}

impl Files {
    /// Opens a folder.
    pub(in crate::front) fn open(root: &Path, how: &config::Files, shared: &Arc<Shared>) -> Result<Self, Error> {
        let id = shared.next.fetch_add(1, Ordering::Relaxed);
        let source = Source::Folder { id, folder: Folder::open(root, &how.index)? };
        Ok(Self::new(source, how.fallback.clone(), how.listing, shared))
    }

    /// The built-in page.
    pub(in crate::front) fn builtin(shared: &Arc<Shared>) -> Self {
        Self::new(Source::Builtin, None, false, shared)
    }

    /// No files at all.
    pub(in crate::front) fn none(shared: &Arc<Shared>) -> Self {
        Self::new(Source::Nothing, None, false, shared)
    }

    fn new(source: Source, fallback: Option<String>, listing: bool, shared: &Arc<Shared>) -> Self {
        Self(Arc::new(Inner { source, fallback, listing, shared: Arc::clone(shared) }))
    }

    /// Answers a request with the file that a path stands for.
    pub(in crate::front) async fn serve(&self, request: &HttpRequest, lookup: Lookup, compress: &Settings) -> HttpResponse {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return answer::method_not_allowed();
        }
        let (target, has_extension) = match lookup.0 {
            Ok(path) => {
                let has_extension = path.has_extension();
                (self.find(path).await, has_extension)
            }
            Err(Refusal::Hidden) => (Ok(Target::Nothing), true),
            Err(Refusal::Malformed) => return answer::malformed(),
        };
        match target {
            Ok(Target::File(resource)) => self.file(request, &resource, compress).await,
            Ok(Target::NeedsSlash) => answer::with_slash(request),
            Ok(Target::Folder(path)) if self.0.listing => self.list(request, path).await,
            Ok(Target::Nothing | Target::Folder(_)) => match self.fallback(request, has_extension).await {
                Some(resource) => self.file(request, &resource, compress).await,
                None => answer::not_found(request, self.not_found_page().await.as_deref()),
            },
            Err(err) => answer::unreadable(&err),
        }
    }

    /// The same answer with the page at `path` in the place of its body. A client that asks for JSON keeps what it has.
    pub(in crate::front) async fn instead(&self, request: &HttpRequest, answer: HttpResponse, path: &str) -> HttpResponse {
        match self.page(path).await {
            Some(page) if !answer::wants_json(request) => answer::with_page(request, answer, &page),
            _ => answer,
        }
    }

    async fn file(&self, request: &HttpRequest, resource: &Resource, compress: &Settings) -> HttpResponse {
        let accept_encoding = answer::text(request.headers(), &header::ACCEPT_ENCODING);
        let (form, coding) = resource.choose(accept_encoding);
        let compressible = coding.is_none() && compress.covers_file(resource);
        let varies = compressible || !resource.packed.is_empty();
        if compressible && !request.headers().contains_key(header::RANGE) {
            let made = self.0.shared.made.get(form, accept_encoding.unwrap_or_default()).await;
            if let Some((form, coding)) = made {
                return answer::file(request, resource, &Chosen { form: &form, coding: Some(coding), varies });
            }
        }
        answer::file(request, resource, &Chosen { form, coding, varies })
    }

    /// The page that answers where nothing is: for every name without an extension, and for those with one when a browser goes there
    /// itself. What a page asks for, a script or a picture that is gone, stays 404.
    async fn fallback(&self, request: &HttpRequest, has_extension: bool) -> Option<Arc<Resource>> {
        let path = self.0.fallback.as_deref()?;
        let wants_page = answer::text(request.headers(), &header::ACCEPT).is_some_and(|accept| accept.contains("text/html"));
        if has_extension && !wants_page {
            return None;
        }
        self.page(path).await
    }

    /// A file by its path.
    async fn page(&self, path: &str) -> Option<Arc<Resource>> {
        match self.find(SitePath::of(path).ok()?).await {
            Ok(Target::File(page)) => Some(page),
            _ => None,
        }
    }

    /// The site's own `404.html`, or the built-in one.
    async fn not_found_page(&self) -> Option<Arc<Resource>> {
        let own = if matches!(self.0.source, Source::Folder { .. }) { self.page("/404.html").await } else { None };
        own.or_else(|| self.0.shared.builtin.find(NOT_FOUND))
    }

    async fn find(&self, path: SitePath) -> io::Result<Target> {
        let id = match &self.0.source {
            Source::Folder { id, .. } => *id,
            Source::Builtin => return Ok(self.find_builtin(&path)),
            Source::Nothing => return Ok(Target::Nothing),
        };
        let key = Key { folder: id, path };
        match self.0.shared.cache.get(&key) {
            Cached::Fresh(resource) => Ok(Target::File(resource)),
            Cached::Stale(entry) => {
                let (seen, asked) = (Arc::clone(&entry), key.path.clone());
                let unchanged = self.on_disk(move |folder| folder.is_unchanged(&asked, &seen.name, &seen.stamp)).await?;
                if unchanged { Ok(Target::File(Arc::clone(&entry.resource))) } else { self.load(key).await }
            }
            Cached::Nothing => self.load(key).await,
        }
    }

    /// Reads what a path stands for from the disk, and keeps it if it is small.
    async fn load(&self, key: Key) -> io::Result<Target> {
        let path = key.path.clone();
        let cache = &self.0.shared.cache;
        let found = self.on_disk(move |folder| folder.load(&path)).await?;
        if let Found::File(loaded) = found {
            return Ok(Target::File(cache.put(key, *loaded)));
        }
        cache.remove(&key);
        Ok(match found {
            Found::NeedsSlash => Target::NeedsSlash,
            // Without its slash a folder is listed under a name that its entries are not below.
            Found::Folder if self.0.listing && !key.path.is_folder() => Target::NeedsSlash,
            Found::Folder => Target::Folder(key.path),
            Found::File(_) | Found::Nothing => Target::Nothing,
        })
    }

    fn find_builtin(&self, path: &SitePath) -> Target {
        let index = path.within("index.html");
        let name = if path.is_folder() { &index } else { path.name() };
        self.0.shared.builtin.find(name).map_or(Target::Nothing, Target::File)
    }

    async fn list(&self, request: &HttpRequest, path: SitePath) -> HttpResponse {
        match self.on_disk(move |folder| folder.list(&path, listing::MOST)).await {
            Ok((names, is_cut)) => listing::answer(request, &names, is_cut),
            Err(err) => answer::unreadable(&err),
        }
    }

    /// Asks the folder off the web worker.
    async fn on_disk<T: Send + 'static>(&self, ask: impl FnOnce(&Folder) -> io::Result<T> + Send + 'static) -> io::Result<T> {
        let files = self.clone();
        let work = move || match &files.0.source {
            Source::Folder { folder, .. } => ask(folder),
            Source::Builtin | Source::Nothing => Err(io::ErrorKind::NotFound.into()),
        };
        web::block(work).await.map_err(io::Error::other)?
    }
}
