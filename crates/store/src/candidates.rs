//! Finding a person's orders: forms are opened one by one, newest first, at most [`LOOKED_THROUGH_MAX`] for a page.

use const_format::formatcp;
use domain::Id;
use domain::candidate::{Candidate, Wanted};

use crate::Store;
use crate::content::{self, Form, Person};
use crate::fault::Fault;
use crate::orders::{OrderSummary, entry_context, summary};
use crate::rows::{ORDER_COLUMNS, OrderRow};
use crate::tenants::Tenant;
use crate::value::{Row, values};

/// Orders whose forms are opened for one page at most.
pub const LOOKED_THROUGH_MAX: u32 = 20_000;
/// Orders that are read at once.
const BATCH: u32 = 500;

/// What is searched for; what is not named fits all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CandidateSearch {
    /// Who the candidate is.
    pub wanted: Wanted,
    /// The application in the hirer's system.
    pub application_id: Option<String>,
    /// The order, which is found when it is erased, too.
    pub order_id: Option<Id>,
}

/// An order that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundOrder {
    /// Ids, state and times.
    pub summary: OrderSummary,
    /// None once it is erased.
    pub form: Option<Form>,
}

/// One page of what fits, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundOrders {
    /// The orders.
    pub orders: Vec<FoundOrder>,
    /// The order after which the next page begins; none after the last one.
    pub next: Option<Id>,
    /// How many forms were opened.
    pub looked_through: u32,
}

/// An order's first entry, which holds its form, has the order's own id.
const SCAN: &str = formatcp!(
    "SELECT {ORDER_COLUMNS}, e.sealed FROM orders o \
    JOIN timeline_entries e ON e.tenant_id = o.tenant_id AND e.entry_id = o.order_id \
    WHERE o.tenant_id = $1 AND o.order_id >= $2 AND o.order_id < $3 ORDER BY o.order_id DESC LIMIT $4"
);

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[SCAN];

impl Store {
    /// At most `limit` of the tenant's orders placed before the given one that fit, newest first.
    pub async fn search_candidates(
        &self,
        tenant: &Tenant,
        search: &CandidateSearch,
        before: Id,
        limit: u32,
    ) -> Result<FoundOrders, Fault> {
        let first = search.order_id.unwrap_or(Id(0));
        let end = search.order_id.map_or(i64::MAX, |only| only.0.saturating_add(1));
        let mut before = Id(before.0.min(end));
        let mut found = FoundOrders { orders: Vec::new(), next: None, looked_through: 0 };
        while found.looked_through < LOOKED_THROUGH_MAX {
            let values = values![tenant.tenant_id.0, first.0, before.0, i64::from(BATCH)];
            let rows = self.read(SCAN, values).await?;
            for row in &rows {
                let (order_id, fitting) = open(tenant, search, row)?;
                before = order_id;
                found.looked_through += 1;
                found.orders.extend(fitting);
                if found.orders.len() >= limit as usize {
                    found.next = Some(before);
                    return Ok(found);
                }
            }
            if rows.len() < BATCH as usize {
                return Ok(found);
            }
        }
        found.next = Some(before);
        Ok(found)
    }
}

fn open(
    tenant: &Tenant,
    search: &CandidateSearch,
    row: &Row,
) -> Result<(Id, Option<FoundOrder>), Fault> {
    let order = OrderRow::read(row)?;
    let order_id = order.order_id;
    let summary = summary(&order);
    if order.is_erased() {
        let is_named = search.order_id == Some(order_id) && search.names_nobody();
        return Ok((order_id, is_named.then_some(FoundOrder { summary, form: None })));
    }
    let context = OrderRow::key_context(tenant.tenant_id, order_id);
    let data_key = tenant.key.open_key(context, &order.wrapped_key)?;
    let text =
        data_key.open(entry_context(tenant.tenant_id, order_id), row.bytes(OrderRow::COLUMNS)?)?;
    let form: Form = content::from_text(&text)?;
    Ok((order_id, search.fits(&form).then_some(FoundOrder { summary, form: Some(form) })))
}

impl CandidateSearch {
    /// Whether nothing is searched for that an erased order no longer has.
    fn names_nobody(&self) -> bool {
        self.wanted.is_empty() && self.application_id.is_none()
    }

    fn fits(&self, form: &Form) -> bool {
        let application = self.application_id.as_deref();
        application.is_none_or(|wanted| wanted.trim() == form.application_id.trim())
            && self.wanted.fits(&candidate(&form.candidate))
    }
}

pub(crate) fn candidate(person: &Person) -> Candidate<'_> {
    Candidate {
        name: &person.name,
        first_name: &person.first_name,
        last_name: &person.last_name,
        mobile_code: &person.mobile_code,
        mobile_number: &person.mobile_number,
        email: &person.email,
    }
}
