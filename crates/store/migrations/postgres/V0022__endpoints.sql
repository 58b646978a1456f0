-- As on SQLite. The indexes by app become indexes by endpoint with the column's name.
ALTER TABLE deliveries RENAME COLUMN app_id TO endpoint_id;
ALTER TABLE deliveries DROP CONSTRAINT deliveries_pkey;
ALTER TABLE deliveries ADD PRIMARY KEY (tenant_id, event_no, endpoint_id);

ALTER TABLE attempts ADD COLUMN endpoint_id BIGINT NOT NULL DEFAULT 0;
UPDATE attempts SET endpoint_id = d.endpoint_id FROM deliveries d
  WHERE d.tenant_id = attempts.tenant_id AND d.event_no = attempts.event_no;
ALTER TABLE attempts DROP CONSTRAINT attempts_pkey;
ALTER TABLE attempts ADD PRIMARY KEY (tenant_id, event_no, endpoint_id, attempt);
