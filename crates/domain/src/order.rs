//! The life of one order: state and command in, change or refusal out. A repeat of an accepted call changes
//! nothing; each change names its rule. Source: contract, section 3.4.4; product, section 3.

use std::collections::BTreeMap;
use std::fmt;

use contract::control::OrderState;
use contract::order::OrderStatus;

use crate::actor::{Actor, ActorId, ActorKind};
use crate::id::{AppId, Id};

crate::stored::stored_as_number! {
    /// Where an order stands, with the number of the vendor's wire.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    State, "the state of an order";
    Arranged = 2: "The vendor has been notified (已安排).";
    InReview = 5: "A result came, the tenant's review is on, nobody has decided (审批中).";
    ReviewWithdrawn = 6: "The review request was taken back (审批已撤回).";
    Rejected = 9: "The report was sent back with a reason (审批未通过).";
    Completed = 3: "Final: the result stands (已完成).";
    Terminated = 4: "Final: ended by hirer or vendor (已终止).";
}

crate::stored::same_variants!(State => OrderState:
    [Arranged, InReview, ReviewWithdrawn, Rejected, Completed, Terminated]);
crate::stored::same_variants!(OrderState => State:
    [Arranged, InReview, ReviewWithdrawn, Rejected, Completed, Terminated]);
crate::stored::same_variants!(State => OrderStatus:
    [Arranged, InReview, ReviewWithdrawn, Rejected, Completed, Terminated]);

impl State {
    /// Whether nothing can change the order any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, State::Completed | State::Terminated)
    }

    /// Whether a result came of which the last word is not said yet.
    #[must_use]
    pub fn has_open_review(self) -> bool {
        matches!(self, State::InReview | State::ReviewWithdrawn | State::Rejected)
    }
}

/// The keyed digest of a command's parsed values, or of a stage's id: 128 bits.
pub type Digest = [u8; 16];

/// What one progress entry is compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageMark {
    /// The keyed digest of the stage's id, unique within the order.
    pub stage: Digest,
    /// When the stage was reached: milliseconds since the epoch, as the vendor says.
    pub stage_time_ms: i64,
}

/// What is asked of an order, as far as the rules look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A member arranges the check.
    Place {
        /// The app of the account that the order goes to.
        vendor: AppId,
    },
    /// The vendor reports a stage.
    Progress(StageMark),
    /// The vendor returns the final result.
    Result,
    /// The vendor ends the order.
    Cancel,
    /// A member ends the order.
    Terminate,
    /// An approver accepts the result.
    Approve,
    /// An approver sends the result back.
    Reject,
    /// A member takes the review request back.
    Withdraw,
    /// A job notes that nobody decided within the tenant's time.
    NoteOverdue,
}

/// One command on one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command {
    /// Who asks.
    pub actor: Actor,
    /// What is asked.
    pub action: Action,
    /// The keyed digest of all parsed values: equal for identical repeats only.
    pub digest: Digest,
    /// The result that a decision is about, as the one who decides saw it: 1 is the order's first. None when that was not said.
    pub result_number: Option<i64>,
}

/// The tenant's switches that the rules read, as they stand when the command arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settings {
    /// A returned result waits for an approver (背调报告审批).
    pub report_approval: bool,
    /// Who placed an order may not decide on its result.
    pub four_eyes: bool,
    /// The vendor is notified when a result is sent back.
    pub returned_event: bool,
}

/// What the rules know of an order; `stages` and `results` may hold only those that the commands at hand can meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Where it stands.
    pub state: State,
    /// The app of the account that it was placed with.
    pub vendor: AppId,
    /// The person or service that placed it.
    pub placed_by: Id,
    /// The time of the last accepted stage, 0 before the first.
    pub stage_time_ms_last: i64,
    /// Accepted stages: digest of the stage's id, to digest of the call.
    pub stages: BTreeMap<Digest, Digest>,
    /// Digests of the accepted results, oldest first.
    pub results: Vec<Digest>,
    /// How many results were accepted, also where their digests are not at hand.
    pub result_count: i64,
}

/// What an accepted command does to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The state before; none when the order is placed.
    pub from: Option<State>,
    /// The state after.
    pub to: State,
    /// The rule that allowed it, for the timeline.
    pub rule: Rule,
    /// The event that it causes for the vendor.
    pub event: Option<OrderEvent>,
}

/// The events of an order for its vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderEvent {
    /// `hire.eco_background_check.created_v1`.
    Created,
    /// `hire.eco_background_check.canceled_v1`.
    Canceled,
    /// `probity.background_check.returned_v1`.
    Returned,
}

crate::stored::stored_as_number! {
    /// The rule under which a command was accepted.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    Rule, "the rule of a timeline entry";
    Placed = 0: "A placed order is arranged.";
    StageReported = 1: "Progress leaves the state alone.";
    ResultCompletes = 2: "A result without review completes the order.";
    ResultAwaitsReview = 3: "A result with review waits for an approver.";
    VendorCanceled = 4: "The vendor ended the order.";
    HirerTerminated = 5: "The hirer ended the order.";
    ReviewApproved = 6: "An approver accepted the result.";
    ReviewRejected = 7: "An approver sent the result back.";
    ReviewWithdrawn = 8: "The review request was taken back.";
    ReviewOverdue = 9: "Nobody decided within the tenant's time.";
}

impl Rule {
    /// The rule's code in the timeline.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Rule::Placed => "placed",
            Rule::StageReported => "stage_reported",
            Rule::ResultCompletes => "result_completes",
            Rule::ResultAwaitsReview => "result_awaits_review",
            Rule::VendorCanceled => "vendor_canceled",
            Rule::HirerTerminated => "hirer_terminated",
            Rule::ReviewApproved => "review_approved",
            Rule::ReviewRejected => "review_rejected",
            Rule::ReviewWithdrawn => "review_withdrawn",
            Rule::ReviewOverdue => "review_overdue",
        }
    }
}

/// The rules' answer to a command that they accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// An identical repeat of an accepted call: success, nothing changes.
    Repeat,
    /// The order changes.
    Change(Change),
}

/// Why a command is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No such order for the caller: unknown, another tenant's, or another app's.
    OrderNotExist,
    /// The state does not allow it.
    IllegalStatus(State),
    /// A result came while an earlier one is being reviewed.
    BeingApproved,
    /// The stage's id was used before, with other values.
    StageIdTaken,
    /// The stage's time is not after the last one's.
    StageTimeNotIncreasing,
    /// With four eyes on, who placed the order may not decide.
    PlacerMayNotDecide,
    /// The decision is about another result than the newest, which has this number.
    ResultSuperseded(i64),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::OrderNotExist => f.write_str("no such order"),
            Refusal::IllegalStatus(state) => {
                write!(
                    f,
                    "an order that is {} does not allow this",
                    OrderState::from(*state).as_str()
                )
            }
            Refusal::BeingApproved => f.write_str("the order's result is being reviewed"),
            Refusal::StageIdTaken => {
                f.write_str("expected a stage_id that the order does not have yet")
            }
            Refusal::StageTimeNotIncreasing => {
                f.write_str("expected a stage_time after the order's last one")
            }
            Refusal::PlacerMayNotDecide => {
                f.write_str("expected another person than the one who placed the order")
            }
            Refusal::ResultSuperseded(newest) => {
                write!(f, "expected a decision on the order's newest result, number {newest}")
            }
        }
    }
}

/// Decides a command on an order, or on none yet; an order that the actor may not see does not exist.
pub fn decide(
    order: Option<&Order>,
    command: &Command,
    settings: Settings,
) -> Result<Decision, Refusal> {
    let Some(order) = order else {
        return match command.action {
            Action::Place { .. } => {
                change(None, State::Arranged, Rule::Placed, Some(OrderEvent::Created))
            }
            _ => Err(Refusal::OrderNotExist),
        };
    };
    let ActorId { kind, id } = command.actor.id;
    if kind == ActorKind::Vendor && AppId(id.0) != order.vendor {
        return Err(Refusal::OrderNotExist);
    }
    let from = order.state;
    match command.action {
        Action::Place { .. } => Err(Refusal::IllegalStatus(from)),
        Action::Progress(mark) => progress(order, mark, command.digest),
        Action::Result => result(order, command.digest, settings),
        Action::Cancel => match from {
            State::Terminated => Ok(Decision::Repeat),
            State::Completed => Err(Refusal::IllegalStatus(from)),
            _ => change(Some(from), State::Terminated, Rule::VendorCanceled, None),
        },
        Action::Terminate if from.is_final() => Err(Refusal::IllegalStatus(from)),
        Action::Terminate => {
            change(Some(from), State::Terminated, Rule::HirerTerminated, Some(OrderEvent::Canceled))
        }
        Action::Approve | Action::Reject | Action::Withdraw | Action::NoteOverdue
            if from != State::InReview =>
        {
            Err(Refusal::IllegalStatus(from))
        }
        Action::Approve | Action::Reject | Action::NoteOverdue
            if command.result_number.is_some_and(|number| number != order.result_count) =>
        {
            Err(Refusal::ResultSuperseded(order.result_count))
        }
        Action::Approve | Action::Reject
            if settings.four_eyes && command.actor.owner == order.placed_by =>
        {
            Err(Refusal::PlacerMayNotDecide)
        }
        Action::Approve => change(Some(from), State::Completed, Rule::ReviewApproved, None),
        Action::Reject => {
            let event = settings.returned_event.then_some(OrderEvent::Returned);
            change(Some(from), State::Rejected, Rule::ReviewRejected, event)
        }
        Action::Withdraw => change(Some(from), State::ReviewWithdrawn, Rule::ReviewWithdrawn, None),
        Action::NoteOverdue => change(Some(from), from, Rule::ReviewOverdue, None),
    }
}

fn progress(order: &Order, mark: StageMark, digest: Digest) -> Result<Decision, Refusal> {
    match order.stages.get(&mark.stage) {
        Some(accepted) if *accepted == digest => Ok(Decision::Repeat),
        _ if order.state.is_final() => Err(Refusal::IllegalStatus(order.state)),
        Some(_) => Err(Refusal::StageIdTaken),
        None if mark.stage_time_ms <= order.stage_time_ms_last => {
            Err(Refusal::StageTimeNotIncreasing)
        }
        None => change(Some(order.state), order.state, Rule::StageReported, None),
    }
}

fn result(order: &Order, digest: Digest, settings: Settings) -> Result<Decision, Refusal> {
    if order.results.contains(&digest) {
        return Ok(Decision::Repeat);
    }
    match order.state {
        State::Completed | State::Terminated => Err(Refusal::IllegalStatus(order.state)),
        State::InReview => Err(Refusal::BeingApproved),
        from if settings.report_approval => {
            change(Some(from), State::InReview, Rule::ResultAwaitsReview, None)
        }
        from => change(Some(from), State::Completed, Rule::ResultCompletes, None),
    }
}

fn change(
    from: Option<State>,
    to: State,
    rule: Rule,
    event: Option<OrderEvent>,
) -> Result<Decision, Refusal> {
    Ok(Decision::Change(Change { from, to, rule, event }))
}

/// Applies an accepted change. Panics when it is not the order's: none leaves a final state or is placed twice.
pub fn apply(order: Option<Order>, command: &Command, change: &Change) -> Order {
    let Some(mut order) = order else {
        let Action::Place { vendor } = command.action else {
            panic!("only a placed order begins");
        };
        return Order {
            state: change.to,
            vendor,
            placed_by: command.actor.owner,
            stage_time_ms_last: 0,
            stages: BTreeMap::new(),
            results: Vec::new(),
            result_count: 0,
        };
    };
    assert_eq!(change.from, Some(order.state), "a change begins at the order's state");
    assert!(!order.state.is_final() || change.to == order.state, "a final state never changes");
    order.state = change.to;
    match command.action {
        Action::Progress(mark) => {
            order.stages.insert(mark.stage, command.digest);
            order.stage_time_ms_last = mark.stage_time_ms;
        }
        Action::Result => {
            order.results.push(command.digest);
            order.result_count += 1;
        }
        _ => {}
    }
    order
}
