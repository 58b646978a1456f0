-- The orders whose review is not over: in review (5), withdrawn (6) and rejected (9). `result_id` is the entry of the newest
-- result, which came at `returned_at`; `overdue_at` says since when it is noted that nobody decided in time.
CREATE TABLE open_reviews (
  tenant_id INTEGER NOT NULL,
  order_id INTEGER NOT NULL,
  state INTEGER NOT NULL,
  result_id INTEGER NOT NULL,
  returned_at INTEGER NOT NULL,
  overdue_at INTEGER,
  PRIMARY KEY (tenant_id, order_id)
) WITHOUT ROWID, STRICT;
CREATE INDEX open_reviews_by_result ON open_reviews (tenant_id, state, result_id);
INSERT INTO open_reviews (tenant_id, order_id, state, result_id, returned_at)
  SELECT o.tenant_id, o.order_id, o.state, max(e.entry_id), max(e.at)
  FROM timeline_entries e JOIN orders o ON o.tenant_id = e.tenant_id AND o.order_id = e.order_id
  WHERE e.rule = 3 AND o.state IN (5, 6, 9)
  GROUP BY o.tenant_id, o.order_id, o.state;

-- How many orders a placer has in each state, as of an entry of the timeline; what came later is counted there.
CREATE TABLE order_counts (
  tenant_id INTEGER NOT NULL,
  placed_by INTEGER NOT NULL,
  state INTEGER NOT NULL,
  orders INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, placed_by, state)
) WITHOUT ROWID, STRICT;
CREATE TABLE order_count_marks (
  tenant_id INTEGER NOT NULL,
  entry_id INTEGER NOT NULL,
  counted_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id)
) WITHOUT ROWID, STRICT;
