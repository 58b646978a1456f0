//! The vendor's wire, `/open-apis`: the gateway, and one file for each kind of call behind it.

mod auth;
mod failure;
mod gateway;
mod log_id;
mod scope_page;
mod store_auth;

pub(crate) use failure::{answer, busy};
pub(crate) use gateway::serve;
pub(crate) use log_id::log_id;
pub(crate) use scope_page::scope_page;
