-- What reviewing how people sign in left to mend.

-- Tokens are of one kind since people have sessions.
ALTER TABLE tokens DROP CONSTRAINT tokens_end_within_a_year;
ALTER TABLE tokens DROP COLUMN kind;
ALTER TABLE tokens ADD CONSTRAINT tokens_end_within_a_year CHECK (expires_at <= created_at + interval '367 days');
DROP FUNCTION authenticate(bytea, timestamptz);
CREATE FUNCTION authenticate(secret bytea, at timestamptz)
RETURNS TABLE (token_id uuid, scopes text[], expires_at timestamptz, last_used_at timestamptz,
               user_id uuid, office_id uuid, login text, duty text, data_key bytea, sealed bytea, right_offices uuid[], right_roles text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.id, t.scopes, t.expires_at, t.last_used_at, u.id, u.office_id, u.login, u.duty, u.data_key, u.sealed, r.offices, r.roles
    FROM tokens t
    JOIN users u ON u.id = t.user_id
    CROSS JOIN LATERAL (SELECT array_agg(x.office_id ORDER BY x.office_id, x.role) AS offices, array_agg(x.role ORDER BY x.office_id, x.role) AS roles
        FROM rights_of(u.id) x) r
    WHERE t.secret_hash = secret AND t.revoked_at IS NULL AND t.expires_at > at AND u.state = 'active' AND r.offices IS NOT NULL
$$;
REVOKE ALL ON FUNCTION authenticate(bytea, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION authenticate(bytea, timestamptz) TO aftercare_app, aftercare_work;

-- What nobody's office did (a sign-in under an unknown login) is the top office's to see.
DROP POLICY within_scope ON audit;
CREATE POLICY within_scope ON audit FOR SELECT TO aftercare_app
    USING (office_id = ANY (scope()) OR office_id IS NULL AND EXISTS (SELECT FROM offices WHERE parent_id IS NULL AND id = ANY (scope())));

-- Nobody is handed the account of somebody who may act where they may not.
CREATE FUNCTION holds_beyond(for_user uuid, offices uuid[]) RETURNS bool
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM grants WHERE user_id = for_user AND office_id <> ALL (offices))
$$;

-- Whoever is let in is told who began their account again. Those from before count as
-- such; the first ticket of an account does not.
ALTER TABLE account_tickets ADD COLUMN first bool NOT NULL DEFAULT false;
CREATE FUNCTION own_tickets(since timestamptz) RETURNS TABLE (issued_at timestamptz, purpose text, issuer text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.issued_at, t.purpose, coalesce(u.login, '') FROM account_tickets t LEFT JOIN users u ON u.id = t.issued_by
    WHERE t.user_id = scope_user() AND NOT t.first AND t.issued_at > since ORDER BY t.issued_at DESC LIMIT 20
$$;
REVOKE ALL ON FUNCTION holds_beyond(uuid, uuid[]), own_tickets(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION holds_beyond(uuid, uuid[]), own_tickets(timestamptz) TO aftercare_app, aftercare_work;
