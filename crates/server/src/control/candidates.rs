//! `POST /tenants/{tenant_key}/candidates/search`: finding the orders of a person who asks for erasure or for an answer.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{FoundCandidate, FoundOrder, Page, SearchCandidates};
use contract::evidence::AuditAct;
use domain::Id;
use domain::candidate::Wanted;
use store::candidates::{self as found, CandidateSearch};
use store::content::{Form, Person};

use super::auth::Call;
use super::cursor::{self, Of};
use super::failure::{Failure, validate};
use super::request::{Command, json};
use hub::instant::rfc3339;

/// Digits of a number that are shown.
const DIGITS_SHOWN: usize = 4;

/// Finds the orders of a person by name, mobile number, mail address, application or order; all that is named must fit.
///
/// Compared exactly, but for case, blanks, punctuation and the country code of a number. Of the candidate the answer
/// holds the name, and number and address masked. Every call is recorded in the tenant's audit chain: by what was searched
/// and which orders were found, not the words. A page looks through at most 20,000 orders, so it can be shorter than
/// `limit`, or empty, and still have a `next_cursor`.
#[utoipa::path(
    post,
    path = "/tenants/{tenant_key}/candidates/search",
    tag = "candidates",
    params(("tenant_key" = String, Path, description = "16 lower-case hex digits")),
    request_body = SearchCandidates,
    responses((status = 200, description = "A page of orders, newest first", body = Page<FoundOrder>))
)]
pub(crate) async fn search_candidates(
    call: Call,
    command: Command<SearchCandidates>,
) -> Result<Response, Failure> {
    let body = command.body;
    validate(body.faults())?;
    let tenant = call.tenant().await?;
    let before = cursor::read(Of::FoundOrders, body.cursor.as_deref())?;
    let before = before.map_or(Id(i64::MAX), |[order_id]| Id(order_id));
    let order_id = body.order_id.as_ref().map(|text| text.parse());
    let search = CandidateSearch {
        wanted: Wanted::new(body.name.as_deref(), body.mobile.as_deref(), body.email.as_deref()),
        application_id: body.application_id.clone(),
        // A number that no order can have is found nowhere.
        order_id: order_id.map(|read| read.unwrap_or(Id(0))),
    };
    let limit = cursor::limit(body.limit);
    let page = call.app.hub.store.search_candidates(&tenant, &search, before, limit).await?;
    // First the record, then what it is about.
    let mut entry = call.by().did(AuditAct::CandidatesSearched);
    let orders: Vec<_> = page.orders.iter().map(|it| it.summary.order_id.to_string()).collect();
    for (name, value) in [
        ("by", body.criteria().join(" ")),
        ("looked_through", page.looked_through.to_string()),
        ("found", orders.len().to_string()),
        ("orders", orders.join(" ")),
    ] {
        entry.details.insert(name.to_owned(), value);
    }
    call.app.hub.store.add_audit_entry(tenant.tenant_id, &entry).await?;
    let answer = Page {
        items: page.orders.iter().map(view).collect(),
        next_cursor: page.next.map(|last| cursor::write(Of::FoundOrders, [last.0])),
    };
    Ok(json(StatusCode::OK, &answer))
}

fn view(order: &found::FoundOrder) -> FoundOrder {
    let summary = &order.summary;
    let application = |form: &Form| filled(&form.application_id);
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
        mobile: filled(&person.mobile_number).map(|number| masked_number(&number)),
        email: filled(&person.email).map(|address| masked_address(&address)),
    }
}

/// All but the last digits masked; a short number wholly.
fn masked_number(number: &str) -> String {
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

fn filled(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
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
