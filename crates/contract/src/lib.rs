//! The wire vocabulary of both APIs, without IO. Section numbers mean the contract dossier.

pub mod auth;
pub mod check;
pub mod code;
pub mod control;
pub mod decode;
pub mod endpoint;
pub mod envelope;
pub mod event;
pub mod evidence;
pub mod field;
pub mod frame;
pub mod hex;
pub mod json;
pub mod order;
pub mod order_query;
pub mod package;
pub mod report_url;
pub mod route;
pub mod scope;
pub mod seal;
pub mod store_auth;
pub mod text;

/// Writes `Debug` for what holds personal data or a secret: the named members and no other.
#[macro_export]
macro_rules! debug_only {
    ($($type:ident { $($member:ident),* })*) => {$(
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($type))
                    $(.field(stringify!($member), &self.$member))*
                    .finish_non_exhaustive()
            }
        }
    )*};
}
