//! server

pub mod chance;
pub mod clock;
pub mod http;
pub mod outbound;
