-- What each table is for is said in SQLite's migration of the same name.

CREATE TABLE audit_heads (
  tenant_id BIGINT PRIMARY KEY,
  seq BIGINT NOT NULL,
  hash BYTEA NOT NULL
);

CREATE TABLE audit_entries (
  tenant_id BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  body BYTEA NOT NULL,
  hash BYTEA NOT NULL,
  PRIMARY KEY (tenant_id, seq)
);

CREATE TABLE report_views (
  tenant_id BIGINT NOT NULL,
  report_id BIGINT NOT NULL,
  view_id BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  version BIGINT NOT NULL,
  viewer_kind BIGINT NOT NULL,
  viewer_id BIGINT NOT NULL,
  at BIGINT NOT NULL,
  range_start BIGINT,
  range_end BIGINT,
  sealed BYTEA NOT NULL,
  PRIMARY KEY (tenant_id, report_id, view_id)
);
CREATE INDEX report_views_by_id ON report_views (view_id);

CREATE TABLE manifests (
  tenant_id BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  number BIGINT NOT NULL,
  body BYTEA NOT NULL,
  signature BYTEA NOT NULL,
  PRIMARY KEY (tenant_id, order_id, number)
);

ALTER TABLE report_versions ADD COLUMN manifest_number BIGINT NOT NULL DEFAULT 0;
CREATE INDEX report_versions_unlisted ON report_versions (order_id) WHERE manifest_number = 0;

CREATE TABLE retention_rules (
  tenant_id BIGINT NOT NULL,
  package_id TEXT NOT NULL,
  days BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, package_id)
);

CREATE TABLE holds (
  tenant_id BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  set_by BIGINT NOT NULL,
  set_at BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  PRIMARY KEY (tenant_id, order_id)
);

CREATE TABLE erase_marks (
  tenant_id BIGINT PRIMARY KEY,
  order_id BIGINT NOT NULL
);

CREATE TABLE erasures (
  tenant_id BIGINT NOT NULL,
  erasure_id BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  body BYTEA NOT NULL,
  signature BYTEA NOT NULL,
  objects TEXT NOT NULL,
  sealed BYTEA,
  finished_at BIGINT,
  PRIMARY KEY (tenant_id, erasure_id)
);
CREATE UNIQUE INDEX erasures_by_order ON erasures (tenant_id, order_id);
CREATE INDEX erasures_open ON erasures (erasure_id) WHERE finished_at IS NULL;
