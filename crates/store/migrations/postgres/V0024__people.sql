-- What each table and column is for is said in SQLite's migration of the same name.

CREATE TABLE users (
  user_id BIGINT PRIMARY KEY,
  mail_hash BYTEA NOT NULL,
  sealed BYTEA NOT NULL,
  password_hash TEXT NOT NULL,
  locale TEXT,
  theme TEXT NOT NULL,
  totp_sealed BYTEA,
  totp_on_at BIGINT,
  totp_step BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX users_by_mail ON users (mail_hash);

CREATE TABLE recovery_codes (
  user_id BIGINT NOT NULL,
  code_hash BYTEA NOT NULL,
  PRIMARY KEY (user_id, code_hash)
);

CREATE TABLE memberships (
  membership_id BIGINT PRIMARY KEY,
  user_id BIGINT NOT NULL,
  tenant_id BIGINT,
  roles TEXT NOT NULL,
  suspended_at BIGINT,
  created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX memberships_by_tenant ON memberships (coalesce(tenant_id, 0), user_id);
CREATE INDEX memberships_by_user ON memberships (user_id);

CREATE TABLE user_sessions (
  session_hash BYTEA PRIMARY KEY,
  session_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  tenant_id BIGINT,
  awaits_totp BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  last_seen_at BIGINT NOT NULL
);
CREATE INDEX user_sessions_by_user ON user_sessions (user_id, session_id);
CREATE INDEX user_sessions_by_use ON user_sessions (last_seen_at);

CREATE TABLE one_time_links (
  token_hash BYTEA PRIMARY KEY,
  link_id BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  tenant_id BIGINT,
  user_id BIGINT,
  roles TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  created_by BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT,
  revoked_at BIGINT
);
CREATE INDEX one_time_links_by_tenant ON one_time_links (coalesce(tenant_id, 0), kind, link_id);
CREATE INDEX one_time_links_by_user ON one_time_links (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX one_time_links_by_end ON one_time_links (expires_at);

CREATE TABLE sign_in_tries (
  subject BYTEA PRIMARY KEY,
  count BIGINT NOT NULL,
  free_at BIGINT NOT NULL,
  last_at BIGINT NOT NULL
);
CREATE INDEX sign_in_tries_by_age ON sign_in_tries (last_at);

CREATE TABLE service_accounts (
  tenant_id BIGINT NOT NULL,
  service_account_id BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, service_account_id)
);

ALTER TABLE api_keys ADD COLUMN owner_kind BIGINT NOT NULL DEFAULT 0;
CREATE INDEX api_keys_by_owner ON api_keys (owner_id);

ALTER TABLE tenants ADD COLUMN totp_required BIGINT NOT NULL DEFAULT 0;
