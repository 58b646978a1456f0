-- By what orders are found: keyed digests of the terms of their candidates and applications.
CREATE TABLE order_terms (
  tenant_id BIGINT NOT NULL,
  term BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, term, order_id)
);

-- The tenants of before, whose orders get their terms by a job: how far it is, and until when orders may still come that have
-- none, since a program of the version before may run beside this one.
CREATE TABLE term_backfills (
  tenant_id BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  ends_at BIGINT,
  PRIMARY KEY (tenant_id)
);
INSERT INTO term_backfills (tenant_id, order_id) SELECT tenant_id, 0 FROM tenants;

-- Neither column of an order ever changes, so that no change of an order writes to these.
CREATE INDEX orders_by_placer ON orders (tenant_id, placed_by, order_id);
CREATE INDEX orders_by_vendor ON orders (tenant_id, app_id, order_id);
