-- What each table is for is said in SQLite's migration of the same name.

CREATE TABLE order_applications (
  tenant_id BIGINT NOT NULL,
  application BYTEA NOT NULL,
  order_id BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, application, order_id)
);

CREATE TABLE vendors (
  tenant_id BIGINT NOT NULL,
  app_id BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, app_id)
);
INSERT INTO vendors (tenant_id, app_id) SELECT DISTINCT tenant_id, app_id FROM accounts;
