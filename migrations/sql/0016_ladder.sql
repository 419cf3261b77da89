-- Alerts and the ladder of escalation: who hears when, who stands in, and how
-- many texts a person gets a day.

-- An alert is acknowledged by name, put off only with a reason, and ends by a
-- deed: resolved or false by a person, superseded by what is known later.
ALTER TABLE alerts
    ADD COLUMN outcome         text,
    ADD COLUMN why             text NOT NULL DEFAULT '',  -- of a list; what a person wrote stands sealed in the history
    ADD COLUMN acknowledged_at timestamptz,
    ADD COLUMN acknowledged_by uuid REFERENCES users,
    ADD COLUMN snoozed_until   timestamptz;
UPDATE alerts SET outcome = 'resolved', why = 'its task was done' WHERE state = 'closed';
ALTER TABLE alerts
    ADD CONSTRAINT alert_outcome_is_known CHECK (outcome IN ('resolved', 'false', 'superseded')),
    ADD CONSTRAINT alert_is_closed_with_an_outcome CHECK ((state = 'closed') = (outcome IS NOT NULL));
CREATE INDEX alerts_open ON alerts (office_id, opened_at, id) WHERE state <> 'closed';

-- Why work ended that a deed elsewhere ended.
ALTER TABLE tasks ADD COLUMN ended_why text NOT NULL DEFAULT '';
