-- What a person may ask of their own file: to whom it was told, on what ground,
-- and that it is frozen or goes. And how long what is kept.

-- What the processing of personal facts rests on, by purpose. A change is a new
-- version, never an edit: what was done earlier rested on the older one.
CREATE TABLE purposes (
    purpose text NOT NULL,
    version int  NOT NULL,
    basis   text NOT NULL,
    article text NOT NULL,               -- where it is written
    since   date NOT NULL,
    PRIMARY KEY (purpose, version),
    CONSTRAINT basis_is_known CHECK (basis IN ('legal_duty', 'consent', 'guardian_consent', 'vital_interest'))
);
INSERT INTO purposes (purpose, version, basis, article, since) VALUES
    ('follow_up', 1, 'legal_duty', 'PIPL 13(1)(3), 33-37', '2021-11-01'),
    ('village_contact', 1, 'legal_duty', 'PIPL 13(1)(3), 34', '2021-11-01'),     -- or consent, where one is recorded
    ('referral', 1, 'consent', 'PIPL 23', '2021-11-01'),                         -- each says its own ground
    ('own_file', 1, 'legal_duty', 'PIPL 45', '2021-11-01'),
    ('child_data', 1, 'guardian_consent', 'PIPL 31', '2021-11-01'),              -- or a legal duty that a supervisor recorded
    ('photos', 1, 'consent', 'PIPL 29', '2021-11-01'),
    ('media', 1, 'consent', 'PIPL 25', '2021-11-01'),
    ('volunteers', 1, 'consent', 'PIPL 23', '2021-11-01'),
    ('well_being_questions', 1, 'consent', 'PIPL 29', '2021-11-01');

-- That somebody was told what is done with their facts (PIPL 17, 35).
CREATE TABLE privacy_notices (
    id           uuid PRIMARY KEY,
    recipient_id uuid NOT NULL REFERENCES recipients,
    version      text NOT NULL,          -- of the sheet that was read or handed over
    channel      text NOT NULL,
    given_to     text NOT NULL,
    given_on     date NOT NULL,
    recorded_by  uuid REFERENCES users,
    recorded_at  timestamptz NOT NULL,
    CONSTRAINT notice_channel_is_known CHECK (channel IN ('in_person', 'phone', 'paper', 'post', 'online')),
    CONSTRAINT notice_was_given_to_somebody_known CHECK (given_to IN ('self', 'guardian', 'relative', 'agent'))
);
CREATE INDEX privacy_notices_by_recipient ON privacy_notices (recipient_id, given_on, id);

-- What was agreed to, taken back, or rests on the law instead. The newest of a purpose holds.
CREATE TABLE consents (
    id           uuid PRIMARY KEY,
    recipient_id uuid NOT NULL REFERENCES recipients,
    purpose      text NOT NULL,
    step         text NOT NULL,
    given_by     text NOT NULL,
    given_on     date NOT NULL,
    recorded_by  uuid REFERENCES users,
    recorded_at  timestamptz NOT NULL,
    sealed       bytea,                  -- what proves it; under the recipient's key
    CONSTRAINT consent_step_is_known CHECK (step IN ('given', 'withdrawn', 'legal_duty')),
    CONSTRAINT consent_was_given_by_somebody_known CHECK (given_by IN ('self', 'guardian', 'relative', 'agent', 'office')),
    CONSTRAINT only_the_office_names_a_legal_duty CHECK ((step = 'legal_duty') = (given_by = 'office'))
);
CREATE INDEX consents_by_recipient ON consents (recipient_id, purpose, recorded_at, id);

-- To whom which facts of a file were told. Kept three years at least (Network Data
-- Regulation art. 12). The office is the one that told, and stays with the row.
CREATE TABLE disclosures (
    channel      text NOT NULL,
    subject_id   uuid NOT NULL,          -- the message, referral, export or act it was
    recipient_id uuid NOT NULL REFERENCES recipients,
    by_office_id uuid NOT NULL REFERENCES offices,
    at           timestamptz NOT NULL,
    told         text NOT NULL,
    told_id      uuid,                   -- the contact or partner
    purpose      text NOT NULL,
    fields       text[] NOT NULL,
    basis        text NOT NULL,
    notice_id    uuid REFERENCES privacy_notices,
    CONSTRAINT a_disclosure_is_recorded_once PRIMARY KEY (channel, subject_id),
    CONSTRAINT disclosure_channel_is_known CHECK (channel IN ('sms', 'referral', 'export', 'paper')),
    CONSTRAINT disclosure_was_made_to_somebody_known CHECK (told IN ('contact', 'partner', 'self', 'guardian', 'relative', 'agent', 'authority', 'other')),
    CONSTRAINT disclosure_basis_is_known CHECK (basis IN ('legal_duty', 'consent', 'guardian_consent', 'vital_interest')),
    CONSTRAINT disclosed_fields_are_known CHECK (fields <> '{}' AND fields <@ ARRAY['household_alias', 'task_code', 'due_date', 'visit_date', 'township', 'need', 'own_file',
        'name', 'sex', 'born_on', 'id_number', 'phone', 'address', 'household', 'award', 'living_condition', 'income', 'health', 'disability', 'schooling',
        'needs', 'bank_account'])
);
CREATE INDEX disclosures_by_recipient ON disclosures (recipient_id, at, subject_id);

-- Texts that left before there was a record of it. (What referrals told stands sealed in their steps.)
INSERT INTO disclosures (channel, subject_id, recipient_id, by_office_id, at, told, told_id, purpose, fields, basis)
    SELECT 'sms', id, recipient_id, office_id, dispatched_at, 'contact', contact_id, 'village_contact',
        CASE purpose WHEN 'visit_confirmation' THEN '{household_alias,task_code,visit_date}'::text[] ELSE '{household_alias,task_code,due_date}' END, 'legal_duty'
    FROM messages WHERE contact_id IS NOT NULL AND recipient_id IS NOT NULL AND dispatch IN ('accepted', 'unknown') AND dispatched_at IS NOT NULL;

-- A frozen file: kept, and nothing else. The newest row that is not lifted holds;
-- recipients.restricted_at says so where files are opened.
ALTER TABLE recipients
    ADD COLUMN restricted_at timestamptz,
    ADD COLUMN erased_at     timestamptz;
GRANT UPDATE (restricted_at, id_index, phone_index) ON recipients TO aftercare_app, aftercare_work;
CREATE TABLE restrictions (
    id            uuid PRIMARY KEY,
    recipient_id  uuid NOT NULL REFERENCES recipients,
    ground        text NOT NULL,
    review_on     date,
    sealed        bytea,                 -- the reason; under the recipient's key
    restricted_by uuid REFERENCES users,
    restricted_at timestamptz NOT NULL,
    lifted_by     uuid REFERENCES users,
    lifted_at     timestamptz,
    CONSTRAINT restriction_ground_is_known CHECK (ground IN ('subject_request', 'accuracy_disputed', 'deletion_impossible', 'retention'))
);
CREATE UNIQUE INDEX one_restriction_a_file ON restrictions (recipient_id) WHERE lifted_at IS NULL;
CREATE TABLE restricted_views (
    recipient_id uuid NOT NULL REFERENCES recipients,
    user_id      uuid NOT NULL REFERENCES users,
    opened_at    timestamptz NOT NULL,
    until        timestamptz NOT NULL
);
CREATE INDEX restricted_views_by_recipient ON restricted_views (recipient_id, user_id, until);

-- How long what is kept, as data. A change is a new version that a second person
-- approves; no version goes below what the law asks for.
CREATE TABLE retention_rules (
    kind            text NOT NULL,
    version         int  NOT NULL,
    keep_months     int  NOT NULL,
    at_least_months int  NOT NULL,
    anchor          text NOT NULL,       -- what the months count from
    action          text NOT NULL,
    basis           text NOT NULL,       -- the rule, or that the number is our own
    state           text NOT NULL DEFAULT 'draft',
    proposed_by     uuid REFERENCES users,
    proposed_at     timestamptz NOT NULL,
    approved_by     uuid REFERENCES users,
    approved_at     timestamptz,
    PRIMARY KEY (kind, version),
    CONSTRAINT retention_action_is_known CHECK (action IN ('erase', 'propose', 'keep', 'operator')),
    CONSTRAINT retention_anchor_is_known CHECK (anchor IN ('dispatched', 'received', 'closed', 'written')),
    CONSTRAINT retention_state_is_known CHECK (state IN ('draft', 'in_force', 'retired')),
    CONSTRAINT retention_keeps_what_the_law_asks_for CHECK (keep_months >= at_least_months),
    CONSTRAINT nobody_approves_the_retention_they_proposed CHECK (approved_by <> proposed_by)
);
CREATE UNIQUE INDEX one_retention_rule_in_force ON retention_rules (kind) WHERE state = 'in_force';
INSERT INTO retention_rules (kind, version, keep_months, at_least_months, anchor, action, basis, state, proposed_at, approved_at) VALUES
    ('outbound_text', 1, 24, 6, 'dispatched', 'erase', 'CSL 21: logs 6 months at least; 24 is our default', 'in_force', '2026-11-23T00:00:00+08', '2026-11-23T00:00:00+08'),
    ('inbound_text', 1, 24, 6, 'received', 'erase', 'CSL 21: logs 6 months at least; 24 is our default', 'in_force', '2026-11-23T00:00:00+08', '2026-11-23T00:00:00+08'),
    ('recipient_file', 1, 60, 36, 'closed', 'propose', 'PIPL 19, 47, 56; five years after the plan closed is our default: no rule names a number', 'in_force', '2026-11-23T00:00:00+08', '2026-11-23T00:00:00+08'),
    ('disclosure', 1, 36, 36, 'written', 'keep', 'Network Data Regulation 12: 3 years at least', 'in_force', '2026-11-23T00:00:00+08', '2026-11-23T00:00:00+08'),
    ('audit', 1, 36, 36, 'written', 'keep', 'PIPL 56: 3 years at least; the chain is never cut', 'in_force', '2026-11-23T00:00:00+08', '2026-11-23T00:00:00+08'),
    ('service_log', 1, 24, 6, 'written', 'operator', 'CSL 21: 6 months at least; 24 is our default', 'in_force', '2026-11-23T00:00:00+08', '2026-11-23T00:00:00+08');

-- What the job did each night, by kind of record.
CREATE TABLE retention_runs (
    night      date PRIMARY KEY,
    started_at timestamptz NOT NULL,
    ended_at   timestamptz,
    counts     jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX messages_with_words ON messages (dispatched_at) WHERE text IS NOT NULL AND dispatched_at IS NOT NULL;
CREATE INDEX inbound_with_words ON inbound_messages (received_at) WHERE sealed IS NOT NULL AND state IN ('matched', 'settled');
CREATE INDEX inbound_of_strangers ON inbound_messages (sender_index) WHERE contact_id IS NULL AND state IN ('triage', 'settled');
CREATE INDEX tasks_of_a_reply ON tasks (inbound_id) WHERE inbound_id IS NOT NULL;

-- When a plan was closed: what the retention of its file counts from.
ALTER TABLE care_plans ADD COLUMN closed_on date;
UPDATE care_plans SET closed_on = (updated_at AT TIME ZONE 'Asia/Shanghai')::date WHERE state = 'closed';
CREATE INDEX care_plans_closed ON care_plans (closed_on) WHERE state = 'closed' AND closed_on IS NOT NULL;

-- A file that nobody erases or forgets, whatever ran out.
CREATE TABLE legal_holds (
    id           uuid PRIMARY KEY,
    recipient_id uuid NOT NULL REFERENCES recipients,
    sealed       bytea,                  -- the reason; under the recipient's key
    placed_by    uuid REFERENCES users,
    placed_at    timestamptz NOT NULL,
    lifted_by    uuid REFERENCES users,
    lifted_at    timestamptz
);
CREATE UNIQUE INDEX one_hold_a_file ON legal_holds (recipient_id) WHERE lifted_at IS NULL;

-- An erasure is proposed, by the job when the time has run or by a person, and done
-- by a supervisor who did not propose it.
CREATE TABLE erasures (
    id           uuid PRIMARY KEY,
    recipient_id uuid NOT NULL REFERENCES recipients,
    ground       text NOT NULL,
    state        text NOT NULL DEFAULT 'proposed',
    proposed_by  uuid REFERENCES users,  -- NULL: the job
    proposed_at  timestamptz NOT NULL,
    decided_by   uuid REFERENCES users,
    decided_at   timestamptz,
    again_on     date,                   -- of a rejected one: not proposed before
    CONSTRAINT erasure_ground_is_known CHECK (ground IN ('retention', 'subject_request')),
    CONSTRAINT erasure_state_is_known CHECK (state IN ('proposed', 'rejected', 'erased')),
    CONSTRAINT decided_erasure_says_by_whom CHECK ((state = 'proposed') = (decided_by IS NULL) AND (state = 'proposed') = (decided_at IS NULL)),
    CONSTRAINT who_erases_is_not_who_proposed CHECK (state <> 'erased' OR decided_by IS DISTINCT FROM proposed_by)
);
CREATE INDEX erasures_by_recipient ON erasures (recipient_id, again_on);
CREATE UNIQUE INDEX one_proposed_erasure_a_file ON erasures (recipient_id) WHERE state = 'proposed';

-- Which tables hold rows of a file that move with it to another office (office_id and
-- recipient_id), and which lose theirs when it is erased (recipient_id). A migration
-- that makes such a table adds its row; tests find a forgotten one.
CREATE TABLE moved_with_file (
    place      int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_name text NOT NULL UNIQUE
);
CREATE TABLE erased_with_file (
    place      int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_name text NOT NULL UNIQUE
);
INSERT INTO moved_with_file (table_name) VALUES ('care_plans'), ('check_ins'), ('alerts'), ('asks'), ('messages'), ('inbound_messages'), ('tasks'), ('escalations'), ('referrals'), ('sign_offs');
INSERT INTO erased_with_file (table_name) VALUES ('household_members'), ('events'), ('signals'), ('rule_hits'), ('blind_scorings'), ('assessments'), ('sign_offs'), ('check_in_records'), ('referral_steps'), ('referrals'), ('hint_dismissals'), ('mandatory_reports'), ('contact_conflicts'), ('household_links'), ('restricted_views'), ('tier_changes'), ('plan_grants'), ('minor_openings'), ('visit_confirmations');
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['moved_with_file', 'erased_with_file']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_sees_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY workers_see_all ON %I TO aftercare_work USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT ON %I TO aftercare_app, aftercare_work', t);
    END LOOP;
END $$;

-- As it was, but for the list, which is data now.
CREATE OR REPLACE FUNCTION take_over(of_transfer uuid, of_plan uuid, new_officer uuid, new_village uuid, new_primary uuid, new_backup uuid,
                          new_external_id text, at timestamptz)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    offer record;
    moved text;
BEGIN
    -- The plan first, as every verb locks.
    PERFORM FROM care_plans p WHERE p.id = of_plan AND EXISTS
        (SELECT FROM transfers t WHERE t.id = of_transfer AND t.to_office_id = ANY (scope())) FOR UPDATE OF p;
    SELECT t.office_id, t.to_office_id, tp.recipient_id, o.path INTO offer
    FROM transfers t JOIN transfer_plans tp ON tp.transfer_id = t.id JOIN offices o ON o.id = t.to_office_id
    WHERE t.id = of_transfer AND tp.plan_id = of_plan AND t.state = 'open' AND tp.state = 'open' AND t.to_office_id <> t.office_id
    FOR UPDATE OF t, tp;
    IF NOT FOUND OR NOT offer.to_office_id = ANY (scope())
        OR NOT EXISTS (SELECT FROM grants g JOIN users u ON u.id = g.user_id AND u.state = 'active'
            WHERE g.user_id = scope_user() AND g.office_id = ANY (offer.path) AND g.role IN ('officer', 'supervisor')) THEN
        RAISE EXCEPTION 'nothing was offered to this office' USING ERRCODE = '42501', CONSTRAINT = 'only_an_offered_file_is_taken_over';
    END IF;
    IF NOT EXISTS (SELECT FROM grants g JOIN users u ON u.id = g.user_id AND u.state = 'active'
            WHERE g.user_id = new_officer AND g.office_id = ANY (offer.path) AND g.role = 'officer')
        OR NOT EXISTS (SELECT FROM villages v WHERE v.id = new_village AND v.office_id = offer.to_office_id)
        OR EXISTS (SELECT FROM unnest(ARRAY[new_primary, new_backup]) AS n (contact) WHERE n.contact IS NOT NULL AND NOT EXISTS
            (SELECT FROM village_contacts k JOIN contact_villages s ON s.contact_id = k.id AND s.village_id = new_village
             WHERE k.id = n.contact AND k.office_id = offer.to_office_id AND k.state = 'active')) THEN
        RAISE EXCEPTION 'officer, village and contacts are not of the receiving office'
            USING ERRCODE = '42501', CONSTRAINT = 'a_file_goes_to_people_of_the_receiving_office';
    END IF;
    UPDATE care_plans SET office_id = offer.to_office_id, officer_id = new_officer, primary_contact_id = new_primary,
        backup_contact_id = new_backup, path = CASE path WHEN 'moved' THEN '' ELSE path END, updated_at = at
    WHERE id = of_plan AND office_id = offer.office_id AND recipient_id = offer.recipient_id AND state <> 'closed';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the plan is not the sender''s any more' USING ERRCODE = '42501', CONSTRAINT = 'only_an_offered_file_is_taken_over';
    END IF;
    UPDATE recipients SET office_id = offer.to_office_id, village_id = new_village,
        external_id = coalesce(nullif(new_external_id, ''), external_id)
    WHERE id = offer.recipient_id AND office_id = offer.office_id;
    FOR moved IN SELECT m.table_name FROM moved_with_file m ORDER BY m.place
    LOOP
        EXECUTE format('UPDATE %I SET office_id = $1 WHERE recipient_id = $2 AND office_id = $3', moved)
        USING offer.to_office_id, offer.recipient_id, offer.office_id;
    END LOOP;
    DELETE FROM plan_grants WHERE plan_id = of_plan AND office_id = offer.to_office_id;
    UPDATE transfer_plans SET state = 'accepted', decided_by = scope_user(), decided_at = at, noted_at = at
    WHERE transfer_id = of_transfer AND plan_id = of_plan;
END
$$;

-- Erases one file: the key, the indexes, what stands in clear, and what lies under
-- other keys. The rows that only grow are out of the application's reach, so the
-- owner's rights do it, for exactly this: a proposed erasure of a file in the
-- caller's scope, by a supervisor who did not propose it, of a file whose plans are
-- closed and that no hold keeps. History stays, as ciphertext nobody can open: its
-- chain verifies. Every table that names a recipient stands here, in
-- erased_with_file or in carelog.TestErasureKnowsEveryTable, with the reason.
CREATE FUNCTION erase_file(of_erasure uuid, at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    file record;
    asked record;
    heard uuid[];
    work uuid[];
    t text;
BEGIN
    SELECT e.recipient_id, e.proposed_by INTO asked FROM erasures e WHERE e.id = of_erasure AND e.state = 'proposed';
    PERFORM FROM care_plans p WHERE p.recipient_id = asked.recipient_id ORDER BY p.id FOR UPDATE;
    SELECT r.id, r.phone_index, o.path INTO file FROM recipients r JOIN offices o ON o.id = r.office_id
    WHERE r.id = asked.recipient_id AND r.erased_at IS NULL AND r.office_id = ANY (scope()) FOR UPDATE OF r;
    PERFORM FROM erasures e WHERE e.id = of_erasure AND e.state = 'proposed' FOR UPDATE;
    IF NOT FOUND OR file.id IS NULL OR asked.proposed_by = scope_user()
        OR NOT EXISTS (SELECT FROM grants g JOIN users u ON u.id = g.user_id AND u.state = 'active'
            WHERE g.user_id = scope_user() AND g.office_id = ANY (file.path) AND g.role = 'supervisor')
        OR EXISTS (SELECT FROM legal_holds h WHERE h.recipient_id = file.id AND h.lifted_at IS NULL)
        OR EXISTS (SELECT FROM care_plans p WHERE p.recipient_id = file.id AND p.state <> 'closed')
        OR EXISTS (SELECT FROM messages m WHERE m.recipient_id = file.id AND m.dispatch = 'sending') THEN
        RAISE EXCEPTION 'the file is not to be erased' USING ERRCODE = '42501', CONSTRAINT = 'a_file_is_erased_by_a_second_supervisor';
    END IF;

    -- What was to come.
    UPDATE messages SET dispatch = 'cancelled', dispatch_reason = 'the file was erased', dispatched_at = at WHERE recipient_id = file.id AND dispatch = 'planned';
    UPDATE asks SET state = 'closed', reason = 'the file was erased', closed_at = at WHERE recipient_id = file.id AND state = 'open';
    UPDATE task_codes SET free_from = at WHERE free_from IS NULL AND ask_id IN (SELECT id FROM asks WHERE recipient_id = file.id);

    -- What lies under other keys: texts under the contact's or officer's, replies under
    -- the line's or together with other households', outcomes under who wrote them.
    UPDATE messages SET text = NULL WHERE recipient_id = file.id AND text IS NOT NULL;
    UPDATE messages SET text = NULL WHERE id IN (SELECT rides_with FROM messages WHERE recipient_id = file.id AND rides_with IS NOT NULL);
    SELECT array_agg(found.id) INTO heard FROM (
        SELECT i.id FROM inbound_messages i WHERE i.recipient_id = file.id
        UNION SELECT inbound_id FROM inbound_answers WHERE recipient_id = file.id
        UNION SELECT i.id FROM inbound_messages i WHERE i.contact_id IS NULL AND i.state IN ('triage', 'settled') AND i.sender_index = file.phone_index
            AND NOT EXISTS (SELECT FROM village_contacts k WHERE k.phone_index = file.phone_index)
            AND NOT EXISTS (SELECT FROM recipients o WHERE o.phone_index = file.phone_index AND o.id <> file.id)) found;
    UPDATE inbound_messages SET sealed = NULL, sealed_for = NULL, suggested = '{}',
        sender_index = CASE WHEN sender_index = file.phone_index AND contact_id IS NULL THEN '\x' ELSE sender_index END,
        handled_at = coalesce(handled_at, at), state = CASE state WHEN 'triage' THEN 'settled' ELSE state END WHERE id = ANY (heard);
    UPDATE inbound_answers SET digit = NULL WHERE recipient_id = file.id;
    UPDATE asks SET answer = NULL WHERE recipient_id = file.id;
    SELECT array_agg(found.id) INTO work FROM (SELECT id FROM tasks WHERE recipient_id = file.id UNION SELECT id FROM tasks WHERE inbound_id = ANY (heard)) found;
    UPDATE tasks SET outcome = NULL WHERE id = ANY (work);
    UPDATE tasks SET state = 'done', done_at = at, done_by = scope_user(), ended_why = 'the file was erased' WHERE state = 'open' AND id = ANY (work);

    -- What is known of the household, in words and in clear.
    DELETE FROM aid_sources WHERE award_id IN (SELECT id FROM aid_awards WHERE recipient_id = file.id);
    FOR t IN SELECT e.table_name FROM erased_with_file e ORDER BY e.place
    LOOP
        EXECUTE format('DELETE FROM %I WHERE recipient_id = $1', t) USING file.id;
    END LOOP;
    FOREACH t IN ARRAY ARRAY['consents', 'restrictions', 'legal_holds']
    LOOP
        EXECUTE format('UPDATE %I SET sealed = NULL WHERE recipient_id = $1', t) USING file.id;
    END LOOP;
    UPDATE restrictions SET lifted_at = at, lifted_by = scope_user() WHERE recipient_id = file.id AND lifted_at IS NULL;
    UPDATE transfer_plans SET sealed = NULL, answer = NULL WHERE recipient_id = file.id;
    UPDATE aid_awards SET sealed = NULL, loss_fen = NULL, compensation_fen = NULL, source_department = '', case_stage = '' WHERE recipient_id = file.id;
    UPDATE care_plans SET primary_contact_id = NULL, backup_contact_id = NULL, reason = '', path = '', tier = 'green', harvest = NULL,
        village_barred = false, village_bar_code = '', closed_on = NULL, updated_at = at WHERE recipient_id = file.id;

    -- Who it was, and the key. Empty is what an erased file shows, where NULL is one out of scope.
    UPDATE recipients SET data_key = NULL, sealed = '\x', id_index = NULL, phone_index = NULL, village_id = NULL, facts_digest = '\x',
        external_id = 'erased-' || id, restricted_at = NULL, erased_at = at WHERE id = file.id;
    UPDATE erasures SET state = 'erased', decided_by = scope_user(), decided_at = at WHERE id = of_erasure;
END
$$;
REVOKE ALL ON FUNCTION erase_file(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_file(uuid, timestamptz) TO aftercare_app;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['purposes', 'privacy_notices', 'consents', 'disclosures', 'restrictions', 'restricted_views',
        'retention_rules', 'retention_runs', 'legal_holds', 'erasures']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_sees_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY workers_see_all ON %I TO aftercare_work USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT ON %I TO aftercare_app, aftercare_work', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['privacy_notices', 'consents', 'disclosures', 'restrictions', 'restricted_views', 'legal_holds', 'erasures']
    LOOP
        EXECUTE format('GRANT INSERT ON %I TO aftercare_app, aftercare_work', t);
        EXECUTE format('CREATE POLICY with_its_file ON %1$I FOR SELECT TO aftercare_app
            USING (EXISTS (SELECT FROM recipients r WHERE r.id = %1$I.recipient_id))', t);
        EXECUTE format('CREATE POLICY added_with_its_file ON %1$I FOR INSERT TO aftercare_app
            WITH CHECK (EXISTS (SELECT FROM recipients r WHERE r.id = %1$I.recipient_id AND r.office_id = ANY (scope())))', t);
    END LOOP;
END $$;
CREATE POLICY everybody_reads ON purposes FOR SELECT TO aftercare_app USING (true);
CREATE POLICY everybody_reads ON retention_rules FOR SELECT TO aftercare_app USING (true);
CREATE POLICY the_root_proposes ON retention_rules FOR INSERT TO aftercare_app WITH CHECK (scope_holds_a_root());
CREATE POLICY the_root_approves ON retention_rules FOR UPDATE TO aftercare_app USING (scope_holds_a_root()) WITH CHECK (scope_holds_a_root());
GRANT INSERT ON retention_rules TO aftercare_app, aftercare_work;
GRANT UPDATE (state, approved_by, approved_at) ON retention_rules TO aftercare_app, aftercare_work;
CREATE POLICY everybody_reads ON retention_runs FOR SELECT TO aftercare_app USING (true);  -- counts, and nothing of anybody
GRANT INSERT, UPDATE ON retention_runs TO aftercare_work;
GRANT UPDATE (lifted_by, lifted_at) ON restrictions, legal_holds TO aftercare_app, aftercare_work;
GRANT UPDATE (state, decided_by, decided_at, again_on) ON erasures TO aftercare_app, aftercare_work;
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['restrictions', 'legal_holds', 'erasures']
    LOOP
        EXECUTE format('CREATE POLICY changed_with_its_file ON %1$I FOR UPDATE TO aftercare_app
            USING (EXISTS (SELECT FROM recipients r WHERE r.id = %1$I.recipient_id AND r.office_id = ANY (scope())))
            WITH CHECK (EXISTS (SELECT FROM recipients r WHERE r.id = %1$I.recipient_id AND r.office_id = ANY (scope())))', t);
    END LOOP;
END $$;
