//! The SDK: Probity from a program's side, thin over the bodies of `contract`.
//!
//! - [`control::Control`] speaks the control API `/api/v1`: a hirer's own systems, scripts, the CLI.
//! - [`vendor::Vendor`] speaks the open API `/open-apis` as a vendor's program does, with any server
//!   that keeps that contract.
//! - [`evidence`] verifies manifests, certificates and audit chains, without any server.
//!
//! Both are cheap to clone; clones share their connections. Proxies of the environment are used, except for loopback.
//! Redirects are not followed. Nothing is repeated but one call whose token was refused. Keys and bodies show neither
//! in `Debug` nor in errors.

pub mod control;
pub mod evidence;
mod transport;
pub mod vendor;

pub use transport::{TransportError, server_name};
