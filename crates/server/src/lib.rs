//! The hub as a library: [`start::Server`] listens, answers and runs the workers.

mod app;
mod authorities;
pub mod backup;
pub mod config;
mod console;
mod control;
pub mod data_folder;
pub mod demo;
mod download;
pub mod http;
pub mod keys;
pub mod long_connection;
pub mod metrics;
mod open_api;
pub mod people;
mod public_url;
pub mod start;
mod start_error;
mod storage;
pub mod tokens;

pub use app::{App, SharedApp};
pub use config::{Config, NotFound, S3};
pub use console::console_pages;
pub use http::tls::TlsFiles;
pub use public_url::BadPublicUrl;
pub use start::Server;
pub use start_error::StartError;
