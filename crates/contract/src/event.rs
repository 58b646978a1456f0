//! Events of the background-check family, the store apps' ticket in its v1 envelope, and the check of a callback URL.
//! Compact JSON in the order of the members here, as JavaScript prints it: the Node SDK signs its own print of the
//! body. Source: contract, sections 1.4, 3.5, 5.1 and 5.2.

use crate::envelope::to_json;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Value of an account's `scope`: a background-check account.
pub const ACCOUNT_SCOPE_BACKGROUND_CHECK: u8 = 1;

/// The name of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventType {
    /// 账号绑定
    AccountCreated,
    /// 创建背调
    CheckCreated,
    /// 终止背调
    CheckCanceled,
    /// A result was sent back. An extension of Probity's own, which an account's admin switches on.
    CheckReturned,
}

impl EventType {
    /// All names, in reading order.
    pub const ALL: &'static [Self] =
        &[Self::AccountCreated, Self::CheckCreated, Self::CheckCanceled, Self::CheckReturned];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccountCreated => "hire.eco_account.created_v1",
            Self::CheckCreated => "hire.eco_background_check.created_v1",
            Self::CheckCanceled => "hire.eco_background_check.canceled_v1",
            Self::CheckReturned => "probity.background_check.returned_v1",
        }
    }

    /// Finds the event of a wire name; `None` when no event has it.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|event_type| event_type.as_str() == name)
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who is notified, when and about which tenant.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    /// 32 hexadecimal digits, the same in every attempt.
    pub event_id: String,
    /// The app's verification token.
    pub token: String,
    /// When it happened, in milliseconds since the epoch.
    pub create_time: i64,
    /// The tenant it concerns, 16 hexadecimal digits.
    pub tenant_key: String,
    /// The receiving app, `cli_` and 16 hexadecimal digits.
    pub app_id: String,
}

crate::debug_only! { Header { event_id, create_time, tenant_key, app_id } }

/// The body of an event.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Event {
    /// 账号绑定: a hirer added an account of the vendor.
    AccountCreated(AccountCreated),
    /// 创建背调: a hirer placed an order.
    CheckCreated(Box<CheckCreated>),
    /// 终止背调: the hirer ended an order.
    CheckCanceled(CheckCanceled),
    /// The hirer sent a result back.
    CheckReturned(CheckReturned),
}

impl Event {
    /// The event's name.
    pub const fn event_type(&self) -> EventType {
        match self {
            Self::AccountCreated(_) => EventType::AccountCreated,
            Self::CheckCreated(_) => EventType::CheckCreated,
            Self::CheckCanceled(_) => EventType::CheckCanceled,
            Self::CheckReturned(_) => EventType::CheckReturned,
        }
    }
}

impl fmt::Debug for Event {
    /// Bodies hold personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.event_type().as_str())
    }
}

/// Body of `hire.eco_account.created_v1`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountCreated {
    /// 1 背调账号, 2 笔试账号.
    pub scope: u8,
    /// The account's id.
    pub account_id: String,
    /// The account's name.
    pub account_name: String,
    /// 1 社招, 2 校招.
    pub usage_list: Vec<u8>,
    /// Values of the account custom fields.
    pub custom_field_list: Vec<FieldValue>,
}

/// Body of `hire.eco_background_check.created_v1`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckCreated {
    /// The order's id.
    pub background_check_id: String,
    /// The account that the order belongs to.
    pub account_id: String,
    /// The package ordered.
    pub package_id: String,
    /// Additional items ordered.
    pub additional_item_id_list: Vec<String>,
    /// Remark of the hirer; empty when there is none.
    pub comment: String,
    /// 候选人
    pub candidate_info: CandidateInfo,
    /// 委托人/联系人
    pub client_contact_info: ClientContactInfo,
    /// The vendor's custom fields as filled in.
    pub custom_field_list: Vec<FieldValue>,
}

/// Whom an order is about.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidateInfo {
    /// Full name.
    pub name: String,
    /// Mobile number.
    pub mobile: Mobile,
    /// E-mail address.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
}

/// Who asked for an order.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientContactInfo {
    /// Full name.
    pub name: String,
    /// Mobile number.
    pub mobile: Mobile,
    /// E-mail address.
    pub email: String,
}

/// A mobile number.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mobile {
    /// Country calling code without plus, as in `86`.
    pub code: String,
    /// The number within the country.
    pub number: String,
}

/// A custom field as filled in; the value is a text for every type of field.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldValue {
    /// The field's key.
    pub key: String,
    /// The value (encoding: contract, section 7, Q14).
    pub value: String,
}

/// Body of `hire.eco_background_check.canceled_v1`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckCanceled {
    /// The order's id.
    pub background_check_id: String,
    /// Why the hirer ended it.
    pub termination_reason: String,
}

/// Body of `probity.background_check.returned_v1`: the vendor may return another result.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReturned {
    /// The order's id.
    pub background_check_id: String,
    /// Why the hirer sent the result back.
    pub return_reason: String,
}

/// An `app_ticket` event: what a store app needs for its next app token.
#[derive(Clone, PartialEq, Eq)]
pub struct AppTicket {
    /// distinguished by it: 32 hexadecimal digits, the same in every attempt.
    pub uuid: String,
    /// The app's verification token.
    pub token: String,
    /// When the ticket was issued, in milliseconds since the epoch.
    pub issued_at: i64,
    /// The app, `cli_` and 16 hexadecimal digits.
    pub app_id: String,
    /// The ticket.
    pub app_ticket: String,
}

crate::debug_only! { AppTicket { uuid, issued_at, app_id } }

/// `event.type` of a ticket.
pub const APP_TICKET: &str = "app_ticket";

#[derive(Serialize, Deserialize)]
struct TicketBody<T> {
    r#type: T,
    app_id: T,
    app_ticket: T,
}

#[derive(Serialize, Deserialize)]
struct OldEnvelope<T> {
    ts: String,
    uuid: T,
    token: T,
    r#type: T,
    event: TicketBody<T>,
}

/// Renders a ticket with its v1 envelope as compact JSON. Source: contract, section 1.4.
pub fn render_ticket(ticket: &AppTicket) -> Vec<u8> {
    let (seconds, ms) = (ticket.issued_at.div_euclid(1_000), ticket.issued_at.rem_euclid(1_000));
    to_json(&OldEnvelope {
        ts: format!("{seconds}.{ms:03}"),
        uuid: ticket.uuid.as_str(),
        token: ticket.token.as_str(),
        r#type: "event_callback",
        event: TicketBody {
            r#type: APP_TICKET,
            app_id: ticket.app_id.as_str(),
            app_ticket: ticket.app_ticket.as_str(),
        },
    })
}

/// Reads a rendered ticket back. Errors: [`NotAnEvent`] when it is no `app_ticket` in a v1 envelope.
pub fn read_ticket(plain: &[u8]) -> Result<AppTicket, NotAnEvent> {
    let envelope: OldEnvelope<String> = serde_json::from_slice(plain).map_err(|_| NotAnEvent)?;
    let OldEnvelope { ts, uuid, token, r#type, event } = envelope;
    let (seconds, fraction) = ts.split_once('.').ok_or(NotAnEvent)?;
    let seconds: i64 = seconds.parse().map_err(|_| NotAnEvent)?;
    let ms: i64 =
        format!("{fraction:0<3}").get(..3).and_then(|ms| ms.parse().ok()).ok_or(NotAnEvent)?;
    if r#type != "event_callback" || event.r#type != APP_TICKET {
        return Err(NotAnEvent);
    }
    let TicketBody { app_id, app_ticket, .. } = event;
    Ok(AppTicket { uuid, token, issued_at: seconds * 1_000 + ms, app_id, app_ticket })
}

#[derive(Serialize, Deserialize)]
struct WireHeader<T> {
    event_id: T,
    token: T,
    create_time: String,
    event_type: T,
    tenant_key: T,
    app_id: T,
}

#[derive(Serialize, Deserialize)]
struct Envelope<T, E> {
    schema: T,
    header: WireHeader<T>,
    event: E,
}

/// Renders an event with its envelope as compact JSON: the plain text of a webhook or the payload of a frame.
pub fn render(header: &Header, event: &Event) -> Vec<u8> {
    to_json(&Envelope {
        schema: "2.0",
        header: WireHeader {
            event_id: header.event_id.as_str(),
            token: header.token.as_str(),
            create_time: header.create_time.to_string(),
            event_type: event.event_type().as_str(),
            tenant_key: header.tenant_key.as_str(),
            app_id: header.app_id.as_str(),
        },
        event,
    })
}

/// The bytes are no event of this family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an event with schema 2.0 and a body that fits its event_type")]
pub struct NotAnEvent;

/// Reads a rendered event back, as a receiver does; [`NotAnEvent`] also for another family.
pub fn read(plain: &[u8]) -> Result<(Header, Event), NotAnEvent> {
    let Envelope { schema, header, event } =
        serde_json::from_slice::<Envelope<String, serde_json::Value>>(plain)
            .map_err(|_| NotAnEvent)?;
    if schema != "2.0" {
        return Err(NotAnEvent);
    }
    let event = match EventType::parse(&header.event_type).ok_or(NotAnEvent)? {
        EventType::AccountCreated => serde_json::from_value(event).map(Event::AccountCreated),
        EventType::CheckCreated => serde_json::from_value(event).map(Event::CheckCreated),
        EventType::CheckCanceled => serde_json::from_value(event).map(Event::CheckCanceled),
        EventType::CheckReturned => serde_json::from_value(event).map(Event::CheckReturned),
    };
    let create_time = header.create_time.parse().map_err(|_| NotAnEvent)?;
    let WireHeader { event_id, token, tenant_key, app_id, .. } = header;
    Ok((
        Header { event_id, token, create_time, tenant_key, app_id },
        event.map_err(|_| NotAnEvent)?,
    ))
}

/// The call by which a callback URL is checked.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UrlVerification {
    /// What the receiver has to answer.
    pub challenge: String,
    /// The app's verification token.
    pub token: String,
    /// Always `url_verification`.
    #[serde(rename = "type")]
    pub kind: String,
}

impl UrlVerification {
    /// The call with a challenge and the app's verification token.
    pub fn new(challenge: String, token: String) -> Self {
        Self { challenge, token, kind: "url_verification".to_owned() }
    }

    /// The call as compact JSON, sealed like an event when the app has an encrypt key.
    pub fn to_vec(&self) -> Vec<u8> {
        to_json(self)
    }
}

/// The receiver's answer to the check of its URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChallengeAnswer {
    /// The challenge as it came.
    pub challenge: String,
}
