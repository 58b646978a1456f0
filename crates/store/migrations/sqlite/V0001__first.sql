-- What Probity remembers. Rows that only come in order of time lie in that order, by their id alone:
-- a batch then touches few pages; every statement names the tenant as well.
-- Columns named `sealed` hold AES-256-GCM texts (nonce, cipher text, tag), bound to their row.
-- Instants are milliseconds since the Unix epoch; truths are 0 and 1.

CREATE TABLE installation (
  installation_id INTEGER PRIMARY KEY CHECK (installation_id = 1),
  sealed BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- The writer's pulse: a commit that changes nothing else, to see that storage works again.
CREATE TABLE pulse (
  pulse_id INTEGER PRIMARY KEY CHECK (pulse_id = 1),
  beat INTEGER NOT NULL
) STRICT;
INSERT INTO pulse (pulse_id, beat) VALUES (1, 0);

CREATE TABLE tenants (
  tenant_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  report_approval INTEGER NOT NULL,
  four_eyes INTEGER NOT NULL,
  retention_days INTEGER NOT NULL,
  locale TEXT NOT NULL,
  wrapped_key BLOB NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX tenants_by_age ON tenants (created_at, tenant_id);

-- Hashes of keys for the control API; `tenant_id` is null for the operator's.
CREATE TABLE api_keys (
  key_hash BLOB PRIMARY KEY,
  key_id INTEGER NOT NULL,
  tenant_id INTEGER,
  role TEXT NOT NULL,
  created_at INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

-- `tenant_id` is null for store apps; `sealed` holds what must be sent: verification token, encrypt key.
CREATE TABLE apps (
  app_id INTEGER PRIMARY KEY,
  tenant_id INTEGER,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  scopes TEXT NOT NULL,
  event_mode TEXT NOT NULL,
  callback_url TEXT,
  encrypted INTEGER NOT NULL,
  ip_allowlist TEXT NOT NULL,
  enabled INTEGER NOT NULL,
  secret_hash BLOB NOT NULL,
  sealed BLOB NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX apps_by_age ON apps (created_at, app_id);

-- The current tenant token of an app in a tenant; the token itself is derived, never stored.
CREATE TABLE tokens (
  tenant_id INTEGER NOT NULL,
  app_id INTEGER NOT NULL,
  token_id INTEGER NOT NULL,
  issued_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, app_id)
) WITHOUT ROWID, STRICT;

CREATE TABLE accounts (
  tenant_id INTEGER NOT NULL,
  account_id INTEGER NOT NULL,
  app_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  usage_list TEXT NOT NULL,
  sealed BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, account_id)
) WITHOUT ROWID, STRICT;

-- Packages (kind 1) and additional items (kind 2) of an account.
CREATE TABLE packages (
  tenant_id INTEGER NOT NULL,
  account_id INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  package_id TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, account_id, kind, package_id)
) WITHOUT ROWID, STRICT;

-- One small row for each order: what the rules read, and the newest entry of its timeline.
CREATE TABLE orders (
  order_id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL,
  app_id INTEGER NOT NULL,
  account_id INTEGER NOT NULL,
  package_id TEXT NOT NULL,
  state INTEGER NOT NULL,
  placed_by INTEGER NOT NULL,
  stage_time_last INTEGER NOT NULL,
  result_count INTEGER NOT NULL,
  result_digest BLOB,
  entry_last INTEGER NOT NULL,
  wrapped_key BLOB NOT NULL,
  updated_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE INDEX orders_by_tenant ON orders (tenant_id, order_id);

-- Everything that ever happened to an order, append-only; each entry points to the one before.
CREATE TABLE timeline_entries (
  entry_id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL,
  order_id INTEGER NOT NULL,
  entry_before INTEGER NOT NULL,
  rule INTEGER NOT NULL,
  from_state INTEGER NOT NULL,
  to_state INTEGER NOT NULL,
  actor_kind INTEGER NOT NULL,
  actor_id INTEGER NOT NULL,
  at INTEGER NOT NULL,
  report_count INTEGER NOT NULL,
  digest BLOB NOT NULL,
  sealed BLOB NOT NULL
) STRICT;

-- The stage ids that an order has, as keyed digests, each with the digest of its call.
CREATE TABLE stage_keys (
  tenant_id INTEGER NOT NULL,
  order_id INTEGER NOT NULL,
  stage BLOB NOT NULL,
  digest BLOB NOT NULL,
  PRIMARY KEY (tenant_id, order_id, stage)
) WITHOUT ROWID, STRICT;

-- Reports, append-only but for how far their fetching is. Those of one entry follow its id without a gap.
CREATE TABLE reports (
  report_id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL,
  order_id INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  state INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  due_at INTEGER,
  failure TEXT,
  size_bytes INTEGER,
  sha256 BLOB,
  sealed BLOB NOT NULL
) STRICT;
CREATE INDEX reports_due ON reports (due_at) WHERE due_at IS NOT NULL;

-- What happened, for one app. The event's number is the id of what caused it; its body is made when sent.
CREATE TABLE events (
  event_no INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL,
  tag BLOB NOT NULL,
  app_id INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  order_id INTEGER,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX events_by_tenant ON events (tenant_id, event_no);

-- The way of an event to its app. While a try is under way, `due_at` is the end of its lease.
CREATE TABLE deliveries (
  event_no INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL,
  app_id INTEGER NOT NULL,
  order_id INTEGER,
  state INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  due_at INTEGER,
  finished_at INTEGER
) STRICT;
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_held ON deliveries (app_id) WHERE state = 1;

-- Every try of a delivery, append-only: `sealed` holds the request and the answer.
CREATE TABLE attempts (
  tenant_id INTEGER NOT NULL,
  event_no INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  at INTEGER NOT NULL,
  took_ms INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  http_status INTEGER,
  sealed BLOB NOT NULL,
  PRIMARY KEY (tenant_id, event_no, attempt)
) WITHOUT ROWID, STRICT;

-- The first answer to a POST that carried an Idempotency-Key, kept for 24 hours.
CREATE TABLE idempotency (
  key_id INTEGER NOT NULL,
  key_digest BLOB NOT NULL,
  request_digest BLOB NOT NULL,
  order_id INTEGER,
  http_status INTEGER NOT NULL,
  sealed BLOB,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (key_id, key_digest)
) WITHOUT ROWID, STRICT;
CREATE INDEX idempotency_by_age ON idempotency (created_at);
