-- Aid recipients, their household and what they were paid.

CREATE TABLE recipients (
    id            uuid PRIMARY KEY,
    office_id     uuid NOT NULL REFERENCES offices,
    external_id   text NOT NULL,
    data_key      bytea,                 -- NULL once erased
    sealed        bytea,                 -- name, sex, id number, birth date, phone, address, flags, alias
    id_index      bytea,
    phone_index   bytea,
    village_id    uuid REFERENCES villages,
    facts_digest  bytea NOT NULL,        -- what a repeated import is compared with (keyed hash)
    created_at    timestamptz NOT NULL,
    CONSTRAINT recipient_external_id_is_unique UNIQUE (office_id, external_id)
);
CREATE INDEX recipients_by_village ON recipients (village_id);

CREATE TABLE household_members (
    id           uuid PRIMARY KEY,
    recipient_id uuid NOT NULL REFERENCES recipients,
    sealed       bytea,                  -- relation, name, birth date, flags; under the recipient's key
    created_at   timestamptz NOT NULL
);
CREATE INDEX household_members_by_recipient ON household_members (recipient_id);

CREATE TABLE aid_awards (
    id                uuid PRIMARY KEY,
    recipient_id      uuid NOT NULL REFERENCES recipients,
    total_fen         bigint NOT NULL,
    paid_on           date NOT NULL,
    loss_fen          bigint,
    compensation_fen  bigint,
    origin            text NOT NULL,
    source_department text NOT NULL DEFAULT '',
    case_stage        text NOT NULL DEFAULT '',
    sealed            bytea,             -- offence
    created_at        timestamptz NOT NULL,
    CONSTRAINT award_is_positive CHECK (total_fen > 0),
    CONSTRAINT award_loss_is_not_negative CHECK (loss_fen >= 0),
    CONSTRAINT award_compensation_is_not_negative CHECK (compensation_fen >= 0),
    CONSTRAINT award_origin_is_known CHECK (origin IN ('ex_officio', 'application', 'transferred_clue'))
);
CREATE INDEX aid_awards_by_recipient ON aid_awards (recipient_id);

CREATE TABLE aid_sources (
    award_id   uuid NOT NULL REFERENCES aid_awards,
    source     text NOT NULL,
    amount_fen bigint NOT NULL,
    PRIMARY KEY (award_id, source),
    CONSTRAINT aid_source_is_positive CHECK (amount_fen > 0)
);
