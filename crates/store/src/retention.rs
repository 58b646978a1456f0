//! What decides when an order is erased: the rules of its tenant, legal holds, and how far the search has come.
//!
//! The search walks orders by id from the first that is not erased, without an index. Source: product, section 4.

use std::collections::{HashMap, HashSet};

use contract::evidence::AuditAct;
use domain::retention::{Bounds, Facts, Rule};
use domain::{Id, TenantId, UnixMs};

use crate::audit::By;
use crate::content::{self, Comment};
use crate::fault::Fault;
use crate::seal::RowContext;
use crate::tenants::Tenant;
use crate::value::{Row, Statement, any, one, values};
use crate::{Saved, Store};

/// A legal hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The key that set it.
    pub set_by: Id,
    /// When.
    pub set_at: UnixMs,
    /// Why, in somebody's words.
    pub reason: String,
}

/// An order that is not erased, and what decides about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The order.
    pub order_id: Id,
    /// Its package.
    pub package_id: String,
    /// What decides.
    pub facts: Facts,
}

/// A stretch of a tenant's orders that was looked through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidates {
    /// Those that are not erased, the oldest first.
    pub orders: Vec<Candidate>,
    /// The last order of the stretch, after which the next one begins; none when it was the last stretch.
    pub next: Option<Id>,
}

const LIST_RULES: &str =
    "SELECT package_id, days FROM retention_rules WHERE tenant_id = $1 ORDER BY package_id";
const DELETE_RULES: &str = "DELETE FROM retention_rules WHERE tenant_id = $1";
const INSERT_RULE: &str =
    "INSERT INTO retention_rules (tenant_id, package_id, days) VALUES ($1, $2, $3)";
const PUT_HOLD: &str = "INSERT INTO holds (tenant_id, order_id, set_by, set_at, sealed) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id, order_id) \
    DO UPDATE SET set_by = excluded.set_by, set_at = excluded.set_at, sealed = excluded.sealed";
const DELETE_HOLD: &str = "DELETE FROM holds WHERE tenant_id = $1 AND order_id = $2";
const FIND_HOLD: &str =
    "SELECT set_by, set_at, sealed FROM holds WHERE tenant_id = $1 AND order_id = $2";
const LIST_HELD: &str = "SELECT order_id FROM holds WHERE tenant_id = $1";
const LIST_ORDERS: &str = "SELECT order_id, package_id, ended_at, length(wrapped_key) FROM orders \
    WHERE tenant_id = $1 AND order_id > $2 AND order_id < $3 ORDER BY order_id LIMIT $4";
const FIND_MARK: &str = "SELECT order_id FROM erase_marks WHERE tenant_id = $1";
const MOVE_MARK: &str =
    "UPDATE erase_marks SET order_id = $2 WHERE tenant_id = $1 AND order_id < $2";
/// Takes the tenant's mark, so that holds and erasures of one tenant follow each other.
const TAKE_MARK: &str = "INSERT INTO erase_marks (tenant_id, order_id) VALUES ($1, 0) \
    ON CONFLICT (tenant_id) DO UPDATE SET order_id = erase_marks.order_id";
/// An order that can be held: it is there, and is not erased.
const KEEP_ORDER: &str = "UPDATE orders SET updated_at = updated_at \
    WHERE tenant_id = $1 AND order_id = $2 AND length(wrapped_key) > 0";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    LIST_RULES,
    DELETE_RULES,
    INSERT_RULE,
    PUT_HOLD,
    DELETE_HOLD,
    FIND_HOLD,
    LIST_HELD,
    LIST_ORDERS,
    FIND_MARK,
    MOVE_MARK,
    TAKE_MARK,
    KEEP_ORDER,
];

pub(crate) fn take_mark(tenant_id: TenantId) -> Statement {
    any(TAKE_MARK, values![tenant_id.0])
}

impl Store {
    /// The tenant's rules for packages: package and days, by package.
    pub async fn list_retention_rules(
        &self,
        tenant_id: TenantId,
    ) -> Result<Vec<(String, u32)>, Fault> {
        let rows = self.read(LIST_RULES, values![tenant_id.0]).await?;
        rows.iter().map(|row| Ok((row.text(0)?, days(row.int(1)?)))).collect()
    }

    /// Puts these rules in the place of the tenant's rules for packages; each package once.
    pub async fn set_retention_rules(
        &self,
        by: By,
        tenant_id: TenantId,
        rules: &[(String, u32)],
    ) -> Result<(), Fault> {
        let mut statements = vec![any(DELETE_RULES, values![tenant_id.0])];
        let mut entry = by.did(AuditAct::RetentionChanged);
        for (index, (package_id, days)) in rules.iter().enumerate() {
            let values = values![tenant_id.0, package_id.as_str(), i64::from(*days)];
            statements.push(any(INSERT_RULE, values));
            entry.details.insert(format!("days_{}", index + 1), days.to_string());
        }
        entry.details.insert("packages".to_owned(), rules.len().to_string());
        statements.extend(self.audit(tenant_id, entry).await?);
        self.write(statements).await.map(drop)
    }

    /// Sets a legal hold on an order, or on the whole tenant, or changes its reason;
    /// [`Saved::Outdated`] without such an order.
    pub async fn set_hold(
        &self,
        by: By,
        tenant: &Tenant,
        order_id: Option<Id>,
        reason: &str,
    ) -> Result<Saved, Fault> {
        let (tenant_id, held) = (tenant.tenant_id, order_id.map_or(0, |id| id.0));
        let mut statements = vec![take_mark(tenant_id)];
        if let Some(order_id) = order_id {
            statements.push(one(KEEP_ORDER, values![tenant_id.0, order_id.0]));
        }
        let text = content::to_text(&Comment { text: reason.to_owned() });
        let sealed = tenant.key.seal(context(tenant_id, held), &text);
        let values = values![tenant_id.0, held, by.actor_number(), tenant.time(by.at).0, sealed];
        statements.push(any(PUT_HOLD, values));
        let mut entry = by.did(AuditAct::HoldSet);
        entry.order_id = order_id.map(|id| id.to_string());
        statements.extend(self.audit(tenant_id, entry).await?);
        Ok(self.write(statements).await?.saved_or(Saved::Outdated))
    }

    /// Lifts a legal hold; false when there is none.
    pub async fn lift_hold(
        &self,
        by: By,
        tenant_id: TenantId,
        order_id: Option<Id>,
    ) -> Result<bool, Fault> {
        let held = order_id.map_or(0, |id| id.0);
        let mut statements =
            vec![take_mark(tenant_id), one(DELETE_HOLD, values![tenant_id.0, held])];
        let mut entry = by.did(AuditAct::HoldLifted);
        entry.order_id = order_id.map(|id| id.to_string());
        statements.extend(self.audit(tenant_id, entry).await?);
        Ok(self.write(statements).await?.is_done())
    }

    /// The legal hold of an order, or without one of the whole tenant.
    pub async fn find_hold(
        &self,
        tenant: &Tenant,
        order_id: Option<Id>,
    ) -> Result<Option<Hold>, Fault> {
        let held = order_id.map_or(0, |id| id.0);
        let rows = self.read(FIND_HOLD, values![tenant.tenant_id.0, held]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let text = tenant.key.open(context(tenant.tenant_id, held), row.bytes(2)?)?;
        let reason: Comment = content::from_text(&text)?;
        let (set_by, set_at) = (Id(row.int(0)?), UnixMs(row.int(1)?));
        Ok(Some(Hold { set_by, set_at, reason: reason.text }))
    }

    /// The next at most `limit` orders after `after`, placed before `placed_before`, that are not erased, with what
    /// decides.
    pub async fn list_candidates(
        &self,
        tenant: &Tenant,
        bounds: Bounds,
        after: Id,
        placed_before: UnixMs,
        limit: u32,
    ) -> Result<Candidates, Fault> {
        let tenant_id = tenant.tenant_id;
        let end = Id::first_of(placed_before);
        let values = values![tenant_id.0, after.0, end.0, i64::from(limit)];
        let rows = self.read(LIST_ORDERS, values).await?;
        let next = match rows.last() {
            Some(last) if rows.len() >= limit as usize => Some(Id(last.int(0)?)),
            _ => None,
        };
        let rules: HashMap<_, _> =
            self.list_retention_rules(tenant_id).await?.into_iter().collect();
        let held = self.read(LIST_HELD, values![tenant_id.0]).await?;
        let held = held.iter().map(|row| row.int(0)).collect::<Result<HashSet<_>, _>>()?;
        let of_tenant = days(tenant.settings.retention_days);
        let candidate = |row: &Row| -> Result<Candidate, Fault> {
            let (order_id, package_id) = (Id(row.int(0)?), row.text(1)?);
            let of_package = rules.get(&package_id).copied();
            let rule = Rule {
                days: bounds.within(of_package.unwrap_or(of_tenant)),
                is_of_package: of_package.is_some(),
            };
            let facts = Facts {
                ended_at: row.find_int(2)?.map(UnixMs),
                is_held: held.contains(&order_id.0),
                is_tenant_held: held.contains(&0),
                rule,
            };
            Ok(Candidate { order_id, package_id, facts })
        };
        let mut orders = Vec::with_capacity(rows.len());
        for row in &rows {
            if row.int(3)? > 0 {
                orders.push(candidate(row)?);
            }
        }
        Ok(Candidates { orders, next })
    }

    /// The order before which all of the tenant's are erased.
    pub async fn find_erase_mark(&self, tenant_id: TenantId) -> Result<Id, Fault> {
        let rows = self.read(FIND_MARK, values![tenant_id.0]).await?;
        rows.first().map_or(Ok(Id(0)), |row| row.int(0).map(Id))
    }

    /// Notes that all orders of the tenant before this one are erased.
    pub async fn move_erase_mark(&self, tenant_id: TenantId, order_id: Id) -> Result<(), Fault> {
        let statements =
            vec![take_mark(tenant_id), any(MOVE_MARK, values![tenant_id.0, order_id.0])];
        self.write(statements).await.map(drop)
    }
}

fn days(days: i64) -> u32 {
    u32::try_from(days).unwrap_or(u32::MAX)
}

fn context(tenant_id: TenantId, order_id: i64) -> RowContext {
    RowContext::new("holds", tenant_id, order_id)
}
