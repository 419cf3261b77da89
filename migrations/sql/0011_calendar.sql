-- Working days as the database knows them: the State Council's notices, laid over
-- the shipped calendar, and what an office closes or works beside them.

-- Of a year's notices the newest that was not rolled back is in force.
CREATE TABLE calendar_notices (
    id             uuid PRIMARY KEY,
    year           int  NOT NULL,
    papers         text[] NOT NULL,      -- where it was published
    state          text NOT NULL DEFAULT 'active',
    imported_at    timestamptz NOT NULL,
    imported_by    uuid REFERENCES users, -- NULL: the operator
    rolled_back_at timestamptz,
    rolled_back_by uuid REFERENCES users,
    CONSTRAINT calendar_notice_state_is_known CHECK (state IN ('active', 'rolled_back')),
    CONSTRAINT calendar_notice_names_a_paper CHECK (cardinality(papers) > 0),
    CONSTRAINT rolled_back_notice_has_a_time CHECK ((state = 'rolled_back') = (rolled_back_at IS NOT NULL))
);
CREATE INDEX calendar_notices_in_force ON calendar_notices (year, id) WHERE state = 'active';

CREATE TABLE calendar_notice_days (
    notice_id uuid NOT NULL REFERENCES calendar_notices,
    day       date NOT NULL,
    off       bool NOT NULL,             -- false: a make-up workday
    name      text NOT NULL,
    PRIMARY KEY (notice_id, day)
);

-- An office that is closed on days others work, or works on days others rest. It
-- holds for the offices below it. The name is kept in clear: no personal facts.
CREATE TABLE office_closures (
    id        uuid PRIMARY KEY,
    office_id uuid NOT NULL REFERENCES offices,
    from_day  date NOT NULL,
    until_day date NOT NULL,
    worked    bool NOT NULL,             -- true: these days are worked
    name      text NOT NULL,
    reason    text NOT NULL,
    made_at   timestamptz NOT NULL,
    made_by   uuid REFERENCES users,
    ended_on  date,                      -- from this day on it holds no longer
    ended_at  timestamptz,
    ended_by  uuid REFERENCES users,
    CONSTRAINT closure_days_are_ordered CHECK (from_day <= until_day),
    CONSTRAINT closure_reason_is_known CHECK (reason IN ('disaster', 'weather', 'power_cut', 'relocation', 'local_holiday', 'training', 'emergency_work', 'other'))
);
CREATE INDEX office_closures_by_office ON office_closures (office_id, until_day);

-- One row that moves with every change above: what tells a process that the
-- working days it remembers are old.
CREATE TABLE calendar_version (
    single  bool PRIMARY KEY DEFAULT true CHECK (single),
    version bigint NOT NULL
);
INSERT INTO calendar_version (version) VALUES (0);

-- The days of every office's closures, its own and those of the offices above
-- it, nearest last. Definer's rights: the working days of an office are no secret,
-- and a process remembers those of all.
CREATE FUNCTION closures_in_force(since date)
RETURNS TABLE (for_office uuid, closure_id uuid, from_day date, until_day date, worked bool, name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT o.id, c.id, c.from_day, least(c.until_day, c.ended_on - 1), c.worked, c.name
    FROM office_closures c JOIN offices o ON o.path @> ARRAY[c.office_id]
    WHERE least(c.until_day, c.ended_on - 1) >= greatest(c.from_day, since)
    ORDER BY o.id, array_position(o.path, c.office_id), c.made_at, c.id
$$;

-- Whether the transaction's scope is the whole tree: who changes the nation's
-- days moves the check-ins of every office.
CREATE FUNCTION scope_is_whole() RETURNS bool
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT NOT EXISTS (SELECT FROM offices WHERE parent_id IS NULL AND id <> ALL (scope()))
$$;

REVOKE ALL ON FUNCTION closures_in_force(date), scope_is_whole() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION closures_in_force(date), scope_is_whole() TO aftercare_app, aftercare_work;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['calendar_notices', 'calendar_notice_days', 'office_closures', 'calendar_version']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_sees_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY workers_see_all ON %I TO aftercare_work USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY everybody_reads ON %I FOR SELECT TO aftercare_app USING (true)', t);
        EXECUTE format('GRANT SELECT ON %I TO aftercare_app, aftercare_work', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['calendar_notices', 'calendar_notice_days', 'office_closures']
    LOOP
        EXECUTE format('GRANT INSERT ON %I TO aftercare_app, aftercare_work', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['calendar_notices', 'office_closures', 'calendar_version']
    LOOP
        EXECUTE format('GRANT UPDATE ON %I TO aftercare_app, aftercare_work', t);
    END LOOP;
END $$;
CREATE POLICY whole_tree_announces ON calendar_notices TO aftercare_app USING (scope_is_whole()) WITH CHECK (scope_is_whole());
CREATE POLICY whole_tree_announces ON calendar_notice_days FOR INSERT TO aftercare_app WITH CHECK (scope_is_whole());
CREATE POLICY within_scope ON office_closures TO aftercare_app USING (office_id = ANY (scope())) WITH CHECK (office_id = ANY (scope()));
CREATE POLICY anybody_moves_on ON calendar_version FOR UPDATE TO aftercare_app USING (true) WITH CHECK (true);
