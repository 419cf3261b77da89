-- Keys that can be rotated, and the nightly proof that nothing was changed behind our back.

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

-- What a night found, and the root over the heads of all chains. Both only grow.
CREATE TABLE proofs (
    no            bigint PRIMARY KEY,
    night         date NOT NULL,
    at            timestamptz NOT NULL,
    files         bigint NOT NULL,       -- chains of recipients under the root
    entries       bigint NOT NULL,       -- in all of them
    audit_entries bigint NOT NULL,
    root          bytea NOT NULL,
    looked        bigint NOT NULL,       -- rows looked at this night
    erased        bigint NOT NULL,       -- values among them whose key is destroyed
    broken        bigint NOT NULL,
    found         text[] NOT NULL,       -- the first hundred of what is broken, by name
    all_seen      bool NOT NULL,         -- the round came to its end this night
    CONSTRAINT one_proof_a_night UNIQUE (night),
    CONSTRAINT proofs_count_from_one CHECK (no >= 1)
);

-- The heads under each root, those alone that had grown since the root before.
CREATE TABLE proof_heads (
    chain uuid NOT NULL,                 -- the recipient; zero: the audit
    no    bigint NOT NULL REFERENCES proofs DEFERRABLE INITIALLY DEFERRED,
    seq   bigint NOT NULL,
    hash  bytea NOT NULL,
    PRIMARY KEY (chain, no)
);

-- How far the round has come: it may take several nights.
CREATE TABLE proof_round (
    single bool PRIMARY KEY DEFAULT true CHECK (single),
    night  date,                         -- at work; NULL: at rest
    place  text NOT NULL DEFAULT '',     -- what is being looked at; '': the round begins
    after  text[] NOT NULL DEFAULT '{}', -- the key of the last row that was
    looked bigint NOT NULL DEFAULT 0,    -- since the last proof, as below
    erased bigint NOT NULL DEFAULT 0,
    broken bigint NOT NULL DEFAULT 0,
    found  text[] NOT NULL DEFAULT '{}'
);
INSERT INTO proof_round DEFAULT VALUES;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['index_mark', 'proofs', 'proof_heads', 'proof_round']
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
GRANT INSERT ON index_mark, proofs, proof_heads TO aftercare_work;
GRANT UPDATE ON index_mark, proof_round TO aftercare_work;
