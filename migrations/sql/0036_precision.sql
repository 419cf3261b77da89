-- One award a person and case; files and contacts that turn out to be the same; money
-- that is released bit by bit under the eyes of three.

-- Who is the same person: by identity number, else by phone and name together. The
-- number of the original case is sealed with the award; its index tells the same case.
ALTER TABLE recipients ADD COLUMN person_index bytea;        -- NULL: enrolled before this was kept; a sweep fills it in
CREATE INDEX recipients_by_id_number ON recipients (id_index) WHERE id_index IS NOT NULL;
CREATE INDEX recipients_by_person ON recipients (person_index) WHERE person_index IS NOT NULL;
CREATE INDEX recipients_without_person_index ON recipients (id) WHERE person_index IS NULL;
GRANT UPDATE (person_index) ON recipients TO aftercare_work;

ALTER TABLE aid_awards
    ADD COLUMN case_index bytea,
    ADD COLUMN claim      bytea,          -- keyed: office, person and case; of two that come at the same moment one loses
    ADD COLUMN hardship   text NOT NULL DEFAULT '',
    ADD CONSTRAINT one_award_a_person_and_case UNIQUE (claim),
    ADD CONSTRAINT award_hardship_is_known CHECK (hardship IN ('', 'ordinary', 'great', 'extreme'));

-- Whether another office has the same person: its name and whether it is the same
-- case, nothing of the file. By keyed indexes, so that nobody asks without the key.
CREATE FUNCTION same_person_elsewhere(by_id bytea, by_person bytea, by_case bytea, seen uuid[]) RETURNS TABLE (office text, same_case bool)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT o.name, bool_or(a.case_index IS NOT NULL AND a.case_index IS NOT DISTINCT FROM by_case)
    FROM recipients r JOIN offices o ON o.id = r.office_id LEFT JOIN aid_awards a ON a.recipient_id = r.id
    WHERE (r.id_index = by_id OR r.person_index = by_person) AND r.office_id <> ALL (seen)
    GROUP BY o.id, o.name ORDER BY o.name LIMIT 5
$$;
REVOKE ALL ON FUNCTION same_person_elsewhere(bytea, bytea, bytea, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION same_person_elsewhere(bytea, bytea, bytea, uuid[]) TO aftercare_app, aftercare_work;

-- Who watches over an award that is paid bit by bit: the recipient's side, the village
-- and the office, by name in what is sealed.
CREATE TABLE fund_agreements (
    id            uuid PRIMARY KEY,
    recipient_id  uuid NOT NULL REFERENCES recipients,
    award_id      uuid NOT NULL REFERENCES aid_awards,
    signed_on     date NOT NULL,
    document_hash bytea,                 -- SHA-256 of the signed paper
    drawn_up_by   uuid NOT NULL REFERENCES users,
    drawn_up_at   timestamptz NOT NULL,
    sealed        bytea NOT NULL,        -- the three parties and the paper's number; under the recipient's key
    CONSTRAINT one_agreement_an_award UNIQUE (award_id),
    CONSTRAINT agreement_hash_is_sha256 CHECK (octet_length(document_hash) = 32)
);
CREATE INDEX fund_agreements_by_recipient ON fund_agreements (recipient_id);

CREATE TABLE instalments (
    id           uuid PRIMARY KEY,
    agreement_id uuid NOT NULL REFERENCES fund_agreements,
    recipient_id uuid NOT NULL REFERENCES recipients,
    n            int  NOT NULL,
    amount_fen   bigint NOT NULL,
    due_on       date NOT NULL,
    check_in_id  uuid REFERENCES check_ins,  -- whose fund questions are answered before it is released
    state        text NOT NULL DEFAULT 'waiting',
    drawn_up_by  uuid NOT NULL REFERENCES users,
    released_by  uuid REFERENCES users,
    released_at  timestamptz,
    look_on      date,                   -- the day the sweep looks at it; NULL: released
    sealed       bytea NOT NULL,         -- its condition; under the recipient's key
    CONSTRAINT instalment_is_named_once UNIQUE (agreement_id, n),
    CONSTRAINT instalment_is_positive CHECK (amount_fen > 0),
    CONSTRAINT instalment_state_is_known CHECK (state IN ('waiting', 'released')),
    CONSTRAINT released_instalment_says_by_whom CHECK ((state = 'released') = (released_by IS NOT NULL) AND (released_by IS NULL) = (released_at IS NULL)),
    CONSTRAINT released_after_a_named_check_in CHECK (state <> 'released' OR check_in_id IS NOT NULL),
    CONSTRAINT who_releases_is_not_who_drew_up CHECK (released_by <> drawn_up_by)
);
CREATE INDEX instalments_by_recipient ON instalments (recipient_id);
CREATE INDEX instalments_to_look_at ON instalments (look_on, id) WHERE look_on IS NOT NULL;

-- What the money was used for. Entries stay; a mistaken one is withdrawn beside itself.
CREATE TABLE fund_uses (
    id            uuid PRIMARY KEY,
    recipient_id  uuid NOT NULL REFERENCES recipients,
    award_id      uuid NOT NULL REFERENCES aid_awards,
    used_on       date NOT NULL,
    amount_fen    bigint NOT NULL,
    category      text NOT NULL,
    told_by       text NOT NULL,
    evidence      text NOT NULL,
    evidence_hash bytea,
    check_in_id   uuid REFERENCES check_ins,
    recorded_by   uuid REFERENCES users,
    recorded_at   timestamptz NOT NULL,
    sealed        bytea NOT NULL,        -- the evidence's reference and what else was said; under the recipient's key
    withdrawn_at  timestamptz,
    withdrawn_by  uuid REFERENCES users,
    CONSTRAINT fund_use_is_positive CHECK (amount_fen > 0),
    CONSTRAINT fund_use_hash_is_sha256 CHECK (octet_length(evidence_hash) = 32),
    CONSTRAINT withdrawn_use_says_by_whom CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL))
);
CREATE INDEX fund_uses_by_recipient ON fund_uses (recipient_id, used_on);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['fund_agreements', 'instalments', 'fund_uses']
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
GRANT UPDATE (state, check_in_id, due_on, look_on, released_by, released_at) ON instalments TO aftercare_app, aftercare_work;
GRANT UPDATE (withdrawn_at, withdrawn_by) ON fund_uses TO aftercare_app, aftercare_work;

-- Two files that turn out to be one person, two entries that are one contact. Whoever
-- proposes it does not decide it; both histories stay, and the file that goes points at
-- the one that stays.
ALTER TABLE recipients
    ADD COLUMN merged_into uuid REFERENCES recipients,
    ADD CONSTRAINT file_is_not_merged_into_itself CHECK (merged_into <> id);
CREATE INDEX recipients_merged ON recipients (merged_into) WHERE merged_into IS NOT NULL;
GRANT UPDATE (merged_into) ON recipients TO aftercare_app, aftercare_work;
ALTER TABLE care_plans
    DROP CONSTRAINT closing_path_is_known,
    ADD CONSTRAINT closing_path_is_known CHECK (closing_path IN ('', 'exit', 'death', 'moved_away', 'refusal', 'merged'));

CREATE TABLE merges (
    id          uuid PRIMARY KEY,
    office_id   uuid NOT NULL REFERENCES offices,
    kind        text NOT NULL,
    kept_id     uuid NOT NULL,           -- of recipients or village_contacts, as the kind says
    gone_id     uuid NOT NULL,
    state       text NOT NULL DEFAULT 'open',
    proposed_by uuid NOT NULL REFERENCES users,
    proposed_at timestamptz NOT NULL,
    decided_by  uuid REFERENCES users,
    decided_at  timestamptz,
    sealed      bytea NOT NULL,          -- why; under the key of what is kept
    CONSTRAINT merge_kind_is_known CHECK (kind IN ('file', 'contact')),
    CONSTRAINT merge_is_of_two CHECK (kept_id <> gone_id),
    CONSTRAINT merge_state_is_known CHECK (state IN ('open', 'done', 'rejected')),
    CONSTRAINT decided_merge_says_by_whom CHECK ((state = 'open') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL)),
    CONSTRAINT who_merges_is_not_who_proposed CHECK (state <> 'done' OR decided_by <> proposed_by)
);
CREATE UNIQUE INDEX one_open_merge ON merges (gone_id) WHERE state = 'open';
CREATE INDEX merges_open ON merges (office_id, id) WHERE state = 'open';
ALTER TABLE merges ENABLE ROW LEVEL SECURITY;
ALTER TABLE merges FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_sees_all ON merges TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY workers_see_all ON merges TO aftercare_work USING (true) WITH CHECK (true);
CREATE POLICY within_scope ON merges TO aftercare_app USING (office_id = ANY (scope())) WITH CHECK (office_id = ANY (scope()));
GRANT SELECT, INSERT ON merges TO aftercare_app, aftercare_work;
GRANT UPDATE (state, decided_by, decided_at) ON merges TO aftercare_app, aftercare_work;

-- with the file: fund_uses, instalments, fund_agreements; a merge keeps its row, its words go with the key.
INSERT INTO erased_with_file (table_name) VALUES ('fund_uses'), ('instalments'), ('fund_agreements');
CREATE FUNCTION forget_person() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.person_index := NULL; RETURN NEW; END $$;
CREATE TRIGGER erased_recipient_has_no_index BEFORE UPDATE ON recipients FOR EACH ROW WHEN (NEW.data_key IS NULL) EXECUTE FUNCTION forget_person();
CREATE FUNCTION forget_case() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.case_index := NULL; NEW.claim := NULL; NEW.hardship := ''; RETURN NEW; END $$;
CREATE TRIGGER erased_award_has_no_index BEFORE UPDATE ON aid_awards FOR EACH ROW WHEN (NEW.sealed IS NULL) EXECUTE FUNCTION forget_case();
