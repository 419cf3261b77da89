-- A recorded home visit that the village contact is asked to confirm, with one
-- code: one in so many, chosen by its id, and any other that a supervisor asks
-- about. A visit is asked about once.
ALTER TABLE asks DROP CONSTRAINT ask_purpose_is_known;
ALTER TABLE asks ADD CONSTRAINT ask_purpose_is_known
    CHECK (purpose IN ('village_request', 'officer_reminder', 'supervisor_notice', 'officer_alert', 'visit_confirmation'));

CREATE TABLE visit_confirmations (
    check_in_id  uuid PRIMARY KEY REFERENCES check_ins,
    recipient_id uuid NOT NULL REFERENCES recipients,
    ask_id       uuid REFERENCES asks,            -- NULL: nobody in the village could be asked
    asked_by     uuid REFERENCES users,           -- NULL: it was chosen by its id
    asked_at     timestamptz NOT NULL,
    answer_by    timestamptz,
    state        text NOT NULL,
    reason       text NOT NULL DEFAULT '',        -- why it ended without an answer
    ended_at     timestamptz,
    CONSTRAINT confirmation_state_is_known CHECK (state IN ('asked', 'confirmed', 'doubted', 'unanswered', 'not_asked', 'withdrawn')),
    CONSTRAINT confirmation_ends_once CHECK ((state = 'asked') = (ended_at IS NULL)),
    CONSTRAINT unasked_confirmation_has_no_ask CHECK ((state = 'not_asked') = (ask_id IS NULL) AND (ask_id IS NULL) = (answer_by IS NULL)),
    CONSTRAINT confirmation_without_an_answer_says_why CHECK (state IN ('asked', 'confirmed', 'doubted') OR reason <> '')
);
CREATE INDEX visit_confirmations_waiting ON visit_confirmations (answer_by) WHERE state = 'asked';
CREATE INDEX visit_confirmations_by_recipient ON visit_confirmations (recipient_id);

ALTER TABLE visit_confirmations ENABLE ROW LEVEL SECURITY;
ALTER TABLE visit_confirmations FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_sees_all ON visit_confirmations TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY workers_see_all ON visit_confirmations TO aftercare_work USING (true) WITH CHECK (true);
CREATE POLICY with_its_file ON visit_confirmations FOR SELECT TO aftercare_app
    USING (EXISTS (SELECT FROM recipients r WHERE r.id = visit_confirmations.recipient_id));
CREATE POLICY changed_with_its_file ON visit_confirmations TO aftercare_app
    USING (EXISTS (SELECT FROM recipients r WHERE r.id = visit_confirmations.recipient_id AND r.office_id = ANY (scope())))
    WITH CHECK (EXISTS (SELECT FROM recipients r WHERE r.id = visit_confirmations.recipient_id AND r.office_id = ANY (scope())));
GRANT SELECT, INSERT ON visit_confirmations TO aftercare_app, aftercare_work;
GRANT UPDATE (ask_id, asked_by, asked_at, answer_by, state, reason, ended_at) ON visit_confirmations TO aftercare_app, aftercare_work;
