-- Store apps: where they are installed, and when their next ticket is due.

-- A store app in one tenant, with the scopes that the tenant granted.
CREATE TABLE installations (
  tenant_id BIGINT NOT NULL,
  app_id BIGINT NOT NULL,
  scopes TEXT NOT NULL,
  installed_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, app_id)
);
CREATE INDEX installations_by_app ON installations (app_id, installed_at, tenant_id);

-- The newest ticket of a store app, by the number of its event, and when the next one is due. Tickets themselves
-- are derived, never stored. Their events belong to no tenant: their `tenant_id` is 0.
CREATE TABLE app_tickets (
  app_id BIGINT PRIMARY KEY,
  event_no BIGINT NOT NULL,
  due_at BIGINT NOT NULL
);
CREATE INDEX app_tickets_due ON app_tickets (due_at);

-- Apps of before this table have their first ticket at once.
INSERT INTO app_tickets (app_id, event_no, due_at) SELECT app_id, 0, 0 FROM apps WHERE kind = 'store';
