-- What happened to a family, and who looked: both only grow.

CREATE TABLE history (
    recipient_id uuid NOT NULL REFERENCES recipients,
    seq          bigint NOT NULL,
    kind         text NOT NULL,
    occurred_at  timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    actor_kind   text NOT NULL,
    actor_id     uuid,
    subject_id   uuid,                   -- the plan, check-in, message … it is about
    payload      bytea,                  -- under the recipient's key
    prev_hash    bytea NOT NULL,
    hash         bytea NOT NULL,
    PRIMARY KEY (recipient_id, seq),
    CONSTRAINT history_counts_from_one CHECK (seq >= 1),
    CONSTRAINT history_actor_is_known CHECK (actor_kind IN ('person', 'program', 'contact', 'system'))
);

-- The head of each chain. Locked before an entry is added; several heads are
-- locked in the order of their ids.
CREATE TABLE history_heads (
    recipient_id uuid PRIMARY KEY REFERENCES recipients,
    seq          bigint NOT NULL,
    hash         bytea NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE audit (
    seq        bigint PRIMARY KEY,
    at         timestamptz NOT NULL,
    office_id  uuid REFERENCES offices,
    actor_kind text NOT NULL,
    actor_id   uuid,
    act        text NOT NULL,
    subject_id uuid,
    detail     text NOT NULL DEFAULT '',  -- ids, counts and reasons chosen from a list; never personal facts
    prev_hash  bytea NOT NULL,
    hash       bytea NOT NULL
);

CREATE TABLE audit_head (
    single bool PRIMARY KEY DEFAULT true CHECK (single),
    seq  bigint NOT NULL,
    hash bytea NOT NULL
) WITH (fillfactor = 50);
INSERT INTO audit_head (seq, hash) VALUES (0, '\x0000000000000000000000000000000000000000000000000000000000000000');
