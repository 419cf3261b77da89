-- What is known of a number stands on the number: whether it is its contact's,
-- asked for no more texts, or takes none. A contact added later with the same
-- phone finds it there.

CREATE TABLE numbers (
    phone_index       bytea PRIMARY KEY,     -- as contacts and replies carry it
    state             text NOT NULL DEFAULT 'unverified',
    opted_out_at      timestamptz,
    unreachable_at    timestamptz,
    asked_at          timestamptz,           -- when the confirmation text went out, or was planned for
    verified_at       timestamptz,
    verified_by       uuid REFERENCES users, -- NULL: by the number's own answer
    quarantined_until timestamptz,
    handed_at         timestamptz,           -- when a person was asked to verify it
    reason            text NOT NULL DEFAULT '',
    updated_at        timestamptz NOT NULL,
    CONSTRAINT number_state_is_known CHECK (state IN ('unverified', 'asked', 'verified', 'quarantined', 'empty')),
    CONSTRAINT quarantined_number_has_an_end CHECK ((state = 'quarantined') = (quarantined_until IS NOT NULL)),
    CONSTRAINT verified_number_says_when CHECK (state <> 'verified' OR verified_at IS NOT NULL),
    CONSTRAINT empty_number_is_unreachable CHECK (state <> 'empty' OR unreachable_at IS NOT NULL)
);
CREATE INDEX numbers_to_ask ON numbers (phone_index) WHERE state = 'unverified' AND asked_at IS NULL;
CREATE INDEX numbers_in_quarantine ON numbers (quarantined_until) WHERE state = 'quarantined';
CREATE INDEX numbers_unanswered ON numbers (asked_at) WHERE state IN ('unverified', 'asked') AND handed_at IS NULL AND asked_at IS NOT NULL;

-- Numbers in use were texted and answered until now: they count as verified.
INSERT INTO numbers (phone_index, state, opted_out_at, unreachable_at, verified_at, reason, updated_at)
    SELECT phone_index, CASE WHEN max(unreachable_at) IS NULL THEN 'verified' ELSE 'empty' END, max(opted_out_at), max(unreachable_at),
        min(created_at), 'in use before numbers were verified', statement_timestamp()
    FROM village_contacts GROUP BY phone_index;
ALTER TABLE village_contacts DROP COLUMN opted_out_at, DROP COLUMN unreachable_at;

-- About which circumstances of a household a contact is never asked: flags of a file.
ALTER TABLE village_contacts ADD COLUMN barred_topics text[] NOT NULL DEFAULT '{}';

-- Who is never asked about a household, and why: kin of the offender, a creditor.
CREATE TABLE contact_conflicts (
    contact_id   uuid NOT NULL REFERENCES village_contacts,
    recipient_id uuid NOT NULL REFERENCES recipients,
    kind         text NOT NULL,
    noted_by     uuid REFERENCES users,
    at           timestamptz NOT NULL,
    ended_at     timestamptz,
    ended_by     uuid REFERENCES users,
    CONSTRAINT conflict_kind_is_known CHECK (kind IN ('kin_of_offender', 'creditor', 'barred_topic', 'other')),
    CONSTRAINT conflict_ends_after_it_began CHECK (ended_at >= at)
);
CREATE UNIQUE INDEX one_open_conflict_a_contact_and_household ON contact_conflicts (contact_id, recipient_id) WHERE ended_at IS NULL;
CREATE INDEX contact_conflicts_by_recipient ON contact_conflicts (recipient_id, at);

-- The work about a contact ends with what is done about the contact.
CREATE INDEX tasks_open_by_contact ON tasks (contact_id) WHERE state = 'open' AND contact_id IS NOT NULL;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['numbers', 'contact_conflicts']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_sees_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY workers_see_all ON %I TO aftercare_work USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO aftercare_app, aftercare_work', t);
    END LOOP;
END $$;

-- A number is nobody's: any office may bring it in, and those with a contact on it see it.
CREATE POLICY anybody_adds ON numbers FOR INSERT TO aftercare_app WITH CHECK (true);
CREATE POLICY with_its_contact ON numbers FOR SELECT TO aftercare_app
    USING (EXISTS (SELECT FROM village_contacts k WHERE k.phone_index = numbers.phone_index));
CREATE POLICY changed_with_its_contact ON numbers FOR UPDATE TO aftercare_app
    USING (EXISTS (SELECT FROM village_contacts k WHERE k.phone_index = numbers.phone_index))
    WITH CHECK (EXISTS (SELECT FROM village_contacts k WHERE k.phone_index = numbers.phone_index));
CREATE POLICY with_its_file ON contact_conflicts FOR SELECT TO aftercare_app
    USING (EXISTS (SELECT FROM recipients r WHERE r.id = recipient_id));
CREATE POLICY changed_with_its_file ON contact_conflicts TO aftercare_app
    USING (EXISTS (SELECT FROM recipients r WHERE r.id = recipient_id AND r.office_id = ANY (scope())))
    WITH CHECK (EXISTS (SELECT FROM recipients r WHERE r.id = recipient_id AND r.office_id = ANY (scope())));
