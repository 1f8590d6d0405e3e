//! Files of a folder, opened so that nothing outside it can be.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

use super::coding::Coding;
use super::media::content_type;
use super::path::SitePath;
use super::resource::{Form, Identity, Resource};
use super::stream;
use crate::api::conditions::Modified;
use crate::front::error::Error;
use crate::types::Clock;

/// The largest file that is kept in memory, in bytes.
pub(super) const MAX_IN_MEMORY: u64 = 256 * 1024;

/// A file changed this recently may change again without its time showing it.
const SETTLED: Duration = Duration::from_secs(2);

/// How often a name is looked up when the kernel says that something was renamed on the way.
const MOST_TRIES: usize = 16;

/// The folder a site is served from.
#[derive(Debug)]
pub(super) struct Folder {
    root: OwnedFd,
    clock: Clock,
    /// The files that stand for a folder, the first that is there.
    index: Vec<String>,
}

/// What a path stands for.
#[derive(Debug)]
pub(super) enum Found {
    /// A file.
    File(Box<Loaded>),
    /// A folder that was asked for without its slash.
    NeedsSlash,
    /// A folder in which no file stands for it.
    Folder,
    /// Nothing that is served.
    Nothing,
}

/// A file that was read, and what tells whether it is still the same.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) resource: Resource,
    pub(super) name: String,
    pub(super) stamp: Stamp,
}

/// Identity, size and time of change of a file and its packed siblings. `None` for one that had just been changed: equal stamps
/// would prove nothing.
pub(super) type Stamp = Option<[Option<Mark>; 4]>;

/// Identity, size and time of change of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::front) struct Mark {
    device: u64,
    inode: u64,
    size: u64,
    seconds: i64,
    nanoseconds: i64,
}

/// A regular file that was opened.
struct Opened {
    file: File,
    mark: Mark,
    modified: SystemTime,
}

impl Folder {
    /// Opens the folder once; what is looked up later is looked up beneath it, even when it is renamed.
    pub(super) fn open(path: &Path, index: &[String]) -> Result<Self, Error> {
        let open = || {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let root = rustix::fs::open(path, flags, Mode::empty())?;
            // The one kernel feature that keeps links inside; its absence should show now rather than as 404s.
            openat2(&root, ".", flags, Mode::empty(), ResolveFlags::BENEATH)?;
            Ok::<_, Errno>(root)
        };
        let root = open().map_err(|errno| Error::Folder { path: path.to_owned(), source: errno.into() })?;
        Ok(Self { root, clock: Clock::system(), index: index.to_owned() })
    }

    /// Finds and reads what a path stands for. Blocks.
    pub(super) fn load(&self, path: &SitePath) -> io::Result<Found> {
        let Some(entry) = self.open_entry(path.name())? else { return Ok(Found::Nothing) };
        if !entry.metadata()?.is_dir() {
            return if path.is_folder() { Ok(Found::Nothing) } else { self.load_file(path.name()) };
        }
        for index in &self.index {
            match (self.load_file(&path.within(index))?, path.is_folder()) {
                (Found::File(_), false) => return Ok(Found::NeedsSlash),
                (Found::File(loaded), true) => return Ok(Found::File(loaded)),
                _ => {}
            }
        }
        Ok(Found::Folder)
    }

    /// Reads a file by its name. Blocks.
    fn load_file(&self, name: &str) -> io::Result<Found> {
        let Some(plain) = self.open_file(name)? else { return Ok(Found::Nothing) };
        let mut marks = [Some(plain.mark), None, None, None];
        let mut settled = self.is_settled(plain.modified);
        let modified = Some(Modified::new(plain.modified));
        let plain = plain.into_form(settled)?;
        let mut packed = Vec::new();
        for (coding, mark) in Coding::ALL.into_iter().zip(&mut marks[1..]) {
            if let Some(sibling) = self.open_file(&format!("{name}{}", coding.suffix()))? {
                let sibling_settled = self.is_settled(sibling.modified);
                settled &= sibling_settled;
                *mark = Some(sibling.mark);
                packed.push((coding, sibling.into_form(sibling_settled)?));
            }
        }
        let resource = Resource { content_type: content_type(name), modified, plain, packed };
        Ok(Found::File(Box::new(Loaded { resource, name: name.to_owned(), stamp: settled.then_some(marks) })))
    }

    /// Whether the file that a path stands for is still what it was. Blocks.
    pub(super) fn is_unchanged(&self, path: &SitePath, name: &str, stamp: &Stamp) -> io::Result<bool> {
        let Some(marks) = stamp else { return Ok(false) };
        if path.is_folder() {
            // One that goes before it may have come.
            for index in self.index.iter().map(|index| path.within(index)).take_while(|index| index != name) {
                if self.open_file(&index)?.is_some() {
                    return Ok(false);
                }
            }
        }
        let suffixes = std::iter::once("").chain(Coding::ALL.into_iter().map(Coding::suffix));
        for (suffix, mark) in suffixes.zip(marks) {
            if self.open_file(&format!("{name}{suffix}"))?.map(|opened| opened.mark) != *mark {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The names in a folder that are served, folders with a slash at their end, in order; at most `most`, and whether there are more.
    /// Blocks.
    pub(super) fn list(&self, path: &SitePath, most: usize) -> io::Result<(Vec<String>, bool)> {
        let Some(folder) = self.open_entry(path.name())? else { return Ok((Vec::new(), false)) };
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            // A link is named as what it leads to, and only if that is served.
            let slash = match self.open_entry(&path.within(name))?.map(|entry| entry.metadata()).transpose()? {
                _ if name.starts_with('.') || name.chars().any(char::is_control) => continue,
                Some(metadata) if metadata.is_dir() => "/",
                Some(metadata) if metadata.is_file() => "",
                _ => continue,
            };
            if names.len() == most {
                return Ok((names, true));
            }
            names.push(format!("{name}{slash}"));
        }
        names.sort_by_key(|name| (!name.ends_with('/'), name.to_lowercase()));
        Ok((names, false))
    }

    fn is_settled(&self, modified: SystemTime) -> bool {
        let now = SystemTime::from(self.clock.now().to_chrono());
        now.duration_since(modified).is_ok_and(|age| age > SETTLED)
    }

    fn open_file(&self, name: &str) -> io::Result<Option<Opened>> {
        let Some(file) = self.open_entry(name)? else { return Ok(None) };
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Ok(None);
        }
        let mark = Mark {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            seconds: metadata.mtime(),
            nanoseconds: metadata.mtime_nsec(),
        };
        Ok(Some(Opened { file, mark, modified: metadata.modified()? }))
    }

    /// Opens a name beneath the root; `None` for what is not there, leads outside, or may not be read.
    fn open_entry(&self, name: &str) -> io::Result<Option<File>> {
        match self.open_beneath(name) {
            Ok(descriptor) => Ok(Some(descriptor.into())),
            Err(errno @ (Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::IO)) => Err(errno.into()),
            Err(_) => Ok(None),
        }
    }

    fn open_beneath(&self, name: &str) -> Result<OwnedFd, Errno> {
        // NONBLOCK: opening a pipe must not wait for its writer.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let within = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..MOST_TRIES {
            match openat2(&self.root, name, flags, Mode::empty(), within) {
                Err(Errno::AGAIN) => {}
                done => return done,
            }
        }
        Err(Errno::AGAIN)
    }
}

impl Opened {
    fn into_form(self, settled: bool) -> io::Result<Form> {
        let size = self.mark.size;
        if size <= MAX_IN_MEMORY {
            return Ok(Form::in_memory(stream::read(&self.file, 0, size)?));
        }
        let identity = settled.then_some(Identity::File(self.mark));
        // Until it has settled, other bytes may bear the same time: such a tag is weak, and no part is asked for by it.
        let strength = if settled { "" } else { "W/" };
        let tag = format!("{strength}\"{:x}-{:x}-{size:x}\"", self.mark.seconds, self.mark.nanoseconds);
        Ok(Form::on_disk(self.file, size, tag, identity))
    }
}
