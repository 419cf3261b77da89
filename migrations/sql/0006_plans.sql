-- Templates as versioned data, the plans made from them, the check-ins they lay down.

CREATE TABLE plan_templates (
    id         uuid PRIMARY KEY,
    key        text NOT NULL,
    version    int  NOT NULL,
    name       text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT template_version_is_unique UNIQUE (key, version)
);

CREATE TABLE template_steps (
    template_id    uuid NOT NULL REFERENCES plan_templates,
    position       int  NOT NULL,
    key            text NOT NULL,
    occasion       text NOT NULL,
    title          text NOT NULL,
    kind           text NOT NULL,
    anchor         text NOT NULL,
    offset_days    int  NOT NULL,
    every_days     int  NOT NULL,        -- 0: once; else for ever
    lead_days      int  NOT NULL,
    grace_workdays int  NOT NULL,
    scored         bool NOT NULL,
    asks_village   bool NOT NULL,
    closure        bool NOT NULL,
    PRIMARY KEY (template_id, position),
    CONSTRAINT step_key_is_unique UNIQUE (template_id, key),
    CONSTRAINT step_kind_is_known CHECK (kind IN ('phone', 'home', 'village')),
    CONSTRAINT step_anchor_is_known CHECK (anchor IN ('payment', 'start')),
    CONSTRAINT only_village_steps_ask CHECK (kind = 'village' OR NOT asks_village)
);

-- The ladder as data: who hears of an overdue check-in after how many working days.
CREATE TABLE ladder_rungs (
    template_key text NOT NULL,
    rung         int  NOT NULL,
    role         text NOT NULL,
    workdays     int  NOT NULL,
    PRIMARY KEY (template_key, rung)
);
INSERT INTO ladder_rungs VALUES
    ('G', 1, 'head', 5), ('G', 2, 'deputy', 10), ('G', 3, 'office', 15),
    ('K', 1, 'head', 2), ('K', 2, 'deputy', 5), ('K', 3, 'office', 10);

CREATE TABLE care_plans (
    id                 uuid PRIMARY KEY,
    office_id          uuid NOT NULL REFERENCES offices,
    recipient_id       uuid NOT NULL REFERENCES recipients,
    template_id        uuid NOT NULL REFERENCES plan_templates,
    officer_id         uuid NOT NULL REFERENCES users,
    primary_contact_id uuid REFERENCES village_contacts,
    backup_contact_id  uuid REFERENCES village_contacts,
    state              text NOT NULL,
    paid_on            date,             -- the anchor; else started_on
    started_on         date,
    rolled_until       date,             -- check-ins are laid down to here
    review_on          date,             -- what keeps a plan that is not running from being forgotten
    reason             text NOT NULL DEFAULT '',
    closing_by         uuid REFERENCES users,
    closed_by          uuid REFERENCES users,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    CONSTRAINT plan_state_is_known CHECK (state IN ('draft', 'active', 'paused', 'closing', 'closed')),
    CONSTRAINT plan_at_rest_has_a_review CHECK (state NOT IN ('draft', 'paused') OR review_on IS NOT NULL),
    CONSTRAINT running_plan_is_anchored CHECK (state IN ('draft', 'closed') OR started_on IS NOT NULL),
    CONSTRAINT who_closes_is_not_who_proposed CHECK (closed_by IS DISTINCT FROM closing_by OR closed_by IS NULL)
);
CREATE UNIQUE INDEX one_open_plan_a_recipient ON care_plans (recipient_id) WHERE state <> 'closed';
CREATE INDEX care_plans_to_roll ON care_plans (rolled_until) WHERE state IN ('active', 'closing');
CREATE INDEX care_plans_to_review ON care_plans (review_on) WHERE state <> 'closed' AND review_on IS NOT NULL;
CREATE INDEX care_plans_by_office ON care_plans (office_id, id);
CREATE INDEX care_plans_by_officer ON care_plans (officer_id) WHERE state <> 'closed';
CREATE INDEX care_plans_by_recipient ON care_plans (recipient_id);
CREATE INDEX care_plans_by_primary_contact ON care_plans (primary_contact_id) WHERE state <> 'closed';
CREATE INDEX care_plans_by_backup_contact ON care_plans (backup_contact_id) WHERE state <> 'closed';

-- Joint aid: an office that may see one plan (and its recipient) of another.
CREATE TABLE plan_grants (
    plan_id      uuid NOT NULL REFERENCES care_plans,
    recipient_id uuid NOT NULL REFERENCES recipients,
    office_id    uuid NOT NULL REFERENCES offices,
    granted_at   timestamptz NOT NULL,
    PRIMARY KEY (plan_id, office_id)
);
CREATE INDEX plan_grants_by_recipient ON plan_grants (recipient_id);

CREATE TABLE check_ins (
    id               uuid PRIMARY KEY,
    office_id        uuid NOT NULL REFERENCES offices,
    plan_id          uuid NOT NULL REFERENCES care_plans,
    recipient_id     uuid NOT NULL REFERENCES recipients,
    step             text NOT NULL,
    n                int  NOT NULL,
    occasion         text NOT NULL,
    title            text NOT NULL,
    kind             text NOT NULL,
    due              date NOT NULL,
    opens            date NOT NULL,
    closes           date NOT NULL,
    scored           bool NOT NULL,
    asks_village     bool NOT NULL,
    state            text NOT NULL,
    reason           text NOT NULL DEFAULT '',
    messages_from    date NOT NULL,      -- the day its first text may go out
    messages_planned bool NOT NULL DEFAULT false,
    next_try_on      date,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    CONSTRAINT check_in_window_is_ordered CHECK (opens <= due AND due <= closes),
    CONSTRAINT check_in_kind_is_known CHECK (kind IN ('phone', 'home', 'village')),
    CONSTRAINT check_in_state_is_known CHECK
        (state IN ('planned', 'overdue', 'missed', 'done', 'cancelled', 'superseded', 'before_enrolment'))
);
CREATE UNIQUE INDEX check_in_of_a_step_is_unique ON check_ins (plan_id, step, n) WHERE state NOT IN ('cancelled', 'superseded');
CREATE INDEX check_ins_open ON check_ins (office_id, due, id) WHERE state IN ('planned', 'overdue', 'missed');
CREATE INDEX check_ins_begun ON check_ins (office_id, opens) WHERE state = 'planned';
CREATE INDEX check_ins_to_plan ON check_ins (messages_from) WHERE state = 'planned' AND NOT messages_planned;
CREATE INDEX check_ins_to_mark_overdue ON check_ins (due) WHERE state = 'planned';
CREATE INDEX check_ins_to_mark_missed ON check_ins (closes) WHERE state = 'overdue';
CREATE INDEX check_ins_late ON check_ins (office_id) WHERE state IN ('overdue', 'missed');
CREATE INDEX check_ins_by_plan ON check_ins (plan_id, due, id);
CREATE INDEX check_ins_by_recipient ON check_ins (recipient_id, due, id);

-- A record is one try at a check-in: reached or not. A correction is a new
-- version beside the old one.
CREATE TABLE check_in_records (
    id            uuid PRIMARY KEY,
    check_in_id   uuid NOT NULL REFERENCES check_ins,
    recipient_id  uuid NOT NULL REFERENCES recipients,
    outcome       text NOT NULL,
    informant     text NOT NULL DEFAULT '',
    asked_village bool NOT NULL DEFAULT false,     -- a village informant was heard too (L21)
    occurred_at   timestamptz NOT NULL,
    recorded_at   timestamptz NOT NULL,
    recorded_by   uuid REFERENCES users,
    late          bool NOT NULL,
    sealed        bytea,                 -- note, needs, household changes, receipt and use of the money
    CONSTRAINT record_outcome_is_known CHECK (outcome IN
        ('reached', 'refused', 'no_answer', 'number_dead', 'away', 'moved', 'deceased', 'in_custody', 'suspected_fraud', 'not_seen')),
    CONSTRAINT record_is_not_from_the_future CHECK (occurred_at <= recorded_at)
);
CREATE INDEX check_in_records_by_check_in ON check_in_records (check_in_id, recorded_at);
CREATE INDEX check_in_records_by_recipient ON check_in_records (recipient_id, occurred_at);

CREATE TABLE assessments (
    id           uuid PRIMARY KEY,
    recipient_id uuid NOT NULL REFERENCES recipients,
    check_in_id  uuid NOT NULL REFERENCES check_ins,
    record_id    uuid NOT NULL REFERENCES check_in_records,
    kind         text NOT NULL,
    occurred_at  timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    scores       smallint[] NOT NULL,    -- D1..D10; -1 not observed, -2 not applicable
    index        smallint NOT NULL,
    complete     bool NOT NULL,
    counts       bool NOT NULL,          -- after the baseline home visit and its village informant (L21)
    CONSTRAINT assessment_has_ten_domains CHECK (cardinality(scores) = 10),
    CONSTRAINT assessment_index_is_a_percentage CHECK (index BETWEEN 0 AND 100)
);
CREATE INDEX assessments_by_recipient ON assessments (recipient_id, occurred_at);
