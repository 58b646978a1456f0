//! Reasons to choose from.

use contract::control::{CreateReasonTemplate, Page, ReasonTemplate, UpdateReasonTemplate};

calls! {
    /// Makes a reason that people can choose.
    pub async fn create_reason_template(tenant_key: &str, body: &CreateReasonTemplate) -> ReasonTemplate =
        post(["tenants", tenant_key, "reason_templates"], body);
    /// Lists the reasons that people can choose, all of them in one page.
    pub async fn list_reason_templates(tenant_key: &str) -> Page<ReasonTemplate> =
        get(["tenants", tenant_key, "reason_templates"]);
    /// Changes a reason that people can choose; absent members keep their value.
    pub async fn update_reason_template(
        tenant_key: &str, template_id: &str, body: &UpdateReasonTemplate
    ) -> ReasonTemplate =
        patch(["tenants", tenant_key, "reason_templates", template_id], body);
    /// Deletes a reason that people can choose.
    pub async fn delete_reason_template(tenant_key: &str, template_id: &str) -> () =
        delete(["tenants", tenant_key, "reason_templates", template_id]);
}
