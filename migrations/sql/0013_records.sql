-- Records of work in full: versions, visits nobody had planned, appointments,
-- reported events, blind second scores and the supervisor's signature.

-- A record may stand alone: a visit nobody had planned. A correction is a new
-- version beside the old one, which keeps all but the mark that it was superseded.
ALTER TABLE check_in_records
    ALTER COLUMN check_in_id DROP NOT NULL,
    ADD COLUMN kind          text,
    ADD COLUMN ended_at      timestamptz,                          -- of the visit; else occurred_at
    ADD COLUMN officers      uuid[] NOT NULL DEFAULT '{}',         -- who made it; empty: whoever recorded it
    ADD COLUMN flags         text[] NOT NULL DEFAULT '{}',         -- safeguarding (R2)
    ADD COLUMN version       int    NOT NULL DEFAULT 1,
    ADD COLUMN corrects      uuid REFERENCES check_in_records,     -- the version before
    ADD COLUMN superseded_by uuid REFERENCES check_in_records;     -- the version after; NULL: this one stands
UPDATE check_in_records r SET kind = c.kind FROM check_ins c WHERE c.id = r.check_in_id;
ALTER TABLE check_in_records
    ALTER COLUMN kind SET NOT NULL,
    ADD CONSTRAINT record_kind_is_known CHECK (kind IN ('phone', 'home', 'village')),
    ADD CONSTRAINT record_ends_after_it_began CHECK (ended_at >= occurred_at AND ended_at <= recorded_at),
    ADD CONSTRAINT record_flags_are_known CHECK (flags <@ ARRAY['child_harm', 'self_harm', 'violence', 'fund_seizure', 'missing_person']),
    ADD CONSTRAINT later_version_corrects_one CHECK ((version = 1) = (corrects IS NULL)),
    ADD CONSTRAINT record_is_corrected_once UNIQUE (corrects);
GRANT UPDATE (superseded_by) ON check_in_records TO aftercare_app, aftercare_work;

-- counts follows the baseline and its village informant as they are known now.
ALTER TABLE assessments
    ALTER COLUMN check_in_id DROP NOT NULL,
    ADD COLUMN superseded_by uuid REFERENCES check_in_records;     -- the record whose version replaced or dropped it
CREATE INDEX assessments_by_record ON assessments (record_id);
GRANT UPDATE (superseded_by, counts) ON assessments TO aftercare_app, aftercare_work;

-- When the household and the officer agreed to meet. On a rest day the check-in
-- is due on the working day after, so that its clocks run as ever.
ALTER TABLE check_ins ADD COLUMN appointed_at timestamptz;

-- What somebody reports of a household outside any check-in (R12).
CREATE TABLE events (
    id            uuid PRIMARY KEY,
    recipient_id  uuid NOT NULL REFERENCES recipients,
    kind          text NOT NULL,
    occurred_on   date NOT NULL,
    source        text NOT NULL,
    recorded_at   timestamptz NOT NULL,
    recorded_by   uuid REFERENCES users,
    sealed        bytea NOT NULL,                                  -- the note
    withdrawn_at  timestamptz,                                     -- it was a mistake
    withdrawn_by  uuid REFERENCES users,
    CONSTRAINT event_kind_is_known CHECK (kind IN ('death', 'death_of_carer', 'hospital', 'job_loss', 'school_drop_out', 'child_out_of_care',
        'disaster', 'offender_released', 'offender_contact', 'eviction', 'new_disability', 'guardian_change', 'moved')),
    CONSTRAINT event_source_is_known CHECK (source IN ('self', 'guardian', 'relative', 'village_contact', 'school', 'hospital', 'police',
        'partner', 'officer', 'other')),
    CONSTRAINT withdrawn_event_says_by_whom CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL))
);
CREATE INDEX events_by_recipient ON events (recipient_id, occurred_on);

-- One home visit in twenty is scored a second time by somebody who has not seen
-- the first scores.
CREATE TABLE blind_scorings (
    check_in_id  uuid PRIMARY KEY REFERENCES check_ins,
    recipient_id uuid NOT NULL REFERENCES recipients,
    scorer_id    uuid NOT NULL REFERENCES users,
    asked_at     timestamptz NOT NULL,
    scores       smallint[],                                       -- D1..D10 as in assessments; NULL: not in yet
    scored_at    timestamptz,
    compared     smallint,                                         -- domains that both scored
    agreed       smallint,                                         -- of these, within one point
    diverged     text[],                                           -- the others
    CONSTRAINT blind_scores_have_ten_domains CHECK (cardinality(scores) = 10),
    CONSTRAINT blind_scores_are_whole CHECK ((scores IS NULL) = (scored_at IS NULL) AND (scores IS NULL) = (compared IS NULL)
        AND (scores IS NULL) = (agreed IS NULL) AND (scores IS NULL) = (diverged IS NULL))
);
CREATE INDEX blind_scorings_waiting ON blind_scorings (scorer_id) WHERE scores IS NULL;
CREATE INDEX blind_scorings_by_recipient ON blind_scorings (recipient_id);

-- Home visits that a supervisor signs off. The office stands here because lists
-- are made of it; a transfer of the plan moves it.
CREATE TABLE sign_offs (
    record_id    uuid PRIMARY KEY REFERENCES check_in_records,
    office_id    uuid NOT NULL REFERENCES offices,
    recipient_id uuid NOT NULL REFERENCES recipients,
    state        text NOT NULL,
    opened_at    timestamptz NOT NULL,
    signed_at    timestamptz,
    signed_by    uuid REFERENCES users,
    CONSTRAINT sign_off_state_is_known CHECK (state IN ('waiting', 'signed', 'superseded')),
    CONSTRAINT signature_has_a_name CHECK ((signed_at IS NULL) = (signed_by IS NULL) AND (state <> 'signed' OR signed_by IS NOT NULL))
);
CREATE INDEX sign_offs_waiting ON sign_offs (office_id, record_id) WHERE state = 'waiting';
CREATE INDEX sign_offs_by_recipient ON sign_offs (recipient_id);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['events', 'blind_scorings', 'sign_offs']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_sees_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY workers_see_all ON %I TO aftercare_work USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO aftercare_app, aftercare_work', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['events', 'blind_scorings']
    LOOP
        EXECUTE format('CREATE POLICY with_its_file ON %1$I FOR SELECT TO aftercare_app
            USING (EXISTS (SELECT FROM recipients r WHERE r.id = %1$I.recipient_id))', t);
        EXECUTE format('CREATE POLICY changed_with_its_file ON %1$I TO aftercare_app
            USING (EXISTS (SELECT FROM recipients r WHERE r.id = %1$I.recipient_id AND r.office_id = ANY (scope())))
            WITH CHECK (EXISTS (SELECT FROM recipients r WHERE r.id = %1$I.recipient_id AND r.office_id = ANY (scope())))', t);
    END LOOP;
END $$;
CREATE POLICY within_scope ON sign_offs TO aftercare_app
    USING (office_id = ANY (scope())) WITH CHECK (office_id = ANY (scope()));
GRANT UPDATE (withdrawn_at, withdrawn_by) ON events TO aftercare_app, aftercare_work;
GRANT UPDATE (scores, scored_at, compared, agreed, diverged) ON blind_scorings TO aftercare_app, aftercare_work;
GRANT UPDATE (state, signed_at, signed_by, office_id) ON sign_offs TO aftercare_app, aftercare_work;
