//! The wire vocabulary: what both ends of the open API and of the control API say to each other.
//!
//! Only shapes, rules about shapes, and the encryption of events; no IO, no clock, no random bytes, no async, so that
//! server, SDK and tests can share it. Section numbers in the documents of this crate refer to the contract dossier.

pub mod auth;
pub mod check;
pub mod code;
pub mod control;
pub mod decode;
pub mod endpoint;
pub mod envelope;
pub mod event;
pub mod evidence;
pub mod field;
pub mod frame;
pub mod hex;
pub mod json;
pub mod order;
pub mod order_query;
pub mod package;
pub mod report_url;
pub mod route;
pub mod scope;
pub mod seal;
pub mod store_auth;
pub mod text;
