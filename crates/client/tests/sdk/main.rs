//! The SDK against canned answers, and what it verifies without a server.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod control;
mod evidence;
mod harness;
mod vendor;
