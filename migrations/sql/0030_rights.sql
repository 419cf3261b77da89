-- Three administrators who are separate people, accounts of programs, tokens with
-- scopes, and officers who work in the office of their grant alone.

-- What sort of duty a person has. One person has one: whoever administers the
-- system, its security or its audit opens no files, and none of them is another.
ALTER TABLE users
    ADD COLUMN duty text NOT NULL DEFAULT 'care',
    ADD CONSTRAINT user_duty_is_known CHECK (duty IN ('care', 'system', 'security', 'audit', 'program')),
    ADD CONSTRAINT user_has_one_duty UNIQUE (id, duty);
GRANT UPDATE (duty) ON users TO aftercare_app, aftercare_work;

-- Administrators become administrators of the system. Who looks after households
-- too goes on doing that and administers no longer (CHANGELOG says how to replace them).
ALTER TABLE grants DROP CONSTRAINT grant_role_is_known;
DELETE FROM grants g WHERE g.role = 'administrator'
    AND EXISTS (SELECT FROM grants c WHERE c.user_id = g.user_id AND c.role IN ('officer', 'supervisor'));
UPDATE grants SET role = 'system_administrator' WHERE role = 'administrator';
UPDATE users SET duty = 'system' WHERE id IN (SELECT user_id FROM grants WHERE role = 'system_administrator');
ALTER TABLE grants
    ADD COLUMN duty text NOT NULL GENERATED ALWAYS AS (CASE role
        WHEN 'system_administrator' THEN 'system' WHEN 'security_administrator' THEN 'security' WHEN 'audit_administrator' THEN 'audit'
        WHEN 'integration' THEN 'program' ELSE 'care' END) STORED,
    ADD CONSTRAINT grant_role_is_known CHECK (role IN ('officer', 'supervisor', 'system_administrator', 'security_administrator',
        'audit_administrator', 'integration')),
    ADD CONSTRAINT duties_are_of_separate_people FOREIGN KEY (user_id, duty) REFERENCES users (id, duty);
-- What somebody may no longer do is taken away; the audit knows that they could.
GRANT DELETE ON grants TO aftercare_app, aftercare_work;

ALTER TABLE tokens
    ADD COLUMN scopes       text[] NOT NULL DEFAULT '{}',   -- none: all that the person may; a program's names some
    ADD COLUMN issued_by    uuid REFERENCES users,          -- NULL: the operator, or before this was kept
    ADD COLUMN last_used_at timestamptz;                    -- to the hour or so
UPDATE tokens SET expires_at = least(expires_at, created_at + interval '367 days') WHERE kind = 'api';
ALTER TABLE tokens ADD CONSTRAINT tokens_end_within_a_year CHECK (kind <> 'api' OR expires_at <= created_at + interval '367 days');

-- Where a person may what. An officer works in the office of the grant; the
-- others reach the offices below it too. Definer's rights: asked before there is a scope.
CREATE FUNCTION rights_of(for_user uuid) RETURNS TABLE (office_id uuid, role text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT o.id, g.role FROM grants g
    JOIN offices o ON o.path @> ARRAY[g.office_id] AND (g.role <> 'officer' OR o.id = g.office_id)
    WHERE g.user_id = for_user
$$;

DROP FUNCTION authenticate(bytea, timestamptz);
CREATE FUNCTION authenticate(secret bytea, at timestamptz)
RETURNS TABLE (token_id uuid, token_kind text, scopes text[], expires_at timestamptz, last_used_at timestamptz,
               user_id uuid, office_id uuid, login text, duty text, data_key bytea, sealed bytea, right_offices uuid[], right_roles text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.id, t.kind, t.scopes, t.expires_at, t.last_used_at, u.id, u.office_id, u.login, u.duty, u.data_key, u.sealed, r.offices, r.roles
    FROM tokens t
    JOIN users u ON u.id = t.user_id
    CROSS JOIN LATERAL (SELECT array_agg(x.office_id ORDER BY x.office_id, x.role) AS offices, array_agg(x.role ORDER BY x.office_id, x.role) AS roles
        FROM rights_of(u.id) x) r
    WHERE t.secret_hash = secret AND t.revoked_at IS NULL AND t.expires_at > at AND u.state = 'active' AND r.offices IS NOT NULL
$$;

-- Notes that a token was used: by its secret, so that nobody marks another's.
CREATE FUNCTION token_used(secret bytea, at timestamptz) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE tokens SET last_used_at = at WHERE secret_hash = secret AND (last_used_at IS NULL OR last_used_at < at)
$$;

-- Somebody on duty is of use to an office only if they may act there.
CREATE OR REPLACE FUNCTION on_duty(for_office uuid, at_moment timestamptz) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT d.user_id FROM offices o JOIN duties d ON d.office_id = ANY (o.path) JOIN users u ON u.id = d.user_id AND u.state = 'active'
    WHERE o.id = for_office AND d.from_at <= at_moment AND d.until_at > at_moment
        AND EXISTS (SELECT FROM grants g WHERE g.user_id = d.user_id AND (g.role = 'officer' AND g.office_id = o.id OR g.role = 'supervisor' AND g.office_id = ANY (o.path)))
    ORDER BY array_position(o.path, d.office_id) DESC, d.recorded_at DESC, d.id DESC LIMIT 1
$$;

CREATE OR REPLACE FUNCTION may_deputise(for_user uuid, deputy uuid) RETURNS bool
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM users u WHERE u.id = deputy AND u.state = 'active')
        AND NOT EXISTS (SELECT FROM grants g JOIN offices o ON o.id = g.office_id WHERE g.user_id = for_user AND g.role IN ('officer', 'supervisor')
            AND NOT EXISTS (SELECT FROM grants d WHERE d.user_id = deputy AND d.role = g.role
                AND (d.office_id = o.id OR d.role <> 'officer' AND d.office_id = ANY (o.path))))
$$;

-- Joint aid: the office of a plan says which other offices read its file. By
-- definer's rights, because the policies of plans look at the grants.
ALTER TABLE plan_grants ADD COLUMN granted_by uuid REFERENCES users;
CREATE FUNCTION shares(of_plan uuid) RETURNS bool
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM care_plans p WHERE p.id = of_plan AND p.office_id = ANY (scope()))
$$;
REVOKE ALL ON FUNCTION shares(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shares(uuid) TO aftercare_app, aftercare_work;
GRANT DELETE ON plan_grants TO aftercare_app, aftercare_work;
CREATE POLICY shared_by_its_office ON plan_grants TO aftercare_app USING (shares(plan_id)) WITH CHECK (shares(plan_id));

REVOKE ALL ON FUNCTION rights_of(uuid), authenticate(bytea, timestamptz), token_used(bytea, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rights_of(uuid), authenticate(bytea, timestamptz), token_used(bytea, timestamptz) TO aftercare_app, aftercare_work;

-- The audit is read by office, newest first.
CREATE INDEX audit_by_office ON audit (office_id, seq);
