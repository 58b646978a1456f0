//! contract

pub mod control;
