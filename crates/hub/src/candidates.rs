//! Finding the orders of a person who asks for erasure or for an answer. Decision 061.

use contract::control::{FoundCandidate, FoundOrder, Page, SearchCandidates};
use contract::evidence::AuditAct;
use domain::candidate::Wanted;
use domain::{Act, Actor, Id};
use store::candidates::{self as found, CandidateSearch};
use store::content::{Form, Person};
use store::tenants::Tenant;

use crate::error::authorize;
use crate::instant::rfc3339;
use crate::pages::{Of, Paging};
use crate::text::non_empty;
use crate::{Error, Hub, Input};

/// Digits of a number that are shown.
const DIGITS_SHOWN: usize = 4;

/// Finds the orders of a person by name, mobile number, mail address, application or order; all that is named must fit.
/// The audit chain records the criteria and the orders found, not the values. A page can be short or empty and still
/// have a `next_cursor`.
pub async fn search(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    input: Input<SearchCandidates>,
) -> Result<Page<FoundOrder>, Error> {
    authorize(actor, Act::FindCandidates)?;
    let input = input.valid()?;
    let paging = Paging::new(Of::FoundOrders, input.cursor.as_deref(), input.limit)?;
    let order_id = input.order_id.as_ref().map(|text| text.parse());
    let search = CandidateSearch {
        wanted: Wanted::new(input.name.as_deref(), input.mobile.as_deref(), input.email.as_deref()),
        application_id: input.application_id.clone(),
        // No order has the id 0.
        order_id: order_id.map(|read| read.unwrap_or(Id(0))),
    };
    let before = paging.before();
    let page = hub.store.search_candidates(tenant, &search, before, paging.limit).await?;
    // The search is recorded before its result is returned.
    let mut entry = hub.by(actor).did(AuditAct::CandidatesSearched);
    let orders: Vec<_> = page.orders.iter().map(|it| it.summary.order_id.to_string()).collect();
    for (name, value) in [
        ("by", input.criteria().join(" ")),
        ("looked_through", page.looked_through.to_string()),
        ("found", orders.len().to_string()),
        ("orders", orders.join(" ")),
    ] {
        entry.details.insert(name.to_owned(), value);
    }
    hub.store.add_audit_entry(tenant.tenant_id, &entry).await?;
    Ok(Page {
        items: page.orders.iter().map(view).collect(),
        next_cursor: page.next.map(|last| paging.cursor([last.0])),
    })
}

fn view(order: &found::FoundOrder) -> FoundOrder {
    let summary = &order.summary;
    let application = |form: &Form| non_empty(&form.application_id);
    FoundOrder {
        order_id: summary.order_id.to_string(),
        state: summary.state.into(),
        created_at: rfc3339(summary.placed_at),
        updated_at: rfc3339(summary.updated_at),
        ended_at: summary.ended_at.map(rfc3339),
        erased: summary.is_erased,
        application_id: order.form.as_ref().and_then(application),
        candidate: order.form.as_ref().map(|form| candidate(&form.candidate)),
    }
}

fn candidate(person: &Person) -> FoundCandidate {
    FoundCandidate {
        name: person.name.clone(),
        mobile: non_empty(&person.mobile_number).map(|number| masked_number(&number)),
        email: non_empty(&person.email).map(|address| masked_address(&address)),
    }
}

/// All but the last digits masked; a short number whole.
pub(crate) fn masked_number(number: &str) -> String {
    let count = number.chars().count();
    let hidden = if count > 2 * DIGITS_SHOWN { count - DIGITS_SHOWN } else { count };
    number.chars().enumerate().map(|(index, c)| if index < hidden { '*' } else { c }).collect()
}

/// The first character and the host.
fn masked_address(address: &str) -> String {
    let (local, host) = address.rsplit_once('@').unwrap_or((address, ""));
    let first: String = local.chars().take(1).collect();
    format!("{first}***@{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_addresses_are_shown_in_part() {
        for (number, shown) in
            [("13800001234", "*******1234"), ("123456789", "*****6789"), ("12345678", "********")]
        {
            assert_eq!(masked_number(number), shown);
        }
        for (address, shown) in
            [("zhang@example.com", "z***@example.com"), ("张@x", "张***@x"), ("a", "a***@")]
        {
            assert_eq!(masked_address(address), shown);
        }
    }
}
