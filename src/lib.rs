//! Plinth: one binary that is a client app's whole backend.
//!
//! `docs/architecture.md` is the map. In short: [`server`] knows everything and holds the route table and the middleware list;
//! each feature ([`auth`], [`functions`]) has the same five names (`model`, `error`, `service`, `queries`, `api`); [`isolate`] is
//! the worker process, which shares nothing with the server but [`isolate::protocol`]; [`front`] serves whatever no API claims.

pub mod api;
pub mod auth;
pub mod aws;
pub mod blob;
pub mod cli;
pub mod config;
pub mod data;
pub mod db;
pub mod front;
pub mod functions;
pub mod isolate;
pub mod kv;
pub mod lambda;
pub mod openapi;
pub mod policy;
pub mod queues;
pub mod secrets;
pub mod server;
pub mod sql;
pub mod sqs;
pub mod storage;
pub mod sys;
pub mod tasks;
pub mod telemetry;
pub mod tls;
pub mod types;
pub mod values;
