-- When an order was placed and when a report came, by the clock of the tenant. An id is made by the clock of the installation,
-- which was the only one until now.
ALTER TABLE orders ADD COLUMN placed_at BIGINT NOT NULL DEFAULT 0;
UPDATE orders SET placed_at = ((order_id >> 32) + 946684800) * 1000 + ((order_id >> 22) & 1023);
ALTER TABLE reports ADD COLUMN created_at BIGINT NOT NULL DEFAULT 0;
UPDATE reports SET created_at = ((report_id >> 32) + 946684800) * 1000 + ((report_id >> 22) & 1023);
