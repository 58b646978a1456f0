//! The SDK: Probity from a program's side, thin over the bodies of `contract`.
//!
//! - [`control::Control`] speaks the control API `/api/v1`: a hirer's own systems, scripts, the CLI.
//! - [`vendor::Vendor`] speaks the open API `/open-apis` as a vendor's program does, with any server
//!   that keeps that contract.
//! - [`evidence`] verifies manifests, certificates and audit chains, without any server.
//!
//! Both are cheap to clone and share one pool of connections among their clones. Proxies named by the
//! environment are used, except for loopback addresses. Redirects are not followed. Nothing is
//! repeated by itself, except one call whose token was refused. Neither keys nor bodies show in
//! `Debug` or in errors.

pub mod control;
pub mod evidence;
mod transport;
pub mod vendor;

pub use transport::{TransportError, server_name};
