//! Finding the orders of a person.

use contract::control::{FoundOrder, Page, SearchCandidates};

calls! {
    /// Finds a person's orders, newest first; recorded. A page can be empty and have a next one.
    pub async fn search_candidates(tenant_key: &str, body: &SearchCandidates) -> Page<FoundOrder> =
        post(["tenants", tenant_key, "candidates", "search"], body);
}
