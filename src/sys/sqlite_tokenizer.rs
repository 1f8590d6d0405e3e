//! Tokenizers of SQLite's full-text tables (FTS5), written in safe Rust.

#![expect(unsafe_code, reason = "SQLite's interface for tokenizers is C")]

use std::ffi::{CString, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{ptr, slice};

use libsqlite3_sys as ffi;
use sqlx::sqlite::LockedSqliteHandle;

/// Takes a word; `false` ends it.
pub type Take<'a> = &'a mut dyn FnMut(&str) -> bool;

/// What splits a document into words. In a query each quoted text is one word as it stands.
pub struct Tokenizer {
    pub name: &'static str,
    /// Gives the words of a text, in order, until it is told to stop by `false`.
    pub words: fn(&str, Take<'_>),
}

/// Makes a tokenizer known to a connection.
///
/// # Errors
/// What SQLite says.
pub fn register(handle: &mut LockedSqliteHandle<'_>, tokenizer: &'static Tokenizer) -> Result<(), String> {
    let refused = |code: c_int| format!("SQLite did not take the tokenizer {} ({code})", tokenizer.name);
    let name = CString::new(tokenizer.name).map_err(|err| err.to_string())?;
    let db = handle.as_raw_handle().as_ptr();
    let api = api_of(db).map_err(refused)?;
    let mut callbacks = ffi::fts5_tokenizer { xCreate: Some(create), xDelete: Some(delete), xTokenize: Some(tokenize) };
    let app = ptr::from_ref(tokenizer).cast_mut().cast();
    // SAFETY: the connection is locked and open, and its FTS5 lives as long as it does. SQLite copies the name and the callbacks. `app`
    // is the address of a static of the type that `create` hands to the other callbacks, which read it as that.
    let code = unsafe {
        let Some(create_tokenizer) = (*api).xCreateTokenizer else { return Err(refused(ffi::SQLITE_ERROR)) };
        create_tokenizer(api, name.as_ptr(), app, &raw mut callbacks, None)
    };
    if code == ffi::SQLITE_OK { Ok(()) } else { Err(refused(code)) }
}

/// FTS5's interface on an open connection that nobody else uses meanwhile.
fn api_of(db: *mut ffi::sqlite3) -> Result<*mut ffi::fts5_api, c_int> {
    let mut api: *mut ffi::fts5_api = ptr::null_mut();
    let mut statement = ptr::null_mut();
    // SAFETY: the texts end in NUL and live for the whole program. `api` outlives the statement that writes to it, and the pointer's
    // name is the one that FTS5 asks for before it does. A statement that was not made is null, which `finalize` takes.
    let code = unsafe {
        let mut code = ffi::sqlite3_prepare_v2(db, c"select fts5(?1)".as_ptr(), -1, &raw mut statement, ptr::null_mut());
        if code == ffi::SQLITE_OK {
            let place = (&raw mut api).cast::<c_void>();
            code = ffi::sqlite3_bind_pointer(statement, 1, place, c"fts5_api_ptr".as_ptr(), None);
        }
        if code == ffi::SQLITE_OK {
            ffi::sqlite3_step(statement);
        }
        ffi::sqlite3_finalize(statement);
        code
    };
    match code {
        ffi::SQLITE_OK if !api.is_null() => Ok(api),
        ffi::SQLITE_OK => Err(ffi::SQLITE_ERROR),
        code => Err(code),
    }
}

/// A tokenizer has no state: every table's is the static itself.
unsafe extern "C" fn create(app: *mut c_void, _: *mut *const c_char, _: c_int, out: *mut *mut ffi::Fts5Tokenizer) -> c_int {
    // SAFETY: SQLite gives a place to write the tokenizer to.
    unsafe { *out = app.cast() };
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_: *mut ffi::Fts5Tokenizer) {}

type TakeToken = unsafe extern "C" fn(*mut c_void, c_int, *const c_char, c_int, c_int, c_int) -> c_int;

unsafe extern "C" fn tokenize(
    tokenizer: *mut ffi::Fts5Tokenizer,
    context: *mut c_void,
    flags: c_int,
    text: *const c_char,
    length: c_int,
    take: Option<TakeToken>,
) -> c_int {
    let Some(take) = take else { return ffi::SQLITE_ERROR };
    // SAFETY: `create` gave the address of a `&'static Tokenizer`. SQLite gives so many bytes, which live until this returns; of no
    // bytes the pointer may be null.
    let (tokenizer, bytes) = unsafe {
        let bytes = match usize::try_from(length) {
            Ok(length) if !text.is_null() => slice::from_raw_parts(text.cast::<u8>(), length),
            _ => &[][..],
        };
        (&*tokenizer.cast::<Tokenizer>(), bytes)
    };
    let mut code = ffi::SQLITE_OK;
    let mut give = |word: &str| {
        let Ok(bytes) = c_int::try_from(word.len()) else { return true };
        // SAFETY: `take` is SQLite's own callback for this call's context; it copies the word. Where it stood in the text is only asked
        // for by functions that show a text, which tables without content have none of.
        code = unsafe { take(context, 0, word.as_ptr().cast(), bytes, 0, length) };
        code == ffi::SQLITE_OK
    };
    let text = String::from_utf8_lossy(bytes);
    let run = || {
        if flags & ffi::FTS5_TOKENIZE_QUERY == 0 {
            (tokenizer.words)(&text, &mut give);
        } else if !text.is_empty() {
            give(&text);
        }
    };
    if catch_unwind(AssertUnwindSafe(run)).is_err() {
        return ffi::SQLITE_ERROR;
    }
    code
}
