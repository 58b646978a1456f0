//! Orders: `/tenants/{tenant_key}/orders`. What they do is in `hub::orders`.

pub(super) mod get;
pub(super) mod list;
pub(super) mod place;
pub(super) mod review;
pub(super) mod terminate;
