-- How fast a line speaks, what an office may say, and what it costs.

-- Tokens are shared by all processes on the database: a claim takes as many as it
-- sends, in the transaction that holds the line's lock. A "too many" of the carrier
-- halves the pace for everybody; it rises by a tenth a minute.
ALTER TABLE lines
    ADD COLUMN per_second int NOT NULL DEFAULT 100 CONSTRAINT line_pace_is_positive CHECK (per_second > 0),
    ADD COLUMN factor     double precision NOT NULL DEFAULT 1 CONSTRAINT line_factor_is_a_part CHECK (factor > 0 AND factor <= 1),
    ADD COLUMN slowed_at  timestamptz,
    ADD COLUMN tokens     double precision NOT NULL DEFAULT 0,
    ADD COLUMN tokens_at  timestamptz,                      -- NULL: the bucket is full
    ADD COLUMN fen        int NOT NULL DEFAULT 5 CONSTRAINT segment_price_is_no_debt CHECK (fen >= 0);  -- a segment

-- Whom an office texts: everybody, nobody (the stop switch), or the numbers of a pilot.
ALTER TABLE offices
    ADD COLUMN texting             text NOT NULL DEFAULT 'on' CONSTRAINT texting_is_known CHECK (texting IN ('on', 'off', 'pilot')),
    ADD COLUMN segments_a_month    int CONSTRAINT quota_is_positive CHECK (segments_a_month > 0),  -- NULL: no quota
    ADD COLUMN requests_a_day      int NOT NULL DEFAULT 3 CONSTRAINT requests_a_day_is_positive CHECK (requests_a_day > 0),
    ADD COLUMN requests_a_week     int NOT NULL DEFAULT 8 CONSTRAINT requests_a_week_is_positive CHECK (requests_a_week > 0);
GRANT UPDATE (texting, segments_a_month, requests_a_day, requests_a_week) ON offices TO aftercare_app, aftercare_work;
CREATE POLICY texting_within_scope ON offices FOR UPDATE TO aftercare_app USING (id = ANY (scope())) WITH CHECK (id = ANY (scope()));

CREATE TABLE pilot_numbers (
    office_id   uuid NOT NULL REFERENCES offices,
    phone_index bytea NOT NULL,
    ending      text NOT NULL,                              -- the last four digits, for people
    added_at    timestamptz NOT NULL,
    added_by    uuid REFERENCES users,
    ended_at    timestamptz,
    PRIMARY KEY (office_id, phone_index)
);

-- What an office has said in a month, kept by the receipts.
CREATE TABLE office_usage (
    office_id uuid NOT NULL REFERENCES offices,
    month     date NOT NULL,                                -- its first day
    carrier   text NOT NULL,
    messages  int NOT NULL DEFAULT 0,
    segments  int NOT NULL DEFAULT 0,
    fen       bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (office_id, month, carrier)
);

-- What a carrier lets through to one number.
CREATE TABLE carrier_caps (
    carrier text NOT NULL,
    within  interval NOT NULL,
    most    int NOT NULL CONSTRAINT cap_is_positive CHECK (most > 0),
    PRIMARY KEY (carrier, within)
);
INSERT INTO carrier_caps (carrier, within, most) VALUES ('aliyun', '24 hours', 50);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['pilot_numbers', 'office_usage']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_sees_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY workers_see_all ON %I TO aftercare_work USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY within_scope ON %I TO aftercare_app USING (office_id = ANY (scope())) WITH CHECK (office_id = ANY (scope()))', t);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO aftercare_app, aftercare_work', t);
    END LOOP;
END $$;
GRANT UPDATE (added_at, added_by, ended_at) ON pilot_numbers TO aftercare_app, aftercare_work;
GRANT UPDATE ON office_usage TO aftercare_work;
ALTER TABLE carrier_caps ENABLE ROW LEVEL SECURITY;
ALTER TABLE carrier_caps FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_sees_all ON carrier_caps TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY everybody_reads ON carrier_caps FOR SELECT TO aftercare_app, aftercare_work USING (true);
GRANT SELECT ON carrier_caps TO aftercare_app, aftercare_work;

-- Digests go last.
ALTER TABLE messages DROP CONSTRAINT message_priority_is_known;
ALTER TABLE messages ADD CONSTRAINT message_priority_is_known CHECK (priority IN (1, 2, 3, 4));
UPDATE messages SET priority = 4 WHERE dispatch = 'planned' AND purpose IN ('staff_digest', 'weekly_digest');
