-- The texts we send as data: versions, what a carrier approved, and which line an
-- office speaks from to which country.

-- Carriers as data. Where approval is needed, a text is sent by the template that
-- the carrier approved, and no other. Replies are heard from the countries of
-- receives ('*': all) but for those of deaf_to.
CREATE TABLE carriers (
    name           text PRIMARY KEY,
    needs_approval bool NOT NULL,
    receives       text[] NOT NULL,
    deaf_to        text[] NOT NULL DEFAULT '{}'
);
INSERT INTO carriers (name, needs_approval, receives, deaf_to) VALUES
    ('twilio', false, '{*}', '{+86}'), ('aliyun', true, '{+86}', '{}'), ('simulator', false, '{*}', '{}');

-- The texts by key, language and version. A version's words never change; what was
-- ever in force is kept, because people quote it. No personal facts: text in clear.
CREATE TABLE wordings (
    key          text NOT NULL,
    language     text NOT NULL,
    version      int  NOT NULL CONSTRAINT wording_version_is_positive CHECK (version > 0),
    text         text NOT NULL,
    placeholders jsonb NOT NULL,
    segments     int  NOT NULL,              -- at its longest
    state        text NOT NULL,
    shipped      int,                        -- the number it came with; NULL: a person saved it
    saved_at     timestamptz NOT NULL,
    saved_by     uuid REFERENCES users,
    in_force_at  timestamptz,
    in_force_by  uuid REFERENCES users,
    retired_at   timestamptz,
    PRIMARY KEY (key, language, version),
    CONSTRAINT wording_state_is_known CHECK (state IN ('draft', 'in_force', 'retired')),
    CONSTRAINT wording_in_force_has_a_time CHECK ((state = 'draft') = (in_force_at IS NULL)),
    CONSTRAINT nobody_approves_the_wording_they_saved CHECK (in_force_by <> saved_by)
);
CREATE UNIQUE INDEX one_wording_in_force ON wordings (key, language) WHERE state = 'in_force';

-- What carriers said of a version, step by step; the last step holds.
CREATE TABLE wording_approvals (
    key         text NOT NULL,
    language    text NOT NULL,
    version     int  NOT NULL,
    carrier     text NOT NULL REFERENCES carriers,
    step        int  NOT NULL,
    state       text NOT NULL,
    template_id text NOT NULL DEFAULT '',    -- the carrier's
    signature   text NOT NULL DEFAULT '',    -- as approved, without brackets; empty: the line's
    reason      text NOT NULL DEFAULT '',
    at          timestamptz NOT NULL,
    by          uuid REFERENCES users,
    PRIMARY KEY (key, language, version, carrier, step),
    FOREIGN KEY (key, language, version) REFERENCES wordings,
    CONSTRAINT approval_state_is_known CHECK (state IN ('draft', 'submitted', 'approved', 'refused')),
    CONSTRAINT approved_wording_has_a_template CHECK (state <> 'approved' OR template_id <> '')
);

-- Which line an office, and those below it, speaks from to numbers of a country
-- ('+86'; '*': any). What was ever routed stays: codes are known on its line.
CREATE TABLE carrier_routes (
    office_id uuid NOT NULL REFERENCES offices,
    country   text NOT NULL CONSTRAINT route_country_is_a_calling_code CHECK (country ~ '^(\*|\+[1-9][0-9]{0,2})$'),
    line_id   uuid NOT NULL REFERENCES lines,
    set_at    timestamptz NOT NULL,
    set_by    uuid REFERENCES users,
    ended_at  timestamptz,
    PRIMARY KEY (office_id, country)
);
CREATE INDEX carrier_routes_by_line ON carrier_routes (line_id);

-- One row that moves with every change above: what tells a process that the texts
-- it remembers are old.
CREATE TABLE wordings_version (
    single  bool PRIMARY KEY DEFAULT true CHECK (single),
    version bigint NOT NULL
);
INSERT INTO wordings_version (version) VALUES (1);

ALTER TABLE offices ADD COLUMN language text NOT NULL DEFAULT 'zh';
ALTER TABLE messages
    ADD COLUMN wording_version int,          -- what was rendered; NULL: nothing yet, or before there were versions
    ADD COLUMN language        text;

-- The line an office's own route, or the nearest above it, names for a country.
CREATE FUNCTION routed_line(for_office uuid, to_country text) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT r.line_id FROM offices o JOIN carrier_routes r ON r.office_id = ANY (o.path)
    WHERE o.id = for_office AND r.country IN (to_country, '*') AND r.ended_at IS NULL
    ORDER BY array_position(o.path, r.office_id) DESC, r.country = '*' LIMIT 1
$$;

CREATE FUNCTION speaking_line(for_office uuid, of_carrier text, to_country text) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(routed_line(for_office, to_country), speaking_line(for_office, of_carrier))
$$;

-- The routes that hold for an office, the nearest of each country.
CREATE FUNCTION routes_of(for_office uuid)
RETURNS TABLE (country text, line_id uuid, carrier text, ending text, office_id uuid, set_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT ON (r.country) r.country, r.line_id, n.carrier, right(n.number, 4), r.office_id, r.set_at
    FROM offices o JOIN carrier_routes r ON r.office_id = ANY (o.path) JOIN lines n ON n.id = r.line_id
    WHERE o.id = for_office AND r.ended_at IS NULL
    ORDER BY r.country, array_position(o.path, r.office_id) DESC
$$;

-- The lines an office may be routed over: its own and those of the offices above.
CREATE FUNCTION lines_for(for_office uuid) RETURNS TABLE (line_id uuid, carrier text, ending text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT n.id, n.carrier, right(n.number, 4) FROM offices o JOIN lines n ON n.office_id = ANY (o.path)
    WHERE o.id = for_office ORDER BY array_position(o.path, n.office_id) DESC, n.carrier, n.id
$$;

-- Whether replies from a country reach us through a carrier. One we know nothing of is taken to hear.
CREATE FUNCTION hears(by_carrier text, from_country text) RETURNS bool
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((SELECT receives && ARRAY[from_country, '*'] AND NOT deaf_to && ARRAY[from_country] FROM carriers WHERE name = by_carrier), true)
$$;

-- Whether there is, or ever was, a route: only then is anybody's country looked at.
CREATE FUNCTION is_routed() RETURNS bool
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM carrier_routes)
$$;

-- Whether the transaction's scope holds a root office: what it sets holds for all.
CREATE FUNCTION scope_holds_a_root() RETURNS bool
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM offices WHERE parent_id IS NULL AND id = ANY (scope()))
$$;

REVOKE ALL ON FUNCTION routed_line(uuid, text), speaking_line(uuid, text, text), routes_of(uuid), lines_for(uuid), hears(text, text), is_routed(),
    scope_holds_a_root() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION routed_line(uuid, text), speaking_line(uuid, text, text), routes_of(uuid), lines_for(uuid), hears(text, text), is_routed(),
    scope_holds_a_root() TO aftercare_app, aftercare_work;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['carriers', 'wordings', 'wording_approvals', 'carrier_routes', 'wordings_version']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_sees_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY workers_see_all ON %I TO aftercare_work USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT ON %I TO aftercare_app, aftercare_work', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['carriers', 'wordings', 'wording_approvals', 'wordings_version']
    LOOP
        EXECUTE format('CREATE POLICY everybody_reads ON %I FOR SELECT TO aftercare_app USING (true)', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['wordings', 'wording_approvals']
    LOOP
        EXECUTE format('CREATE POLICY the_root_saves ON %I FOR INSERT TO aftercare_app WITH CHECK (scope_holds_a_root())', t);
    END LOOP;
END $$;
GRANT INSERT ON wordings, wording_approvals, carrier_routes TO aftercare_app, aftercare_work;
GRANT UPDATE (state, in_force_at, in_force_by, retired_at) ON wordings TO aftercare_app, aftercare_work;
GRANT UPDATE (line_id, set_at, set_by, ended_at) ON carrier_routes TO aftercare_app, aftercare_work;
GRANT UPDATE ON wordings_version TO aftercare_app, aftercare_work;
CREATE POLICY the_root_puts_in_force ON wordings FOR UPDATE TO aftercare_app USING (scope_holds_a_root()) WITH CHECK (scope_holds_a_root());
CREATE POLICY within_scope ON carrier_routes TO aftercare_app USING (office_id = ANY (scope())) WITH CHECK (office_id = ANY (scope()));
CREATE POLICY anybody_moves_on ON wordings_version FOR UPDATE TO aftercare_app USING (true) WITH CHECK (true);
