//! Statements of a SQLite connection, run in the thread that asks instead of the one that sqlx keeps for the connection.
//!
//! Waking another thread and being woken by it costs several times what a read by key does.

#![expect(unsafe_code, reason = "SQLite's interface is C")]

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use libsqlite3_sys as ffi;
use sqlx::SqliteConnection;
use sqlx::sqlite::LockedSqliteHandle;

use super::sqlite_functions::Output;

/// How many steps SQLite's machine makes between two looks at whether it shall stop.
const STEPS: i32 = 1000;

/// For how long a statement that took too long is not tried again.
const SLOW: Duration = Duration::from_secs(10);

/// A connection whose statements run in the thread that asks, or in the connection's own.
pub struct Here {
    /// Before the connection, so that they are dropped before it is closed.
    prepared: HashMap<Arc<str>, Prepared>,
    capacity: usize,
    /// Counts the runs, to know which statement was used last.
    runs: u64,
    stop: Arc<Stop>,
    /// Bytes of the rows that a text may give; no more are held.
    most_bytes: Option<usize>,
    /// Bytes of the longest value, where that was set.
    longest_value: Option<usize>,
    db: NonNull<ffi::sqlite3>,
    conn: SqliteConnection,
}

// SAFETY: sqlx opened the connection with SQLite's own lock around each call (`serialized`, which `new` looks at), so that no two
// threads are inside of it at once; it closes it only when `conn` is dropped, and `db` and the statements are not used after that.
unsafe impl Send for Here {}

/// How long a statement may run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bounds {
    /// When it is ended.
    pub end: Option<Instant>,
    /// Thousands of steps of SQLite's machine, each of which takes some 20 µs: what is the same however busy the machine is.
    pub steps: Option<u32>,
}

/// When what runs shall end.
struct Stop {
    given_up: AtomicBool,
    /// Nanoseconds after `since`; 0 is never.
    at: AtomicU64,
    since: Instant,
    /// Looks before the end.
    looks: AtomicU32,
}

/// What a statement gave.
#[derive(Debug, Default)]
pub struct Found {
    /// The columns' names.
    pub names: Arc<[String]>,
    pub rows: Vec<Box<[Output]>>,
    /// Rows that were inserted, changed or deleted.
    pub changed: u64,
    /// There were more rows than [`Here::set_most_bytes`] lets be held: there are none here, and it was run to its end.
    pub is_too_large: bool,
    bytes: usize,
    most_bytes: Option<usize>,
}

/// Bytes that a row takes besides its values, about.
pub const ROW_BYTES: usize = 64;

impl Found {
    fn take(&mut self, row: Box<[Output]>) {
        if let Some(most) = self.most_bytes {
            let own = if self.rows.is_empty() { 0 } else { ROW_BYTES };
            self.bytes = self.bytes.saturating_add(own + row.iter().map(Output::bytes).sum::<usize>());
            self.is_too_large |= self.bytes > most;
            if self.is_too_large {
                self.rows = Vec::new();
                return;
            }
        }
        self.rows.push(row);
    }
}

/// Why there is nothing.
#[derive(Debug)]
pub enum Unfound {
    /// It would take longer than it may here. What it did is undone.
    Slow,
    /// What SQLite says: the extended code and the message.
    Failed { code: i32, message: String },
}

/// The statements of a text.
struct Prepared {
    statements: Vec<Statement>,
    used: u64,
    slow_until: Option<Instant>,
}

struct Statement {
    raw: NonNull<ffi::sqlite3_stmt>,
    names: Arc<[String]>,
    /// For each parameter the place of its value: `$7` is 6.
    parameters: Vec<usize>,
    reads_only: bool,
    /// How often SQLite had to do so by itself.
    prepared_anew: c_int,
}

impl Here {
    /// Takes a connection that was opened as `serialized`, and prepares at most so many texts.
    ///
    /// # Errors
    /// What SQLite says, or that it is not serialized.
    pub async fn new(mut conn: SqliteConnection, capacity: usize) -> Result<Self, sqlx::Error> {
        let stop = Arc::new(Stop::default());
        let looked_at = Arc::clone(&stop);
        let mut locked = conn.lock_handle().await?;
        locked.set_progress_handler(STEPS, move || looked_at.look());
        let db = serialized(&mut locked)?;
        keep_plans(db);
        drop(locked);
        Ok(Self { prepared: HashMap::new(), capacity, runs: 0, stop, most_bytes: None, longest_value: None, db, conn })
    }

    /// The connection, for statements that run in its own thread.
    pub const fn conn(&mut self) -> &mut SqliteConnection {
        &mut self.conn
    }

    /// The connection, for good.
    #[must_use]
    pub fn into_conn(self) -> SqliteConnection {
        let Self { prepared, conn, .. } = self;
        drop(prepared);
        conn
    }

    /// Has the statement that runs in the connection's thread end, or go on ending none.
    pub fn give_up(&self, end: bool) {
        self.stop.given_up.store(end, Ordering::Relaxed);
    }

    /// For how long a statement waits for a lock of another connection.
    pub fn wait_for_locks(&mut self, patience: Duration) {
        let millis = c_int::try_from(patience.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: the connection is open.
        unsafe { ffi::sqlite3_busy_timeout(self.db.as_ptr(), millis) };
    }

    /// Sets how many bytes the rows of what is run next may hold.
    pub const fn set_most_bytes(&mut self, bytes: Option<usize>) {
        self.most_bytes = bytes;
    }

    /// Sets how many bytes a text, a blob or a row may have at the most; what SQLite was built with stays the upper bound. A statement
    /// that would make a longer one fails with "string or blob too big" as soon as it would. <https://sqlite.org/c3ref/limit.html>
    pub fn set_longest_value(&mut self, bytes: usize) {
        if self.longest_value != Some(bytes) {
            self.longest_value = Some(bytes);
            let bytes = c_int::try_from(bytes).unwrap_or(c_int::MAX);
            // SAFETY: the connection is open; the call takes numbers alone and changes nothing but the connection's own limit.
            unsafe { ffi::sqlite3_limit(self.db.as_ptr(), ffi::SQLITE_LIMIT_LENGTH, bytes) };
        }
    }

    /// Runs the statements of a text to their end. `rewrite` makes what SQLite is given of it, the first time.
    ///
    /// # Errors
    /// [`Unfound::Slow`] when it goes beyond the bounds; where they count steps, also when it did so lately.
    pub fn run(
        &mut self,
        text: &str,
        values: &[Output],
        bounds: Bounds,
        rewrite: impl FnOnce(&str) -> String,
    ) -> Result<Found, Unfound> {
        self.runs += 1;
        let key = match self.prepared.get_key_value(text) {
            Some((key, _)) => Arc::clone(key),
            None => self.prepare(text, &rewrite(text))?,
        };
        let db = self.db;
        let Some(prepared) = self.prepared.get_mut(&key) else { return Ok(Found::default()) };
        prepared.used = self.runs;
        if bounds.steps.is_some() && prepared.slow_until.is_some_and(|until| Instant::now() < until) {
            return Err(Unfound::Slow);
        }
        self.stop.set(bounds);
        let mut found = Found { most_bytes: self.most_bytes, ..Found::default() };
        let done = prepared.statements.iter_mut().try_for_each(|statement| statement.run(db, values, &mut found));
        let too_long = self.stop.is_reached();
        self.stop.set(Bounds::default());
        if too_long {
            // Also when it came to its end: there are steps that take long, such as counting a whole table, and are not broken off.
            prepared.slow_until = Some(Instant::now() + SLOW);
        }
        match done {
            Err(Unfound::Failed { code: ffi::SQLITE_INTERRUPT, .. }) if too_long => Err(Unfound::Slow),
            Err(err) => Err(err),
            Ok(()) => Ok(found),
        }
    }

    fn prepare(&mut self, text: &str, sql: &str) -> Result<Arc<str>, Unfound> {
        let mut statements = Vec::with_capacity(1);
        let mut rest = sql.trim_end();
        while !rest.is_empty() {
            let (statement, after) = Statement::prepare(self.db, rest)?;
            statements.extend(statement);
            rest = after;
        }
        if self.prepared.len() >= self.capacity {
            let oldest = self.prepared.iter().min_by_key(|(_, prepared)| prepared.used).map(|(key, _)| Arc::clone(key));
            oldest.and_then(|key| self.prepared.remove(&key));
        }
        let key = Arc::<str>::from(text);
        self.prepared.insert(Arc::clone(&key), Prepared { statements, used: self.runs, slow_until: None });
        Ok(key)
    }
}

impl Default for Stop {
    fn default() -> Self {
        let stop =
            Self { given_up: AtomicBool::new(false), at: AtomicU64::new(0), since: Instant::now(), looks: AtomicU32::new(0) };
        stop.set(Bounds::default());
        stop
    }
}

impl Stop {
    fn set(&self, bounds: Bounds) {
        self.looks.store(bounds.steps.unwrap_or(u32::MAX), Ordering::Relaxed);
        let nanos = bounds
            .end
            .map_or(0, |at| u64::try_from(at.saturating_duration_since(self.since).as_nanos()).unwrap_or(u64::MAX).max(1));
        self.at.store(nanos, Ordering::Relaxed);
    }

    /// SQLite's look: whether it may go on.
    fn look(&self) -> bool {
        let looks = self.looks.load(Ordering::Relaxed);
        if looks != u32::MAX {
            self.looks.store(looks.saturating_sub(1), Ordering::Relaxed);
        }
        !self.is_reached() && !self.given_up.load(Ordering::Relaxed)
    }

    fn is_reached(&self) -> bool {
        let at = self.at.load(Ordering::Relaxed);
        self.looks.load(Ordering::Relaxed) == 0 || (at != 0 && self.since.elapsed().as_nanos() >= u128::from(at))
    }
}

impl Statement {
    /// The first statement of a text, if it has one, and what comes after it.
    fn prepare(db: NonNull<ffi::sqlite3>, sql: &str) -> Result<(Option<Self>, &str), Unfound> {
        let length = c_int::try_from(sql.len()).map_err(|_| too_big())?;
        let mut raw = ptr::null_mut();
        let mut tail = ptr::null();
        // SAFETY: the connection is open; the text is `length` bytes; both places are written before SQLite returns OK, and the tail
        // points into the text.
        let (code, used) = unsafe {
            let start = sql.as_ptr().cast::<c_char>();
            let code =
                ffi::sqlite3_prepare_v3(db.as_ptr(), start, length, ffi::SQLITE_PREPARE_PERSISTENT, &raw mut raw, &raw mut tail);
            let used = if code == ffi::SQLITE_OK { tail.offset_from(start) } else { 0 };
            (code, usize::try_from(used).unwrap_or(sql.len()))
        };
        if code != ffi::SQLITE_OK {
            return Err(failed(db, code));
        }
        let after = sql.get(used..).unwrap_or_default();
        Ok((NonNull::new(raw).map(Self::new), after))
    }

    fn new(raw: NonNull<ffi::sqlite3_stmt>) -> Self {
        let stmt = raw.as_ptr();
        // SAFETY: the statement is prepared. A parameter without a name has a null pointer.
        unsafe {
            let parameters = 1..=ffi::sqlite3_bind_parameter_count(stmt);
            let place = |number: c_int| {
                text_of(ffi::sqlite3_bind_parameter_name(stmt, number)).get(1..).and_then(|n| n.parse::<usize>().ok())
            };
            let parameters = parameters
                .map(|number| place(number).or_else(|| usize::try_from(number).ok()).unwrap_or(1).saturating_sub(1))
                .collect();
            Self { raw, names: names_of(stmt), parameters, reads_only: ffi::sqlite3_stmt_readonly(stmt) != 0, prepared_anew: 0 }
        }
    }

    /// Reads the names anew where SQLite has prepared the statement anew, because the schema had changed.
    fn look_again(&mut self) {
        // SAFETY: the statement is prepared.
        let anew = unsafe { ffi::sqlite3_stmt_status(self.raw.as_ptr(), ffi::SQLITE_STMTSTATUS_REPREPARE, 0) };
        if anew != self.prepared_anew {
            self.prepared_anew = anew;
            // SAFETY: as above.
            self.names = unsafe { names_of(self.raw.as_ptr()) };
        }
    }

    /// Runs it to its end and adds what it gives.
    fn run(&mut self, db: NonNull<ffi::sqlite3>, values: &[Output], found: &mut Found) -> Result<(), Unfound> {
        let done = self.bind(db, values).and_then(|()| self.step(db, found));
        // SAFETY: the statement is prepared. The code is that of the last step, which was looked at already. After this no value that
        // was bound is looked at again.
        unsafe {
            ffi::sqlite3_reset(self.raw.as_ptr());
            ffi::sqlite3_clear_bindings(self.raw.as_ptr());
        }
        done
    }

    fn bind(&self, db: NonNull<ffi::sqlite3>, values: &[Output]) -> Result<(), Unfound> {
        let stmt = self.raw.as_ptr();
        let utf8 = u8::try_from(ffi::SQLITE_UTF8).unwrap_or(1);
        for (number, place) in (1..).zip(&self.parameters) {
            // SAFETY: the statement is prepared and not running. Texts and blobs are given with their length and are not copied
            // (`SQLITE_STATIC`): `run` takes them out again before it returns, and they are borrowed until then.
            let code = unsafe {
                match values.get(*place).unwrap_or(&Output::Null) {
                    Output::Null => ffi::sqlite3_bind_null(stmt, number),
                    Output::Int(value) => ffi::sqlite3_bind_int64(stmt, number, *value),
                    Output::Real(value) => ffi::sqlite3_bind_double(stmt, number, *value),
                    Output::Text(text) => ffi::sqlite3_bind_text64(
                        stmt,
                        number,
                        text.as_ptr().cast(),
                        text.len() as u64,
                        ffi::SQLITE_STATIC(),
                        utf8,
                    ),
                    Output::Blob(bytes) => {
                        ffi::sqlite3_bind_blob64(stmt, number, bytes.as_ptr().cast(), bytes.len() as u64, ffi::SQLITE_STATIC())
                    }
                }
            };
            if code != ffi::SQLITE_OK {
                return Err(failed(db, code));
            }
        }
        Ok(())
    }

    fn step(&mut self, db: NonNull<ffi::sqlite3>, found: &mut Found) -> Result<(), Unfound> {
        let stmt = self.raw.as_ptr();
        loop {
            // SAFETY: the statement is prepared, and its values are there.
            match unsafe { ffi::sqlite3_step(stmt) } {
                ffi::SQLITE_ROW => {
                    self.look_again();
                    let width = c_int::try_from(self.names.len()).unwrap_or(0);
                    // SAFETY: the statement has a row of so many columns.
                    found.take((0..width).map(|place| unsafe { column(stmt, place) }).collect());
                }
                ffi::SQLITE_DONE => break,
                code => return Err(failed(db, code)),
            }
        }
        if !self.names.is_empty() {
            found.names = Arc::clone(&self.names);
        }
        if !self.reads_only {
            // SAFETY: the connection is open.
            found.changed += u64::try_from(unsafe { ffi::sqlite3_changes64(db.as_ptr()) }).unwrap_or(0);
        }
        Ok(())
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: it is prepared, the connection is still open, and nothing uses it any more.
        unsafe { ffi::sqlite3_finalize(self.raw.as_ptr()) };
    }
}

/// Has SQLite choose a statement's plan when it is prepared, and not again with each value: it would prepare it anew for every run.
fn keep_plans(db: NonNull<ffi::sqlite3>) {
    // SAFETY: the connection is open; the switch takes a number and a place for what it was, which may be null.
    unsafe { ffi::sqlite3_db_config(db.as_ptr(), ffi::SQLITE_DBCONFIG_ENABLE_QPSG, c_int::from(true), ptr::null_mut::<c_int>()) };
}

fn serialized(locked: &mut LockedSqliteHandle<'_>) -> Result<NonNull<ffi::sqlite3>, sqlx::Error> {
    let db = locked.as_raw_handle();
    // SAFETY: the connection is open.
    if unsafe { ffi::sqlite3_db_mutex(db.as_ptr()) }.is_null() {
        return Err(sqlx::Error::Configuration("the connection is not serialized".into()));
    }
    Ok(db)
}

/// # Safety
/// The statement is prepared.
unsafe fn names_of(stmt: *mut ffi::sqlite3_stmt) -> Arc<[String]> {
    // SAFETY: a name lives until the statement is prepared anew or finalized, and is copied here.
    unsafe { (0..ffi::sqlite3_column_count(stmt)).map(|place| text_of(ffi::sqlite3_column_name(stmt, place))).collect() }
}

/// # Safety
/// The statement has a row, with a column at this place.
unsafe fn column(stmt: *mut ffi::sqlite3_stmt, place: c_int) -> Output {
    // SAFETY: a text and a blob are asked for where the column has that type, so nothing is converted; their length is asked for after
    // the pointer; they live until the next step and are copied here. A blob of no bytes has a null pointer.
    unsafe {
        let bytes = |start: *const u8| {
            let length = usize::try_from(ffi::sqlite3_column_bytes(stmt, place)).unwrap_or(0);
            if start.is_null() { Vec::new() } else { std::slice::from_raw_parts(start, length).to_vec() }
        };
        match ffi::sqlite3_column_type(stmt, place) {
            ffi::SQLITE_INTEGER => Output::Int(ffi::sqlite3_column_int64(stmt, place)),
            ffi::SQLITE_FLOAT => Output::Real(ffi::sqlite3_column_double(stmt, place)),
            // A text that is no UTF-8 is no text to anybody here.
            ffi::SQLITE_TEXT => match String::from_utf8(bytes(ffi::sqlite3_column_text(stmt, place))) {
                Ok(text) => Output::Text(text),
                Err(err) => Output::Blob(err.into_bytes()),
            },
            ffi::SQLITE_BLOB => Output::Blob(bytes(ffi::sqlite3_column_blob(stmt, place).cast())),
            _ => Output::Null,
        }
    }
}

/// # Safety
/// Null, or a text that ends with a NUL.
unsafe fn text_of(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: it is such a text.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

fn failed(db: NonNull<ffi::sqlite3>, code: c_int) -> Unfound {
    // SAFETY: the connection is open; its message is copied before the next call.
    let (code, message) = unsafe {
        let extended = ffi::sqlite3_extended_errcode(db.as_ptr());
        (if extended & 0xff == code & 0xff { extended } else { code }, text_of(ffi::sqlite3_errmsg(db.as_ptr())))
    };
    Unfound::Failed { code, message }
}

fn too_big() -> Unfound {
    Unfound::Failed { code: ffi::SQLITE_TOOBIG, message: "the statement is too long".to_owned() }
}
