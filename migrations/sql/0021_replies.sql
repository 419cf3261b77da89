-- What each part of a reply was about, who settled the rest, and whose number it
-- came from.

ALTER TABLE inbound_messages
    ADD COLUMN mark         text NOT NULL DEFAULT '',      -- of the text as a whole: stop, start, urgent, unclear, echo, automatic
    ADD COLUMN clarified_by uuid REFERENCES messages,      -- the one text that asked what was meant
    ADD COLUMN suggested    uuid[] NOT NULL DEFAULT '{}',  -- the asks it may have meant, when it was asked
    ADD COLUMN sealed_for   uuid[];                        -- the recipients whose keys, one around the other, close the words; NULL: recipient_id's, else the line's
CREATE INDEX inbound_in_triage ON inbound_messages (office_id, id) WHERE state = 'triage';
CREATE INDEX inbound_asked_back ON inbound_messages (sender_index) WHERE state = 'triage' AND clarified_by IS NOT NULL;
CREATE INDEX tasks_by_inbound ON tasks (inbound_id) WHERE inbound_id IS NOT NULL AND state = 'open';
CREATE INDEX asks_settled_by_contact ON asks (contact_id, closed_at) WHERE contact_id IS NOT NULL AND state <> 'open';

-- One reply may be about several households: each part, what it was matched to,
-- and why. What a person decides later is one more row. It only grows.
CREATE TABLE inbound_answers (
    inbound_id   uuid NOT NULL REFERENCES inbound_messages,
    position     int  NOT NULL,
    recipient_id uuid REFERENCES recipients,
    ask_id       uuid REFERENCES asks,
    digit        int,
    how          text NOT NULL DEFAULT '',   -- by what it was matched
    decision     text NOT NULL,
    reason       text NOT NULL,
    decided_by   uuid REFERENCES users,      -- NULL: by the rules
    at           timestamptz NOT NULL,
    PRIMARY KEY (inbound_id, position),
    CONSTRAINT inbound_answer_is_known CHECK (decision IN
        ('matched', 'late', 'unverified', 'triage', 'attempted', 'noted', 'wrong_number', 'nothing')),
    CONSTRAINT inbound_answer_has_a_reason CHECK (reason <> ''),
    CONSTRAINT inbound_answer_digit_is_known CHECK (digit BETWEEN 0 AND 4)
);
CREATE INDEX inbound_answers_by_recipient ON inbound_answers (recipient_id, inbound_id) WHERE recipient_id IS NOT NULL;
INSERT INTO inbound_answers (inbound_id, position, recipient_id, ask_id, decision, reason, at)
    SELECT id, 1, recipient_id, ask_id, CASE state WHEN 'matched' THEN 'matched' ELSE 'triage' END, reason, coalesce(handled_at, received_at)
    FROM inbound_messages WHERE state <> 'stored' AND reason <> '';

DO $$
DECLARE
    t text := 'inbound_answers';
BEGIN
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY owner_sees_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY workers_see_all ON %I TO aftercare_work USING (true) WITH CHECK (true)', t);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO aftercare_app, aftercare_work', t);
END $$;
-- A part that is about a household belongs to its file, and moves with it; one that
-- is about none belongs to the reply.
CREATE POLICY with_its_file ON inbound_answers FOR SELECT TO aftercare_app
    USING (EXISTS (SELECT FROM recipients r WHERE r.id = inbound_answers.recipient_id AND r.office_id = ANY (scope()))
        OR recipient_id IS NULL AND EXISTS (SELECT FROM inbound_messages i WHERE i.id = inbound_answers.inbound_id));
CREATE POLICY added_within_scope ON inbound_answers FOR INSERT TO aftercare_app
    WITH CHECK (EXISTS (SELECT FROM inbound_messages i WHERE i.id = inbound_answers.inbound_id)
        AND (recipient_id IS NULL OR EXISTS (SELECT FROM recipients r WHERE r.id = inbound_answers.recipient_id AND r.office_id = ANY (scope()))));

-- Which of our own people a number belongs to. The numbers are sealed, so the
-- service fills it in: NULL is not looked at yet, empty has no number.
ALTER TABLE users ADD COLUMN phone_index bytea;
CREATE INDEX users_by_phone ON users (phone_index) WHERE phone_index <> '';
CREATE INDEX users_to_index ON users (id) WHERE phone_index IS NULL;
GRANT UPDATE (phone_index) ON users TO aftercare_app, aftercare_work;
