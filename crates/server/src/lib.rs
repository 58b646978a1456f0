//! The hub as a library: [`start::Server`] listens, answers and runs the workers.

mod app;
mod authorities;
mod background;
pub mod backup;
pub mod chance;
pub mod clock;
pub mod config;
mod control;
mod download;
mod files;
mod form_values;
pub mod handles;
pub mod http;
pub mod inspect;
pub mod keys;
pub mod links;
pub mod long_connection;
pub mod metrics;
mod object_check;
pub mod objects;
mod open_api;
pub mod outbound;
mod public_url;
pub mod root_key;
mod rotation;
mod signature;
pub mod start;
pub mod tickets;
pub mod tokens;
mod traffic;
mod url_check;
pub mod work;

pub use app::{App, SharedApp};
pub use config::{Config, NotFound, S3, TlsFiles};
pub use public_url::BadPublicUrl;
pub use start::{Server, StartFailure};
