//! The private listener: the same App on a Unix socket in the data folder, where functions reach their own server.
//!
//! It gives no rights of its own: who calls is known by the request's credentials, as everywhere.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// The socket's name in the data folder.
const NAME: &str = "private.sock";

/// The listener, and the folder its address leads through.
#[derive(Debug)]
pub(super) struct PrivateListener {
    folder: File,
    listener: UnixListener,
}

impl PrivateListener {
    /// Binds the socket in the data folder, in place of what an earlier server left.
    pub(super) fn bind(data: &Path) -> io::Result<Self> {
        let path = data.join(NAME);
        match fs::remove_file(&path) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
            _ => {}
        }
        let folder = File::open(data)?;
        let listener = UnixListener::bind(address_in(&folder))?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        Ok(Self { folder, listener })
    }

    /// The address this process connects to. An address of this kind has at most 107 bytes, which a data folder's path may be longer
    /// than, so it leads through the open folder.
    pub(super) fn address(&self) -> PathBuf {
        address_in(&self.folder)
    }

    /// The listener, for the server to accept from.
    pub(super) fn listener(&self) -> io::Result<UnixListener> {
        self.listener.try_clone()
    }
}

fn address_in(folder: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{NAME}", folder.as_raw_fd()))
}
