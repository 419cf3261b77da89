-- How a plan's life bends and ends: paused with its household, handed over,
-- closed on a defined path, taken up again.

ALTER TABLE care_plans
    ADD COLUMN path             text NOT NULL DEFAULT '',  -- what happened that somebody has to decide about
    ADD COLUMN closing_path     text NOT NULL DEFAULT '',  -- on which path the closing is proposed, or was approved
    ADD COLUMN pause_act        uuid,                      -- the act that paused it, together with others of its household
    ADD COLUMN reopened_on      date,
    ADD COLUMN full_template_id uuid REFERENCES plan_templates,  -- what a plan of minimal contact goes back to
    ADD CONSTRAINT plan_path_is_known CHECK (path IN ('', 'death', 'moved', 'refused', 'refusal_confirmed')),
    ADD CONSTRAINT closing_path_is_known CHECK (closing_path IN ('', 'exit', 'death', 'moved_away', 'refusal')),
    ADD CONSTRAINT proposed_closing_has_a_path CHECK (state <> 'closing' OR closing_path <> '');
CREATE INDEX care_plans_to_approve ON care_plans (office_id, id) WHERE state <> 'closed' AND closing_by IS NOT NULL;
CREATE INDEX care_plans_open ON care_plans (office_id, state) WHERE state <> 'closed';

-- What a file that moves, a new officer and a death have to find without walking everybody's.
CREATE INDEX asks_by_recipient ON asks (recipient_id);
CREATE INDEX alerts_by_recipient ON alerts (recipient_id, opened_at);
CREATE INDEX tasks_by_recipient ON tasks (recipient_id) WHERE recipient_id IS NOT NULL;
CREATE INDEX inbound_by_recipient ON inbound_messages (recipient_id) WHERE recipient_id IS NOT NULL;
CREATE INDEX answers_planned ON messages (inbound_id) WHERE dispatch = 'planned' AND inbound_id IS NOT NULL;

-- One yes-or-no contact a year for a household that refused more and whose
-- refusal a supervisor has confirmed. It still ends in nothing but a closing.
INSERT INTO plan_templates (id, key, version, name, created_at) VALUES
    ('00000000-0000-7000-8000-000000000014', 'M', 1, '最低限度联系', '2026-11-23T00:00:00+08');
INSERT INTO template_steps
    (template_id, position, key, occasion, title, kind, anchor, offset_days, every_days, lead_days, grace_workdays, scored, asks_village, closure) VALUES
    ('00000000-0000-7000-8000-000000000014', 1, 'yearly-word', 'yearly-word', '每年一次问候：是否平安', 'phone', 'start', 365, 365, 10, 10, false, false, false);

-- Recipients of one household, joined by a person. Whoever leaves gets a household of their own.
CREATE TABLE household_links (
    recipient_id uuid PRIMARY KEY REFERENCES recipients,
    household_id uuid NOT NULL,
    joined_at    timestamptz NOT NULL,
    joined_by    uuid REFERENCES users
);
CREATE INDEX household_links_by_household ON household_links (household_id);

-- One act of handing over, of one plan or of sixty. Until it is accepted the
-- sender stays responsible: nothing of the plans has changed.
CREATE TABLE transfers (
    id           uuid PRIMARY KEY,
    office_id    uuid NOT NULL REFERENCES offices,   -- the sender's
    to_office_id uuid NOT NULL REFERENCES offices,   -- the same, to a colleague
    to_user_id   uuid REFERENCES users,              -- NULL: whom the receiving office names
    proposed_by  uuid NOT NULL REFERENCES users,
    proposed_at  timestamptz NOT NULL,
    accept_by    timestamptz NOT NULL,
    wake_at      timestamptz,                        -- when the sweep looks at it: to tell the receiver, the sender's supervisors, the history
    state        text NOT NULL DEFAULT 'open',
    ended_at     timestamptz,
    CONSTRAINT transfer_state_is_known CHECK (state IN ('open', 'ended')),
    CONSTRAINT transfer_names_a_colleague_or_another_office CHECK ((to_user_id IS NULL) = (office_id <> to_office_id))
);
CREATE INDEX transfers_open ON transfers (office_id, id) WHERE state = 'open';
CREATE INDEX transfers_offered ON transfers (to_office_id, id) WHERE state = 'open';
CREATE INDEX transfers_to_wake ON transfers (wake_at) WHERE wake_at IS NOT NULL;

CREATE TABLE transfer_plans (
    transfer_id  uuid NOT NULL REFERENCES transfers,
    plan_id      uuid NOT NULL REFERENCES care_plans,
    recipient_id uuid NOT NULL REFERENCES recipients,
    from_user_id uuid NOT NULL REFERENCES users,
    state        text NOT NULL DEFAULT 'open',
    sealed       bytea,                  -- the reason, under the recipient's key
    answer       bytea,                  -- why it was declined or withdrawn, under the recipient's key
    decided_by   uuid REFERENCES users,
    decided_at   timestamptz,
    noted_at     timestamptz,            -- when the answer was written into the history: another office's answer by the sweep
    PRIMARY KEY (transfer_id, plan_id),
    CONSTRAINT handing_over_is_known CHECK (state IN ('open', 'accepted', 'declined', 'withdrawn', 'lapsed'))
);
CREATE UNIQUE INDEX one_open_transfer_a_plan ON transfer_plans (plan_id) WHERE state = 'open';

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['household_links', 'transfers', 'transfer_plans']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_sees_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY workers_see_all ON %I TO aftercare_work USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO aftercare_app, aftercare_work', t);
    END LOOP;
END $$;
GRANT UPDATE ON household_links TO aftercare_app, aftercare_work;
GRANT UPDATE (state, ended_at, wake_at) ON transfers TO aftercare_app, aftercare_work;
GRANT UPDATE (state, answer, decided_by, decided_at, noted_at) ON transfer_plans TO aftercare_app, aftercare_work;
-- An alias is agreed anew, an address changes.
GRANT UPDATE (sealed, village_id) ON recipients TO aftercare_app, aftercare_work;

CREATE POLICY with_its_file ON household_links FOR SELECT TO aftercare_app
    USING (EXISTS (SELECT FROM recipients r WHERE r.id = recipient_id));
CREATE POLICY changed_with_its_file ON household_links TO aftercare_app
    USING (EXISTS (SELECT FROM recipients r WHERE r.id = recipient_id AND r.office_id = ANY (scope())))
    WITH CHECK (EXISTS (SELECT FROM recipients r WHERE r.id = recipient_id AND r.office_id = ANY (scope())));

-- Both ends see an offer, only the sender's end makes one, and what has ended stays ended.
CREATE POLICY of_either_end ON transfers FOR SELECT TO aftercare_app
    USING (office_id = ANY (scope()) OR to_office_id = ANY (scope()));
CREATE POLICY offered_by_the_sender ON transfers FOR INSERT TO aftercare_app
    WITH CHECK (office_id = ANY (scope()) AND proposed_by = scope_user());
CREATE POLICY ended_by_either_end ON transfers FOR UPDATE TO aftercare_app
    USING (state = 'open' AND (office_id = ANY (scope()) OR to_office_id = ANY (scope()))) WITH CHECK (true);
CREATE POLICY with_its_transfer ON transfer_plans FOR SELECT TO aftercare_app
    USING (EXISTS (SELECT FROM transfers t WHERE t.id = transfer_id));
CREATE POLICY offered_by_the_sender ON transfer_plans FOR INSERT TO aftercare_app
    WITH CHECK (EXISTS (SELECT FROM transfers t JOIN care_plans p ON p.office_id = t.office_id
        WHERE t.id = transfer_id AND t.state = 'open' AND t.office_id = ANY (scope())
            AND p.id = plan_id AND p.recipient_id = transfer_plans.recipient_id));
CREATE POLICY decided_by_either_end ON transfer_plans FOR UPDATE TO aftercare_app
    USING (state = 'open' AND EXISTS (SELECT FROM transfers t WHERE t.id = transfer_id)) WITH CHECK (true);

-- What the receiving office sees of an offered plan before it answers: enough to
-- decide, and neither records nor history. The key opens the name alone there:
-- nothing else of the file is in its scope.
CREATE FUNCTION offered_plans(of_transfer uuid)
RETURNS TABLE (plan_id uuid, recipient_id uuid, data_key bytea, sealed bytea, reason bytea, template text, plan_state text, tier text,
               paid_on date, next_due date, members bigint, open_alerts bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT p.id, r.id, r.data_key, r.sealed, tp.sealed, m.key, p.state, p.tier, p.paid_on,
        (SELECT min(c.due) FROM check_ins c WHERE c.plan_id = p.id AND c.state IN ('planned', 'overdue', 'missed')),
        (SELECT count(*) FROM household_members h WHERE h.recipient_id = r.id),
        (SELECT count(*) FROM alerts a WHERE a.recipient_id = r.id AND a.state <> 'closed')
    FROM transfers t
    JOIN transfer_plans tp ON tp.transfer_id = t.id AND tp.state = 'open'
    JOIN care_plans p ON p.id = tp.plan_id AND p.office_id = t.office_id
    JOIN plan_templates m ON m.id = p.template_id
    JOIN recipients r ON r.id = tp.recipient_id
    WHERE t.id = of_transfer AND t.state = 'open' AND (t.to_office_id = ANY (scope()) OR t.office_id = ANY (scope()))
    ORDER BY p.id
$$;

-- Offices of which nothing is in scope can be offered a file: their name is enough.
CREATE FUNCTION office_by_code(of_code text) RETURNS TABLE (id uuid, name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT o.id, o.name FROM offices o WHERE o.code = of_code
$$;

-- Moves one offered file to the office that accepts it. The rows of another
-- office are out of reach for the application, so the owner's rights do it, for
-- exactly this: an open offer, addressed to an office of the caller's scope, by
-- somebody who works there, to an officer, village and contacts of there. The
-- list names every table whose rows carry the office of a file
-- (carelog.TestTransferMovesEveryTable compares it with the schema).
CREATE FUNCTION take_over(of_transfer uuid, of_plan uuid, new_officer uuid, new_village uuid, new_primary uuid, new_backup uuid,
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
    FOREACH moved IN ARRAY ARRAY['care_plans', 'check_ins', 'alerts', 'asks', 'messages', 'inbound_messages', 'tasks', 'escalations', 'referrals', 'sign_offs']
    LOOP
        EXECUTE format('UPDATE %I SET office_id = $1 WHERE recipient_id = $2 AND office_id = $3', moved)
        USING offer.to_office_id, offer.recipient_id, offer.office_id;
    END LOOP;
    DELETE FROM plan_grants WHERE plan_id = of_plan AND office_id = offer.to_office_id;
    UPDATE transfer_plans SET state = 'accepted', decided_by = scope_user(), decided_at = at, noted_at = at
    WHERE transfer_id = of_transfer AND plan_id = of_plan;
END
$$;

REVOKE ALL ON FUNCTION offered_plans(uuid), office_by_code(text), take_over(uuid, uuid, uuid, uuid, uuid, uuid, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION offered_plans(uuid), office_by_code(text), take_over(uuid, uuid, uuid, uuid, uuid, uuid, text, timestamptz) TO aftercare_app;
