//! Orders: placing, deciding on the result, ending, reading. A recruiter sees only its own orders; without the right to
//! see reports there are no results either.

mod commands;
mod export;
mod form;
mod list;
mod place;
mod read;
mod reviews;
mod shown;
mod view;

pub use commands::{approve, reject, terminate, withdraw};
pub use export::{Export, begin_export};
pub use list::{count_by_state, list, list_lines, list_moved};
pub use place::place;
pub use read::get;
pub use reviews::{WAITING_COUNTED_MAX, count_waiting_for_review, list_waiting_for_review};
pub use shown::{
    InnerLine, ShownLine, ShownOrder, get_shown, list_shown, list_shown_moved, list_shown_waiting,
};

use domain::{Act, Actor, Id};
use store::tenants::Tenant;

use crate::{Error, Hub};

/// Refuses, as not found, an order of somebody else to an actor that sees own ones only.
async fn authorize_own(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    order_id: Id,
    act: Act,
) -> Result<(), Error> {
    if !actor.roles.sees_own_orders_only(act) {
        return Ok(());
    }
    match hub.store.find_order_summary(tenant.tenant_id, order_id).await? {
        Some(summary) if summary.placed_by == actor.owner => Ok(()),
        _ => Err(Error::NotFound),
    }
}
