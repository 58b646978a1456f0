//! The tables that the desk writes, each with its columns said once, and the statements made from them:
//! row by row for SQLite, all rows of a batch at once (`unnest`) for PostgreSQL.

use contract::control::DeliveryState;
use domain::order::Actor;

use crate::desk::plan::{
    ApplicationRow, EntryRow, EventRow, OrderRow, ReportRow, StageRow, UsedKeyRow,
};
use crate::value::Value;
use crate::{deliveries, reports};

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Text,
    Bytes,
}

impl Kind {
    fn array(self) -> &'static str {
        match self {
            Kind::Int => "bigint[]",
            Kind::Text => "text[]",
            Kind::Bytes => "bytea[]",
        }
    }
}

/// A table as the desk writes it: its name, and the columns in the order of the values.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    pub(crate) name: &'static str,
    pub(crate) columns: [(&'static str, Kind); N],
}

use Kind::{Bytes, Int, Text};

pub(crate) const ORDERS: Table<14> = Table {
    name: "orders",
    columns: [
        ("tenant_id", Int),
        ("order_id", Int),
        ("app_id", Int),
        ("account_id", Int),
        ("package_id", Text),
        ("state", Int),
        ("placed_by", Int),
        ("stage_time_last", Int),
        ("result_count", Int),
        ("result_digest", Bytes),
        ("entry_last", Int),
        ("wrapped_key", Bytes),
        ("updated_at", Int),
        ("ended_at", Int),
    ],
};

/// What a change writes into an order's row; the first two columns find it.
pub(crate) const ORDER_CHANGES: Table<9> = Table {
    name: "orders",
    columns: [
        ("tenant_id", Int),
        ("order_id", Int),
        ("state", Int),
        ("stage_time_last", Int),
        ("result_count", Int),
        ("result_digest", Bytes),
        ("entry_last", Int),
        ("updated_at", Int),
        ("ended_at", Int),
    ],
};

pub(crate) const ENTRIES: Table<13> = Table {
    name: "timeline_entries",
    columns: [
        ("tenant_id", Int),
        ("entry_id", Int),
        ("order_id", Int),
        ("entry_before", Int),
        ("rule", Int),
        ("from_state", Int),
        ("to_state", Int),
        ("actor_kind", Int),
        ("actor_id", Int),
        ("at", Int),
        ("report_count", Int),
        ("digest", Bytes),
        ("sealed", Bytes),
    ],
};

pub(crate) const STAGES: Table<4> = Table {
    name: "stage_keys",
    columns: [("tenant_id", Int), ("order_id", Int), ("stage", Bytes), ("digest", Bytes)],
};

pub(crate) const REPORTS: Table<8> = Table {
    name: "reports",
    columns: [
        ("tenant_id", Int),
        ("report_id", Int),
        ("order_id", Int),
        ("kind", Int),
        ("state", Int),
        ("attempts", Int),
        ("due_at", Int),
        ("sealed", Bytes),
    ],
};

pub(crate) const EVENTS: Table<7> = Table {
    name: "events",
    columns: [
        ("tenant_id", Int),
        ("event_no", Int),
        ("tag", Bytes),
        ("app_id", Int),
        ("kind", Int),
        ("order_id", Int),
        ("created_at", Int),
    ],
};

pub(crate) const DELIVERIES: Table<7> = Table {
    name: "deliveries",
    columns: [
        ("tenant_id", Int),
        ("event_no", Int),
        ("app_id", Int),
        ("order_id", Int),
        ("state", Int),
        ("attempts", Int),
        ("due_at", Int),
    ],
};

pub(crate) const USED_KEYS: Table<6> = Table {
    name: "idempotency",
    columns: [
        ("key_id", Int),
        ("key_digest", Bytes),
        ("request_digest", Bytes),
        ("order_id", Int),
        ("http_status", Int),
        ("created_at", Int),
    ],
};

pub(crate) const APPLICATIONS: Table<3> = Table {
    name: "order_applications",
    columns: [("tenant_id", Int), ("application", Bytes), ("order_id", Int)],
};

impl<const N: usize> Table<N> {
    fn names(&self) -> String {
        self.columns.map(|(name, _)| name).join(", ")
    }

    fn arrays(&self) -> String {
        let numbered = self.columns.iter().zip(1..);
        numbered
            .map(|((_, kind), n)| format!("${n}::{}", kind.array()))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Inserts one row.
    pub(crate) fn insert_one(&self) -> String {
        let places = (1..=N).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ");
        format!("INSERT INTO {} ({}) VALUES ({places})", self.name, self.names())
    }

    /// Inserts all rows of a batch, one array for each column.
    pub(crate) fn insert_many(&self) -> String {
        format!(
            "INSERT INTO {} ({}) SELECT * FROM unnest({})",
            self.name,
            self.names(),
            self.arrays()
        )
    }

    /// Changes one row, found by the first two columns.
    pub(crate) fn update_one(&self) -> String {
        let [(tenant, _), (key, _)] = [self.columns[0], self.columns[1]];
        let sets = self.columns.iter().zip(1..).skip(2);
        let sets =
            sets.map(|((name, _), n)| format!("{name} = ${n}")).collect::<Vec<_>>().join(", ");
        format!("UPDATE {} SET {sets} WHERE {key} = $2 AND {tenant} = $1", self.name)
    }

    /// Changes all rows of a batch, found by the first two columns.
    pub(crate) fn update_many(&self) -> String {
        let [(tenant, _), (key, _)] = [self.columns[0], self.columns[1]];
        let sets = self.columns.iter().skip(2);
        let sets =
            sets.map(|(name, _)| format!("{name} = n.{name}")).collect::<Vec<_>>().join(", ");
        format!(
            "UPDATE {} AS t SET {sets} FROM unnest({}) AS n ({}) \
             WHERE t.{tenant} = n.{tenant} AND t.{key} = n.{key}",
            self.name,
            self.arrays(),
            self.names()
        )
    }
}

pub(crate) const FIND_USED_KEY: &str =
    "SELECT request_digest, order_id FROM idempotency WHERE key_id = $1 AND key_digest = $2";

pub(crate) const FIND_STAGE: &str =
    "SELECT digest FROM stage_keys WHERE tenant_id = $1 AND order_id = $2 AND stage = $3";

/// The digests of all results of an order, from its newest entry back; rules 2 and 3 bring results.
pub(crate) const LIST_RESULT_DIGESTS: &str = "WITH RECURSIVE chain (entry_id, entry_before, rule, digest) \
    AS (SELECT entry_id, entry_before, rule, digest FROM timeline_entries \
      WHERE tenant_id = $1 AND entry_id = $2 \
    UNION ALL SELECT e.entry_id, e.entry_before, e.rule, e.digest FROM timeline_entries e \
      JOIN chain c ON e.entry_id = c.entry_before WHERE e.tenant_id = $1) \
    SELECT digest FROM chain WHERE rule IN (2, 3)";

pub(crate) fn order_values(row: &OrderRow) -> [Value; 14] {
    [
        row.tenant_id.0.into(),
        row.order_id.0.into(),
        row.app_id.0.into(),
        row.account_id.0.into(),
        row.package_id.as_str().into(),
        i64::from(row.state.number()).into(),
        row.placed_by.0.into(),
        row.stage_time_last.into(),
        row.result_count.into(),
        row.result_digest.as_ref().map(<[u8; 16]>::as_slice).into(),
        row.entry_last.0.into(),
        row.wrapped_key.as_slice().into(),
        row.updated_at.0.into(),
        row.ended_at.map(|at| at.0).into(),
    ]
}

pub(crate) fn order_change_values(row: &OrderRow) -> [Value; 9] {
    [
        row.tenant_id.0.into(),
        row.order_id.0.into(),
        i64::from(row.state.number()).into(),
        row.stage_time_last.into(),
        row.result_count.into(),
        row.result_digest.as_ref().map(<[u8; 16]>::as_slice).into(),
        row.entry_last.0.into(),
        row.updated_at.0.into(),
        row.ended_at.map(|at| at.0).into(),
    ]
}

pub(crate) fn entry_values(row: &EntryRow) -> [Value; 13] {
    let (actor_kind, actor_id) = match row.actor {
        Actor::Vendor(app_id) => (ACTOR_VENDOR, app_id.0),
        Actor::Member(id) => (ACTOR_MEMBER, id.0),
    };
    [
        row.tenant_id.0.into(),
        row.entry_id.0.into(),
        row.order_id.0.into(),
        row.entry_before.0.into(),
        i64::from(row.change.rule.number()).into(),
        row.change.from.map_or(0, |state| i64::from(state.number())).into(),
        i64::from(row.change.to.number()).into(),
        actor_kind.into(),
        actor_id.into(),
        row.at.0.into(),
        row.report_count.into(),
        row.digest.as_slice().into(),
        row.sealed.as_slice().into(),
    ]
}

/// `actor_kind` of a vendor's app; `actor_id` is then the app's.
pub(crate) const ACTOR_VENDOR: i64 = 1;
/// `actor_kind` of a member of the tenant; `actor_id` is then the user's or the API key's.
pub(crate) const ACTOR_MEMBER: i64 = 2;

pub(crate) fn stage_values(row: &StageRow) -> [Value; 4] {
    [
        row.tenant_id.0.into(),
        row.order_id.0.into(),
        row.stage.as_slice().into(),
        row.digest.as_slice().into(),
    ]
}

pub(crate) fn report_values(row: &ReportRow) -> [Value; 8] {
    [
        row.tenant_id.0.into(),
        row.report_id.0.into(),
        row.order_id.0.into(),
        reports::kind_number(row.kind).into(),
        reports::state_number(row.state).into(),
        0.into(),
        row.due_at.map(|at| at.0).into(),
        row.sealed.as_slice().into(),
    ]
}

pub(crate) fn event_values(row: &EventRow) -> [Value; 7] {
    [
        row.tenant_id.0.into(),
        row.event_no.0.into(),
        row.tag.as_slice().into(),
        row.app_id.0.into(),
        row.kind.number().into(),
        row.order_id.map(|id| id.0).into(),
        row.created_at.0.into(),
    ]
}

/// An event's delivery as it begins: due at once.
pub(crate) fn delivery_values(row: &EventRow) -> [Value; 7] {
    [
        row.tenant_id.0.into(),
        row.event_no.0.into(),
        row.app_id.0.into(),
        row.order_id.map(|id| id.0).into(),
        deliveries::state_number(DeliveryState::Due).into(),
        0.into(),
        row.created_at.0.into(),
    ]
}

pub(crate) fn used_key_values(row: &UsedKeyRow) -> [Value; 6] {
    [
        row.key.api_key_id.0.into(),
        row.key.key_digest.as_slice().into(),
        row.key.request_digest.as_slice().into(),
        row.order_id.0.into(),
        200.into(),
        row.created_at.0.into(),
    ]
}

pub(crate) fn application_values(row: &ApplicationRow) -> [Value; 3] {
    [row.tenant_id.0.into(), row.application.as_slice().into(), row.order_id.0.into()]
}
