//! The static site at `/`: a folder's files, or the built-in page.

use std::io;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, Route, web};

use super::answer;
use super::builtin::{Builtin, NOT_FOUND};
use super::cache::{Cache, Cached};
use super::error::Error;
use super::folder::{Folder, Found};
use super::path::{Refusal, SitePath};
use super::resource::Resource;
use crate::config;

/// What is served at `/`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Site(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// `None` serves the built-in page.
    folder: Option<(Folder, Cache)>,
    builtin: Builtin,
}

/// What a path stands for.
enum Target {
    File(Arc<Resource>),
    NeedsSlash,
    Nothing,
}

impl Site {
    /// Opens the configured folder, or the built-in page when there is none.
    ///
    /// # Errors
    /// [`Error::Folder`] when the folder cannot be opened.
    pub fn open(config: &config::Site) -> Result<Self, Error> {
        let folder = config.root.as_deref().map(Folder::open).transpose()?;
        let folder = folder.map(|folder| (folder, Cache::new()));
        Ok(Self(Arc::new(Inner { folder, builtin: Builtin::new() })))
    }

    /// Answers a request that no API claimed.
    pub async fn serve(&self, request: &HttpRequest) -> HttpResponse {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return answer::method_not_allowed();
        }
        let target = match SitePath::parse(request.path()) {
            Ok(path) => self.find(path).await,
            Err(Refusal::Hidden) => Ok(Target::Nothing),
            Err(Refusal::Malformed) => return answer::malformed(),
        };
        match target {
            Ok(Target::File(resource)) => answer::file(request, &resource),
            Ok(Target::NeedsSlash) => answer::with_slash(request),
            Ok(Target::Nothing) => answer::not_found(request, self.not_found_page().await.as_deref()),
            Err(err) => answer::unreadable(&err),
        }
    }

    async fn find(&self, path: SitePath) -> io::Result<Target> {
        let Some((_, cache)) = &self.0.folder else { return Ok(self.find_builtin(&path)) };
        match cache.get(&path) {
            Cached::Fresh(resource) => Ok(Target::File(resource)),
            Cached::Stale(entry) => {
                let (site, asked) = (self.clone(), path.clone());
                let stamp = entry.stamp;
                let unchanged = blocking(move || site.on_disk(|folder| folder.is_unchanged(&asked, &stamp))).await?;
                if unchanged == Some(true) { Ok(Target::File(Arc::clone(&entry.resource))) } else { self.load(path).await }
            }
            Cached::Nothing => self.load(path).await,
        }
    }

    /// Reads what a path stands for from the disk, and keeps it if it is small.
    async fn load(&self, path: SitePath) -> io::Result<Target> {
        let site = self.clone();
        blocking(move || {
            let Some((folder, cache)) = &site.0.folder else { return Ok(Target::Nothing) };
            let found = folder.load(&path)?;
            Ok(match found {
                Found::File(loaded) => Target::File(cache.put(path, *loaded)),
                gone => {
                    cache.remove(&path);
                    if matches!(gone, Found::NeedsSlash) { Target::NeedsSlash } else { Target::Nothing }
                }
            })
        })
        .await
    }

    fn find_builtin(&self, path: &SitePath) -> Target {
        let index = path.index();
        let name = if path.is_folder() { &index } else { path.name() };
        self.0.builtin.find(name).map_or(Target::Nothing, Target::File)
    }

    /// The site's own `404.html`, or the built-in one.
    async fn not_found_page(&self) -> Option<Arc<Resource>> {
        let own = match SitePath::parse("/404.html") {
            Ok(path) if self.0.folder.is_some() => self.find(path).await.ok(),
            _ => None,
        };
        match own {
            Some(Target::File(page)) => Some(page),
            _ => self.0.builtin.find(NOT_FOUND),
        }
    }

    fn on_disk<T>(&self, ask: impl FnOnce(&Folder) -> io::Result<T>) -> io::Result<Option<T>> {
        self.0.folder.as_ref().map(|(folder, _)| ask(folder)).transpose()
    }
}

/// The service that answers what no API claims.
pub fn service(site: &Site) -> Route {
    let site = site.clone();
    web::to(move |request: HttpRequest| {
        let site = site.clone();
        async move { site.serve(&request).await }
    })
}

/// Runs what waits for the disk off the web worker.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    web::block(work).await.map_err(io::Error::other)?
}
