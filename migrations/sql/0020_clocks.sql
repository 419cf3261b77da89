-- Clocks that nobody can set back or stand still: a tier's clock runs in hours
-- through rest days and nights.

-- A check-in of a real-time step is late by the hour, not by the day.
ALTER TABLE check_ins
    ADD COLUMN real_time bool NOT NULL DEFAULT false,
    ADD COLUMN act_by    timestamptz;
UPDATE check_ins c SET real_time = true,
    act_by = CASE WHEN c.due > (c.created_at AT TIME ZONE 'Asia/Shanghai')::date
        THEN c.created_at + (c.due - (c.created_at AT TIME ZONE 'Asia/Shanghai')::date) * interval '24 hours'
        ELSE (c.due + 1)::timestamp AT TIME ZONE 'Asia/Shanghai' END
    WHERE c.step = 'tier-red-contact' OR EXISTS (
        SELECT FROM care_plans p JOIN template_steps s ON s.template_id = p.template_id AND s.key = c.step AND s.real_time WHERE p.id = c.plan_id);
ALTER TABLE check_ins ADD CONSTRAINT real_time_check_in_has_its_hour CHECK (real_time = (act_by IS NOT NULL));
CREATE INDEX check_ins_on_the_clock ON check_ins (act_by) WHERE state = 'planned' AND real_time;

-- Its ladder is climbed at any hour, whatever the template: tier red lays the same
-- contact over all of them.
ALTER TABLE ladder_rungs
    DROP CONSTRAINT ladder_subject_is_known,
    ADD CONSTRAINT ladder_subject_is_known CHECK (subject IN ('overdue', 'amber', 'red', 'clock'));
ALTER TABLE escalations
    DROP CONSTRAINT escalation_subject_is_known,
    ADD CONSTRAINT escalation_subject_is_known CHECK (subject IN ('overdue', 'amber', 'red', 'clock'));
INSERT INTO ladder_rungs (template_key, subject, rung, role, workdays, hours, repeat_workdays, repeat_hours) VALUES
    ('*', 'clock', 1, 'officer', 0, 0, 0, 0), ('*', 'clock', 2, 'head', 0, 4, 0, 0),
    ('*', 'clock', 3, 'deputy', 0, 24, 0, 0), ('*', 'clock', 4, 'office', 0, 72, 0, 24);

-- The date a check-in had before a person first moved it: how far it may be put
-- off counts from there, however often it is moved.
ALTER TABLE check_ins ADD COLUMN first_due date;
UPDATE check_ins c SET first_due = (
        SELECT min(h.due) FROM (SELECT c.due UNION ALL SELECT (e.clock AT TIME ZONE 'Asia/Shanghai')::date FROM escalations e WHERE e.check_in_id = c.id) h)
    WHERE c.fixed AND c.state IN ('planned', 'overdue', 'missed');

-- What a check-in was when a pause or a death cancelled it: it comes back as that.
ALTER TABLE check_ins
    ADD COLUMN cancelled_from text NOT NULL DEFAULT '',
    ADD CONSTRAINT check_in_was_cancelled_from_an_open_state CHECK (cancelled_from IN ('', 'planned', 'overdue', 'missed'));
UPDATE check_ins c SET cancelled_from = CASE
        WHEN NOT EXISTS (SELECT FROM escalations e WHERE e.check_in_id = c.id AND e.stopped_why = c.reason) THEN 'planned'
        WHEN c.closes < (c.updated_at AT TIME ZONE 'Asia/Shanghai')::date THEN 'missed' ELSE 'overdue' END
    FROM care_plans p WHERE p.id = c.plan_id AND p.state = 'paused' AND c.state = 'cancelled' AND c.reason IN ('the plan was paused', 'the recipient died')
        AND c.updated_at = (SELECT max(l.updated_at) FROM check_ins l WHERE l.plan_id = p.id AND l.state = 'cancelled' AND l.reason = c.reason);

-- A review that nobody takes up climbs a ladder of its own, about the plan itself.
ALTER TABLE ladder_rungs
    DROP CONSTRAINT ladder_subject_is_known,
    ADD CONSTRAINT ladder_subject_is_known CHECK (subject IN ('overdue', 'amber', 'red', 'clock', 'review'));
ALTER TABLE escalations
    DROP CONSTRAINT escalation_subject_is_known,
    ADD CONSTRAINT escalation_subject_is_known CHECK (subject IN ('overdue', 'amber', 'red', 'clock', 'review')),
    DROP CONSTRAINT escalation_has_one_subject,
    ADD CONSTRAINT escalation_has_one_subject CHECK
        (CASE subject WHEN 'review' THEN plan_id IS NOT NULL AND num_nonnulls(check_in_id, alert_id) = 0 ELSE num_nonnulls(check_in_id, alert_id) = 1 END);
CREATE UNIQUE INDEX one_running_escalation_a_review ON escalations (plan_id) WHERE state = 'running' AND subject = 'review';
INSERT INTO ladder_rungs (template_key, subject, rung, role, workdays, hours, repeat_workdays, repeat_hours) VALUES
    ('*', 'review', 1, 'officer', 0, 0, 0, 0), ('*', 'review', 2, 'head', 2, 0, 0, 0), ('*', 'review', 3, 'deputy', 5, 0, 0, 0), ('*', 'review', 4, 'office', 10, 0, 5, 0),
    ('G', 'review', 1, 'officer', 0, 0, 0, 0), ('G', 'review', 2, 'head', 5, 0, 0, 0), ('G', 'review', 3, 'deputy', 10, 0, 0, 0), ('G', 'review', 4, 'office', 15, 0, 5, 0);
ALTER TABLE asks
    ADD COLUMN review_of uuid REFERENCES care_plans,
    DROP CONSTRAINT ask_has_one_subject,
    ADD CONSTRAINT ask_has_one_subject CHECK (num_nonnulls(check_in_id, alert_id, review_of) = 1);
CREATE UNIQUE INDEX one_ask_a_party_and_review ON asks (review_of, party_id, purpose) WHERE review_of IS NOT NULL;

-- Reviews that wait already are told from now on.
INSERT INTO escalations (id, office_id, recipient_id, plan_id, ladder, subject, priority, clock, wording, next_at, started_at)
    SELECT gen_random_uuid(), p.office_id, p.recipient_id, p.id, t.key, 'review', 3, k.opened_at, 'officer_review', k.opened_at, k.opened_at
    FROM tasks k JOIN care_plans p ON p.id = k.plan_id JOIN plan_templates t ON t.id = p.template_id
    WHERE k.kind = 'plan_review' AND k.state = 'open' AND p.state <> 'closed' AND p.review_on IS NOT NULL;
UPDATE tasks k SET state = 'done', done_at = p.updated_at, ended_why = 'the review was taken up'
    FROM care_plans p WHERE p.id = k.plan_id AND k.kind = 'plan_review' AND k.state = 'open' AND (p.state = 'closed' OR p.review_on IS NULL);
