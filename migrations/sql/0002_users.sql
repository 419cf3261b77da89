-- People who sign in, what they may do where, and the secrets that prove them.

CREATE TABLE users (
    id         uuid PRIMARY KEY,
    office_id  uuid NOT NULL REFERENCES offices,
    login      text NOT NULL,
    data_key   bytea,
    sealed     bytea,                    -- name, phone
    state      text NOT NULL DEFAULT 'active',
    created_at timestamptz NOT NULL,
    CONSTRAINT user_login_is_unique UNIQUE (login),
    CONSTRAINT user_login_is_lower_case CHECK (login = lower(login) AND login <> ''),
    CONSTRAINT user_state_is_known CHECK (state IN ('active', 'left'))
);
CREATE INDEX users_by_office ON users (office_id);

CREATE TABLE grants (
    user_id    uuid NOT NULL REFERENCES users,
    office_id  uuid NOT NULL REFERENCES offices,
    role       text NOT NULL,
    granted_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, office_id, role),
    CONSTRAINT grant_role_is_known CHECK (role IN ('officer', 'supervisor', 'administrator'))
);
CREATE INDEX grants_by_office ON grants (office_id, role);

CREATE TABLE tokens (
    id          uuid PRIMARY KEY,
    user_id     uuid NOT NULL REFERENCES users,
    secret_hash bytea NOT NULL,          -- SHA-256 of 32 random bytes; the secret is kept nowhere
    kind        text NOT NULL,
    label       text NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    revoked_at  timestamptz,
    CONSTRAINT token_secret_is_unique UNIQUE (secret_hash),
    CONSTRAINT token_kind_is_known CHECK (kind IN ('api', 'session'))
);
CREATE INDEX tokens_by_user ON tokens (user_id);

-- Who a bearer secret is, and for every office below a grant the role held there.
-- Definer's rights, because before it answers there is no scope to read by.
CREATE FUNCTION authenticate(secret bytea, at timestamptz)
RETURNS TABLE (token_id uuid, token_kind text, user_id uuid, office_id uuid, login text, data_key bytea, sealed bytea,
               right_offices uuid[], right_roles text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.id, t.kind, u.id, u.office_id, u.login, u.data_key, u.sealed,
           array_agg(o.id ORDER BY o.id, g.role), array_agg(g.role ORDER BY o.id, g.role)
    FROM tokens t
    JOIN users u ON u.id = t.user_id
    JOIN grants g ON g.user_id = u.id
    JOIN offices o ON o.path @> ARRAY[g.office_id]
    WHERE t.secret_hash = secret AND t.revoked_at IS NULL AND t.expires_at > at AND u.state = 'active'
    GROUP BY t.id, u.id
$$;

-- A repeated request gets the first answer. The row is written in the
-- transaction of the change itself, so a crash cannot part the two.
CREATE TABLE idempotency_keys (
    user_id      uuid NOT NULL REFERENCES users,
    key          text NOT NULL,
    request_hash bytea NOT NULL,
    answer       bytea,                  -- sealed with the user's key
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
