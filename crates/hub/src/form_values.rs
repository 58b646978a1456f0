//! The values of an order's form on the open API: in the event that is about the order, and in the hirer's queries.

use contract::event::FieldValue;
use contract::text::as_file_name;
use domain::{Id, TenantId};
use serde::Serialize;
use store::content::{FieldFile, Form};

use crate::Hub;
use crate::app_access::Holder;
use crate::links::{LinkKind, Linked};

/// The values of an order's form as programs get them: files as a JSON array of objects with a name and a link
/// that is good for one hour from now. Source: contract, question 14; decision 011.
pub fn with_links(
    hub: &Hub,
    tenant_id: TenantId,
    order_id: Id,
    form: &Form,
    holder: Holder,
) -> Vec<FieldValue> {
    #[derive(Serialize)]
    struct Link {
        name: String,
        url: String,
    }
    let now = hub.installation_clock.now();
    let link = |file: &'_ FieldFile| {
        let object_id = Id(file.file_id);
        let linked = Linked { kind: LinkKind::File, tenant_id, order_id, object_id, holder };
        hub.links.make(&linked, now)
    };
    let value = |(key, value): &(String, String)| {
        let files: Vec<_> = form.files.iter().filter(|file| file.key == *key).collect();
        if files.is_empty() {
            return FieldValue { key: key.clone(), value: value.clone() };
        }
        let links: Vec<_> = files
            .into_iter()
            // Files that were brought before their names were checked.
            .map(|file| Link { name: as_file_name(&file.name), url: link(file) })
            .collect();
        let value = serde_json::to_string(&links).expect("texts have a JSON text");
        FieldValue { key: key.clone(), value }
    };
    form.custom_fields.iter().map(value).collect()
}
