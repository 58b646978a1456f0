//! The long connection (长连接): a vendor's program asks for an address, opens a websocket, and gets its app's events
//! on it instead of by webhook.
//!
//! Who plays: `endpoint` answers who asks for an address, and puts a one-time ticket (`ticket`) into it;
//! `upgrade` takes the ticket and opens the websocket; `socket` moves messages, and `dialogue` says what they
//! mean; [`hub::connections`] knows the connections of this process, and its `Connection::push` is the way of one event to one of them;
//! the jobs in `hub/src/jobs/connections.rs` shows the other replicas that this one lives, and learns what they hold.
//!
//! What always holds: self-built apps only; a ticket opens one connection; an app has at most
//! [`connections_per_app`](LongConnectionLimits::connections_per_app) on all replicas together; one event goes to one
//! connection, drawn anew for each try, by the replica that holds it; a connection that ends is no loss, since
//! whatever it did not acknowledge is due again; it ends with the secret, the grant or the app that it was opened by. Source: contract, sections 5.3 to 5.6.

mod dialogue;
mod endpoint;
pub(crate) mod limits;
mod socket;
pub(crate) mod ticket;
mod upgrade;

pub(crate) use endpoint::serve as serve_endpoint;
pub use limits::LongConnectionLimits;
pub(crate) use upgrade::serve as serve_socket;
