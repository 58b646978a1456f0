//! The SDK: Probity from a program's side, thin over the bodies of `contract`.
//!
//! [`control::Control`] calls the control API, [`vendor::Vendor`] the open API of any such server, [`evidence`]
//! verifies without a server.
//!
//! Clones share their connections. Proxies of the environment are used, except for loopback; redirects are not
//! followed; nothing is retried but a call whose token was refused. Keys and bodies show neither in `Debug` nor in
//! errors.

pub mod control;
pub mod evidence;
mod transport;
pub mod vendor;

pub use transport::{TransportError, server_name};
