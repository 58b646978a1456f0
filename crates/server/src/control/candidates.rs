//! `POST /tenants/{tenant_key}/candidates/search`. What the call does is in `hub::candidates`.

use contract::control::{FoundOrder, SearchCandidates};
use hub::candidates;

use super::answer::Paged;
use super::auth::Call;
use super::failure::Failure;
use super::request::Command;

pub(super) async fn search_candidates(
    call: Call,
    command: Command<SearchCandidates>,
) -> Result<Paged<FoundOrder>, Failure> {
    let tenant = call.tenant().await?;
    Ok(candidates::search(call.hub(), call.actor(), &tenant, command.body).await?.into())
}
