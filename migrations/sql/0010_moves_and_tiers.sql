-- What a change of calendar, template or tier may move, and how closely a
-- household is looked after.

ALTER TABLE check_ins ADD COLUMN fixed bool NOT NULL DEFAULT false;  -- agreed or moved by a person: no recalculation moves it
UPDATE check_ins SET fixed = true WHERE reason = 'moved by an officer';

-- The tier overlays extra steps on the template: up by itself, down by a person.
ALTER TABLE care_plans
    ADD COLUMN tier       text NOT NULL DEFAULT 'green',
    ADD COLUMN tier_since date,
    ADD CONSTRAINT plan_tier_is_known CHECK (tier IN ('green', 'amber', 'red'));

-- New kinds of work, of asks and of ends come with the migrations that follow; the last of them names all.
ALTER TABLE tasks DROP CONSTRAINT task_kind_is_known;
ALTER TABLE asks DROP CONSTRAINT ask_purpose_is_known;
ALTER TABLE alerts DROP CONSTRAINT alert_state_is_known;
