//! Bodies of the control API, `/api/v1`: what the hirer's own systems, the CLI and scripts say.
//!
//! JSON with snake_case members. Ids are strings, instants are RFC 3339 in UTC with milliseconds
//! (`2026-03-01T08:00:00.000Z`). Request bodies refuse unknown members; readers of answers ignore them. Optional
//! members of an answer are left out when empty. [`Rules`] names all broken rules at once.
//! Personal data and secrets never show in `Debug`.

mod decode;
mod rule;

pub mod account;
pub mod api_key;
pub mod app;
pub mod candidate;
pub mod connection;
pub mod endpoint;
pub mod event;
pub mod evidence;
pub mod file;
pub mod grant;
pub mod installation;
pub mod invitation;
pub mod object;
pub mod order;
pub mod order_form;
pub mod order_list;
pub mod page;
pub mod problem;
pub mod reason_template;
pub mod report;
pub mod service_account;
pub mod storage;
pub mod tenant;
pub mod user;

pub use account::{
    Account, AccountForm, AdditionalItem, CreateAccount, FieldValue, Package, UpdateAccount,
};
pub use api_key::{ApiKey, CreateApiKey, CreatedApiKey, KeyRole, ReplaceApiKey};
pub use app::{App, AppKind, CreateApp, CreatedApp, EventMode, UpdateApp};
pub use candidate::{FoundCandidate, FoundOrder, SearchCandidates};
pub use connection::Connection;
pub use decode::{decode, decode_query};
pub use endpoint::{
    Alert, AlertKind, ExplainSignature, GRACE_SECONDS_DEFAULT, PauseApp, RotateSecret,
    RotatedSecret, SecretKind, SignatureExplanation, SignatureStep, UrlCause, UrlCheck, WrongInput,
};
pub use event::{
    Attempt, Delivery, DeliveryState, Event, ListEvents, ResendSince, Resent, SINCE_CHARS_MAX,
};
pub use evidence::{
    AUDIT_LIMIT_DEFAULT, AUDIT_LIMIT_MAX, EraseOrder, Erasure, ErasurePreview, ErasureVerdict,
    Hold, Jwk, ListAudit, PackageRetention, PublicKey, PutHold, PutRetention, ReportView,
    Retention, ViewerKind,
};
pub use file::{CreateFile, File};
pub use grant::{Grant, GrantApp, GrantState, Terms};
pub use installation::{Installation, PutInstallation};
pub use invitation::{CreateInvitation, CreatedInvitation, Invitation};
pub use object::{
    CheckObjects, ObjectFinding, ObjectFindingKind, ObjectsChecked, RotateKeys, RotatedKeys,
};
pub use order::{
    ApproveOrder, Order, OrderResult, OrderState, OrderSummary, OrderedForm, RejectOrder, Stage,
    TerminateOrder, TimelineAction, TimelineEntry,
};
pub use order_form::{CandidateInfo, ClientContactInfo, Mobile, PlaceOrder};
pub use order_list::{
    ListMoved, ListOrders, ListReviews, OrderCounts, OrderLine, SEARCH_CHARS_MAX, ShownReviews,
    WaitingReview,
};
pub use page::{LIMIT_DEFAULT, LIMIT_MAX, List, Page};
pub use problem::{FieldFault, Problem, ProblemCode};
pub use reason_template::{CreateReasonTemplate, ReasonTemplate, UpdateReasonTemplate};
pub use report::{GetReportContent, Report, ReportKind, ReportState, ReportVersion};
pub use rule::{Faults, Rules};
pub use service_account::{CreateServiceAccount, ServiceAccount, UpdateServiceAccount};
pub use storage::{DiskRoom, PutQuota, QUOTA_BYTES_MAX, Storage, StorageUse};
pub use tenant::{CreateTenant, CreatedTenant, Tenant, UpdateTenant};
pub use user::{PasswordReset, Theme, UpdateUser, User, UserSession};

/// Media type of an error answer (RFC 9457).
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Header that makes a repeated POST find its first answer for 24 hours.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// Most characters of an `Idempotency-Key`: 1 to this many visible ASCII characters.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;

/// Whether `key` may be sent as `Idempotency-Key`: 1 to 255 visible ASCII characters.
#[must_use]
pub fn is_idempotency_key(key: &str) -> bool {
    (1..=IDEMPOTENCY_KEY_CHARS_MAX).contains(&key.len())
        && key.bytes().all(|b| b.is_ascii_graphic())
}

use crate::debug_only;
