//! The machine under the leaf crates: the only one that reads its clock, draws its random bytes and counts its file
//! handles; how work gives way while calls come; how bytes are handed on.
//!
//! To add something that another machine or moment answers differently: here, and banned elsewhere by `clippy.toml`.

pub mod bytes_writer;
pub mod clock;
pub mod handles;
pub mod load_shedder;
pub mod low_priority_runtime;
pub mod random;
pub mod secret_file;
