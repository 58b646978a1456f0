//! Which clock counts. What is recorded and shown about a tenant has the tenant's time; what waits (retries, leases, links,
//! keys, tokens) and what concerns no tenant has the installation's. Decision 077.

use domain::UnixMs;
use store::tenants::Tenant;
use system::clock::Clock;

use crate::Hub;

/// The clock of one tenant.
#[derive(Debug)]
pub struct TenantClock<'a> {
    installation: &'a Clock,
    tenant: &'a Tenant,
}

impl TenantClock<'_> {
    /// Now, in the tenant.
    #[must_use]
    pub fn now(&self) -> UnixMs {
        self.tenant.time(self.installation.now())
    }
}

impl Hub {
    /// The tenant's clock: real time, or ahead of it.
    #[must_use]
    pub fn clock<'a>(&'a self, tenant: &'a Tenant) -> TenantClock<'a> {
        TenantClock { installation: &self.installation_clock, tenant }
    }
}
