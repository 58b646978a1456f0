//! The calls of vendors, and of hirers' own programs, on the open API: what they do once the caller is known.
//!
//! To add a call: its row and body in `contract`, a function here that gives a [`CallError`] with the codes of its table, its
//! line in the gateway of `server`.

pub mod checks;
pub mod fields;
pub mod orders;
pub mod packages;

use std::sync::Arc;

use contract::code::{self, Code};
use contract::decode::Refused;
use contract::envelope::FieldViolation;
use contract::scope::Scope;
use domain::order::Refusal;
use store::Fault;
use store::apps::App;
use store::tenants::Tenant;

use crate::app_access::AppAccess;

/// Who calls: an app in the tenant of its token.
pub struct Vendor {
    /// The app.
    pub app: Arc<App>,
    /// The tenant.
    pub tenant: Arc<Tenant>,
    /// What the app may there.
    pub access: AppAccess,
}

impl Vendor {
    /// Whether the app has the scope here, and the tenant granted it.
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.access.has(scope)
    }
}

/// Why a call is not answered with success.
#[derive(Debug)]
pub enum CallError {
    /// A documented code.
    Refused(&'static Code),
    /// A documented code, with the members that were wrong.
    Field(&'static Code, Vec<FieldViolation>),
    /// A body that does not decode.
    Body(Refused),
    /// Ours: the documented code of a fault of this call.
    Fault(&'static Code, Fault),
}

impl CallError {
    /// A documented code with one member that was wrong.
    pub fn field(code: &'static Code, field: &str, description: &dyn ToString) -> CallError {
        let violation = FieldViolation {
            field: field.to_owned(),
            value: None,
            description: description.to_string(),
        };
        CallError::Field(code, vec![violation])
    }
}

impl From<Refused> for CallError {
    fn from(refused: Refused) -> CallError {
        CallError::Body(refused)
    }
}

impl From<Refusal> for CallError {
    fn from(refusal: Refusal) -> CallError {
        match refusal {
            Refusal::OrderNotExist => CallError::Refused(&code::ORDER_NOT_EXIST),
            Refusal::IllegalStatus(_)
            | Refusal::PlacerMayNotDecide
            | Refusal::ResultSuperseded(_) => CallError::Refused(&code::ILLEGAL_ORDER_STATUS),
            Refusal::BeingApproved => CallError::Refused(&code::ORDER_BEING_APPROVED),
            Refusal::StageIdTaken => CallError::field(&code::PARAMETER_ERROR, "stage_id", &refusal),
            Refusal::StageTimeNotIncreasing => {
                CallError::field(&code::PARAMETER_ERROR, "stage_time", &refusal)
            }
        }
    }
}
