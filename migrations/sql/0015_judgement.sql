-- What the rules found of a household, what it rests on, and how closely the
-- household is therefore looked after.

-- What a village contact said of a household's difficulty, which completes the
-- check-in but scores nothing (R8). Being seen or not seen stands in the records.
CREATE TABLE signals (
    id           uuid PRIMARY KEY,
    recipient_id uuid NOT NULL REFERENCES recipients,
    check_in_id  uuid NOT NULL REFERENCES check_ins,
    kind         text NOT NULL,
    heard_at     timestamptz NOT NULL,
    CONSTRAINT signal_kind_is_known CHECK (kind = 'village_difficulty')
);
CREATE INDEX signals_by_recipient ON signals (recipient_id, heard_at);

-- A hit is never changed but for its end: settled by a deed, or superseded
-- because what it rests on was corrected.
CREATE TABLE rule_hits (
    id             uuid PRIMARY KEY,
    recipient_id   uuid NOT NULL REFERENCES recipients,
    plan_id        uuid REFERENCES care_plans,
    rule           text NOT NULL,
    version        int  NOT NULL,
    level          text NOT NULL,
    cause          text NOT NULL,        -- the rule and what it rests on: the same facts, the same cause
    rests_on       text NOT NULL,
    rests_on_id    uuid NOT NULL,
    check_in_id    uuid REFERENCES check_ins,
    fact_at        timestamptz NOT NULL, -- when what it rests on happened
    found_at       timestamptz NOT NULL,
    sealed         bytea NOT NULL,       -- the hit with all that its rule looked at
    settled_at     timestamptz,
    settled_why    text NOT NULL DEFAULT '',
    superseded_at  timestamptz,
    superseded_why text NOT NULL DEFAULT '',
    CONSTRAINT hit_level_is_known CHECK (level IN ('red', 'amber', 'notice')),
    CONSTRAINT hit_rests_on_something_known CHECK (rests_on IN ('assessment', 'record', 'signal', 'contact', 'check_in', 'event', 'referral')),
    CONSTRAINT settled_hit_says_why CHECK ((settled_at IS NULL) = (settled_why = '')),
    CONSTRAINT superseded_hit_says_why CHECK ((superseded_at IS NULL) = (superseded_why = ''))
);
CREATE UNIQUE INDEX one_standing_hit_a_cause ON rule_hits (recipient_id, cause) WHERE superseded_at IS NULL;
CREATE INDEX rule_hits_by_recipient ON rule_hits (recipient_id, found_at, id);
CREATE INDEX rule_hits_by_fact ON rule_hits (recipient_id, fact_at) WHERE superseded_at IS NULL;

-- Every change of a tier: up by the rules or by hand, down only by a person who
-- did not propose it. The reasons that people give stand sealed in the history.
CREATE TABLE tier_changes (
    id           uuid PRIMARY KEY,
    recipient_id uuid NOT NULL REFERENCES recipients,
    plan_id      uuid NOT NULL REFERENCES care_plans,
    from_tier    text NOT NULL,
    to_tier      text NOT NULL,
    state        text NOT NULL,
    by_rules     bool NOT NULL,          -- raised by the rules, or proposed by them
    proposed_by  uuid REFERENCES users,
    proposed_at  timestamptz NOT NULL,
    decided_by   uuid REFERENCES users,
    decided_at   timestamptz,
    CONSTRAINT tier_change_is_one CHECK (from_tier <> to_tier),
    CONSTRAINT tiers_are_known CHECK (from_tier IN ('green', 'amber', 'red') AND to_tier IN ('green', 'amber', 'red')),
    CONSTRAINT tier_change_state_is_known CHECK (state IN ('proposed', 'made', 'refused', 'overtaken')),
    CONSTRAINT proposed_tier_awaits_a_decision CHECK ((state = 'proposed') = (decided_at IS NULL)),
    CONSTRAINT lower_tier_is_decided_by_a_second_person CHECK (state <> 'made' OR (from_tier, to_tier) IN (('green', 'amber'), ('green', 'red'), ('amber', 'red'))
        OR (decided_by IS NOT NULL AND decided_by IS DISTINCT FROM proposed_by))
);
CREATE UNIQUE INDEX one_proposed_tier_a_plan ON tier_changes (plan_id) WHERE state = 'proposed';
CREATE INDEX tier_changes_by_plan ON tier_changes (plan_id, proposed_at);
CREATE INDEX tier_changes_by_recipient ON tier_changes (recipient_id);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['signals', 'rule_hits', 'tier_changes']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_sees_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY workers_see_all ON %I TO aftercare_work USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO aftercare_app, aftercare_work', t);
        EXECUTE format('CREATE POLICY with_its_file ON %1$I FOR SELECT TO aftercare_app
            USING (EXISTS (SELECT FROM recipients r WHERE r.id = %1$I.recipient_id))', t);
        EXECUTE format('CREATE POLICY changed_with_its_file ON %1$I TO aftercare_app
            USING (EXISTS (SELECT FROM recipients r WHERE r.id = %1$I.recipient_id AND r.office_id = ANY (scope())))
            WITH CHECK (EXISTS (SELECT FROM recipients r WHERE r.id = %1$I.recipient_id AND r.office_id = ANY (scope())))', t);
    END LOOP;
END $$;
GRANT UPDATE (settled_at, settled_why, superseded_at, superseded_why) ON rule_hits TO aftercare_app, aftercare_work;
GRANT UPDATE (state, decided_by, decided_at) ON tier_changes TO aftercare_app, aftercare_work;
