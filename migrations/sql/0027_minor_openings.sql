-- Leave to see a minor's name and number in full: asked for with a reason, given by
-- somebody else, and at an end by itself (Regulation on Minors Online, art. 36).
CREATE TABLE minor_openings (
    id           uuid PRIMARY KEY,
    recipient_id uuid NOT NULL REFERENCES recipients,
    user_id      uuid NOT NULL REFERENCES users,     -- who asks, and whom alone it serves
    state        text NOT NULL,
    days         int  NOT NULL,                      -- for how long it is asked
    asked_at     timestamptz NOT NULL,
    decided_by   uuid REFERENCES users,
    decided_at   timestamptz,
    ends_at      timestamptz,
    sealed       bytea,                              -- why asked, why decided; under the recipient's key
    CONSTRAINT opening_state_is_known CHECK (state IN ('asked', 'approved', 'refused', 'emergency')),
    CONSTRAINT opening_that_serves_ends CHECK ((state IN ('approved', 'emergency')) = (ends_at IS NOT NULL)),
    CONSTRAINT opening_is_asked_for_days CHECK (days BETWEEN 1 AND 90),
    CONSTRAINT nobody_opens_for_themselves CHECK (decided_by <> user_id)
);
CREATE UNIQUE INDEX one_opening_asked_a_person ON minor_openings (recipient_id, user_id) WHERE state = 'asked';
CREATE INDEX minor_openings_by_person ON minor_openings (recipient_id, user_id, ends_at);

DO $$
DECLARE
    t text := 'minor_openings';
BEGIN
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY owner_sees_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY workers_see_all ON %I TO aftercare_work USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY with_its_file ON %1$I TO aftercare_app
        USING (EXISTS (SELECT FROM recipients r WHERE r.id = %1$I.recipient_id AND r.office_id = ANY (scope())))
        WITH CHECK (EXISTS (SELECT FROM recipients r WHERE r.id = %1$I.recipient_id AND r.office_id = ANY (scope())))', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO aftercare_app, aftercare_work', t);
END $$;
