-- Keys that can be rotated.

-- Which index key and which algorithm the blind indexes were made with. A process with
-- another key would look everybody up in vain.
CREATE TABLE index_mark (
    single bool PRIMARY KEY DEFAULT true CHECK (single),
    suite  text NOT NULL,
    mark   bytea,                        -- the blind index of a fixed word; NULL: the next start writes it down
    CONSTRAINT index_suite_is_known CHECK (suite IN ('aes', 'sm4'))
);
-- A database in use has its indexes by SHA-256.
INSERT INTO index_mark (suite) SELECT 'aes' WHERE EXISTS (SELECT FROM users) OR EXISTS (SELECT FROM village_contacts);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['index_mark']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_sees_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY workers_see_all ON %I TO aftercare_work USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT ON %I TO aftercare_app, aftercare_work', t);
    END LOOP;
    -- Another master key wraps the same data keys: nothing else of the row changes.
    FOREACH t IN ARRAY ARRAY['lines', 'users', 'village_contacts', 'recipients', 'partners']
    LOOP
        EXECUTE format('GRANT UPDATE (data_key) ON %I TO aftercare_work', t);
    END LOOP;
END $$;
GRANT INSERT, UPDATE ON index_mark TO aftercare_work;
