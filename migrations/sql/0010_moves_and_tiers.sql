-- What a change of calendar, template or tier may move, and how closely a
-- household is looked after.

ALTER TABLE check_ins ADD COLUMN fixed bool NOT NULL DEFAULT false;  -- agreed or moved by a person: no recalculation moves it
UPDATE check_ins SET fixed = true WHERE reason = 'moved by an officer';

-- The tier overlays extra steps on the template: up by itself, down by a person.
ALTER TABLE care_plans
    ADD COLUMN tier       text NOT NULL DEFAULT 'green',
    ADD COLUMN tier_since date,
    ADD CONSTRAINT plan_tier_is_known CHECK (tier IN ('green', 'amber', 'red'));
