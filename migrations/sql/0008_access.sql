-- Who may touch what. The application (aftercare_app) sees the offices of its
-- transaction and nothing else; the workers (aftercare_work) are trusted with
-- all offices; neither may change or remove what only grows. A table made later
-- brings its policy in its own migration; a test counts them.

DO $$
DECLARE
    t text;
BEGIN
    FOR t IN SELECT c.relname FROM pg_class c
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'schema_migrations'
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_sees_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY workers_see_all ON %I TO aftercare_work USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO aftercare_app, aftercare_work', t);
    END LOOP;
    -- Only what a verb changes: what is not named here is written once.
    FOREACH t IN ARRAY ARRAY['alerts', 'asks', 'audit_head', 'care_plans', 'check_ins', 'delivery_reports', 'history_heads', 'idempotency_keys',
        'inbound_messages', 'lines', 'messages', 'task_codes', 'tasks', 'tokens', 'village_contacts']
    LOOP
        EXECUTE format('GRANT UPDATE ON %I TO aftercare_app, aftercare_work', t);
    END LOOP;
END $$;
GRANT DELETE ON idempotency_keys TO aftercare_work;
GRANT DELETE ON contact_villages TO aftercare_app, aftercare_work;

-- Tables that carry the office themselves.
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['villages', 'lines', 'users', 'grants', 'village_contacts', 'alerts', 'asks', 'messages', 'tasks']
    LOOP
        EXECUTE format('CREATE POLICY within_scope ON %I TO aftercare_app
            USING (office_id = ANY (scope())) WITH CHECK (office_id = ANY (scope()))', t);
    END LOOP;
END $$;
CREATE POLICY within_scope ON offices FOR SELECT TO aftercare_app USING (id = ANY (scope()));

-- A file, its plan and its check-ins: the office's own, or one plan of another's (joint aid).
-- The grant lets the other office see; what changes a file stays with its own.
CREATE POLICY granted_plan ON plan_grants FOR SELECT TO aftercare_app USING (office_id = ANY (scope()));
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['recipients', 'care_plans', 'check_ins']
    LOOP
        EXECUTE format('CREATE POLICY within_scope ON %I TO aftercare_app
            USING (office_id = ANY (scope())) WITH CHECK (office_id = ANY (scope()))', t);
    END LOOP;
END $$;
CREATE POLICY joint_aid ON recipients FOR SELECT TO aftercare_app
    USING (EXISTS (SELECT FROM plan_grants g WHERE g.recipient_id = recipients.id));
CREATE POLICY joint_aid ON care_plans FOR SELECT TO aftercare_app
    USING (EXISTS (SELECT FROM plan_grants g WHERE g.plan_id = care_plans.id));
CREATE POLICY joint_aid ON check_ins FOR SELECT TO aftercare_app
    USING (EXISTS (SELECT FROM plan_grants g WHERE g.plan_id = check_ins.plan_id));

-- What belongs to a file is seen by whoever sees the file.
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['household_members', 'aid_awards', 'history', 'history_heads', 'check_in_records', 'assessments']
    LOOP
        EXECUTE format('CREATE POLICY with_its_file ON %1$I FOR SELECT TO aftercare_app
            USING (EXISTS (SELECT FROM recipients r WHERE r.id = %1$I.recipient_id))', t);
        EXECUTE format('CREATE POLICY changed_with_its_file ON %1$I TO aftercare_app
            USING (EXISTS (SELECT FROM recipients r WHERE r.id = %1$I.recipient_id AND r.office_id = ANY (scope())))
            WITH CHECK (EXISTS (SELECT FROM recipients r WHERE r.id = %1$I.recipient_id AND r.office_id = ANY (scope())))', t);
    END LOOP;
END $$;
CREATE POLICY with_its_award ON aid_sources TO aftercare_app
    USING (EXISTS (SELECT FROM aid_awards a WHERE a.id = award_id))
    WITH CHECK (EXISTS (SELECT FROM aid_awards a WHERE a.id = award_id));
CREATE POLICY with_its_ask ON message_asks TO aftercare_app
    USING (EXISTS (SELECT FROM asks a WHERE a.id = ask_id))
    WITH CHECK (EXISTS (SELECT FROM asks a WHERE a.id = ask_id));
CREATE POLICY with_its_ask ON task_codes TO aftercare_app
    USING (EXISTS (SELECT FROM asks a WHERE a.id = ask_id))
    WITH CHECK (EXISTS (SELECT FROM asks a WHERE a.id = ask_id));
CREATE POLICY with_its_contact ON contact_villages TO aftercare_app
    USING (EXISTS (SELECT FROM village_contacts c WHERE c.id = contact_id))
    WITH CHECK (EXISTS (SELECT FROM village_contacts c WHERE c.id = contact_id));

-- Tokens and first answers are their owner's; an administrator reaches tokens of people in scope.
CREATE POLICY of_people_in_scope ON tokens TO aftercare_app
    USING (EXISTS (SELECT FROM users u WHERE u.id = user_id))
    WITH CHECK (EXISTS (SELECT FROM users u WHERE u.id = user_id));
CREATE POLICY its_own ON idempotency_keys TO aftercare_app
    USING (user_id = scope_user()) WITH CHECK (user_id = scope_user());

-- What a carrier brings is stored before anybody knows whose it is: insert only.
CREATE POLICY anybody_stores ON inbound_messages FOR INSERT TO aftercare_app WITH CHECK (true);
CREATE POLICY within_scope ON inbound_messages FOR SELECT TO aftercare_app USING (office_id = ANY (scope()));
CREATE POLICY change_within_scope ON inbound_messages FOR UPDATE TO aftercare_app
    USING (office_id = ANY (scope())) WITH CHECK (office_id = ANY (scope()));
CREATE POLICY anybody_stores ON delivery_reports FOR INSERT TO aftercare_app WITH CHECK (true);

-- The audit takes every act under the name of who does it, and is read within the scope.
CREATE POLICY anybody_adds ON audit FOR INSERT TO aftercare_app WITH CHECK (actor_id IS NOT DISTINCT FROM scope_user());
CREATE POLICY within_scope ON audit FOR SELECT TO aftercare_app USING (office_id = ANY (scope()));
CREATE POLICY anybody_moves_on ON audit_head TO aftercare_app USING (true) WITH CHECK (true);

-- Reference data is everybody's to read.
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['plan_templates', 'template_steps', 'ladder_rungs']
    LOOP
        EXECUTE format('CREATE POLICY everybody_reads ON %I FOR SELECT TO aftercare_app USING (true)', t);
    END LOOP;
END $$;

REVOKE ALL ON FUNCTION authenticate(bytea, timestamptz), receiving_line(text, text), speaking_line(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION authenticate(bytea, timestamptz), receiving_line(text, text), speaking_line(uuid, text) TO aftercare_app, aftercare_work;
