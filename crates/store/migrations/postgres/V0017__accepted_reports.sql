-- Whether a report's content was refused when it was fetched last, and whether a user takes it as it is.
ALTER TABLE reports ADD COLUMN is_refused BIGINT NOT NULL DEFAULT 0 CHECK (is_refused IN (0, 1));
ALTER TABLE reports ADD COLUMN is_accepted BIGINT NOT NULL DEFAULT 0 CHECK (is_accepted IN (0, 1));
