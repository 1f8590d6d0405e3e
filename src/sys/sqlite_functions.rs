//! Functions that SQL text on SQLite can call, written in safe Rust.
//!
//! A function is a `static`, so that SQLite may keep its address for as long as the process lives. Its panic is an error of the
//! statement. An error travels as text, which is all that SQLite carries: [`Fault::carried`] and [`Fault::found`] know its form.

#![expect(unsafe_code, reason = "SQLite's interface for functions is C")]

use std::ffi::{CString, c_char, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{ptr, slice};

use libsqlite3_sys as ffi;
use sqlx::sqlite::LockedSqliteHandle;

/// What begins the message of a [`Fault`].
const MARK: &str = "plinth:";

/// A value that SQLite gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Argument<'a> {
    Null,
    Int(i64),
    Real(f64),
    Text(&'a str),
    Blob(&'a [u8]),
}

/// A value that SQLite gets.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    Null,
    Int(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl Output {
    /// Bytes that it takes, about.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        match self {
            Self::Null | Self::Int(_) | Self::Real(_) => 8,
            Self::Text(text) => text.len(),
            Self::Blob(bytes) => bytes.len(),
        }
    }
}

/// Why a function has no value: a SQLSTATE and a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub code: &'static str,
    pub message: String,
}

impl Fault {
    /// As SQLite's error message.
    fn carried(&self) -> String {
        format!("{MARK}{}:{}", self.code, self.message)
    }

    /// The SQLSTATE and the message in an error message of SQLite, if a function here raised it.
    #[must_use]
    pub fn found(message: &str) -> Option<(&str, &str)> {
        message.strip_prefix(MARK)?.split_once(':')
    }
}

/// The arguments of one call.
pub struct Arguments<'a>(&'a [*mut ffi::sqlite3_value]);

impl<'a> Arguments<'a> {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The argument at a place from 0; null beyond the last.
    ///
    /// # Errors
    /// 22021 when a text is no UTF-8.
    pub fn get(&self, place: usize) -> Result<Argument<'a>, Fault> {
        let Some(&value) = self.0.get(place) else { return Ok(Argument::Null) };
        // SAFETY: SQLite keeps the values of a call alive and unchanged until it returns, and `'a` ends with the call. The text and
        // the blob are only asked for where the value has that type already, so nothing is converted in place; their length is asked
        // for after the pointer, as the documentation demands. A blob of no bytes has a null pointer.
        unsafe {
            let bytes = |start: *const u8| {
                let length = usize::try_from(ffi::sqlite3_value_bytes(value)).unwrap_or(0);
                if start.is_null() { &[][..] } else { slice::from_raw_parts(start, length) }
            };
            Ok(match ffi::sqlite3_value_type(value) {
                ffi::SQLITE_INTEGER => Argument::Int(ffi::sqlite3_value_int64(value)),
                ffi::SQLITE_FLOAT => Argument::Real(ffi::sqlite3_value_double(value)),
                ffi::SQLITE_TEXT => {
                    let text = bytes(ffi::sqlite3_value_text(value));
                    let not_text = |_| Fault { code: "22021", message: "invalid byte sequence for encoding \"UTF8\"".to_owned() };
                    Argument::Text(std::str::from_utf8(text).map_err(not_text)?)
                }
                ffi::SQLITE_BLOB => Argument::Blob(bytes(ffi::sqlite3_value_blob(value).cast())),
                _ => Argument::Null,
            })
        }
    }

    fn has_null(&self) -> bool {
        (0..self.len()).any(|place| matches!(self.get(place), Ok(Argument::Null)))
    }
}

/// A function of one row's values.
pub struct Function {
    pub name: &'static str,
    /// How many it takes; -1 for any number.
    pub arguments: i8,
    /// Whether it is called with nulls; otherwise the result is null then.
    pub takes_nulls: bool,
    /// Whether equal arguments give an equal result.
    pub deterministic: bool,
    pub run: fn(&Arguments<'_>) -> Result<Output, Fault>,
}

/// A function of many rows: of a group, or of a window that rows come into and leave.
pub struct Aggregate {
    pub name: &'static str,
    pub arguments: i8,
    /// Begins a group.
    pub begin: fn() -> Box<dyn Accumulator>,
}

/// A group under way.
pub trait Accumulator {
    /// Takes a row.
    ///
    /// # Errors
    /// A fault ends the statement.
    fn step(&mut self, arguments: &Arguments<'_>) -> Result<(), Fault>;

    /// Lets the row go that was taken first.
    ///
    /// # Errors
    /// A fault ends the statement.
    fn undo(&mut self, arguments: &Arguments<'_>) -> Result<(), Fault>;

    /// The value of the rows it has.
    ///
    /// # Errors
    /// A fault ends the statement.
    fn value(&self) -> Result<Output, Fault>;
}

/// Makes a function known to a connection.
///
/// # Errors
/// What SQLite says.
pub fn register(handle: &mut LockedSqliteHandle<'_>, function: &'static Function) -> Result<(), String> {
    let flags = if function.deterministic { ffi::SQLITE_DETERMINISTIC } else { 0 };
    let app = ptr::from_ref(function).cast_mut().cast();
    let flags = ffi::SQLITE_UTF8 | ffi::SQLITE_INNOCUOUS | flags;
    created(function.name, |name| {
        let db = handle.as_raw_handle().as_ptr();
        // SAFETY: the connection is locked and open. SQLite copies the name. `app` is the address of a static of the type that the
        // callback reads it as.
        unsafe {
            ffi::sqlite3_create_function_v2(db, name, function.arguments.into(), flags, app, Some(scalar), None, None, None)
        }
    })
}

/// Makes an aggregate known to a connection.
///
/// # Errors
/// What SQLite says.
pub fn register_aggregate(handle: &mut LockedSqliteHandle<'_>, aggregate: &'static Aggregate) -> Result<(), String> {
    let app = ptr::from_ref(aggregate).cast_mut().cast();
    let flags = ffi::SQLITE_UTF8 | ffi::SQLITE_INNOCUOUS | ffi::SQLITE_DETERMINISTIC;
    let (step, finish, value, undo) = (Some(step as Call), Some(finish as End), Some(value as End), Some(undo as Call));
    created(aggregate.name, |name| {
        let db = handle.as_raw_handle().as_ptr();
        // SAFETY: as in `register`.
        unsafe {
            let count = aggregate.arguments.into();
            ffi::sqlite3_create_window_function(db, name, count, flags, app, step, finish, value, undo, None)
        }
    })
}

type Call = unsafe extern "C" fn(*mut ffi::sqlite3_context, c_int, *mut *mut ffi::sqlite3_value);
type End = unsafe extern "C" fn(*mut ffi::sqlite3_context);

fn created(name: &str, create: impl FnOnce(*const c_char) -> c_int) -> Result<(), String> {
    let text = CString::new(name).map_err(|err| err.to_string())?;
    let code = create(text.as_ptr());
    if code == ffi::SQLITE_OK { Ok(()) } else { Err(format!("SQLite did not take the function {name} ({code})")) }
}

/// # Safety
/// SQLite's own call of a function, with as many values as it says.
unsafe fn arguments<'a>(count: c_int, values: *mut *mut ffi::sqlite3_value) -> Arguments<'a> {
    let count = usize::try_from(count).unwrap_or(0);
    if count == 0 {
        return Arguments(&[]);
    }
    // SAFETY: SQLite gives `count` values, which live until the call returns.
    Arguments(unsafe { slice::from_raw_parts(values, count) })
}

unsafe extern "C" fn scalar(context: *mut ffi::sqlite3_context, count: c_int, values: *mut *mut ffi::sqlite3_value) {
    // SAFETY: `register` gave a `&'static Function` as the data of this callback; the values are this call's.
    let (function, arguments) = unsafe { (&*ffi::sqlite3_user_data(context).cast::<Function>(), arguments(count, values)) };
    let run = || {
        if !function.takes_nulls && arguments.has_null() {
            return Ok(Output::Null);
        }
        (function.run)(&arguments)
    };
    let done = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(panicked(function.name)));
    // SAFETY: `context` is this call's.
    unsafe { answer(context, done) };
}

/// What SQLite keeps for a group: nothing before the first row.
type Slot = *mut Box<dyn Accumulator>;

unsafe extern "C" fn step(context: *mut ffi::sqlite3_context, count: c_int, values: *mut *mut ffi::sqlite3_value) {
    // SAFETY: SQLite's own call, of an aggregate that `register_aggregate` made known.
    unsafe { with_row(context, count, values, |accumulator, row| accumulator.step(row)) };
}

unsafe extern "C" fn undo(context: *mut ffi::sqlite3_context, count: c_int, values: *mut *mut ffi::sqlite3_value) {
    // SAFETY: as in `step`.
    unsafe { with_row(context, count, values, |accumulator, row| accumulator.undo(row)) };
}

/// # Safety
/// `context` and the values are of SQLite's call of an aggregate that `register_aggregate` made known.
unsafe fn with_row(
    context: *mut ffi::sqlite3_context,
    count: c_int,
    values: *mut *mut ffi::sqlite3_value,
    take: impl FnOnce(&mut dyn Accumulator, &Arguments<'_>) -> Result<(), Fault>,
) {
    // SAFETY: `register_aggregate` gave a `&'static Aggregate` as the data of this callback; the values are this call's.
    let (aggregate, arguments) = unsafe { (&*ffi::sqlite3_user_data(context).cast::<Aggregate>(), arguments(count, values)) };
    // SAFETY: SQLite gives each group zeroed memory for one `Slot`, aligned to 8, or null when there is none left.
    let Some(slot) = (unsafe { ffi::sqlite3_aggregate_context(context, slot_size()).cast::<Slot>().as_mut() }) else { return };
    let run = || {
        if slot.is_null() {
            *slot = Box::into_raw(Box::new((aggregate.begin)()));
        }
        // SAFETY: it is what `Box::into_raw` gave, and only `finish`, which comes last, frees it.
        take(unsafe { &mut ***slot }, &arguments)
    };
    let done = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(panicked(aggregate.name)));
    if let Err(fault) = done {
        // SAFETY: `context` is this call's.
        unsafe { answer(context, Err(fault)) };
    }
}

unsafe extern "C" fn value(context: *mut ffi::sqlite3_context) {
    // SAFETY: as in `with_row`. Asked for no bytes, SQLite gives null where there was no row.
    let (aggregate, slot) = unsafe {
        let aggregate = &*ffi::sqlite3_user_data(context).cast::<Aggregate>();
        (aggregate, ffi::sqlite3_aggregate_context(context, 0).cast::<Slot>().as_ref())
    };
    let run = || match slot.filter(|begun| !begun.is_null()) {
        // SAFETY: it is what `Box::into_raw` gave in `with_row`, and nothing else has it now.
        Some(begun) => unsafe { &***begun }.value(),
        None => (aggregate.begin)().value(),
    };
    let done = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(panicked(aggregate.name)));
    // SAFETY: `context` is this call's.
    unsafe { answer(context, done) };
}

unsafe extern "C" fn finish(context: *mut ffi::sqlite3_context) {
    // SAFETY: `value` has the same contract, and SQLite calls nothing of this group after `finish`. What is freed came from
    // `Box::into_raw` in `with_row`, and the slot does not have it any more.
    unsafe {
        value(context);
        if let Some(slot) = ffi::sqlite3_aggregate_context(context, 0).cast::<Slot>().as_mut().filter(|slot| !slot.is_null()) {
            drop(Box::from_raw(std::mem::replace(slot, ptr::null_mut())));
        }
    }
}

fn slot_size() -> c_int {
    c_int::try_from(size_of::<Slot>()).unwrap_or(8)
}

fn panicked(name: &str) -> Fault {
    Fault { code: "XX000", message: format!("the function {name} panicked") }
}

/// # Safety
/// `context` is of the call under way.
unsafe fn answer(context: *mut ffi::sqlite3_context, done: Result<Output, Fault>) {
    // SAFETY: the context is this call's. Texts and blobs are given with their length, and copied before this returns
    // (`SQLITE_TRANSIENT`).
    unsafe {
        match done {
            Ok(Output::Null) => ffi::sqlite3_result_null(context),
            Ok(Output::Int(value)) => ffi::sqlite3_result_int64(context, value),
            Ok(Output::Real(value)) => ffi::sqlite3_result_double(context, value),
            Ok(Output::Text(text)) => {
                let encoding = u8::try_from(ffi::SQLITE_UTF8).unwrap_or(1);
                ffi::sqlite3_result_text64(context, text.as_ptr().cast(), text.len() as u64, ffi::SQLITE_TRANSIENT(), encoding);
            }
            Ok(Output::Blob(bytes)) => {
                ffi::sqlite3_result_blob64(context, bytes.as_ptr().cast(), bytes.len() as u64, ffi::SQLITE_TRANSIENT());
            }
            Err(fault) => {
                let message = fault.carried();
                let length = c_int::try_from(message.len()).unwrap_or(c_int::MAX);
                ffi::sqlite3_result_error(context, message.as_ptr().cast(), length);
            }
        }
    }
}
