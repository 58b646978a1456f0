//! The reasons that a tenant's people choose from when they send a result back or end an order.

use contract::evidence::AuditAct;
use domain::{Id, TenantId};
use serde::{Deserialize, Serialize};

use crate::answers::StoredAnswer;
use crate::audit::By;
use crate::content;
use crate::fault::Fault;
use crate::seal::RowContext;
use crate::tenants::Tenant;
use crate::value::{Row, one, values};
use crate::{Saved, Store};

/// One reason that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReasonTemplate {
    /// Its id; ascending in time.
    pub template_id: Id,
    /// What it says; sealed at rest.
    pub words: TemplateWords,
    /// Counts the changes.
    pub version: i64,
}

/// What a template says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateWords {
    /// By what people choose it.
    pub name: String,
    /// What is put into the reason.
    pub text: String,
}

const INSERT: &str =
    "INSERT INTO reason_templates (tenant_id, template_id, sealed, version) VALUES ($1, $2, $3, 1)";
const UPDATE: &str = "UPDATE reason_templates SET sealed = $3, version = version + 1 \
    WHERE tenant_id = $1 AND template_id = $2 AND version = $4";
const DELETE: &str = "DELETE FROM reason_templates WHERE tenant_id = $1 AND template_id = $2";
const LIST: &str = "SELECT template_id, sealed, version FROM reason_templates WHERE tenant_id = $1 \
    ORDER BY template_id LIMIT $2";
const FIND: &str = "SELECT template_id, sealed, version FROM reason_templates WHERE tenant_id = $1 AND template_id = $2";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[INSERT, UPDATE, DELETE, LIST, FIND];

/// Most templates of a tenant.
pub const TEMPLATES_MAX: u32 = 100;

impl Store {
    /// Makes a template; [`Saved::KeyTaken`] when the answer's Idempotency-Key was used before.
    pub async fn create_reason_template(
        &self,
        by: By,
        tenant: &Tenant,
        template: &ReasonTemplate,
        answer: Option<&StoredAnswer>,
    ) -> Result<Saved, Fault> {
        let mut statements = self.keep_answer(answer);
        let sealed = seal(tenant, template.template_id, &template.words);
        let (tenant_id, template_id) = (tenant.tenant_id.0, template.template_id);
        statements.push(one(INSERT, values![tenant_id, template_id.0, sealed]));
        statements.extend(self.audit(tenant.tenant_id, entry(by, template_id, "made")).await?);
        Ok(self.write(statements).await?.saved_or(Saved::KeyTaken))
    }

    /// Changes what a template says, unless it changed since `version`.
    pub async fn update_reason_template(
        &self,
        by: By,
        tenant: &Tenant,
        template_id: Id,
        version: i64,
        words: &TemplateWords,
    ) -> Result<Saved, Fault> {
        let sealed = seal(tenant, template_id, words);
        let values = values![tenant.tenant_id.0, template_id.0, sealed, version];
        let mut statements = vec![one(UPDATE, values)];
        statements.extend(self.audit(tenant.tenant_id, entry(by, template_id, "changed")).await?);
        Ok(self.write(statements).await?.saved_or(Saved::Outdated))
    }

    /// Deletes a template; false when the tenant has none of this id.
    pub async fn delete_reason_template(
        &self,
        by: By,
        tenant_id: TenantId,
        template_id: Id,
    ) -> Result<bool, Fault> {
        let mut statements = vec![one(DELETE, values![tenant_id.0, template_id.0])];
        statements.extend(self.audit(tenant_id, entry(by, template_id, "deleted")).await?);
        Ok(self.write(statements).await?.is_done())
    }

    /// All templates of the tenant, the oldest first.
    pub async fn list_reason_templates(
        &self,
        tenant: &Tenant,
    ) -> Result<Vec<ReasonTemplate>, Fault> {
        let values = values![tenant.tenant_id.0, i64::from(TEMPLATES_MAX)];
        let rows = self.read(LIST, values).await?;
        rows.iter().map(|row| template(tenant, row)).collect()
    }

    /// The template, if the tenant has it.
    pub async fn find_reason_template(
        &self,
        tenant: &Tenant,
        template_id: Id,
    ) -> Result<Option<ReasonTemplate>, Fault> {
        let rows = self.read(FIND, values![tenant.tenant_id.0, template_id.0]).await?;
        rows.first().map(|row| template(tenant, row)).transpose()
    }
}

fn seal(tenant: &Tenant, template_id: Id, words: &TemplateWords) -> Vec<u8> {
    tenant.key.seal(context(tenant.tenant_id, template_id), &content::to_text(words))
}

fn template(tenant: &Tenant, row: &Row) -> Result<ReasonTemplate, Fault> {
    let template_id = Id(row.int(0)?);
    let text = tenant.key.open(context(tenant.tenant_id, template_id), row.bytes(1)?)?;
    Ok(ReasonTemplate { template_id, words: content::from_text(&text)?, version: row.int(2)? })
}

fn entry(by: By, template_id: Id, what: &str) -> contract::evidence::AuditEntry {
    let mut entry = by.did(AuditAct::ReasonTemplateChanged);
    entry.details.insert("template_id".to_owned(), template_id.to_string());
    entry.details.insert("change".to_owned(), what.to_owned());
    entry
}

fn context(tenant_id: TenantId, template_id: Id) -> RowContext {
    RowContext::new("reason_templates", tenant_id, template_id.0)
}
