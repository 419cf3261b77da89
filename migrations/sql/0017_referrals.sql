-- Where a household is sent for help, and what keeps a child safe.

-- A directory as small as referrals need; the full one comes later.
CREATE TABLE partners (
    id         uuid PRIMARY KEY,
    office_id  uuid NOT NULL REFERENCES offices,
    name       text NOT NULL,            -- of a body, no person's
    kind       text NOT NULL,
    data_key   bytea,
    sealed     bytea,                    -- who is asked for there, and the number
    created_at timestamptz NOT NULL,
    CONSTRAINT partner_name_is_unique UNIQUE (office_id, name)
);

-- A referral as it stands. What was said at each step is in referral_steps, which only grows.
CREATE TABLE referrals (
    id             uuid PRIMARY KEY,
    office_id      uuid NOT NULL REFERENCES offices,
    recipient_id   uuid NOT NULL REFERENCES recipients,
    plan_id        uuid NOT NULL REFERENCES care_plans,
    partner_id     uuid NOT NULL REFERENCES partners,
    partner_name   text NOT NULL,        -- as it was: the file may move to an office that does not see the partner
    measure        text NOT NULL,
    state          text NOT NULL,
    drafted_by     uuid REFERENCES users,
    drafted_at     timestamptz NOT NULL,
    sent_at        timestamptz,
    acknowledge_by date,                 -- 5 working days after it was sent, where nothing else was agreed
    decide_by      date,                 -- 20
    due_on         date GENERATED ALWAYS AS (CASE state WHEN 'sent' THEN acknowledge_by WHEN 'acknowledged' THEN decide_by END) STORED,
    acknowledged_at timestamptz,
    decided_on     date,
    effective_from date,
    expires_on     date,                 -- its end or its review, whichever comes first
    no_end         bool NOT NULL DEFAULT false,
    next_look      date,                 -- the day the sweep looks at it; NULL: nothing to wait for
    updated_at     timestamptz NOT NULL,
    CONSTRAINT referral_state_is_known CHECK (state IN ('drafted', 'sent', 'acknowledged', 'granted', 'refused', 'withdrawn', 'lapsed')),
    CONSTRAINT referral_measure_is_known CHECK (measure IN
        ('dibao', 'tekun', 'temporary_aid', 'medical_aid', 'disability_cert', 'disability_subsidy', 'orphan_or_unsupported_child', 'education_aid',
         'housing_aid', 'employment', 'industry_support', 'psych_support', 'legal_aid', 'support_suit', 'guardianship', 'veteran_support',
         'womens_fed', 'union_relief', 'charity_red_cross', 'poverty_monitoring', 'volunteer', 'household_registration', 'fund_supervision')),
    CONSTRAINT sent_referral_has_due_dates CHECK (state IN ('drafted', 'withdrawn') OR (sent_at IS NOT NULL AND acknowledge_by IS NOT NULL AND decide_by IS NOT NULL)),
    CONSTRAINT granted_benefit_has_an_end_or_says_none CHECK (state <> 'granted' OR (decided_on IS NOT NULL AND effective_from IS NOT NULL AND no_end = (expires_on IS NULL))),
    CONSTRAINT benefit_ends_after_it_begins CHECK (expires_on >= effective_from)
);
CREATE UNIQUE INDEX one_open_referral_a_measure_and_partner ON referrals (recipient_id, measure, partner_id) WHERE state IN ('drafted', 'sent', 'acknowledged');
CREATE INDEX referrals_to_look_at ON referrals (next_look, id) WHERE next_look IS NOT NULL;
CREATE INDEX referrals_by_office ON referrals (office_id, id);
CREATE INDEX referrals_by_recipient ON referrals (recipient_id, id);

-- What was done and said at each step. A correction is a step of its own.
CREATE TABLE referral_steps (
    referral_id  uuid NOT NULL REFERENCES referrals,
    n            int  NOT NULL,
    recipient_id uuid NOT NULL REFERENCES recipients,
    step         text NOT NULL,
    recorded_by  uuid REFERENCES users,
    recorded_at  timestamptz NOT NULL,
    sealed       bytea,                  -- dates, document, evidence and reasons; under the recipient's key
    PRIMARY KEY (referral_id, n),
    CONSTRAINT referral_step_is_known CHECK (step IN ('drafted', 'sent', 'acknowledged', 'granted', 'refused', 'withdrawn', 'lapsed', 'renewed', 'corrected'))
);
CREATE INDEX referral_steps_by_recipient ON referral_steps (recipient_id);

-- A hint that somebody looked at and set aside is not shown again.
CREATE TABLE hint_dismissals (
    recipient_id uuid NOT NULL REFERENCES recipients,
    measure      text NOT NULL,
    dismissed_by uuid REFERENCES users,
    dismissed_at timestamptz NOT NULL,
    PRIMARY KEY (recipient_id, measure)
);

-- A report that the law demands (Minors Law art. 11): to whom, when, under what number.
CREATE TABLE mandatory_reports (
    id           uuid PRIMARY KEY,
    recipient_id uuid NOT NULL REFERENCES recipients,
    task_id      uuid NOT NULL REFERENCES tasks,
    body         text NOT NULL,
    reported_at  timestamptz NOT NULL,
    recorded_by  uuid REFERENCES users,
    recorded_at  timestamptz NOT NULL,
    sealed       bytea,                  -- reference number, who took it, note; under the recipient's key
    CONSTRAINT reported_body_is_known CHECK (body IN ('police', 'civil_affairs', 'education', 'procuratorate', 'other')),
    CONSTRAINT report_is_not_from_the_future CHECK (reported_at <= recorded_at)
);
CREATE INDEX mandatory_reports_by_recipient ON mandatory_reports (recipient_id, reported_at);
CREATE INDEX tasks_to_report ON tasks (act_by) WHERE kind = 'mandatory_report' AND state = 'open';

-- A household about which no village contact is ever asked. The code says no more
-- than the list does: the reason in words is sealed in the history. The database
-- itself keeps a contact from being named, whichever way somebody tries.
ALTER TABLE care_plans
    ADD COLUMN village_barred bool NOT NULL DEFAULT false,
    ADD COLUMN village_bar_code text NOT NULL DEFAULT '',
    ADD CONSTRAINT village_bar_code_is_known CHECK (village_bar_code IN ('', 'child_protection', 'safety', 'conflict_of_interest', 'household_asked')),
    ADD CONSTRAINT village_bar_has_a_code CHECK (village_barred = (village_bar_code <> '')),
    ADD CONSTRAINT barred_plan_names_no_village_contact CHECK (NOT village_barred OR (primary_contact_id IS NULL AND backup_contact_id IS NULL));

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['partners', 'referrals', 'referral_steps', 'hint_dismissals', 'mandatory_reports']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_sees_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY workers_see_all ON %I TO aftercare_work USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO aftercare_app, aftercare_work', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['partners', 'referrals']
    LOOP
        EXECUTE format('CREATE POLICY within_scope ON %I TO aftercare_app
            USING (office_id = ANY (scope())) WITH CHECK (office_id = ANY (scope()))', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['referral_steps', 'hint_dismissals', 'mandatory_reports']
    LOOP
        EXECUTE format('CREATE POLICY with_its_file ON %1$I FOR SELECT TO aftercare_app
            USING (EXISTS (SELECT FROM recipients r WHERE r.id = %1$I.recipient_id))', t);
        EXECUTE format('CREATE POLICY changed_with_its_file ON %1$I TO aftercare_app
            USING (EXISTS (SELECT FROM recipients r WHERE r.id = %1$I.recipient_id AND r.office_id = ANY (scope())))
            WITH CHECK (EXISTS (SELECT FROM recipients r WHERE r.id = %1$I.recipient_id AND r.office_id = ANY (scope())))', t);
    END LOOP;
END $$;
GRANT UPDATE ON referrals TO aftercare_app, aftercare_work;
