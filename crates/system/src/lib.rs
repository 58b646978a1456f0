//! The machine under the leaf crates: clock, random bytes, file handles, load shedding, byte writers.

pub mod bytes_writer;
pub mod clock;
pub mod handles;
pub mod load_shedder;
pub mod low_priority_runtime;
pub mod random;
pub mod secret_file;
