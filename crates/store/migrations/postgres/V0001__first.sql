-- What Probity remembers. Every key leads with the tenant, or is unique in the installation.
-- Columns named `sealed` hold AES-256-GCM texts (nonce, cipher text, tag), bound to their row.
-- Instants are milliseconds since the Unix epoch; truths are 0 and 1.

CREATE TABLE installation (
  installation_id BIGINT PRIMARY KEY CHECK (installation_id = 1),
  sealed BYTEA NOT NULL,
  created_at BIGINT NOT NULL
);

-- The writer's pulse: a commit that changes nothing else, to see that storage works again.
CREATE TABLE pulse (
  pulse_id BIGINT PRIMARY KEY CHECK (pulse_id = 1),
  beat BIGINT NOT NULL
);
INSERT INTO pulse (pulse_id, beat) VALUES (1, 0);

CREATE TABLE tenants (
  tenant_id BIGINT PRIMARY KEY,
  name TEXT NOT NULL,
  report_approval BIGINT NOT NULL,
  four_eyes BIGINT NOT NULL,
  retention_days BIGINT NOT NULL,
  locale TEXT NOT NULL,
  wrapped_key BYTEA NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX tenants_by_age ON tenants (created_at, tenant_id);

-- Hashes of keys for the control API; `tenant_id` is null for the operator's.
CREATE TABLE api_keys (
  key_hash BYTEA PRIMARY KEY,
  key_id BIGINT NOT NULL,
  tenant_id BIGINT,
  role TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

-- `tenant_id` is null for store apps; `sealed` holds what must be sent: verification token, encrypt key.
CREATE TABLE apps (
  app_id BIGINT PRIMARY KEY,
  tenant_id BIGINT,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  scopes TEXT NOT NULL,
  event_mode TEXT NOT NULL,
  callback_url TEXT,
  encrypted BIGINT NOT NULL,
  ip_allowlist TEXT NOT NULL,
  enabled BIGINT NOT NULL,
  secret_hash BYTEA NOT NULL,
  sealed BYTEA NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX apps_by_age ON apps (created_at, app_id);

-- The current tenant token of an app in a tenant; the token itself is derived, never stored.
CREATE TABLE tokens (
  tenant_id BIGINT NOT NULL,
  app_id BIGINT NOT NULL,
  token_id BIGINT NOT NULL,
  issued_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, app_id)
);

CREATE TABLE accounts (
  tenant_id BIGINT NOT NULL,
  account_id BIGINT NOT NULL,
  app_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  usage_list TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, account_id)
);

-- Packages (kind 1) and additional items (kind 2) of an account.
CREATE TABLE packages (
  tenant_id BIGINT NOT NULL,
  account_id BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  package_id TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, account_id, kind, package_id)
);

-- One small row for each order: what the rules read, and the newest entry of its timeline.
CREATE TABLE orders (
  tenant_id BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  app_id BIGINT NOT NULL,
  account_id BIGINT NOT NULL,
  package_id TEXT NOT NULL,
  state BIGINT NOT NULL,
  placed_by BIGINT NOT NULL,
  stage_time_last BIGINT NOT NULL,
  result_count BIGINT NOT NULL,
  result_digest BYTEA,
  entry_last BIGINT NOT NULL,
  wrapped_key BYTEA NOT NULL,
  updated_at BIGINT NOT NULL,
  ended_at BIGINT,
  PRIMARY KEY (tenant_id, order_id)
) WITH (fillfactor = 85);

-- Everything that ever happened to an order, append-only; each entry points to the one before.
CREATE TABLE timeline_entries (
  tenant_id BIGINT NOT NULL,
  entry_id BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  entry_before BIGINT NOT NULL,
  rule BIGINT NOT NULL,
  from_state BIGINT NOT NULL,
  to_state BIGINT NOT NULL,
  actor_kind BIGINT NOT NULL,
  actor_id BIGINT NOT NULL,
  at BIGINT NOT NULL,
  report_count BIGINT NOT NULL,
  digest BYTEA NOT NULL,
  sealed BYTEA NOT NULL,
  PRIMARY KEY (tenant_id, entry_id)
);

-- The stage ids that an order has, as keyed digests, each with the digest of its call.
CREATE TABLE stage_keys (
  tenant_id BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  stage BYTEA NOT NULL,
  digest BYTEA NOT NULL,
  PRIMARY KEY (tenant_id, order_id, stage)
);

-- Reports, append-only but for how far their fetching is. Those of one entry follow its id without a gap.
CREATE TABLE reports (
  tenant_id BIGINT NOT NULL,
  report_id BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  state BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  due_at BIGINT,
  failure TEXT,
  size_bytes BIGINT,
  sha256 BYTEA,
  sealed BYTEA NOT NULL,
  PRIMARY KEY (tenant_id, report_id)
);
CREATE INDEX reports_due ON reports (due_at) WHERE due_at IS NOT NULL;

-- What happened, for one app. The event's number is the id of what caused it; its body is made when sent.
CREATE TABLE events (
  tenant_id BIGINT NOT NULL,
  event_no BIGINT NOT NULL,
  tag BYTEA NOT NULL,
  app_id BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  order_id BIGINT,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, event_no)
);

-- The way of an event to its app. While a try is under way, `due_at` is the end of its lease.
CREATE TABLE deliveries (
  tenant_id BIGINT NOT NULL,
  event_no BIGINT NOT NULL,
  app_id BIGINT NOT NULL,
  order_id BIGINT,
  state BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  due_at BIGINT,
  finished_at BIGINT,
  PRIMARY KEY (tenant_id, event_no)
);
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_held ON deliveries (app_id) WHERE state = 1;

-- Every try of a delivery, append-only: `sealed` holds the request and the answer.
CREATE TABLE attempts (
  tenant_id BIGINT NOT NULL,
  event_no BIGINT NOT NULL,
  attempt BIGINT NOT NULL,
  at BIGINT NOT NULL,
  took_ms BIGINT NOT NULL,
  outcome TEXT NOT NULL,
  http_status BIGINT,
  sealed BYTEA NOT NULL,
  PRIMARY KEY (tenant_id, event_no, attempt)
);

-- The first answer to a POST that carried an Idempotency-Key, kept for 24 hours.
CREATE TABLE idempotency (
  key_id BIGINT NOT NULL,
  key_digest BYTEA NOT NULL,
  request_digest BYTEA NOT NULL,
  order_id BIGINT,
  http_status BIGINT NOT NULL,
  sealed BYTEA,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (key_id, key_digest)
);
CREATE INDEX idempotency_by_age ON idempotency (created_at);
