-- Every time a text was put off, and why: the reason beside it is only the last one (P8).
ALTER TABLE messages ADD COLUMN deferrals jsonb NOT NULL DEFAULT '[]';

-- Kinds of asks and states of alerts are few and settled; kinds of tasks grow
-- with the verbs that open them and are kept by the code: work that a check
-- refuses would be work that nobody does.
ALTER TABLE asks ADD CONSTRAINT ask_purpose_is_known CHECK (purpose IN ('village_request', 'officer_reminder', 'supervisor_notice', 'officer_alert'));
ALTER TABLE alerts ADD CONSTRAINT alert_state_is_known CHECK (state IN ('open', 'acknowledged', 'closed'));
