-- Village contacts: no login, a phone number, one or more villages.

CREATE TABLE village_contacts (
    id             uuid PRIMARY KEY,
    office_id      uuid NOT NULL REFERENCES offices,
    data_key       bytea,
    sealed         bytea,                -- name, phone
    phone_index    bytea NOT NULL,       -- several people may share one phone
    role           text NOT NULL,
    state          text NOT NULL DEFAULT 'active',
    opted_out_at   timestamptz,
    unreachable_at timestamptz,
    created_at     timestamptz NOT NULL,
    CONSTRAINT contact_state_is_known CHECK (state IN ('active', 'resigned'))
);
CREATE INDEX village_contacts_by_phone ON village_contacts (phone_index);
CREATE INDEX village_contacts_by_office ON village_contacts (office_id, id);

CREATE TABLE contact_villages (
    contact_id uuid NOT NULL REFERENCES village_contacts,
    village_id uuid NOT NULL REFERENCES villages,
    PRIMARY KEY (contact_id, village_id)
);
CREATE INDEX contact_villages_by_village ON contact_villages (village_id);
