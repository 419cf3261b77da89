-- Nobody but the owner makes objects that a definer's function could find first
-- (PostgreSQL 14 still lets everybody).
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- The office tree, its villages and the numbers it speaks from.

-- scope() is what row-level security asks: the offices the transaction may see.
-- The setting is SET LOCAL, and reads as an empty string afterwards, hence nullif.
CREATE FUNCTION scope() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(current_setting('aftercare.offices', true), '')::uuid[], '{}')
$$;

CREATE FUNCTION scope_user() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('aftercare.user', true), '')::uuid
$$;

CREATE TABLE offices (
    id         uuid PRIMARY KEY,
    parent_id  uuid REFERENCES offices,
    path       uuid[] NOT NULL,          -- root first, itself last
    code       text NOT NULL,            -- administrative division, 370323
    name       text NOT NULL,
    signature  text NOT NULL,            -- what stands in 【】 at the head of a text
    level      text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT office_code_is_unique UNIQUE (code),
    CONSTRAINT office_level_is_known CHECK (level IN ('county', 'city', 'province', 'nation')),
    CONSTRAINT office_path_ends_with_itself CHECK (path[cardinality(path)] = id)
);
CREATE INDEX offices_by_path ON offices USING gin (path);

CREATE TABLE villages (
    id        uuid PRIMARY KEY,
    office_id uuid NOT NULL REFERENCES offices,
    township  text NOT NULL,
    name      text NOT NULL,
    CONSTRAINT village_is_unique UNIQUE (office_id, township, name)
);

-- A line is a receiving number at a carrier; an empty number is the carrier's
-- default (a messaging service). Replies nobody matches belong to its office.
CREATE TABLE lines (
    id         uuid PRIMARY KEY,
    office_id  uuid NOT NULL REFERENCES offices,
    carrier    text NOT NULL,
    number     text NOT NULL,
    data_key   bytea,
    created_at timestamptz NOT NULL,
    used_at    timestamptz NOT NULL,     -- the last start with this number in the settings
    CONSTRAINT line_is_unique UNIQUE (carrier, number)
);
CREATE INDEX lines_by_office ON lines (office_id);

-- A webhook has no scope: it may learn which line a number is, and nothing else.
CREATE FUNCTION receiving_line(of_carrier text, of_number text)
RETURNS TABLE (id uuid, office_id uuid, data_key bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT l.id, l.office_id, l.data_key FROM lines l
    WHERE l.carrier = of_carrier
    ORDER BY (l.number = of_number) DESC, (l.number = '') DESC, l.created_at
    LIMIT 1
$$;

-- The line an office speaks from: its own, else the nearest above it, else any
-- there is; of several the one that was in use last (used_at: set at every start
-- with the number in the settings). Definer's rights: a county may speak from its city's number.
CREATE FUNCTION speaking_line(for_office uuid, of_carrier text) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT l.id FROM lines l LEFT JOIN offices o ON o.id = for_office
    ORDER BY (l.carrier = of_carrier) DESC, array_position(o.path, l.office_id) DESC NULLS LAST, l.used_at DESC, l.id
    LIMIT 1
$$;
