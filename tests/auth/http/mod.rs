//! `/auth/v1` as clients see it; the path of a file is the path of the URL.

mod admin_users;
mod errors;
mod input;
mod logout;
mod open;
mod signup;
mod token;
mod user;
