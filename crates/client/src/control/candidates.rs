//! Finding the orders of a person.

use contract::control::{FoundOrder, Page, SearchCandidates};

use super::{Control, Error};

impl Control {
    /// Finds the orders of a person, newest first; every call is recorded. A page can be empty and still have a next
    /// one. Needs a key with the role admin or privacy officer.
    pub async fn search_candidates(
        &self,
        tenant_key: &str,
        body: &SearchCandidates,
    ) -> Result<Page<FoundOrder>, Error> {
        self.post(&["tenants", tenant_key, "candidates", "search"], body).await
    }
}
