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

-- A supervisor's place on the ladder. The rung "office" is the office above.
ALTER TABLE grants
    ADD COLUMN position text NOT NULL DEFAULT 'head',
    ADD CONSTRAINT grant_position_is_known CHECK (position IN ('head', 'deputy', 'office'));

-- The ladder as data. A rung is reached so many working days or hours past the
-- clock of what is late: the due date of a check-in, the time to act of an alert.
-- Rung 0 of an alert is the plan's officer, told when it is raised. The same rung
-- is told again until somebody acknowledges, the last one until the deed is done.
-- '*' is the ladder of templates that have none of their own.
ALTER TABLE ladder_rungs
    ADD COLUMN subject         text NOT NULL DEFAULT 'overdue',
    ADD COLUMN hours           int  NOT NULL DEFAULT 0,
    ADD COLUMN repeat_workdays int  NOT NULL DEFAULT 0,   -- 0: not told again
    ADD COLUMN repeat_hours    int  NOT NULL DEFAULT 0,
    DROP CONSTRAINT ladder_rungs_pkey,
    ADD PRIMARY KEY (template_key, subject, rung),
    ADD CONSTRAINT ladder_subject_is_known CHECK (subject IN ('overdue', 'amber', 'red')),
    ADD CONSTRAINT ladder_role_is_known CHECK (role IN ('officer', 'head', 'deputy', 'office')),
    ADD CONSTRAINT ladder_rung_counts_days_or_hours CHECK (workdays = 0 OR hours = 0);
UPDATE ladder_rungs SET repeat_workdays = 5 WHERE role = 'office';
INSERT INTO ladder_rungs (template_key, subject, rung, role, workdays, hours, repeat_workdays, repeat_hours) VALUES
    ('*', 'overdue', 1, 'head', 5, 0, 0, 0), ('*', 'overdue', 2, 'deputy', 10, 0, 0, 0), ('*', 'overdue', 3, 'office', 15, 0, 5, 0),
    ('H', 'overdue', 1, 'head', 0, 4, 0, 0), ('H', 'overdue', 2, 'deputy', 0, 24, 0, 0), ('H', 'overdue', 3, 'office', 3, 0, 2, 0),
    ('C', 'overdue', 1, 'head', 0, 4, 0, 0), ('C', 'overdue', 2, 'deputy', 0, 24, 0, 0), ('C', 'overdue', 3, 'office', 3, 0, 2, 0),
    ('*', 'amber', 0, 'officer', 0, 0, 2, 0), ('*', 'amber', 1, 'head', 2, 0, 0, 0), ('*', 'amber', 2, 'deputy', 5, 0, 0, 0), ('*', 'amber', 3, 'office', 10, 0, 5, 0),
    ('G', 'amber', 0, 'officer', 0, 0, 2, 0), ('G', 'amber', 1, 'head', 5, 0, 0, 0), ('G', 'amber', 2, 'deputy', 10, 0, 0, 0), ('G', 'amber', 3, 'office', 15, 0, 5, 0),
    ('*', 'red', 0, 'officer', 0, 0, 0, 2), ('*', 'red', 1, 'head', 0, 4, 0, 4), ('*', 'red', 2, 'deputy', 0, 24, 0, 24), ('*', 'red', 3, 'office', 0, 72, 0, 24);

-- Who has been told of what is late, and when somebody is told next. It runs
-- until the deed is done, never until a time.
CREATE TABLE escalations (
    id           uuid PRIMARY KEY,
    office_id    uuid NOT NULL REFERENCES offices,
    recipient_id uuid NOT NULL REFERENCES recipients,
    plan_id      uuid REFERENCES care_plans,
    check_in_id  uuid REFERENCES check_ins,
    alert_id     uuid REFERENCES alerts,
    ladder       text NOT NULL,              -- the template's key
    subject      text NOT NULL,              -- which of its ladders
    priority     smallint NOT NULL,          -- 1 red, 3 the others: the reddest first
    clock        timestamptz NOT NULL,       -- the rungs count from here
    wording      text NOT NULL,              -- what the officer is texted; empty: the check-in's own reminders
    rung         int NOT NULL DEFAULT 0,     -- the highest told
    told_at      timestamptz,
    acknowledged int NOT NULL DEFAULT -1,    -- the highest rung that somebody answered for
    next_at      timestamptz NOT NULL,
    state        text NOT NULL DEFAULT 'running',
    started_at   timestamptz NOT NULL,
    stopped_at   timestamptz,
    stopped_why  text NOT NULL DEFAULT '',
    CONSTRAINT escalation_has_one_subject CHECK (num_nonnulls(check_in_id, alert_id) = 1),
    CONSTRAINT escalation_subject_is_known CHECK (subject IN ('overdue', 'amber', 'red')),
    CONSTRAINT escalation_priority_is_known CHECK (priority IN (1, 3)),
    CONSTRAINT escalation_state_is_known CHECK (state IN ('running', 'stopped')),
    CONSTRAINT escalation_stops_with_a_reason CHECK ((state = 'stopped') = (stopped_at IS NOT NULL AND stopped_why <> ''))
);
CREATE INDEX escalations_due ON escalations (priority, next_at, id) WHERE state = 'running';
CREATE UNIQUE INDEX one_running_escalation_a_check_in ON escalations (check_in_id) WHERE state = 'running' AND check_in_id IS NOT NULL;
CREATE UNIQUE INDEX one_running_escalation_an_alert ON escalations (alert_id) WHERE state = 'running' AND alert_id IS NOT NULL;
CREATE INDEX escalations_by_recipient ON escalations (recipient_id);
CREATE INDEX escalations_by_check_in ON escalations (check_in_id) WHERE check_in_id IS NOT NULL;

ALTER TABLE alerts ADD COLUMN snoozes int NOT NULL DEFAULT 0;

-- What was late when this came: it is looked at on the next sweep. Whoever was
-- told by the old way counts as told.
INSERT INTO escalations (id, office_id, recipient_id, plan_id, check_in_id, ladder, subject, priority, clock, wording, rung, next_at, started_at)
    SELECT gen_random_uuid(), c.office_id, c.recipient_id, c.plan_id, c.id, t.key, 'overdue', 3, (c.due + time '20:00') AT TIME ZONE 'Asia/Shanghai', '',
        CASE WHEN EXISTS (SELECT FROM messages m WHERE m.check_in_id = c.id AND m.purpose = 'supervisor_notice' AND m.dispatch IN ('sending', 'accepted', 'unknown')) THEN 1 ELSE 0 END,
        c.updated_at, c.updated_at
    FROM check_ins c JOIN care_plans p ON p.id = c.plan_id JOIN plan_templates t ON t.id = p.template_id WHERE c.state IN ('overdue', 'missed');
INSERT INTO escalations (id, office_id, recipient_id, plan_id, alert_id, ladder, subject, priority, clock, wording, told_at, next_at, started_at)
    SELECT gen_random_uuid(), a.office_id, a.recipient_id, a.plan_id, a.id, coalesce(t.key, '*'), CASE a.level WHEN 'red' THEN 'red' ELSE 'amber' END,
        CASE a.level WHEN 'red' THEN 1 ELSE 3 END, coalesce(a.act_by, a.opened_at), CASE a.level WHEN 'red' THEN 'officer_red' ELSE 'officer_signal' END,
        a.opened_at, coalesce(a.act_by, a.opened_at), a.opened_at
    FROM alerts a LEFT JOIN care_plans p ON p.id = a.plan_id LEFT JOIN plan_templates t ON t.id = p.template_id WHERE a.state <> 'closed';
UPDATE messages SET dispatch = 'cancelled', dispatch_reason = 'told by the ladder instead', dispatched_at = statement_timestamp()
    WHERE purpose = 'supervisor_notice' AND dispatch = 'planned';

-- Leave: who acts for whom, from and until which day.
CREATE TABLE absences (
    id          uuid PRIMARY KEY,
    office_id   uuid NOT NULL REFERENCES offices,
    user_id     uuid NOT NULL REFERENCES users,
    deputy_id   uuid NOT NULL REFERENCES users,
    from_on     date NOT NULL,
    until_on    date NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by uuid REFERENCES users,
    ended_at    timestamptz,                 -- back early, or never gone
    ended_by    uuid REFERENCES users,
    CONSTRAINT absence_is_ordered CHECK (until_on >= from_on),
    CONSTRAINT nobody_deputises_for_themself CHECK (deputy_id <> user_id)
);
CREATE INDEX absences_of ON absences (user_id, until_on) WHERE ended_at IS NULL;
CREATE INDEX absences_by_office ON absences (office_id, until_on, id) WHERE ended_at IS NULL;

-- The duty roster: who gets the red alert at 03:00. The newest entry that covers
-- the moment holds, so a swap is one more entry.
CREATE TABLE duties (
    id          uuid PRIMARY KEY,
    office_id   uuid NOT NULL REFERENCES offices,
    user_id     uuid NOT NULL REFERENCES users,
    from_at     timestamptz NOT NULL,
    until_at    timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by uuid REFERENCES users,
    CONSTRAINT duty_is_ordered CHECK (until_at > from_at)
);
CREATE INDEX duties_by_office ON duties (office_id, until_at);

-- How many texts a person of ours gets a day before the rest is told in a digest.
ALTER TABLE offices ADD COLUMN texts_a_day int NOT NULL DEFAULT 6 CONSTRAINT texts_a_day_is_positive CHECK (texts_a_day > 0);
ALTER TABLE users ADD COLUMN texts_a_day int CONSTRAINT texts_a_day_of_a_person_is_positive CHECK (texts_a_day > 0);  -- NULL: as the office has it
GRANT UPDATE (texts_a_day) ON users TO aftercare_app, aftercare_work;
CREATE INDEX messages_to_user ON messages (user_id, claimed_at) WHERE user_id IS NOT NULL AND claimed_at IS NOT NULL;
CREATE INDEX digests_planned ON messages (user_id) WHERE dispatch = 'planned' AND purpose = 'staff_digest';

-- The weekly digest goes to a supervisor once a week.
CREATE TABLE weekly_digests (
    user_id    uuid NOT NULL REFERENCES users,
    week       date NOT NULL,                -- its Monday
    office_id  uuid NOT NULL REFERENCES offices,
    message_id uuid NOT NULL REFERENCES messages,
    PRIMARY KEY (user_id, week)
);
CREATE INDEX weekly_digests_by_message ON weekly_digests (message_id);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['escalations', 'absences', 'duties', 'weekly_digests']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_sees_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY workers_see_all ON %I TO aftercare_work USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY within_scope ON %I TO aftercare_app USING (office_id = ANY (scope())) WITH CHECK (office_id = ANY (scope()))', t);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO aftercare_app, aftercare_work', t);
    END LOOP;
END $$;
GRANT UPDATE ON escalations TO aftercare_app, aftercare_work;
GRANT UPDATE (ended_at, ended_by) ON absences TO aftercare_app, aftercare_work;

-- Who hears, stands in and is on duty is asked for an office whose superiors the
-- asker may not see: these tell ids and nothing else.

-- Whoever stands on a rung of an office's ladder: the nearest there is.
CREATE FUNCTION who_hears(for_office uuid, on_rung text) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH able AS (
        SELECT g.user_id, g.position, cardinality(o.path) - array_position(o.path, g.office_id) AS above
        FROM offices o JOIN grants g ON g.office_id = ANY (o.path) AND g.role = 'supervisor'
        JOIN users u ON u.id = g.user_id AND u.state = 'active'
        WHERE o.id = for_office),
    ranked AS (
        SELECT user_id, min(CASE
            WHEN above > 0 THEN above + CASE on_rung WHEN 'office' THEN 0 ELSE 3 END
            WHEN on_rung = 'office' THEN 100
            WHEN position = on_rung THEN 0
            WHEN on_rung = 'head' THEN CASE position WHEN 'deputy' THEN 1 ELSE 2 END
            WHEN position = 'office' THEN 1
            ELSE 99 END) AS rank
        FROM able GROUP BY user_id)
    SELECT user_id FROM ranked WHERE rank = (SELECT min(rank) FROM ranked) ORDER BY user_id
$$;

-- Who acts for a person on a day: themself, or the first of the chain of deputies
-- who is there; nobody when all are away. The chain is walked once round at most.
CREATE FUNCTION stands_in(for_user uuid, on_day date) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH RECURSIVE chain (user_id, seen) AS (
        SELECT for_user, ARRAY[for_user]
        UNION ALL
        SELECT a.deputy_id, c.seen || a.deputy_id FROM chain c JOIN absences a ON a.user_id = c.user_id
        WHERE a.ended_at IS NULL AND on_day BETWEEN a.from_on AND a.until_on AND a.deputy_id <> ALL (c.seen))
    SELECT c.user_id FROM chain c JOIN users u ON u.id = c.user_id AND u.state = 'active'
    WHERE NOT EXISTS (SELECT FROM absences a WHERE a.user_id = c.user_id AND a.ended_at IS NULL AND on_day BETWEEN a.from_on AND a.until_on)
    ORDER BY cardinality(c.seen) LIMIT 1
$$;

-- Until when a person is on leave on that day; nothing when they are there.
CREATE FUNCTION away_until(for_user uuid, on_day date) RETURNS date
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT max(until_on) FROM absences WHERE user_id = for_user AND ended_at IS NULL AND on_day BETWEEN from_on AND until_on
$$;

-- Whether a deputy of these days would lead back to the person.
CREATE FUNCTION deputies_loop(for_user uuid, first_deputy uuid, from_day date, until_day date) RETURNS bool
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH RECURSIVE chain (user_id, lo, hi, links) AS (
        SELECT first_deputy, from_day, until_day, 1
        UNION ALL
        SELECT a.deputy_id, greatest(c.lo, a.from_on), least(c.hi, a.until_on), c.links + 1
        FROM chain c JOIN absences a ON a.user_id = c.user_id
        WHERE a.ended_at IS NULL AND a.from_on <= c.hi AND a.until_on >= c.lo AND c.user_id <> for_user AND c.links < 50)
    SELECT EXISTS (SELECT FROM chain WHERE user_id = for_user)
$$;

-- Whether the deputy holds, over the person's office, every role the person has to be stood in for.
CREATE FUNCTION may_deputise(for_user uuid, deputy uuid) RETURNS bool
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM users u WHERE u.id = deputy AND u.state = 'active')
        AND NOT EXISTS (SELECT FROM grants g JOIN offices o ON o.id = g.office_id WHERE g.user_id = for_user AND g.role IN ('officer', 'supervisor')
            AND NOT EXISTS (SELECT FROM grants d WHERE d.user_id = deputy AND d.role = g.role AND d.office_id = ANY (o.path)))
$$;

-- Who is on duty for an office at a moment: by its own roster, else the nearest above.
CREATE FUNCTION on_duty(for_office uuid, at_moment timestamptz) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT d.user_id FROM offices o JOIN duties d ON d.office_id = ANY (o.path) JOIN users u ON u.id = d.user_id AND u.state = 'active'
    WHERE o.id = for_office AND d.from_at <= at_moment AND d.until_at > at_moment
    ORDER BY array_position(o.path, d.office_id) DESC, d.recorded_at DESC, d.id DESC LIMIT 1
$$;

REVOKE ALL ON FUNCTION who_hears(uuid, text), stands_in(uuid, date), away_until(uuid, date), deputies_loop(uuid, uuid, date, date),
    may_deputise(uuid, uuid), on_duty(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION who_hears(uuid, text), stands_in(uuid, date), away_until(uuid, date), deputies_loop(uuid, uuid, date, date),
    may_deputise(uuid, uuid), on_duty(uuid, timestamptz) TO aftercare_app, aftercare_work;
