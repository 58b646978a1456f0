//! The SDK against canned answers.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod control;
mod harness;
mod vendor;
