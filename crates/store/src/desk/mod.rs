//! The order desk: the only place where orders change. Many commands, one commit.
//!
//! The desk takes waiting commands, loads their orders at once, decides them in arrival order in memory, writes
//! all changes sorted by key, commits once, and only then answers. Refusals are decided before anything is
//! written; a batch that fails is retried one by one. Source: design, section 2.

pub(crate) mod plan;
mod review;

use std::ops::Deref;
use std::sync::Arc;

use contract::evidence::AuditAct;
use domain::order::{Action, Command, Digest, Refusal, StageMark};
use domain::{Actor, AppId, Id, TenantId, UnixMs};

use crate::rows::IdempotencyKey;
use crate::tenants::Tenant;
use crate::{order_pages, order_terms};

const NO_DIGEST: Digest = [0; 16];
pub(crate) const BATCH_MAX: usize = 512;

/// One command on one order, with everything that is written when it is accepted.
#[derive(Debug)]
pub struct OrderCommand {
    /// The tenant whose order it is.
    pub tenant: Arc<Tenant>,
    /// The order; [`Request::Place`] gets a new one and ignores it.
    pub order_id: Id,
    /// Now, by the installation's clock; what is recorded gets the tenant's.
    pub at: UnixMs,
    /// Who asks.
    pub actor: Actor,
    /// What is asked.
    pub request: Request,
    /// The caller's Idempotency-Key, if it gave one.
    pub idempotency: Option<IdempotencyKey>,
}

/// What is asked of an order. Contents are JSON texts of [`crate::content`]; they get sealed.
#[derive(Debug)]
pub enum Request {
    /// Arrange a check.
    Place {
        /// The app of the account.
        vendor: AppId,
        /// The account.
        account_id: Id,
        /// The package, one of the account's; it stays readable in the order's row.
        package_id: String,
        /// The application in the hirer's system, by which the order can be found; may be empty.
        application_id: String,
        /// The filled-in form.
        content: Vec<u8>,
    },
    /// Report a stage.
    Progress {
        /// The stage's id as the vendor chose it.
        stage_id: String,
        /// When the stage was reached, milliseconds since the epoch.
        stage_time_ms: i64,
        /// The call's parsed values in one unambiguous text.
        canonical: Vec<u8>,
        /// The stage.
        content: Vec<u8>,
        /// Interim reports.
        reports: Vec<NewReport>,
    },
    /// Return the final result.
    Result {
        /// The call's parsed values in one unambiguous text.
        canonical: Vec<u8>,
        /// The result.
        content: Vec<u8>,
        /// Final reports.
        reports: Vec<NewReport>,
    },
    /// The vendor ends the order.
    Cancel,
    /// The hirer ends the order.
    Terminate {
        /// The reason.
        content: Vec<u8>,
    },
    /// Accept the result.
    Approve {
        /// The result that it is about, when that was said: 1 is the order's first.
        result_number: Option<i64>,
        /// The comment.
        content: Vec<u8>,
    },
    /// Send the result back.
    Reject {
        /// The result that it is about, when that was said: 1 is the order's first.
        result_number: Option<i64>,
        /// Whether the vendor is notified, by `probity.background_check.returned_v1`.
        returned_event: bool,
        /// The reason.
        content: Vec<u8>,
    },
    /// Take the review request back.
    Withdraw,
    /// Note that nobody decided on a result in time.
    NoteOverdue {
        /// The result: 1 is the order's first.
        result_number: i64,
    },
}

impl Request {
    pub(crate) fn audited(&self) -> Option<AuditAct> {
        match self {
            Request::Approve { .. } => Some(AuditAct::OrderApproved),
            Request::Reject { .. } => Some(AuditAct::OrderRejected),
            Request::Withdraw => Some(AuditAct::OrderWithdrawn),
            Request::Terminate { .. } => Some(AuditAct::OrderTerminated),
            Request::Place { .. }
            | Request::Progress { .. }
            | Request::Result { .. }
            | Request::Cancel
            | Request::NoteOverdue { .. } => None,
        }
    }
}

/// A report as a call brings it.
#[derive(Debug)]
pub struct NewReport {
    /// A preview link, stored as it is; otherwise an address to fetch from.
    pub is_preview: bool,
    /// Name and address, sealed.
    pub content: Vec<u8>,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandResult {
    /// Accepted now, or an identical repeat of what was accepted before.
    Accepted(Id),
    /// Refused; nothing changed.
    Refused(Refusal),
    /// The Idempotency-Key was used before with another request; nothing changed.
    KeyTaken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct OrderKey {
    pub(crate) tenant_id: TenantId,
    pub(crate) order_id: Id,
}

/// A command waiting for the desk, with what the rules need, computed on the caller's thread.
#[derive(Debug)]
pub(crate) struct QueuedCommand {
    asked: OrderCommand,
    command: Command,
    /// By what a placed order is found.
    terms: Vec<i64>,
}

impl QueuedCommand {
    pub(crate) fn new(asked: OrderCommand) -> QueuedCommand {
        QueuedCommand { command: asked.command(), terms: asked.terms(), asked }
    }

    pub(crate) fn terms(&self) -> &[i64] {
        &self.terms
    }

    pub(crate) fn command(&self) -> Command {
        self.command
    }
}

impl Deref for QueuedCommand {
    type Target = OrderCommand;

    fn deref(&self) -> &OrderCommand {
        &self.asked
    }
}

impl OrderCommand {
    pub(crate) fn key(&self) -> OrderKey {
        OrderKey { tenant_id: self.tenant.tenant_id, order_id: self.order_id }
    }

    fn command(&self) -> Command {
        let digester = &self.tenant.digester;
        let (action, digest) = match &self.request {
            Request::Place { vendor, application_id, .. } => {
                let digest = match application_id.as_str() {
                    "" => NO_DIGEST,
                    id => order_pages::application(&self.tenant, id),
                };
                (Action::Place { vendor: *vendor }, digest)
            }
            Request::Progress { stage_id, stage_time_ms, canonical, .. } => {
                let stage = digester.digest("stage", stage_id.as_bytes());
                let mark = StageMark { stage, stage_time_ms: *stage_time_ms };
                (Action::Progress(mark), digester.digest("progress", canonical))
            }
            Request::Result { canonical, .. } => {
                (Action::Result, digester.digest("result", canonical))
            }
            Request::Cancel => (Action::Cancel, NO_DIGEST),
            Request::Terminate { .. } => (Action::Terminate, NO_DIGEST),
            Request::Approve { .. } => (Action::Approve, NO_DIGEST),
            Request::Reject { .. } => (Action::Reject, NO_DIGEST),
            Request::Withdraw => (Action::Withdraw, NO_DIGEST),
            Request::NoteOverdue { .. } => (Action::NoteOverdue, NO_DIGEST),
        };
        let result_number = match self.request {
            Request::Approve { result_number, .. } | Request::Reject { result_number, .. } => {
                result_number
            }
            Request::NoteOverdue { result_number } => Some(result_number),
            _ => None,
        };
        Command { actor: self.actor, action, digest, result_number }
    }

    fn terms(&self) -> Vec<i64> {
        match &self.request {
            Request::Place { content, .. } => order_terms::of_text(&self.tenant, content),
            _ => Vec::new(),
        }
    }

    pub(crate) fn brings(&self) -> (&[u8], &[NewReport]) {
        match &self.request {
            Request::Progress { content, reports, .. }
            | Request::Result { content, reports, .. } => (content, reports),
            Request::Place { content, .. }
            | Request::Terminate { content }
            | Request::Approve { content, .. }
            | Request::Reject { content, .. } => (content, &[]),
            Request::Cancel | Request::Withdraw | Request::NoteOverdue { .. } => (&[], &[]),
        }
    }
}
