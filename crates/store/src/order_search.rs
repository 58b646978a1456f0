//! Orders found by what somebody typed: the blind index gives orders that have the words' terms, newest first, and each is opened
//! to see whether it fits.
//!
//! Of several terms the rarest leads, and the others are looked up for each of its orders; a page looks through a bounded
//! number of them, as in `order_pages.rs`.

use const_format::formatcp;
use domain::Id;
use domain::search::Query;

use crate::Store;
use crate::fault::Fault;
use crate::order_pages::{FITS, OrderFilter, Page, Range, STRETCH};
use crate::order_terms::{digest, open_form, searched};
use crate::rows::{ORDER_COLUMNS, OrderRow};
use crate::tenants::Tenant;
use crate::value::values;

/// Up to how many orders with a term are counted, to find the rarest.
const COUNTED_MAX: i64 = 1_000;
/// Terms that the statement compares; an order that has these is nearly always one that fits.
const TERMS_MAX: usize = 4;

const COUNT: &str = "SELECT count(*) FROM (SELECT 1 FROM order_terms WHERE tenant_id = $1 AND term = $2 LIMIT $3) AS counted";
const REACH: &str = "SELECT order_id FROM order_terms WHERE tenant_id = $1 AND order_id >= $2 \
    AND order_id < $3 AND term = $5 ORDER BY order_id DESC LIMIT 1 OFFSET $4";
/// The other terms are no joins, so that PostgreSQL looks them up before it reads the order.
const LIST: &str = formatcp!(
    "SELECT {ORDER_COLUMNS}, e.sealed FROM order_terms a \
    JOIN orders o ON o.tenant_id = a.tenant_id AND o.order_id = a.order_id \
    JOIN timeline_entries e ON e.tenant_id = a.tenant_id AND e.entry_id = a.order_id \
    WHERE a.tenant_id = $1 AND a.term = $20 AND a.order_id >= $2 AND a.order_id < $3 AND {FITS} \
    AND (SELECT 1 FROM order_terms b WHERE b.tenant_id = $1 AND b.term = $21 AND b.order_id = a.order_id) = 1 \
    AND (SELECT 1 FROM order_terms c WHERE c.tenant_id = $1 AND c.term = $22 AND c.order_id = a.order_id) = 1 \
    AND (SELECT 1 FROM order_terms d WHERE d.tenant_id = $1 AND d.term = $23 AND d.order_id = a.order_id) = 1 \
    ORDER BY a.order_id DESC LIMIT $19"
);

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[COUNT, REACH, LIST];

impl Store {
    /// Orders within `range` that fit; gives the order after which the next page begins.
    pub(crate) async fn search_orders(
        &self,
        tenant: &Tenant,
        filter: &OrderFilter,
        query: &Query,
        range: Range,
        page: &mut Page,
    ) -> Result<Option<Id>, Fault> {
        let (mut query, mut range) = (query.clone(), range);
        let ids: Vec<_> = query.order_ids().collect();
        for order_id in ids {
            // An application may have an id of the same shape.
            if self.find_order_summary(tenant.tenant_id, order_id).await?.is_some() {
                query = query.without(order_id);
                let next = Id(order_id.0.saturating_add(1));
                range = Range { first: range.first.max(order_id), end: range.end.min(next) };
            }
        }
        if query.is_empty() {
            return self.list_placed(tenant, filter, range, page).await;
        }
        let Some(terms) = self.rarest_terms(tenant, &query).await? else { return Ok(None) };
        let is_narrow = filter.is_narrow() || terms[0] != terms[1];
        let mut end = range.end;
        while range.first < end {
            let reach = match is_narrow {
                true => self.reach(REACH, tenant, Range { end, ..range }, Some(terms[0])).await?,
                false => None,
            };
            let stretch = Range { first: reach.unwrap_or(range.first), end };
            let found = self.search_stretch(tenant, filter, &query, terms, stretch, page).await?;
            if found.is_some() {
                return Ok(found);
            }
            let Some(first) = reach else { return Ok(None) };
            page.spend(STRETCH as usize);
            if page.is_spent() {
                return Ok(Some(first));
            }
            end = first;
        }
        Ok(None)
    }

    /// Opens what has the terms, until the page is full and one more fits.
    async fn search_stretch(
        &self,
        tenant: &Tenant,
        filter: &OrderFilter,
        query: &Query,
        terms: [i64; TERMS_MAX],
        mut stretch: Range,
        page: &mut Page,
    ) -> Result<Option<Id>, Fault> {
        loop {
            let asked = page.asked();
            let mut values = filter.values(tenant, stretch, asked);
            values.extend(terms.map(Into::into));
            let rows = self.read(LIST, values).await?;
            for row in &rows {
                let order = OrderRow::read(row)?;
                let fits =
                    !order.is_erased() && query.fits(&searched(&open_form(tenant, &order, row)?));
                if fits && !page.push(&order) {
                    return Ok(Some(stretch.end));
                }
                stretch.end = order.order_id;
            }
            if (rows.len() as i64) < asked {
                return Ok(None);
            }
            page.spend(rows.len());
            if page.is_spent() {
                return Ok(Some(stretch.end));
            }
        }
    }

    /// The query's rarest terms, the first one filling up; none when an order can have none of them all.
    async fn rarest_terms(
        &self,
        tenant: &Tenant,
        query: &Query,
    ) -> Result<Option<[i64; TERMS_MAX]>, Fault> {
        let mut counted = Vec::new();
        for term in query.terms() {
            let term = digest(tenant, &term);
            let values = values![tenant.tenant_id.0, term, COUNTED_MAX];
            let rows = self.read(COUNT, values).await?;
            let count = rows.first().map_or(Ok(0), |row| row.int(0))?;
            if count == 0 {
                return Ok(None);
            }
            counted.push((count, term));
        }
        // Stable: of terms that many orders have the longer one comes first.
        counted.sort_by_key(|(count, _)| *count);
        let Some((_, rarest)) = counted.first().copied() else { return Ok(None) };
        let mut terms = [rarest; TERMS_MAX];
        for (place, (_, term)) in terms.iter_mut().zip(counted) {
            *place = term;
        }
        Ok(Some(terms))
    }
}
