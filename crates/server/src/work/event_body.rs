//! An event's body, made when the event is sent from what it tells of: the outbox keeps ids alone.

use contract::event::{
    ACCOUNT_SCOPE_BACKGROUND_CHECK, AccountCreated, CandidateInfo, CheckCanceled, CheckCreated,
    ClientContactInfo, Event, FieldValue, Mobile,
};
use domain::Id;
use store::content::{Form, Person};
use store::deliveries::ClaimedDelivery;
use store::events::EventKind;
use store::orders::OrderSummary;
use store::tenants::Tenant;
use store::{Fault, FaultKind, Store};

/// The body of a claimed delivery's event; none when the account that it tells of is no longer bound.
///
/// Source: contract, section 3.5.
///
/// # Errors
/// Faults of storage; [`FaultKind::Damaged`] when what it tells of is missing or does not open.
pub(super) async fn event_body(
    store: &Store,
    tenant: &Tenant,
    claimed: &ClaimedDelivery,
) -> Result<Option<Event>, Fault> {
    let event_no = claimed.event_id.event_no;
    match claimed.kind {
        EventKind::AccountCreated => account_created(store, tenant, event_no).await,
        EventKind::OrderCreated => {
            let order_id = order_id(claimed)?;
            let found = store.find_form(tenant, order_id).await?;
            let (order, form) = found.ok_or_else(|| damaged("an event's order has no form"))?;
            Ok(Some(Event::CheckCreated(Box::new(check_created(order, form)))))
        }
        EventKind::OrderCanceled => {
            let order_id = order_id(claimed)?;
            let found = store.find_words(tenant, order_id, event_no).await?;
            let words = found.ok_or_else(|| damaged("an event's entry is missing"))?;
            Ok(Some(Event::CheckCanceled(CheckCanceled {
                background_check_id: order_id.to_string(),
                termination_reason: words.text,
            })))
        }
    }
}

async fn account_created(
    store: &Store,
    tenant: &Tenant,
    account_id: Id,
) -> Result<Option<Event>, Fault> {
    let Some(account) = store.find_account(tenant, account_id).await? else { return Ok(None) };
    Ok(Some(Event::AccountCreated(AccountCreated {
        scope: ACCOUNT_SCOPE_BACKGROUND_CHECK,
        account_id: account.account_id.to_string(),
        account_name: account.name,
        usage_list: account.usage_list,
        custom_field_list: field_values(account.custom_fields),
    })))
}

fn check_created(order: OrderSummary, form: Form) -> CheckCreated {
    let Person { name, mobile_code, mobile_number, email, first_name, last_name } = form.candidate;
    let candidate_info = CandidateInfo {
        name,
        mobile: Mobile { code: mobile_code, number: mobile_number },
        email,
        first_name,
        last_name,
    };
    let contact = form.client_contact;
    let client_contact_info = ClientContactInfo {
        name: contact.name,
        mobile: Mobile { code: contact.mobile_code, number: contact.mobile_number },
        email: contact.email,
    };
    CheckCreated {
        background_check_id: order.order_id.to_string(),
        account_id: order.account_id.to_string(),
        package_id: order.package_id,
        additional_item_id_list: form.additional_item_ids,
        comment: form.comment,
        candidate_info,
        client_contact_info,
        custom_field_list: field_values(form.custom_fields),
    }
}

fn field_values(fields: Vec<(String, String)>) -> Vec<FieldValue> {
    fields.into_iter().map(|(key, value)| FieldValue { key, value }).collect()
}

fn order_id(claimed: &ClaimedDelivery) -> Result<Id, Fault> {
    claimed.order_id.ok_or_else(|| damaged("an order's event names no order"))
}

fn damaged(what: &str) -> Fault {
    Fault::new(FaultKind::Damaged, what)
}
