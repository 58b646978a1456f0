-- By what orders are found: keyed digests of the terms of their candidates and applications.
CREATE TABLE order_terms (
  tenant_id INTEGER NOT NULL,
  term INTEGER NOT NULL,
  order_id INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, term, order_id)
) WITHOUT ROWID, STRICT;

-- The tenants of before, whose orders get their terms by a job: how far it is, and until when orders may still come that have
-- none, since a program of the version before may run beside this one.
CREATE TABLE term_backfills (
  tenant_id INTEGER NOT NULL,
  order_id INTEGER NOT NULL,
  ends_at INTEGER,
  PRIMARY KEY (tenant_id)
) WITHOUT ROWID, STRICT;
INSERT INTO term_backfills (tenant_id, order_id) SELECT tenant_id, 0 FROM tenants;

-- Neither column of an order ever changes, so that no change of an order writes to these.
CREATE INDEX orders_by_placer ON orders (tenant_id, placed_by, order_id);
CREATE INDEX orders_by_vendor ON orders (tenant_id, app_id, order_id);
