-- Steps one to four of the aid case file (一案一档): who found the clue and who took it
-- over, which conditions were looked at under which version of the rules, and what was
-- done, when, under which number. Step five is the care plan. Nobody who is to be aided
-- has to do anything for it (L5, L7).

-- An office's departments (1+N, L10). Which one leads is data, never a number in a name.
CREATE TABLE departments (
    id         uuid PRIMARY KEY,
    office_id  uuid NOT NULL REFERENCES offices,
    name       text NOT NULL,
    kind       text NOT NULL,
    ended_at   timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT department_name_is_unique UNIQUE (office_id, name),
    CONSTRAINT department_kind_is_known CHECK (kind IN ('lead', 'criminal', 'civil', 'public_interest', 'other'))
);
CREATE UNIQUE INDEX one_leading_department_an_office ON departments (office_id) WHERE kind = 'lead' AND ended_at IS NULL;

-- The case file. Several people may be aided in one: their awards name it.
CREATE TABLE aid_cases (
    id           uuid PRIMARY KEY,
    office_id    uuid NOT NULL REFERENCES offices,
    number       text NOT NULL,          -- the office's own, names nobody
    origin       text NOT NULL,
    case_stage   text NOT NULL,          -- of the original case
    from_partner uuid REFERENCES partners,
    persons      int NOT NULL,           -- who are to be aided, as far as known: 81 people are one case
    urgent       bool NOT NULL DEFAULT false,  -- paid first, completed later
    state        text NOT NULL DEFAULT 'open',
    opened_on    date NOT NULL,
    data_key     bytea,                  -- NULL once everybody in it was erased
    sealed       bytea,                  -- what it is about, the original case's number
    created_at   timestamptz NOT NULL,
    CONSTRAINT case_number_is_unique UNIQUE (office_id, number),
    CONSTRAINT case_origin_is_known CHECK (origin IN ('ex_officio', 'application', 'transferred_clue')),
    CONSTRAINT case_stage_is_known CHECK (case_stage IN ('arrest_review', 'prosecution_review', 'trial', 'closed', 'other')),
    CONSTRAINT case_has_people CHECK (persons BETWEEN 1 AND 10000),
    CONSTRAINT case_state_is_known CHECK (state IN ('open', 'approved', 'paid', 'refused'))
);
CREATE INDEX aid_cases_by_office ON aid_cases (office_id, id);

CREATE TABLE clues (
    id              uuid PRIMARY KEY,
    office_id       uuid NOT NULL REFERENCES offices,
    number          text NOT NULL,
    received_on     date NOT NULL,
    origin          text NOT NULL,
    case_stage      text NOT NULL,
    from_department uuid REFERENCES departments,
    from_partner    uuid REFERENCES partners,
    to_department   uuid NOT NULL REFERENCES departments,
    persons         int NOT NULL,
    state           text NOT NULL,
    answer_by       date NOT NULL,
    answered_at     timestamptz,
    answered_by     uuid REFERENCES users,
    case_id         uuid REFERENCES aid_cases,
    into_clue       uuid REFERENCES clues,
    data_key        bytea,
    sealed          bytea,               -- who it is about, what is known, why it went back or was not taken
    recorded_by     uuid REFERENCES users,
    recorded_at     timestamptz NOT NULL,
    CONSTRAINT clue_number_is_unique UNIQUE (office_id, number),
    CONSTRAINT clue_origin_is_known CHECK (origin IN ('ex_officio', 'application', 'transferred_clue')),
    CONSTRAINT clue_stage_is_known CHECK (case_stage IN ('arrest_review', 'prosecution_review', 'trial', 'closed', 'other')),
    CONSTRAINT clue_has_one_source CHECK (num_nonnulls(from_department, from_partner) = 1),
    CONSTRAINT clue_is_about_people CHECK (persons BETWEEN 1 AND 10000),
    CONSTRAINT clue_state_is_known CHECK (state IN ('handed', 'accepted', 'returned', 'not_taken', 'opened', 'merged')),
    CONSTRAINT an_answered_clue_says_by_whom CHECK ((state = 'handed') = (answered_at IS NULL)),
    CONSTRAINT an_opened_clue_names_its_case CHECK ((state = 'opened') = (case_id IS NOT NULL)),
    CONSTRAINT a_merged_clue_names_the_other CHECK ((state = 'merged') = (into_clue IS NOT NULL) AND into_clue <> id)
);
CREATE INDEX clues_by_office ON clues (office_id, id);
CREATE INDEX clues_unanswered ON clues (answer_by) WHERE state = 'handed';
CREATE INDEX clues_by_case ON clues (case_id) WHERE case_id IS NOT NULL;

-- The rules a condition rests on, as versioned references: no text of a statute (L23).
CREATE TABLE rule_refs (
    key            text NOT NULL,
    version        int  NOT NULL,
    title          text NOT NULL,
    effective_from date NOT NULL,        -- of the shipped ones the year is known, not the day
    recorded_by    uuid REFERENCES users,
    recorded_at    timestamptz NOT NULL,
    PRIMARY KEY (key, version)
);
INSERT INTO rule_refs (key, version, title, effective_from, recorded_at) VALUES
    ('aid_rules', 1, '人民检察院国家司法救助工作细则（试行）', '2016-01-01', '2026-11-24T00:00:00+08'),
    ('aid_rules', 2, '人民检察院开展国家司法救助工作细则', '2021-01-01', '2026-11-24T00:00:00+08');
CREATE TABLE condition_items (
    key      text PRIMARY KEY,
    place    int  NOT NULL,
    words    text NOT NULL,              -- ours
    rule_key text NOT NULL
);
INSERT INTO condition_items (place, key, words, rule_key) VALUES
    (1, 'entitled_person', '是被害人，或因案陷入生活困难的近亲属等救助对象', 'aid_rules'),
    (2, 'harm_is_proved', '人身伤害、死亡或财产损失有证明', 'aid_rules'),
    (3, 'hardship_is_proved', '家庭生活困难有村居、单位等出具的证明', 'aid_rules'),
    (4, 'not_compensated', '未获赔偿，或所获赔偿不足以解困', 'aid_rules'),
    (5, 'not_aided_before', '同一人同一案没有受过救助', 'aid_rules'),
    (6, 'not_excluded', '没有不予救助的情形', 'aid_rules');
CREATE TABLE condition_answers (
    id           uuid PRIMARY KEY,
    clue_id      uuid NOT NULL REFERENCES clues,
    item         text NOT NULL REFERENCES condition_items,
    rule_key     text NOT NULL,
    rule_version int  NOT NULL,          -- in force on the day of the answer
    answer       text NOT NULL,
    answered_on  date NOT NULL,
    answered_by  uuid REFERENCES users,
    sealed       bytea,                  -- on what; under the clue's key
    FOREIGN KEY (rule_key, rule_version) REFERENCES rule_refs,
    CONSTRAINT condition_answer_is_known CHECK (answer IN ('met', 'not_met', 'unknown'))
);
CREATE INDEX condition_answers_by_clue ON condition_answers (clue_id, item, id);

-- What was handed in: looked at by its bytes, without the place a picture was taken at.
CREATE TABLE case_files (
    id         uuid PRIMARY KEY,
    case_id    uuid NOT NULL REFERENCES aid_cases,
    media_type text NOT NULL,
    size       int  NOT NULL,
    given_hash bytea NOT NULL,           -- SHA-256 of what was handed in
    kept_hash  bytea NOT NULL,           -- and of what is kept
    sealed     bytea,                    -- its name; under the case's key
    body       bytea,                    -- as above
    added_by   uuid REFERENCES users,
    added_at   timestamptz NOT NULL
);
CREATE INDEX case_files_by_case ON case_files (case_id, id);

-- What was done in a case. It only grows: the state and the clocks follow from it.
CREATE TABLE case_entries (
    id          uuid PRIMARY KEY,
    case_id     uuid NOT NULL REFERENCES aid_cases,
    kind        text NOT NULL,
    done_on     date NOT NULL,
    number      text NOT NULL DEFAULT '',  -- of the document
    file_hash   bytea,                     -- of a document kept elsewhere, such as the review report (L33)
    file_id     uuid REFERENCES case_files,
    case_stage  text NOT NULL DEFAULT '',  -- the original case's, where that is what changed (L6)
    sealed      bytea,                     -- note; under the case's key
    recorded_by uuid REFERENCES users,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT case_entry_kind_is_known CHECK (kind IN ('opened', 'evidence', 'home_visit', 'village_heard', 'review_report', 'sent_for_approval', 'approved', 'refused',
        'documents_served', 'funds_arrived', 'paid', 'notified', 'partner_told', 'stage_changed', 'paid_first', 'person_joined', 'note'))
);
CREATE INDEX case_entries_by_case ON case_entries (case_id, done_on, id);

-- The clocks, in working days of the office: 10 to decide, 2 to notify, 5 to tell the
-- partner, 1 until the plans are active, 10 to complete what was paid first.
CREATE TABLE case_clocks (
    case_id uuid NOT NULL REFERENCES aid_cases,
    kind    text NOT NULL,
    since   date NOT NULL,
    due_on  date NOT NULL,
    met_on  date,
    PRIMARY KEY (case_id, kind),
    CONSTRAINT case_clock_is_known CHECK (kind IN ('decide', 'notify', 'tell_partner', 'activate', 'complete'))
);
CREATE INDEX case_clocks_running ON case_clocks (due_on) WHERE met_on IS NULL;

ALTER TABLE aid_awards ADD COLUMN case_id uuid REFERENCES aid_cases;
CREATE INDEX aid_awards_by_case ON aid_awards (case_id) WHERE case_id IS NOT NULL;
GRANT UPDATE (case_id) ON aid_awards TO aftercare_app, aftercare_work;
ALTER TABLE users ADD COLUMN department_id uuid REFERENCES departments;
GRANT UPDATE (department_id) ON users TO aftercare_app, aftercare_work;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['departments', 'aid_cases', 'clues', 'rule_refs', 'condition_items', 'condition_answers', 'case_files', 'case_entries', 'case_clocks']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_sees_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY workers_see_all ON %I TO aftercare_work USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT ON %I TO aftercare_app, aftercare_work', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['departments', 'aid_cases', 'clues']
    LOOP
        EXECUTE format('GRANT INSERT, UPDATE ON %I TO aftercare_app, aftercare_work', t);
        EXECUTE format('CREATE POLICY within_scope ON %I TO aftercare_app USING (office_id = ANY (scope())) WITH CHECK (office_id = ANY (scope()))', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['case_files', 'case_entries', 'case_clocks']
    LOOP
        EXECUTE format('GRANT INSERT ON %I TO aftercare_app, aftercare_work', t);
        EXECUTE format('CREATE POLICY with_its_case ON %1$I TO aftercare_app USING (EXISTS (SELECT FROM aid_cases c WHERE c.id = %1$I.case_id))
            WITH CHECK (EXISTS (SELECT FROM aid_cases c WHERE c.id = %1$I.case_id))', t);
    END LOOP;
END $$;
GRANT UPDATE ON case_clocks TO aftercare_app, aftercare_work;
GRANT INSERT ON condition_answers, rule_refs TO aftercare_app, aftercare_work;
CREATE POLICY with_its_clue ON condition_answers TO aftercare_app USING (EXISTS (SELECT FROM clues c WHERE c.id = clue_id))
    WITH CHECK (EXISTS (SELECT FROM clues c WHERE c.id = clue_id));
CREATE POLICY everybody_reads ON rule_refs FOR SELECT TO aftercare_app USING (true);
CREATE POLICY the_root_adds ON rule_refs FOR INSERT TO aftercare_app WITH CHECK (scope_holds_a_root());
CREATE POLICY everybody_reads ON condition_items FOR SELECT TO aftercare_app USING (true);

-- A case goes with the last of its people: its key, and those of its clues, are
-- destroyed when the file of the last one is erased.
CREATE FUNCTION erase_case_of_the_last() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE aid_cases c SET data_key = NULL, sealed = '\x' WHERE c.id IN (SELECT a.case_id FROM aid_awards a WHERE a.recipient_id = NEW.id)
        AND NOT EXISTS (SELECT FROM aid_awards o JOIN recipients r ON r.id = o.recipient_id WHERE o.case_id = c.id AND r.erased_at IS NULL);
    UPDATE clues u SET data_key = NULL, sealed = '\x' FROM aid_cases c WHERE u.case_id = c.id AND c.data_key IS NULL AND u.data_key IS NOT NULL;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION erase_case_of_the_last() FROM PUBLIC;
CREATE TRIGGER erase_case_of_the_last AFTER UPDATE OF erased_at ON recipients
    FOR EACH ROW WHEN (OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL) EXECUTE FUNCTION erase_case_of_the_last();
