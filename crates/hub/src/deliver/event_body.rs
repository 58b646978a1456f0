//! An event's text, made when the event is sent from what it is about: the outbox keeps ids alone.

use contract::event::{
    self, ACCOUNT_SCOPE_BACKGROUND_CHECK, AccountCreated, AppTicket, CandidateInfo, CheckCanceled,
    CheckCreated, CheckReturned, ClientContactInfo, Event, FieldValue, Header, Mobile,
};
use domain::Id;
use domain::event::EventKind;
use store::apps::App as Receiver;
use store::claims::{ClaimedDelivery, OrderContent};
use store::content::{Form, Person};
use store::tenants::Tenant;
use store::{Fault, FaultKind, Key, Store};

use crate::Hub;
use crate::app_access::Holder;
use crate::form_values::with_links;

/// The plain text of a claimed delivery's event, in its envelope; none when the account that it is about is no longer
/// bound. `key` is the delivery's own; `holder` gets the links in it.
///
/// Source: contract, sections 1.4, 3.5 and 5.1.
///
/// # Errors
/// Faults of storage; [`FaultKind::Damaged`] when what it is about is missing or does not open.
pub(super) async fn plain_text(
    hub: &Hub,
    tenant: &Tenant,
    receiver: &Receiver,
    claimed: &ClaimedDelivery,
    key: &Key,
    holder: Holder,
) -> Result<Option<Vec<u8>>, Fault> {
    let (store, event_no) = (&hub.store, claimed.event_id.event_no);
    let event = match claimed.kind {
        EventKind::AccountCreated => account_created(store, tenant, event_no).await?,
        EventKind::OrderCreated => {
            let (order_id, content) = order_of(claimed)?;
            let form = claimed.form(key)?;
            let values = with_links(hub, tenant.tenant_id, order_id, &form, holder);
            let created = check_created(order_id, content, form, values);
            Some(Event::CheckCreated(Box::new(created)))
        }
        EventKind::OrderCanceled => {
            let (order_id, _) = order_of(claimed)?;
            Some(Event::CheckCanceled(CheckCanceled {
                background_check_id: order_id.to_string(),
                termination_reason: claimed.words(key)?.text,
            }))
        }
        EventKind::OrderReturned => {
            let (order_id, _) = order_of(claimed)?;
            Some(Event::CheckReturned(CheckReturned {
                background_check_id: order_id.to_string(),
                return_reason: claimed.words(key)?.text,
            }))
        }
        EventKind::AppTicket => {
            return Ok(Some(event::render_ticket(&app_ticket(hub, receiver, claimed))));
        }
    };
    Ok(event.map(|event| event::render(&header(receiver, claimed), &event)))
}

fn header(receiver: &Receiver, claimed: &ClaimedDelivery) -> Header {
    Header {
        event_id: claimed.event_id.to_string(),
        token: receiver.secrets.verification_token.clone(),
        create_time: claimed.created_at.0,
        tenant_key: claimed.tenant_id.to_string(),
        app_id: receiver.app_id.to_string(),
    }
}

fn app_ticket(hub: &Hub, receiver: &Receiver, claimed: &ClaimedDelivery) -> AppTicket {
    let (event_no, issued_at) = (claimed.event_id.event_no, claimed.created_at);
    AppTicket {
        uuid: claimed.event_id.to_string(),
        token: receiver.secrets.verification_token.clone(),
        issued_at: issued_at.0,
        app_id: receiver.app_id.to_string(),
        app_ticket: hub.tickets.make(receiver, event_no, issued_at),
    }
}

async fn account_created(
    store: &Store,
    tenant: &Tenant,
    account_id: Id,
) -> Result<Option<Event>, Fault> {
    let Some(account) = store.find_account(tenant, account_id).await? else {
        return Ok(None);
    };
    Ok(Some(Event::AccountCreated(AccountCreated {
        scope: ACCOUNT_SCOPE_BACKGROUND_CHECK,
        account_id: account.account_id.to_string(),
        account_name: account.name,
        usage_list: account.usage_list,
        custom_field_list: field_values(account.custom_fields),
    })))
}

fn check_created(
    order_id: Id,
    content: &OrderContent,
    form: Form,
    values: Vec<FieldValue>,
) -> CheckCreated {
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
        background_check_id: order_id.to_string(),
        account_id: content.account_id.to_string(),
        package_id: content.package_id.clone(),
        additional_item_id_list: form.additional_item_ids,
        comment: form.comment,
        candidate_info,
        client_contact_info,
        custom_field_list: values,
    }
}

fn field_values(fields: Vec<(String, String)>) -> Vec<FieldValue> {
    fields.into_iter().map(|(key, value)| FieldValue { key, value }).collect()
}

/// The order that the event is about, and what is known of it.
fn order_of(claimed: &ClaimedDelivery) -> Result<(Id, &OrderContent), Fault> {
    let found = claimed.order_id.zip(claimed.content.as_ref());
    found.ok_or_else(|| Fault::new(FaultKind::Damaged, "an event's order is missing"))
}
