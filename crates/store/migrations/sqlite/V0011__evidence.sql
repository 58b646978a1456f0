-- What proves what was done: the audit chains, who looked at reports, manifests, erasures. And what decides when an
-- order is erased: rules per package, legal holds.

-- How far each tenant's audit chain is; tenant 0 is the operator. Whoever adds an entry holds this row until its commit.
CREATE TABLE audit_heads (
  tenant_id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL,
  hash BLOB NOT NULL
) STRICT;

-- Append-only. `hash` is SHA-256 over the hash of the entry before and the text's bytes.
CREATE TABLE audit_entries (
  tenant_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  body BLOB NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (tenant_id, seq)
) WITHOUT ROWID, STRICT;

-- Every time that a report's content was given away, append-only. `viewer_kind` 1 is a key of the control API, 2 a
-- signed link; `range_start` is null for the whole. `sealed` holds the viewer's address, under the order's data key.
CREATE TABLE report_views (
  tenant_id INTEGER NOT NULL,
  report_id INTEGER NOT NULL,
  view_id INTEGER NOT NULL,
  order_id INTEGER NOT NULL,
  version INTEGER NOT NULL,
  viewer_kind INTEGER NOT NULL,
  viewer_id INTEGER NOT NULL,
  at INTEGER NOT NULL,
  range_start INTEGER,
  range_end INTEGER,
  sealed BLOB NOT NULL,
  PRIMARY KEY (tenant_id, report_id, view_id)
) WITHOUT ROWID, STRICT;
CREATE INDEX report_views_by_id ON report_views (view_id);

-- Signed lists of the contents kept for an order, append-only.
CREATE TABLE manifests (
  tenant_id INTEGER NOT NULL,
  order_id INTEGER NOT NULL,
  number INTEGER NOT NULL,
  body BLOB NOT NULL,
  signature BLOB NOT NULL,
  PRIMARY KEY (tenant_id, order_id, number)
) WITHOUT ROWID, STRICT;

-- The manifest in which a content stands first; 0 while it stands in none.
ALTER TABLE report_versions ADD COLUMN manifest_number INTEGER NOT NULL DEFAULT 0;
CREATE INDEX report_versions_unlisted ON report_versions (order_id) WHERE manifest_number = 0;

-- Days after an order's end for orders of a package, instead of the tenant's.
CREATE TABLE retention_rules (
  tenant_id INTEGER NOT NULL,
  package_id TEXT NOT NULL,
  days INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, package_id)
) WITHOUT ROWID, STRICT;

-- Legal holds: of one order, or with `order_id` 0 of the whole tenant. `sealed` holds the reason.
CREATE TABLE holds (
  tenant_id INTEGER NOT NULL,
  order_id INTEGER NOT NULL,
  set_by INTEGER NOT NULL,
  set_at INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (tenant_id, order_id)
) WITHOUT ROWID, STRICT;

-- Where the search for orders to erase begins: all before are erased. Whoever erases or sets a hold takes this row.
CREATE TABLE erase_marks (
  tenant_id INTEGER PRIMARY KEY,
  order_id INTEGER NOT NULL
) STRICT;

-- What was erased: the signed certificate, a reason given by hand (`sealed`, under the tenant's key), and the names
-- of the objects that have to go. `finished_at` is null until nothing is left of them.
CREATE TABLE erasures (
  tenant_id INTEGER NOT NULL,
  erasure_id INTEGER NOT NULL,
  order_id INTEGER NOT NULL,
  body BLOB NOT NULL,
  signature BLOB NOT NULL,
  objects TEXT NOT NULL,
  sealed BLOB,
  finished_at INTEGER,
  PRIMARY KEY (tenant_id, erasure_id)
) WITHOUT ROWID, STRICT;
CREATE UNIQUE INDEX erasures_by_order ON erasures (tenant_id, order_id);
CREATE INDEX erasures_open ON erasures (erasure_id) WHERE finished_at IS NULL;
