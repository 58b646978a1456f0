//! Custom fields: what a vendor asks of a hirer, once for each account (by app and scope) and for each order (by
//! account). Values are texts. Source: contract, sections 3.1 and 3.2; bounds that it lacks are this server's.

use crate::decode::{EmptyBody, Object, Presence, Refused, TextRule, decode};
use crate::package::ACCOUNT_ID_CHARS_MAX;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

/// Most characters of the key of a field or an option.
pub const KEY_CHARS_MAX: usize = 100;
/// Most characters of a label, in either language.
pub const LABEL_CHARS_MAX: usize = 500;
/// Most characters of a description, in either language.
pub const DESCRIPTION_CHARS_MAX: usize = 2_000;
/// Most fields of one form.
pub const FIELDS_MAX: usize = 100;
/// Most options of one field.
pub const OPTIONS_MAX: usize = 500;

/// A text in two languages, of which either may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct I18n {
    /// In Chinese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zh_cn: Option<String>,
    /// In English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub en_us: Option<String>,
}

impl I18n {
    /// The text in the first language that has one.
    #[must_use]
    pub fn any(&self) -> Option<&str> {
        self.zh_cn.as_deref().or(self.en_us.as_deref())
    }

    fn read(object: &mut Object<'_>, rule: TextRule) -> Self {
        Self {
            zh_cn: object.optional_text("zh_cn", rule),
            en_us: object.optional_text("en_us", rule),
        }
    }

    fn label(object: &mut Object<'_>) -> Self {
        let read = |object: &mut Object<'_>| Self::read(object, TextRule::shown(LABEL_CHARS_MAX));
        object.object("name", Presence::Required, read).unwrap_or_default()
    }

    fn description(object: &mut Object<'_>) -> Option<Self> {
        let read =
            |object: &mut Object<'_>| Self::read(object, TextRule::free(DESCRIPTION_CHARS_MAX));
        object.object("description", Presence::Optional, read)
    }
}

/// For which kind of account a form is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountScope {
    /// 1: 背调.
    BackgroundCheck,
    /// 2: 笔试.
    Exam,
}

impl AccountScope {
    const OPTIONS: &'static [u8] = &[1, 2];

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::BackgroundCheck => 1,
            Self::Exam => 2,
        }
    }

    fn read(object: &mut Object<'_>) -> Self {
        match object.option("scope", Self::OPTIONS) {
            2 => Self::Exam,
            _ => Self::BackgroundCheck,
        }
    }
}

/// An account custom field (账号自定义字段): the hirer fills it when it binds an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountField {
    /// Unique within its scope: 1 to 100 characters.
    pub key: String,
    /// Label, in each language at most 500 characters.
    pub name: I18n,
    /// Whether the hirer must fill it.
    pub is_required: bool,
    /// Hint, in each language at most 2,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<I18n>,
}

impl AccountField {
    fn read(object: &mut Object<'_>) -> Self {
        Self {
            key: object.text("key", TextRule::id(KEY_CHARS_MAX)),
            name: I18n::label(object),
            is_required: object.bool("is_required"),
            description: I18n::description(object),
        }
    }
}

/// What kind of input a background-check custom field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// 单行文本: one line of at most 100 characters.
    Text,
    /// 多行文本: at most 200 characters.
    Textarea,
    /// 数字: a decimal number.
    Number,
    /// 布尔: `true` or `false`.
    Boolean,
    /// 单选: the key of one option.
    Select,
    /// 多选: the keys of options.
    Multiselect,
    /// 日期: milliseconds since the epoch.
    Date,
    /// 附件: files.
    File,
    /// 候选人简历: files.
    Resume,
}

impl FieldType {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("text", Self::Text),
        ("textarea", Self::Textarea),
        ("number", Self::Number),
        ("boolean", Self::Boolean),
        ("select", Self::Select),
        ("multiselect", Self::Multiselect),
        ("date", Self::Date),
        ("file", Self::File),
        ("resume", Self::Resume),
    ];

    /// Whether its values come from options.
    #[must_use]
    pub const fn has_options(self) -> bool {
        matches!(self, Self::Select | Self::Multiselect)
    }

    /// Whether its values are files.
    #[must_use]
    pub const fn has_files(self) -> bool {
        matches!(self, Self::File | Self::Resume)
    }
}

/// A choice of a select or multiselect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldOption {
    /// Unique within its field: 1 to 100 characters.
    pub key: String,
    /// Label, in each language at most 500 characters.
    pub name: I18n,
}

impl FieldOption {
    fn read(object: &mut Object<'_>) -> Self {
        Self { key: object.text("key", TextRule::id(KEY_CHARS_MAX)), name: I18n::label(object) }
    }
}

/// A background-check custom field (背调自定义字段): the hirer fills it when it places an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckField {
    /// What kind of input it is.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// Unique within its account: 1 to 100 characters.
    pub key: String,
    /// Label, in each language at most 500 characters.
    pub name: I18n,
    /// Whether the hirer must fill it.
    pub is_required: bool,
    /// Hint or placeholder, in each language at most 2,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<I18n>,
    /// The choices of a select or multiselect, 1 to 500; of other kinds none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<FieldOption>,
}

impl CheckField {
    fn read(object: &mut Object<'_>) -> Self {
        let kind = object.choice("type", FieldType::CHOICES);
        let key = object.text("key", TextRule::id(KEY_CHARS_MAX));
        let name = I18n::label(object);
        let is_required = object.bool("is_required");
        let description = I18n::description(object);
        let presence = if kind.has_options() { Presence::Required } else { Presence::Optional };
        let mut options = object.list("options", presence, OPTIONS_MAX, FieldOption::read);
        if !kind.has_options() {
            // Of other kinds they mean nothing.
            options.clear();
        }
        Self { kind, key, name, is_required, description, options }
    }
}

/// Body of `eco_account_custom_fields` and of its `batch_update`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountFields {
    /// For which kind of account the form is.
    #[serde(serialize_with = "scope_as_number")]
    pub scope: AccountScope,
    /// The fields, 1 to 100. Whether their keys fit is for the rules to say.
    pub custom_field_list: Vec<AccountField>,
}

impl AccountFields {
    /// Decodes the body (contract, sections 3.1.1 and 3.1.2). Errors: [`Refused`] with all faults: 9499 or 99992402.
    pub fn decode(body: &[u8]) -> Result<Self, Refused> {
        decode(body, EmptyBody::Refused, |object| Self {
            scope: AccountScope::read(object),
            custom_field_list: read_fields(object, AccountField::read),
        })
    }
}

/// Body of `eco_account_custom_fields/batch_delete`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeleteAccountFields {
    /// For which kind of account the form is.
    #[serde(serialize_with = "scope_as_number")]
    pub scope: AccountScope,
    /// Keys to delete, at most 100; none when absent.
    pub custom_field_key_list: Vec<String>,
}

impl DeleteAccountFields {
    /// Decodes the body (contract, section 3.1.3). Errors: [`Refused`] with all faults: 9499 or 99992402.
    pub fn decode(body: &[u8]) -> Result<Self, Refused> {
        decode(body, EmptyBody::Refused, |object| Self {
            scope: AccountScope::read(object),
            custom_field_key_list: object.texts(
                "custom_field_key_list",
                FIELDS_MAX,
                TextRule::id(KEY_CHARS_MAX),
            ),
        })
    }
}

/// Body of `eco_background_check_custom_fields` and of its `batch_update`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckFields {
    /// The account: 1 to 64 characters.
    pub account_id: String,
    /// The whole form, 1 to 100 fields. Whether their keys fit is for the rules to say.
    pub custom_field_list: Vec<CheckField>,
}

impl CheckFields {
    /// Decodes the body (contract, sections 3.2.1 and 3.2.2). Errors: [`Refused`] with all faults: 9499 or 99992402.
    pub fn decode(body: &[u8]) -> Result<Self, Refused> {
        decode(body, EmptyBody::Refused, |object| Self {
            account_id: object.text("account_id", TextRule::id(ACCOUNT_ID_CHARS_MAX)),
            custom_field_list: read_fields(object, CheckField::read),
        })
    }
}

/// Body of `eco_background_check_custom_fields/batch_delete`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeleteCheckFields {
    /// The account: 1 to 64 characters.
    pub account_id: String,
}

impl DeleteCheckFields {
    /// Decodes the body (contract, section 3.2.3). Errors: [`Refused`] with all faults: 9499 or 99992402.
    pub fn decode(body: &[u8]) -> Result<Self, Refused> {
        decode(body, EmptyBody::Refused, |object| Self {
            account_id: object.text("account_id", TextRule::id(ACCOUNT_ID_CHARS_MAX)),
        })
    }
}

fn scope_as_number<S: Serializer>(scope: &AccountScope, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(scope.number())
}

fn read_fields<T>(object: &mut Object<'_>, read: fn(&mut Object<'_>) -> T) -> Vec<T> {
    object.list("custom_field_list", Presence::Required, FIELDS_MAX, read)
}
