-- How people prove who they are: passwords, second factors, sessions, tickets to
-- begin or begin again, and single sign-on. Secrets stand here hashed or sealed.

CREATE TABLE credentials (
    user_id      uuid PRIMARY KEY REFERENCES users,
    password     text,                       -- argon2id, as a PHC string; NULL: none
    changed_at   timestamptz,
    failures     int NOT NULL DEFAULT 0,     -- in a row
    failed_at    timestamptz,
    locked_until timestamptz,
    totp         bytea,                      -- the second factor's secret, sealed with the user's key
    totp_pending bytea,                      -- one that waits for its first code
    totp_step    bigint NOT NULL DEFAULT 0,  -- the last 30 seconds whose code was used
    CONSTRAINT password_is_argon2id CHECK (password LIKE '$argon2id$%')
);

CREATE TABLE recovery_codes (
    user_id   uuid NOT NULL REFERENCES users,
    code_hash bytea NOT NULL,                -- keyed
    made_at   timestamptz NOT NULL,
    used_at   timestamptz,
    PRIMARY KEY (user_id, code_hash)
);

CREATE TABLE sessions (
    id           uuid PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES users,
    secret_hash  bytea NOT NULL,             -- SHA-256 of 32 random bytes; the secret is kept nowhere
    strength     text NOT NULL,
    awaits       text NOT NULL DEFAULT '',   -- what it is good for alone; empty: for everything
    created_at   timestamptz NOT NULL,
    seen_at      timestamptz NOT NULL,
    idle_ends_at timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL,
    ended_at     timestamptz,
    CONSTRAINT session_secret_is_unique UNIQUE (secret_hash),
    CONSTRAINT session_strength_is_known CHECK (strength IN ('password', 'password+totp', 'password+recovery', 'sso', 'sso+totp', 'sso+recovery')),
    CONSTRAINT session_awaits_something_known CHECK (awaits IN ('', 'second_factor', 'enrolment'))
);
CREATE INDEX sessions_by_user ON sessions (user_id) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_end ON sessions (ends_at);
DELETE FROM tokens WHERE kind = 'session';

-- Handed over in person: to set the first password, a new one, or another second factor.
CREATE TABLE account_tickets (
    id          uuid PRIMARY KEY,
    user_id     uuid NOT NULL REFERENCES users,
    secret_hash bytea NOT NULL,
    purpose     text NOT NULL,
    issued_by   uuid REFERENCES users,       -- NULL: the operator
    issued_at   timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    ended_at    timestamptz,                 -- used, or replaced
    CONSTRAINT ticket_secret_is_unique UNIQUE (secret_hash),
    CONSTRAINT ticket_purpose_is_known CHECK (purpose IN ('password', 'second_factor')),
    CONSTRAINT nobody_issues_their_own_ticket CHECK (issued_by <> user_id)
);
CREATE INDEX account_tickets_by_user ON account_tickets (user_id) WHERE ended_at IS NULL;

-- Who somebody is at the provider of single sign-on.
CREATE TABLE sso_identities (
    issuer    text NOT NULL,
    subject   text NOT NULL,
    user_id   uuid NOT NULL REFERENCES users,
    linked_at timestamptz NOT NULL,
    PRIMARY KEY (issuer, subject),
    CONSTRAINT one_identity_a_person_and_issuer UNIQUE (user_id, issuer)
);

-- Failed sign-ins by the address they came from, which stands here as a keyed hash.
CREATE TABLE sign_in_addresses (
    address_hash bytea PRIMARY KEY,
    failures     int NOT NULL,
    failed_at    timestamptz NOT NULL,
    locked_until timestamptz
);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['credentials', 'recovery_codes', 'sessions', 'account_tickets', 'sso_identities', 'sign_in_addresses']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_sees_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY workers_see_all ON %I TO aftercare_work USING (true) WITH CHECK (true)', t);
    END LOOP;
    -- One's own, and those of the people in scope.
    FOREACH t IN ARRAY ARRAY['credentials', 'recovery_codes', 'sessions', 'account_tickets', 'sso_identities']
    LOOP
        EXECUTE format('CREATE POLICY own_or_of_people_in_scope ON %1$I TO aftercare_app
            USING (user_id = scope_user() OR EXISTS (SELECT FROM users u WHERE u.id = %1$I.user_id))
            WITH CHECK (user_id = scope_user() OR EXISTS (SELECT FROM users u WHERE u.id = %1$I.user_id))', t);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO aftercare_app, aftercare_work', t);
    END LOOP;
END $$;
GRANT UPDATE ON credentials TO aftercare_app, aftercare_work;
GRANT UPDATE (used_at) ON recovery_codes TO aftercare_app, aftercare_work;
GRANT DELETE ON recovery_codes, sso_identities TO aftercare_app, aftercare_work;
GRANT UPDATE (ended_at) ON sessions, account_tickets TO aftercare_app, aftercare_work;
GRANT SELECT ON sign_in_addresses TO aftercare_app, aftercare_work; -- without a policy the application sees no row
GRANT DELETE ON sign_in_addresses TO aftercare_work;
GRANT DELETE ON sessions TO aftercare_work;
-- Who leaves, or holds other roles by what the provider claims.
GRANT UPDATE (state, office_id) ON users TO aftercare_app, aftercare_work;
GRANT UPDATE (from_user_id) ON transfer_plans TO aftercare_app, aftercare_work;
GRANT UPDATE (deputy_id) ON absences TO aftercare_app, aftercare_work;
GRANT UPDATE (user_id) ON duties TO aftercare_app, aftercare_work;
GRANT UPDATE (scorer_id) ON blind_scorings TO aftercare_app, aftercare_work;

-- No plan gets an officer who has left (P1): whoever is shut out meanwhile holds
-- their row, so the plan waits here and sees it.
CREATE FUNCTION officer_is_there() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM users WHERE id = NEW.officer_id AND state = 'active' FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the officer of a plan has left' USING ERRCODE = 'check_violation', CONSTRAINT = 'officer_of_a_plan_is_there';
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION officer_is_there() FROM PUBLIC;
CREATE TRIGGER officer_of_a_plan_is_there BEFORE INSERT OR UPDATE OF officer_id ON care_plans
    FOR EACH ROW EXECUTE FUNCTION officer_is_there();

-- Before somebody is known there is no scope to read by: definer's rights, and no
-- more is answered than the next step needs.

-- Whose login it is, and what their password is compared with.
CREATE FUNCTION find_login(of_login text)
RETURNS TABLE (user_id uuid, office_id uuid, password text, factor bool, roles text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT u.id, u.office_id, c.password, c.totp IS NOT NULL, array_agg(DISTINCT g.role)
    FROM users u JOIN grants g ON g.user_id = u.id LEFT JOIN credentials c ON c.user_id = u.id
    WHERE u.login = of_login AND u.state = 'active' AND u.duty <> 'program'
    GROUP BY u.id, c.user_id
$$;

-- Whose ticket it is.
CREATE FUNCTION find_ticket(secret bytea, at timestamptz)
RETURNS TABLE (ticket_id uuid, user_id uuid, office_id uuid, login text, purpose text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.id, u.id, u.office_id, u.login, t.purpose FROM account_tickets t JOIN users u ON u.id = t.user_id
    WHERE t.secret_hash = secret AND t.ended_at IS NULL AND t.expires_at > at AND u.state = 'active'
$$;

-- Who is meant by an identity: whoever is linked with it, else whoever has the login
-- in that office and is linked with no other of the issuer. With all they are granted.
CREATE FUNCTION find_identity(of_issuer text, of_subject text, of_login text, in_office uuid)
RETURNS TABLE (user_id uuid, office_id uuid, state text, linked bool, factor bool, granted_offices uuid[], granted_roles text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT u.id, u.office_id, u.state, i.user_id IS NOT NULL, c.totp IS NOT NULL,
        ARRAY(SELECT g.office_id FROM grants g WHERE g.user_id = u.id ORDER BY g.office_id, g.role),
        ARRAY(SELECT g.role FROM grants g WHERE g.user_id = u.id ORDER BY g.office_id, g.role)
    FROM users u LEFT JOIN sso_identities i ON i.user_id = u.id AND i.issuer = of_issuer LEFT JOIN credentials c ON c.user_id = u.id
    WHERE i.subject = of_subject
        OR (i.user_id IS NULL AND u.login = of_login AND u.office_id = in_office AND u.duty <> 'program'
            AND NOT EXISTS (SELECT FROM sso_identities o WHERE o.issuer = of_issuer AND o.subject = of_subject))
$$;

-- The open plans of a person by office, those beyond the scope too: nobody's plan
-- may be left without an officer.
CREATE FUNCTION open_plans_of(for_user uuid) RETURNS TABLE (office_id uuid, plans bigint, may_act bool)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT p.office_id, count(*), EXISTS (SELECT FROM grants g WHERE g.user_id = for_user AND g.role = 'officer' AND g.office_id = p.office_id)
    FROM care_plans p WHERE p.officer_id = for_user AND p.state <> 'closed' GROUP BY p.office_id
$$;

-- Who a session is, as authenticate() says it of a token. It is looked at within
-- both its limits, and that it is in use is written down at most once a minute.
CREATE FUNCTION authenticate_session(secret bytea, at timestamptz, idle interval)
RETURNS TABLE (session_id uuid, awaits text, user_id uuid, office_id uuid, login text, data_key bytea, sealed bytea,
               right_offices uuid[], right_roles text[])
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE sessions SET seen_at = at, idle_ends_at = least(ends_at, at + idle)
    WHERE secret_hash = secret AND ended_at IS NULL AND idle_ends_at > at AND ends_at > at AND awaits <> 'second_factor'
        AND seen_at <= at - interval '1 minute';
    SELECT s.id, s.awaits, u.id, u.office_id, u.login, u.data_key, u.sealed, r.offices, r.roles
    FROM sessions s
    JOIN users u ON u.id = s.user_id
    CROSS JOIN LATERAL (SELECT array_agg(x.office_id ORDER BY x.office_id, x.role) AS offices, array_agg(x.role ORDER BY x.office_id, x.role) AS roles
        FROM rights_of(u.id) x) r
    WHERE s.secret_hash = secret AND s.ended_at IS NULL AND s.idle_ends_at > at AND s.ends_at > at AND u.state = 'active' AND r.offices IS NOT NULL
$$;

CREATE FUNCTION address_is_locked(of_address bytea, at timestamptz) RETURNS bool
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM sign_in_addresses WHERE address_hash = of_address AND locked_until > at)
$$;

-- Counts a failure from an address; an hour without one begins anew.
CREATE FUNCTION address_failed(of_address bytea, at timestamptz) RETURNS int
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO sign_in_addresses AS a (address_hash, failures, failed_at) VALUES (of_address, 1, at)
    ON CONFLICT (address_hash) DO UPDATE SET failed_at = at,
        failures = CASE WHEN a.failed_at <= at - interval '1 hour' THEN 1 ELSE a.failures + 1 END
    RETURNING failures
$$;

CREATE FUNCTION lock_address(of_address bytea, until timestamptz) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE sign_in_addresses SET locked_until = until WHERE address_hash = of_address
$$;

REVOKE ALL ON FUNCTION find_login(text), find_ticket(bytea, timestamptz), find_identity(text, text, text, uuid), open_plans_of(uuid),
    authenticate_session(bytea, timestamptz, interval), address_is_locked(bytea, timestamptz), address_failed(bytea, timestamptz),
    lock_address(bytea, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_login(text), find_ticket(bytea, timestamptz), find_identity(text, text, text, uuid), open_plans_of(uuid),
    authenticate_session(bytea, timestamptz, interval), address_is_locked(bytea, timestamptz), address_failed(bytea, timestamptz),
    lock_address(bytea, timestamptz) TO aftercare_app, aftercare_work;
