-- A village check-in that nobody answers, or that nobody can be asked about by
-- text, becomes a phone call of the officer; and goes back when the contact may be
-- texted again before it is due.
ALTER TABLE check_ins
    ADD COLUMN phone_from    date,                       -- when it is looked whether the village kept silent
    ADD COLUMN by_phone      text NOT NULL DEFAULT '',   -- why it is a phone call though the plan asks the village
    ADD COLUMN village_title text NOT NULL DEFAULT '',   -- what it was called before
    ADD CONSTRAINT only_phone_calls_stand_in CHECK (by_phone = '' OR kind = 'phone');
CREATE INDEX check_ins_maybe_silent ON check_ins (phone_from)
    WHERE phone_from IS NOT NULL AND asks_village AND state IN ('planned', 'overdue', 'missed');
-- What the village was asked before is looked at when it is due.
UPDATE check_ins SET phone_from = due WHERE asks_village AND messages_planned AND state IN ('planned', 'overdue', 'missed');
