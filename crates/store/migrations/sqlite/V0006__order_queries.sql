-- By which the orders of an application (投递) are found: a keyed digest of its id, so that the id itself stands in
-- the order's sealed form alone.
CREATE TABLE order_applications (
  tenant_id INTEGER NOT NULL,
  application BLOB NOT NULL,
  order_id INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, application, order_id)
) WITHOUT ROWID, STRICT;

-- Apps that an account of the tenant was ever bound to: as vendors they see the orders of their own accounts alone,
-- also when the account is gone.
CREATE TABLE vendors (
  tenant_id INTEGER NOT NULL,
  app_id INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, app_id)
) WITHOUT ROWID, STRICT;
INSERT INTO vendors (tenant_id, app_id) SELECT DISTINCT tenant_id, app_id FROM accounts;
