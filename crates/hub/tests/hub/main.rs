//! The hub against a server on this machine.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod cache;
mod environment;
mod fetch;
mod server;
