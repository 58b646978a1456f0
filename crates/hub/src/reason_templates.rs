//! Reasons that a tenant's people choose from when they send a result back or end an order. The words are the tenant's own, and
//! sealed.

use contract::control::{self, CreateReasonTemplate, Page, ProblemCode, UpdateReasonTemplate};
use domain::{Act, Actor, Id};
use store::reason_templates::{ReasonTemplate, TEMPLATES_MAX, TemplateWords};
use store::tenants::Tenant;
use store::{IdempotencyKey, Saved};

use crate::error::authorize;
use crate::idempotency::{self, Answer, Creation};
use crate::pages::whole;
use crate::{Error, Hub, Input};

/// Makes a template. Refuses more than [`TEMPLATES_MAX`] of a tenant.
pub async fn create(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    input: Input<CreateReasonTemplate>,
    key: Option<IdempotencyKey>,
) -> Result<Answer<control::ReasonTemplate>, Error> {
    authorize(actor, Act::ManageReasonTemplates)?;
    if let Some(first) = idempotency::find_first(hub, key.as_ref()).await? {
        return Ok(first);
    }
    let CreateReasonTemplate { name, text } = input.valid()?;
    if hub.store.list_reason_templates(tenant).await?.len() >= TEMPLATES_MAX as usize {
        let detail = format!("expected at most {TEMPLATES_MAX} templates");
        return Err(Error::refused(ProblemCode::Conflict, detail));
    }
    let by = hub.by(actor);
    let words = TemplateWords { name, text };
    let template = ReasonTemplate { template_id: hub.store.make_id(by.at), words, version: 1 };
    let body = view(&template);
    let creation = Creation::ReasonTemplate(tenant, &template);
    idempotency::create(hub, by, creation, key, &body, &body).await
}

/// All templates, the oldest first.
pub async fn list(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
) -> Result<Page<control::ReasonTemplate>, Error> {
    authorize(actor, Act::SeeReasonTemplates)?;
    let templates = hub.store.list_reason_templates(tenant).await?;
    Ok(whole(templates.iter().map(view).collect()))
}

/// Changes a template; absent members keep their value.
pub async fn update(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    template_id: Id,
    input: Input<UpdateReasonTemplate>,
) -> Result<control::ReasonTemplate, Error> {
    authorize(actor, Act::ManageReasonTemplates)?;
    let input = input.valid()?;
    // Tried again once after a change in between: the members are whole values, so the last one wins.
    for _ in 0..2 {
        let found = hub.store.find_reason_template(tenant, template_id).await?;
        let ReasonTemplate { words: old, version, .. } = found.ok_or(Error::NotFound)?;
        let words = TemplateWords {
            name: input.name.clone().unwrap_or(old.name),
            text: input.text.clone().unwrap_or(old.text),
        };
        let by = hub.by(actor);
        let saved =
            hub.store.update_reason_template(by, tenant, template_id, version, &words).await?;
        if saved == Saved::Done {
            return Ok(view(&ReasonTemplate { template_id, words, version }));
        }
    }
    let detail = "expected nobody else to change the template at the same time";
    Err(Error::refused(ProblemCode::Conflict, detail))
}

/// Deletes a template. Reasons that were given stay as they are.
pub async fn delete(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    template_id: Id,
) -> Result<(), Error> {
    authorize(actor, Act::ManageReasonTemplates)?;
    let (by, tenant_id) = (hub.by(actor), tenant.tenant_id);
    let is_done = hub.store.delete_reason_template(by, tenant_id, template_id).await?;
    is_done.then_some(()).ok_or(Error::NotFound)
}

fn view(template: &ReasonTemplate) -> control::ReasonTemplate {
    control::ReasonTemplate {
        template_id: template.template_id.to_string(),
        name: template.words.name.clone(),
        text: template.words.text.clone(),
    }
}
