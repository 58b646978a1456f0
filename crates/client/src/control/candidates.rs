//! Finding the orders of a person.

use contract::control::{FoundOrder, Page, SearchCandidates};

use super::{Control, Error};

impl Control {
    /// Finds a person's orders, newest first; recorded. A page can be empty and have a next one.
    pub async fn search_candidates(
        &self,
        tenant_key: &str,
        body: &SearchCandidates,
    ) -> Result<Page<FoundOrder>, Error> {
        self.post(&["tenants", tenant_key, "candidates", "search"], body).await
    }
}
