-- The orders whose review is not over: in review (5), withdrawn (6) and rejected (9). `result_id` is the entry of the newest
-- result, which came at `returned_at`; `overdue_at` says since when it is noted that nobody decided in time.
CREATE TABLE open_reviews (
  tenant_id BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  state BIGINT NOT NULL,
  result_id BIGINT NOT NULL,
  returned_at BIGINT NOT NULL,
  overdue_at BIGINT,
  PRIMARY KEY (tenant_id, order_id)
);
CREATE INDEX open_reviews_by_result ON open_reviews (tenant_id, state, result_id);
INSERT INTO open_reviews (tenant_id, order_id, state, result_id, returned_at)
  SELECT o.tenant_id, o.order_id, o.state, max(e.entry_id), max(e.at)
  FROM timeline_entries e JOIN orders o ON o.tenant_id = e.tenant_id AND o.order_id = e.order_id
  WHERE e.rule = 3 AND o.state IN (5, 6, 9)
  GROUP BY o.tenant_id, o.order_id, o.state;

-- How many orders a placer has in each state, as of an entry of the timeline; what came later is counted there.
CREATE TABLE order_counts (
  tenant_id BIGINT NOT NULL,
  placed_by BIGINT NOT NULL,
  state BIGINT NOT NULL,
  orders BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, placed_by, state)
);
CREATE TABLE order_count_marks (
  tenant_id BIGINT NOT NULL,
  entry_id BIGINT NOT NULL,
  counted_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id)
);
