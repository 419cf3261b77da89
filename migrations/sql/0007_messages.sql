-- Asks, the texts that carry them, and what comes back.

CREATE TABLE alerts (
    id           uuid PRIMARY KEY,
    office_id    uuid NOT NULL REFERENCES offices,
    recipient_id uuid NOT NULL REFERENCES recipients,
    plan_id      uuid REFERENCES care_plans,
    check_in_id  uuid REFERENCES check_ins,
    rule         text NOT NULL,
    rule_version int  NOT NULL,
    level        text NOT NULL,
    cause        text NOT NULL,          -- one open alert a cause
    act_by       timestamptz,
    state        text NOT NULL DEFAULT 'open',
    opened_at    timestamptz NOT NULL,
    closed_at    timestamptz,
    closed_by    uuid REFERENCES users,
    CONSTRAINT alert_level_is_known CHECK (level IN ('red', 'amber', 'notice')),
    CONSTRAINT alert_state_is_known CHECK (state IN ('open', 'acknowledged', 'closed'))
);
CREATE UNIQUE INDEX one_open_alert_a_cause ON alerts (recipient_id, cause) WHERE state <> 'closed';

-- One request to one party about one check-in or alert. A message may carry
-- several asks; the same ask is never sent twice in the same round.
CREATE TABLE asks (
    id           uuid PRIMARY KEY,
    office_id    uuid NOT NULL REFERENCES offices,
    recipient_id uuid NOT NULL REFERENCES recipients,
    check_in_id  uuid REFERENCES check_ins,
    alert_id     uuid REFERENCES alerts,
    contact_id   uuid REFERENCES village_contacts,
    user_id      uuid REFERENCES users,
    party_id     uuid GENERATED ALWAYS AS (coalesce(contact_id, user_id)) STORED,
    purpose      text NOT NULL,
    line_id      uuid NOT NULL REFERENCES lines,
    code         text,                   -- given when it is first sent
    rounds       int  NOT NULL DEFAULT 0,
    state        text NOT NULL DEFAULT 'open',
    reason       text NOT NULL DEFAULT '',
    answer       int,
    opened_at    timestamptz NOT NULL,
    closed_at    timestamptz,
    CONSTRAINT ask_has_one_party CHECK (num_nonnulls(contact_id, user_id) = 1),
    CONSTRAINT ask_has_one_subject CHECK (num_nonnulls(check_in_id, alert_id) = 1),
    CONSTRAINT ask_purpose_is_known CHECK (purpose IN ('village_request', 'officer_reminder', 'supervisor_notice', 'officer_alert')),
    CONSTRAINT ask_state_is_known CHECK (state IN ('open', 'answered', 'closed'))
);
CREATE UNIQUE INDEX one_ask_a_party_and_check_in ON asks (check_in_id, party_id, purpose) WHERE check_in_id IS NOT NULL;
CREATE UNIQUE INDEX one_ask_a_party_and_alert ON asks (alert_id, party_id, purpose) WHERE alert_id IS NOT NULL;
CREATE INDEX asks_open_by_contact ON asks (contact_id) WHERE state = 'open' AND contact_id IS NOT NULL;

-- A code is unique for the number it is answered to, and rests 180 days after.
CREATE TABLE task_codes (
    line_id   uuid NOT NULL REFERENCES lines,
    code      text NOT NULL,
    ask_id    uuid NOT NULL REFERENCES asks,
    given_at  timestamptz NOT NULL,
    free_from timestamptz,               -- NULL while its ask is open
    PRIMARY KEY (line_id, code),
    CONSTRAINT task_code_has_five_symbols CHECK (code ~ '^[A-HJKMNP-TV-Z][2-9A-HJKMNP-TV-Z]{3}[A-HJKMNP-TV-Z]$')
);
CREATE INDEX task_codes_by_ask ON task_codes (ask_id);

CREATE TABLE messages (
    id                 uuid PRIMARY KEY,
    office_id          uuid NOT NULL REFERENCES offices,
    recipient_id       uuid REFERENCES recipients,
    check_in_id        uuid REFERENCES check_ins,
    contact_id         uuid REFERENCES village_contacts,
    user_id            uuid REFERENCES users,
    inbound_id         uuid,             -- the reply it answers
    line_id            uuid NOT NULL REFERENCES lines,
    purpose            text NOT NULL,
    wording            text NOT NULL,
    priority           smallint NOT NULL,          -- 1 red alert, 2 answer, 3 reminder and request
    not_before         timestamptz NOT NULL,
    deadline           timestamptz NOT NULL,
    reason             text NOT NULL,              -- why it is planned for then (P8)
    dispatch           text NOT NULL DEFAULT 'planned',
    dispatch_reason    text NOT NULL DEFAULT '',
    dispatched_at      timestamptz,
    tries              smallint NOT NULL DEFAULT 0,
    claimed_at         timestamptz,
    sent_to            bytea,                      -- under the party's key: the number as it was when sent
    text               bytea,                      -- under the party's key
    segments           smallint,
    carrier_message_id text,
    delivery           text NOT NULL DEFAULT 'none',
    delivery_reason    text NOT NULL DEFAULT '',
    delivery_at        timestamptz,
    created_at         timestamptz NOT NULL,
    CONSTRAINT message_has_one_party CHECK (num_nonnulls(contact_id, user_id) = 1),
    CONSTRAINT message_priority_is_known CHECK (priority IN (1, 2, 3)),
    CONSTRAINT message_dispatch_is_known CHECK
        (dispatch IN ('planned', 'sending', 'accepted', 'cancelled', 'expired', 'failed', 'unknown')),
    CONSTRAINT message_delivery_is_known CHECK
        (delivery IN ('none', 'queued', 'sent', 'failed', 'undelivered', 'delivered')),
    CONSTRAINT message_end_has_a_reason CHECK (dispatch IN ('planned', 'sending', 'accepted') OR dispatch_reason <> ''),
    CONSTRAINT message_deadline_is_after_start CHECK (deadline >= not_before)
);
CREATE INDEX messages_due ON messages (line_id, priority, not_before) WHERE dispatch = 'planned';
CREATE INDEX messages_sending ON messages (claimed_at) WHERE dispatch = 'sending';
CREATE INDEX messages_by_carrier_id ON messages (carrier_message_id) WHERE carrier_message_id IS NOT NULL;
CREATE INDEX messages_by_recipient ON messages (recipient_id, id);
CREATE INDEX messages_by_office ON messages (office_id, id);
CREATE INDEX messages_by_check_in ON messages (check_in_id);
CREATE INDEX messages_to_contact ON messages (contact_id, claimed_at) WHERE contact_id IS NOT NULL;

CREATE TABLE message_asks (
    message_id uuid NOT NULL REFERENCES messages,
    ask_id     uuid NOT NULL REFERENCES asks,
    round      int  NOT NULL,
    PRIMARY KEY (message_id, ask_id),
    CONSTRAINT an_ask_is_sent_once_a_round UNIQUE (ask_id, round)
);

CREATE TABLE inbound_messages (
    id                 uuid PRIMARY KEY,
    office_id          uuid NOT NULL REFERENCES offices,
    line_id            uuid NOT NULL REFERENCES lines,
    carrier            text NOT NULL,
    carrier_message_id text NOT NULL,
    sender_index       bytea NOT NULL,
    sealed             bytea,            -- from, text; under the line's key
    received_at        timestamptz NOT NULL,
    state              text NOT NULL DEFAULT 'stored',
    reason             text NOT NULL DEFAULT '',   -- why it was matched, or was not
    recipient_id       uuid REFERENCES recipients,
    ask_id             uuid REFERENCES asks,
    contact_id         uuid REFERENCES village_contacts,
    handled_at         timestamptz,
    CONSTRAINT an_inbound_message_is_stored_once UNIQUE (carrier, carrier_message_id),
    CONSTRAINT inbound_state_is_known CHECK (state IN ('stored', 'matched', 'triage', 'settled'))
);
CREATE INDEX inbound_to_handle ON inbound_messages (received_at) WHERE state = 'stored';

-- What the carrier says later, stored before it is acknowledged.
CREATE TABLE delivery_reports (
    id                 uuid PRIMARY KEY,
    carrier            text NOT NULL,
    carrier_message_id text NOT NULL,
    message_id         uuid,             -- ours, carried by the callback address
    status             text NOT NULL,
    delivery           text NOT NULL DEFAULT '',
    error_code         text NOT NULL DEFAULT '',
    class              text NOT NULL DEFAULT '',
    received_at        timestamptz NOT NULL,
    applied_at         timestamptz,
    reason             text NOT NULL DEFAULT '',
    CONSTRAINT a_delivery_report_is_stored_once UNIQUE (carrier, carrier_message_id, status)
);
CREATE INDEX delivery_reports_to_apply ON delivery_reports (received_at) WHERE applied_at IS NULL;

-- Work for a person: what no machine may settle.
CREATE TABLE tasks (
    id           uuid PRIMARY KEY,
    office_id    uuid NOT NULL REFERENCES offices,
    recipient_id uuid REFERENCES recipients,
    plan_id      uuid REFERENCES care_plans,
    check_in_id  uuid REFERENCES check_ins,
    message_id   uuid REFERENCES messages,
    inbound_id   uuid REFERENCES inbound_messages,
    contact_id   uuid REFERENCES village_contacts,
    kind         text NOT NULL,
    cause        text NOT NULL,
    reason       text NOT NULL,
    act_by       timestamptz,
    state        text NOT NULL DEFAULT 'open',
    opened_at    timestamptz NOT NULL,
    done_at      timestamptz,
    done_by      uuid REFERENCES users,
    outcome      bytea,                  -- what was done, under the key of who did it
    CONSTRAINT task_state_is_known CHECK (state IN ('open', 'done')),
    CONSTRAINT task_kind_is_known CHECK (kind IN
        ('message_failed', 'message_unknown', 'contact_change', 'contact_opted_out', 'contact_unreachable',
         'triage', 'urgent_reply', 'phone_household', 'plan_review', 'contact_missing', 'supervisor_missing', 'red_alert'))
);
CREATE UNIQUE INDEX one_open_task_a_cause ON tasks (cause) WHERE state = 'open';
CREATE INDEX tasks_open ON tasks (office_id, id) WHERE state = 'open';
