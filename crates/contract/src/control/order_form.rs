//! The order form: what a hirer says to arrange a background check, and the people it names.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::account::{FieldValue, field_values};
use super::debug_only;
use super::rule::{Faults, Rules, TEXT_CHARS_MAX};

const PACKAGE_ID_CHARS_MAX: usize = 36;
const ITEMS_MAX: usize = 100;
const PERSON_NAME_CHARS_MAX: usize = 100;
const CALLING_CODE_DIGITS_MAX: usize = 4;
const MOBILE_DIGITS_MAX: usize = 20;
const APPLICATION_ID_CHARS_MAX: usize = 100;
const LOCATION_CODE_CHARS_MAX: usize = 50;

/// A mobile number.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Mobile {
    /// Country calling code without plus, 1 to 4 digits: `86`.
    #[schema(pattern = "^[0-9]{1,4}$")]
    pub code: String,
    /// 1 to 20 digits.
    #[schema(pattern = "^[0-9]{1,20}$")]
    pub number: String,
}

/// Whom an order is about (候选人).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CandidateInfo {
    /// Full name, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Mobile number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<Mobile>,
    /// Mail address, at most 254 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Given name, at most 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Family name, at most 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
}

/// Whom an order is about, as it is shown: as it was given, and nothing of it once the order was erased.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the schema of a shown CandidateInfo, which has no bounds")]
pub(super) struct ShownCandidate {
    /// Full name; empty once the order was erased.
    name: String,
    /// Mobile number.
    mobile: Option<Mobile>,
    /// Mail address.
    email: Option<String>,
    /// Given name.
    first_name: Option<String>,
    /// Family name.
    last_name: Option<String>,
}

/// Who asked for the check, and whom the vendor may ask (委托人/联系人).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientContactInfo {
    /// Full name, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Mobile number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<Mobile>,
    /// Mail address, at most 254 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

debug_only! { Mobile {} CandidateInfo {} ClientContactInfo {} }

/// Body of `POST /tenants/{tenant_key}/orders`: arranges a background check.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceOrder {
    /// The account at which it is ordered, 19 decimal digits.
    pub account_id: String,
    /// One of the account's packages, 1 to 36 characters.
    #[schema(min_length = 1, max_length = 36)]
    pub package_id: String,
    /// Additional items of the account, at most 100, each once.
    #[serde(default)]
    pub additional_item_id_list: Vec<String>,
    /// Remark for the vendor, at most 2,000 characters.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub comment: String,
    /// Whom it is about.
    pub candidate_info: CandidateInfo,
    /// Who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_contact_info: Option<ClientContactInfo>,
    /// Values of the vendor's custom fields, at most 100, each key once.
    #[serde(default)]
    pub custom_field_list: Vec<FieldValue>,
    /// The application (投递) in the hirer's own system, at most 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub application_id: Option<String>,
    /// The place of work in the hirer's own system, at most 50 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 50)]
    pub location_code: Option<String>,
}

debug_only! { PlaceOrder { account_id, package_id, additional_item_id_list } }

impl Rules for PlaceOrder {
    fn check(&self, faults: &mut Faults) {
        faults.digits("account_id", &self.account_id, 19, 19);
        faults.length("package_id", &self.package_id, 1, PACKAGE_ID_CHARS_MAX);
        let items = &self.additional_item_id_list;
        faults.count("additional_item_id_list", items, ITEMS_MAX);
        for (index, item) in items.iter().enumerate() {
            let field = format!("additional_item_id_list[{index}]");
            faults.length(&field, item, 1, PACKAGE_ID_CHARS_MAX);
        }
        faults.distinct("additional_item_id_list", items.iter());
        faults.length("comment", &self.comment, 0, TEXT_CHARS_MAX);
        let it = &self.candidate_info;
        person(faults, "candidate_info", &it.name, it.mobile.as_ref(), it.email.as_deref());
        for (part, name) in [("first_name", &it.first_name), ("last_name", &it.last_name)] {
            let name = name.as_deref().unwrap_or_default();
            faults.length(&format!("candidate_info.{part}"), name, 0, PERSON_NAME_CHARS_MAX);
        }
        if let Some(it) = &self.client_contact_info {
            let (mobile, email) = (it.mobile.as_ref(), it.email.as_deref());
            person(faults, "client_contact_info", &it.name, mobile, email);
        }
        field_values(faults, "custom_field_list", &self.custom_field_list);
        faults.optional("application_id", self.application_id.as_deref(), APPLICATION_ID_CHARS_MAX);
        faults.optional("location_code", self.location_code.as_deref(), LOCATION_CODE_CHARS_MAX);
    }
}

fn person(
    faults: &mut Faults,
    field: &str,
    name: &str,
    mobile: Option<&Mobile>,
    email: Option<&str>,
) {
    faults.length(&format!("{field}.name"), name, 1, PERSON_NAME_CHARS_MAX);
    if let Some(Mobile { code, number }) = mobile {
        faults.digits(&format!("{field}.mobile.code"), code, 1, CALLING_CODE_DIGITS_MAX);
        faults.digits(&format!("{field}.mobile.number"), number, 1, MOBILE_DIGITS_MAX);
    }
    if let Some(email) = email {
        faults.email(&format!("{field}.email"), email);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> PlaceOrder {
        let text = r#"{"account_id":"7000000000000000002","package_id":"pkg-a",
            "additional_item_id_list":["item-a"],"comment":"",
            "candidate_info":{"name":"张三","mobile":{"code":"86","number":"13800000000"},
            "email":"z@example.com","first_name":"San","last_name":"Zhang"},
            "client_contact_info":{"name":"李四"},
            "custom_field_list":[{"key":"degree","value":"bachelor"}]}"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_order_with_the_members_of_the_created_event_fits() {
        assert!(order().faults().is_empty(), "{:?}", order().faults());
    }

    #[test]
    fn every_fault_is_named_at_once_without_repeating_a_value() {
        let mut body = order();
        body.account_id = "1".into();
        body.package_id = String::new();
        body.additional_item_id_list = vec!["a".into(), "a".into()];
        body.comment = "长".repeat(2_001);
        body.candidate_info.name = " ".into();
        body.candidate_info.mobile = Some(Mobile { code: "+86".into(), number: "138-0".into() });
        body.candidate_info.email = Some("zhangsan".into());
        body.client_contact_info.as_mut().unwrap().name = "x".repeat(101);
        body.custom_field_list[0].key = String::new();
        body.location_code = Some(String::new());
        let faults = body.faults();
        assert!(faults.iter().all(|fault| !fault.message.contains("zhangsan")), "{faults:?}");
        let expected = [
            "account_id",
            "package_id",
            "additional_item_id_list[1]",
            "comment",
            "candidate_info.name",
            "candidate_info.mobile.code",
            "candidate_info.mobile.number",
            "candidate_info.email",
            "client_contact_info.name",
            "custom_field_list[0].key",
            "location_code",
        ];
        let fields: Vec<_> = faults.into_iter().map(|fault| fault.field).collect();
        assert_eq!(fields, expected);
    }

    #[test]
    fn no_person_shows_in_debug() {
        let text = format!("{:?} {:?}", order(), order().candidate_info);
        assert!(
            !text.contains("张三") && !text.contains("138") && !text.contains("bachelor"),
            "{text}"
        );
    }
}
