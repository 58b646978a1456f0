//! What a batch does: decided in memory from what was loaded, as plain rows to write.

use std::collections::{BTreeMap, HashMap};

use contract::evidence::AuditEntry;
use domain::event::EventKind;
use domain::order::{
    self, Action, Change, Command, Decision, Digest, Order, OrderEvent, Settings, State,
};
use domain::report::{ReportKind, ReportState};
use domain::{ActorKind, Id, TenantId, UnixMs};

use super::review::Review;
use super::{CommandResult, NO_DIGEST, NewReport, OrderCommand, OrderKey, QueuedCommand, Request};
use crate::audit::By;
use crate::dispatch::dispatch;
use crate::engine::Ids;
use crate::fault::{Fault, FaultKind};
use crate::rows::{
    ApplicationRow, DeliveryRow, EntryRow, EventRow, OrderRow, ReportRow, ReviewChange, ReviewKey,
    ReviewRow, StageRow, TermRow, UsedKeyRow, Values, WRITES,
};
use crate::seal::{Key, RowContext};

/// What a batch's commands need to know, as the engine loaded it.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) orders: HashMap<OrderKey, OrderRow>,
    /// For progress: the digest of the call by which an order got the stage.
    pub(crate) stages: HashMap<(OrderKey, Digest), Digest>,
    /// For results of orders that have several: the digests of all of them.
    pub(crate) results: HashMap<OrderKey, Vec<Digest>>,
    /// Idempotency-Keys used before: digest of the request, and the order.
    pub(crate) used_keys: HashMap<(Id, Digest), (Digest, Option<Id>)>,
}

/// The rows that a batch writes, each list sorted by its key.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) placed: Vec<OrderRow>,
    pub(crate) changed: Vec<OrderRow>,
    pub(crate) entries: Vec<EntryRow>,
    pub(crate) stages: Vec<StageRow>,
    pub(crate) reports: Vec<ReportRow>,
    pub(crate) events: Vec<EventRow>,
    pub(crate) deliveries: Vec<DeliveryRow>,
    pub(crate) used_keys: Vec<UsedKeyRow>,
    pub(crate) applications: Vec<ApplicationRow>,
    pub(crate) terms: Vec<TermRow>,
    pub(crate) reviews_over: Vec<ReviewKey>,
    pub(crate) reviews: Vec<ReviewRow>,
    pub(crate) reviews_changed: Vec<ReviewChange>,
    /// What is recorded in the tenants' audit chains.
    pub(crate) audits: Vec<(TenantId, AuditEntry)>,
}

impl Plan {
    /// The rows to write, those of each of [`WRITES`] together.
    pub(crate) fn values(&self) -> [Vec<Values>; WRITES.len()] {
        fn list<T>(rows: &[T], values: fn(&T) -> Values) -> Vec<Values> {
            rows.iter().map(values).collect()
        }
        [
            list(&self.placed, OrderRow::new_values),
            list(&self.changed, OrderRow::changed_values),
            list(&self.entries, EntryRow::values),
            list(&self.stages, StageRow::values),
            list(&self.reports, ReportRow::values),
            list(&self.events, EventRow::values),
            list(&self.deliveries, DeliveryRow::values),
            list(&self.used_keys, UsedKeyRow::values),
            list(&self.applications, ApplicationRow::values),
            list(&self.terms, TermRow::values),
            list(&self.reviews_over, ReviewKey::values),
            list(&self.reviews, ReviewRow::values),
            list(&self.reviews_changed, ReviewChange::values),
        ]
    }

    /// Whether a delivery became due.
    pub(crate) fn has_deliveries(&self) -> bool {
        !self.deliveries.is_empty()
    }

    /// Whether a report became due.
    pub(crate) fn has_fetches(&self) -> bool {
        self.reports.iter().any(|report| report.due_at.is_some())
    }
}

/// Decides `commands` in their order.
///
/// # Errors
/// When a row does not hold what it must; then nothing of the batch may be written.
pub(crate) fn plan<'a>(
    commands: impl IntoIterator<Item = &'a QueuedCommand>,
    loaded: Loaded,
    ids: &Ids,
) -> Result<(Plan, Vec<CommandResult>), Fault> {
    let mut desk = Desk { loaded, orders: BTreeMap::new(), plan: Plan::default(), ids };
    let outcomes =
        commands.into_iter().map(|command| desk.decide(command)).collect::<Result<_, _>>()?;
    let mut plan = desk.plan;
    for state in desk.orders.into_values() {
        state.review.add_to(&mut plan);
        match state.is_new {
            true => plan.placed.push(state.row),
            false if state.is_changed => plan.changed.push(state.row),
            false => {}
        }
    }
    plan.stages.sort_by_key(|row| (row.tenant_id, row.order_id, row.stage));
    plan.applications.sort_by_key(|row| (row.tenant_id, row.application, row.order_id));
    plan.terms.sort_by_key(|row| (row.tenant_id, row.term, row.order_id));
    // Stable: of one tenant's entries the later one stays the later one.
    plan.audits.sort_by_key(|(tenant_id, _)| *tenant_id);
    plan.used_keys.sort_by_key(|row| (row.key.actor_id, row.key.key_digest));
    Ok((plan, outcomes))
}

struct Desk<'a> {
    loaded: Loaded,
    orders: BTreeMap<OrderKey, OrderState>,
    plan: Plan,
    ids: &'a Ids,
}

/// An order as it stands within the batch.
struct OrderState {
    row: OrderRow,
    order: Order,
    data_key: Option<Key>,
    review: Review,
    is_new: bool,
    is_changed: bool,
}

impl Desk<'_> {
    fn decide(&mut self, queued: &QueuedCommand) -> Result<CommandResult, Fault> {
        if let Some(key) = queued.idempotency
            && let Some((request, order_id)) =
                self.loaded.used_keys.get(&(key.actor_id, key.key_digest))
        {
            return Ok(match order_id {
                Some(order_id) if *request == key.request_digest => {
                    CommandResult::Accepted(*order_id)
                }
                _ => CommandResult::KeyTaken,
            });
        }
        let command = queued.command();
        let settings = Settings {
            report_approval: queued.tenant.settings.report_approval,
            four_eyes: queued.tenant.settings.four_eyes,
            returned_event: matches!(queued.request, Request::Reject { returned_event: true, .. }),
        };
        let mut state = match queued.request {
            Request::Place { .. } => None,
            _ => self.state(queued.key(), &command),
        };
        let order = state.as_ref().map(|state| &state.order);
        let outcome = match order::decide(order, &command, settings) {
            Ok(Decision::Change(change)) => {
                let changed = self.write(queued, &command, change, state.take())?;
                let order_id = changed.row.order_id;
                self.keep(changed);
                CommandResult::Accepted(order_id)
            }
            Ok(Decision::Repeat) => CommandResult::Accepted(queued.order_id),
            Err(refusal) => CommandResult::Refused(refusal),
        };
        if let Some(state) = state {
            self.keep(state);
        }
        if let (Some(key), CommandResult::Accepted(order_id)) = (queued.idempotency, outcome) {
            let used = (key.request_digest, Some(order_id));
            self.loaded.used_keys.insert((key.actor_id, key.key_digest), used);
            let (tenant_id, created_at) = (queued.tenant.tenant_id, queued.at);
            self.plan.used_keys.push(UsedKeyRow { tenant_id, key, order_id, created_at });
        }
        Ok(outcome)
    }

    fn keep(&mut self, state: OrderState) {
        let OrderRow { tenant_id, order_id, .. } = state.row;
        self.orders.insert(OrderKey { tenant_id, order_id }, state);
    }

    /// The order as the earlier commands of the batch left it, with what was loaded for this one.
    fn state(&mut self, key: OrderKey, command: &Command) -> Option<OrderState> {
        let mut state = self.orders.remove(&key).or_else(|| {
            let row = self.loaded.orders.remove(&key)?;
            let results = match self.loaded.results.remove(&key) {
                Some(results) => results,
                None => row.result_digest.into_iter().collect(),
            };
            let order = Order {
                state: row.state,
                vendor: row.app_id,
                placed_by: row.placed_by,
                stage_time_ms_last: row.stage_time_last,
                stages: BTreeMap::new(),
                results,
                result_count: row.result_count,
            };
            let review = Review::default();
            Some(OrderState {
                row,
                order,
                data_key: None,
                review,
                is_new: false,
                is_changed: false,
            })
        })?;
        if let Action::Progress(mark) = command.action
            && let Some(digest) = self.loaded.stages.remove(&(key, mark.stage))
        {
            state.order.stages.insert(mark.stage, digest);
        }
        Some(state)
    }

    /// The first of `count` consecutive ids above all that the order has: its timeline is in the order of its
    /// ids, also when the entry before was made by a replica whose clock is ahead.
    fn ids(&self, at: UnixMs, count: u16, state: Option<&OrderState>) -> Id {
        let mut ids = self.ids.lock();
        let first = ids.block(at, count);
        match state.map(|state| state.row.entry_last) {
            Some(last) if first <= last => ids.block(last.made_at().plus_ms(1), count),
            _ => first,
        }
    }

    /// Adds the rows of an accepted command, and gives the order as it now stands.
    fn write(
        &mut self,
        queued: &QueuedCommand,
        command: &Command,
        change: Change,
        state: Option<OrderState>,
    ) -> Result<OrderState, Fault> {
        let (content, reports) = queued.brings();
        let count = u16::try_from(reports.len() + 1)
            .map_err(|_| Fault::new(FaultKind::Constraint, "a call brings too many reports"))?;
        let entry_id = self.ids(queued.at, count, state.as_ref());
        let tenant_id = queued.tenant.tenant_id;
        let (mut row, data_key, order, mut review, is_new) = match state {
            Some(state) => {
                let data_key = match state.data_key {
                    Some(key) => key,
                    None => {
                        let context = OrderRow::key_context(tenant_id, state.row.order_id);
                        queued.tenant.key.open_key(context, &state.row.wrapped_key)?
                    }
                };
                (state.row, data_key, Some(state.order), state.review, state.is_new)
            }
            None => {
                let data_key = Key::random();
                let row = new_row(queued, command, entry_id, &data_key)?;
                (row, data_key, None, Review::default(), true)
            }
        };
        let entry_before = if order.is_some() { row.entry_last } else { Id(0) };
        let order = order::apply(order, command, &change);
        row.state = order.state;
        row.stage_time_last = order.stage_time_ms_last;
        row.entry_last = entry_id;
        let at = queued.tenant.time(queued.at);
        row.updated_at = at;
        if order.state.is_final() {
            row.ended_at = Some(at);
        }
        match command.action {
            Action::Result => {
                row.result_count += 1;
                row.result_digest = Some(command.digest);
            }
            Action::Progress(mark) => self.plan.stages.push(StageRow {
                tenant_id,
                order_id: row.order_id,
                stage: mark.stage,
                digest: command.digest,
            }),
            Action::Place { .. } => self.add_terms(queued, command, row.order_id),
            _ => {}
        }
        review.note(&row, &change, at);
        self.add_reports(queued, command, &row, entry_id, reports, &data_key);
        self.add_audit(queued, row.order_id, entry_id);
        if let Some(event) = change.event {
            let kind = match event {
                OrderEvent::Created => EventKind::OrderCreated,
                OrderEvent::Canceled => EventKind::OrderCanceled,
                OrderEvent::Returned => EventKind::OrderReturned,
            };
            let (app_id, order_id) = (row.app_id, Some(row.order_id));
            let event = EventRow::new(tenant_id, entry_id, app_id, kind, order_id, at);
            self.plan.deliveries.extend(dispatch(&event, queued.at));
            self.plan.events.push(event);
        }
        self.plan.entries.push(EntryRow {
            tenant_id,
            entry_id,
            order_id: row.order_id,
            entry_before,
            change,
            actor: command.actor.id,
            at,
            report_count: i64::from(count) - 1,
            digest: command.digest,
            sealed: data_key
                .seal(RowContext::new("timeline_entries", tenant_id, entry_id.0), content),
        });
        Ok(OrderState { row, order, data_key: Some(data_key), review, is_new, is_changed: true })
    }

    /// By what an order that is being placed is found.
    fn add_terms(&mut self, queued: &QueuedCommand, command: &Command, order_id: Id) {
        let (tenant_id, application) = (queued.tenant.tenant_id, command.digest);
        if application != NO_DIGEST {
            self.plan.applications.push(ApplicationRow { tenant_id, application, order_id });
        }
        let rows = queued.terms().iter().map(|term| TermRow { tenant_id, term: *term, order_id });
        self.plan.terms.extend(rows);
    }

    fn add_audit(&mut self, queued: &OrderCommand, order_id: Id, entry_id: Id) {
        let Some(act) = queued.request.audited() else { return };
        let mut entry = By { actor: queued.actor, at: queued.tenant.time(queued.at) }.did(act);
        entry.order_id = Some(order_id.to_string());
        entry.details.insert("entry_id".to_owned(), entry_id.to_string());
        self.plan.audits.push((queued.tenant.tenant_id, entry));
    }

    fn add_reports(
        &mut self,
        queued: &OrderCommand,
        command: &Command,
        row: &OrderRow,
        entry_id: Id,
        reports: &[NewReport],
        data_key: &Key,
    ) {
        let tenant_id = row.tenant_id;
        let kind = match command.action {
            Action::Result => ReportKind::Final,
            _ => ReportKind::Stage,
        };
        for (report, index) in reports.iter().zip(1..) {
            let report_id = Id(entry_id.0 + index);
            self.plan.reports.push(ReportRow {
                tenant_id,
                report_id,
                order_id: row.order_id,
                kind,
                state: if report.is_preview { ReportState::Linked } else { ReportState::Pending },
                due_at: (!report.is_preview).then_some(queued.at),
                created_at: queued.tenant.time(queued.at),
                sealed: data_key
                    .seal(RowContext::new("reports", tenant_id, report_id.0), &report.content),
            });
        }
    }
}

/// The row of an order that is being placed; its first entry has the order's own id.
fn new_row(
    queued: &OrderCommand,
    command: &Command,
    order_id: Id,
    data_key: &Key,
) -> Result<OrderRow, Fault> {
    let is_vendor = command.actor.id.kind == ActorKind::Vendor;
    let (Request::Place { vendor, account_id, package_id, .. }, false) =
        (&queued.request, is_vendor)
    else {
        return Err(Fault::new(FaultKind::Constraint, "only a member places an order"));
    };
    let tenant_id = queued.tenant.tenant_id;
    let context = OrderRow::key_context(tenant_id, order_id);
    Ok(OrderRow {
        tenant_id,
        order_id,
        app_id: *vendor,
        account_id: *account_id,
        package_id: package_id.clone(),
        state: State::Arranged,
        placed_by: command.actor.owner,
        stage_time_last: 0,
        result_count: 0,
        result_digest: None,
        entry_last: order_id,
        wrapped_key: queued.tenant.key.seal(context, data_key.bytes()),
        updated_at: queued.tenant.time(queued.at),
        ended_at: None,
        placed_at: queued.tenant.time(queued.at),
    })
}
