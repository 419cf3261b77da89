-- Cases that belong together, partners with what was agreed, and joint meetings.

-- Households hit by the same thing (L14): one key an office, a shared cause, and
-- whether the village talks about it.
CREATE TABLE case_groups (
    id         uuid PRIMARY KEY,
    office_id  uuid NOT NULL REFERENCES offices,
    key        text NOT NULL,            -- names nobody
    name       text NOT NULL DEFAULT '',
    cause      text NOT NULL DEFAULT '',
    season     text NOT NULL DEFAULT '', -- when their income comes
    sensitive  bool NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    CONSTRAINT group_key_is_unique UNIQUE (office_id, key)
);
ALTER TABLE aid_awards ADD COLUMN group_id uuid REFERENCES case_groups,
    ADD COLUMN tags text[] NOT NULL DEFAULT '{}',
    ADD CONSTRAINT programme_tags_are_known CHECK (tags <@ ARRAY['rural_revitalisation', 'women', 'minors', 'disabled', 'veterans', 'petition']);
CREATE INDEX aid_awards_by_group ON aid_awards (group_id) WHERE group_id IS NOT NULL;
GRANT UPDATE (group_id, tags) ON aid_awards TO aftercare_app, aftercare_work;

-- Joint aid (L17): who paid how much, from which level.
ALTER TABLE aid_sources ADD COLUMN level text NOT NULL DEFAULT '',
    ADD COLUMN office_code text NOT NULL DEFAULT '',
    ADD CONSTRAINT source_level_is_known CHECK (level IN ('', 'county', 'city', 'province', 'nation', 'outside'));

-- What was agreed with a partner (L18, L29). Days that were agreed go before the default ones.
ALTER TABLE partners
    ADD COLUMN agreement        text NOT NULL DEFAULT '',   -- its number
    ADD COLUMN agreed_from      date,
    ADD COLUMN agreed_until     date,
    ADD COLUMN acknowledge_days int,
    ADD COLUMN decide_days      int,
    ADD COLUMN measures         text[] NOT NULL DEFAULT '{}',  -- empty: any
    ADD COLUMN areas            text[] NOT NULL DEFAULT '{}',  -- townships; empty: all
    ADD CONSTRAINT agreement_ends_after_it_begins CHECK (agreed_until >= agreed_from),
    ADD CONSTRAINT agreed_days_are_possible CHECK (acknowledge_days BETWEEN 1 AND 250 AND decide_days BETWEEN 1 AND 250);
CREATE INDEX partners_agreed_until ON partners (agreed_until) WHERE agreed_until IS NOT NULL;
CREATE TABLE partner_contacts (
    id         uuid PRIMARY KEY,
    partner_id uuid NOT NULL REFERENCES partners,
    sealed     bytea,                    -- name, number, what for; under the partner's key
    ended_at   timestamptz,
    created_at timestamptz NOT NULL
);
CREATE INDEX partner_contacts_by_partner ON partner_contacts (partner_id);

-- Joint meetings (L30): who took part, what was decided.
CREATE TABLE meetings (
    id         uuid PRIMARY KEY,
    office_id  uuid NOT NULL REFERENCES offices,
    planned_on date NOT NULL,
    held_on    date,
    data_key   bytea NOT NULL,
    sealed     bytea,                    -- minutes
    created_by uuid REFERENCES users,
    created_at timestamptz NOT NULL
);
CREATE INDEX meetings_by_office ON meetings (office_id, id);
CREATE TABLE meeting_partners (
    meeting_id uuid NOT NULL REFERENCES meetings,
    partner_id uuid NOT NULL REFERENCES partners,
    PRIMARY KEY (meeting_id, partner_id)
);
CREATE TABLE meeting_decisions (
    id          uuid PRIMARY KEY,
    meeting_id  uuid NOT NULL REFERENCES meetings,
    partner_id  uuid REFERENCES partners,
    referral_id uuid REFERENCES referrals,
    act_by      date,
    sealed      bytea,                   -- what; under the meeting's key
    created_at  timestamptz NOT NULL
);
CREATE INDEX meeting_decisions_by_meeting ON meeting_decisions (meeting_id, id);
ALTER TABLE clues ADD COLUMN meeting_id uuid REFERENCES meetings;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['case_groups', 'partner_contacts', 'meetings', 'meeting_partners', 'meeting_decisions']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_sees_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY workers_see_all ON %I TO aftercare_work USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO aftercare_app, aftercare_work', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['case_groups', 'meetings']
    LOOP
        EXECUTE format('GRANT UPDATE ON %I TO aftercare_app, aftercare_work', t);
        EXECUTE format('CREATE POLICY within_scope ON %I TO aftercare_app USING (office_id = ANY (scope())) WITH CHECK (office_id = ANY (scope()))', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['meeting_partners', 'meeting_decisions']
    LOOP
        EXECUTE format('CREATE POLICY with_its_meeting ON %1$I TO aftercare_app USING (EXISTS (SELECT FROM meetings m WHERE m.id = %1$I.meeting_id))
            WITH CHECK (EXISTS (SELECT FROM meetings m WHERE m.id = %1$I.meeting_id))', t);
    END LOOP;
END $$;
CREATE POLICY with_its_partner ON partner_contacts TO aftercare_app USING (EXISTS (SELECT FROM partners p WHERE p.id = partner_id))
    WITH CHECK (EXISTS (SELECT FROM partners p WHERE p.id = partner_id));
GRANT UPDATE (ended_at) ON partner_contacts TO aftercare_app, aftercare_work;
GRANT UPDATE (agreement, agreed_from, agreed_until, acknowledge_days, decide_days, measures, areas, sealed) ON partners TO aftercare_app, aftercare_work;
