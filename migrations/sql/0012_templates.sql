-- Templates G and K anew, H, C and R; what the steps can say beside a distance
-- from the payment; who made a version.

ALTER TABLE plan_templates
    ADD COLUMN made_by uuid REFERENCES users,           -- none: came with the service
    ADD COLUMN why     text NOT NULL DEFAULT '';        -- what the version changes, for colleagues; of no household

ALTER TABLE template_steps
    ADD COLUMN policy    text NOT NULL DEFAULT 'fixed', -- what an actual visit does to the dates that follow
    ADD COLUMN gap_days  int  NOT NULL DEFAULT 0,
    ADD COLUMN until_age int  NOT NULL DEFAULT 0,       -- ends at that birthday of the recipient; 0: never
    ADD COLUMN yearly_on int  NOT NULL DEFAULT 0,       -- month times 100 plus day; of the harvest
    ADD COLUMN real_time bool NOT NULL DEFAULT false,   -- rest days count
    ADD CONSTRAINT step_policy_is_known CHECK (policy IN ('fixed', 'rolling', 'min_gap')),
    ADD CONSTRAINT only_min_gap_has_a_gap CHECK ((policy = 'min_gap') = (gap_days > 0)),
    DROP CONSTRAINT step_anchor_is_known,
    ADD CONSTRAINT step_anchor_is_known CHECK (anchor IN ('payment', 'start', 'chosen', 'birthday', 'school_spring', 'school_autumn',
        'childrens_day', 'spring_festival', 'harvest'));

-- Versions are added by administrators and never changed.
CREATE POLICY administrators_add ON plan_templates FOR INSERT TO aftercare_app WITH CHECK (made_by = scope_user());
CREATE POLICY administrators_add ON template_steps FOR INSERT TO aftercare_app
    WITH CHECK (EXISTS (SELECT FROM plan_templates t WHERE t.id = template_id AND t.made_by = scope_user()));

-- A household that lives off its fields: month times 100 plus day, or 0 for the
-- day its template names.
ALTER TABLE care_plans ADD COLUMN harvest int,
    ADD COLUMN template_since date,                     -- a person chose the template on; none: at the enrolment
    ADD CONSTRAINT harvest_is_a_day CHECK (harvest = 0 OR harvest / 100 BETWEEN 1 AND 12 AND harvest % 100 BETWEEN 1 AND 31);

-- Running plans by their template, to be moved to another version.
CREATE INDEX care_plans_by_template ON care_plans (template_id, office_id, id) WHERE state <> 'closed';

INSERT INTO plan_templates (id, key, version, name, created_at) VALUES
    ('00000000-0000-7000-8000-000000000003', 'G', 2, '一般关怀', '2026-11-24T00:00:00+08');
INSERT INTO template_steps
    (template_id, position, key, occasion, title, kind, anchor, offset_days, every_days, lead_days, grace_workdays, scored, asks_village, closure,
     policy, gap_days, until_age, yearly_on, real_time) VALUES
    ('00000000-0000-7000-8000-000000000003', 1, 'baseline', 'baseline', '首次入户了解', 'home', 'start', 14, 0, 10, 10, true, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000003', 2, 'receipt', 'receipt', '核实救助金足额到账', 'phone', 'payment', 7, 0, 5, 10, false, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000003', 3, 'month-1', 'month-1', '满月电话回访', 'phone', 'payment', 30, 0, 5, 10, false, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000003', 4, 'month-3', 'month-3', '三个月上门走访', 'home', 'payment', 90, 0, 10, 10, true, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000003', 5, 'month-6-village', 'month-6', '半年村委会询问', 'village', 'payment', 180, 0, 7, 10, false, true, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000003', 6, 'month-6-phone', 'month-6', '半年电话回访', 'phone', 'payment', 180, 0, 5, 10, false, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000003', 7, 'month-9', 'month-9', '九个月电话回访', 'phone', 'payment', 270, 0, 5, 10, false, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000003', 8, 'year-1', 'year-1', '满一年上门走访与结案评估', 'home', 'payment', 365, 0, 10, 10, true, false, true, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000003', 9, 'quarterly-phone', 'quarterly', '每季度电话回访', 'phone', 'payment', 455, 90, 5, 10, false, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000003', 10, 'yearly-home', 'yearly', '每年上门走访', 'home', 'payment', 730, 365, 10, 10, true, false, true, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000003', 11, 'spring-festival', 'spring-festival', '春节前走访慰问', 'home', 'spring_festival', -7, 0, 14, 10, false, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000003', 12, 'harvest', 'harvest', '农收季回访', 'phone', 'harvest', 0, 0, 5, 10, false, false, false, 'fixed', 0, 0, 1015, false);

INSERT INTO plan_templates (id, key, version, name, created_at) VALUES
    ('00000000-0000-7000-8000-000000000004', 'K', 2, '重点关怀', '2026-11-24T00:00:00+08');
INSERT INTO template_steps
    (template_id, position, key, occasion, title, kind, anchor, offset_days, every_days, lead_days, grace_workdays, scored, asks_village, closure,
     policy, gap_days, until_age, yearly_on, real_time) VALUES
    ('00000000-0000-7000-8000-000000000004', 1, 'baseline', 'baseline', '首次入户了解', 'home', 'start', 14, 0, 10, 5, true, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000004', 2, 'receipt', 'receipt', '核实救助金足额到账', 'phone', 'payment', 7, 0, 5, 5, false, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000004', 3, 'monthly-phone-1', 'month-1-of-6', '每月联系电话回访', 'phone', 'payment', 30, 180, 5, 5, false, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000004', 4, 'monthly-village', 'even-month', '每月联系村委会询问', 'village', 'payment', 60, 60, 7, 5, false, true, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000004', 5, 'monthly-phone-5', 'month-5-of-6', '每月联系电话回访', 'phone', 'payment', 150, 180, 5, 5, false, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000004', 6, 'quarterly-home', 'quarterly', '每季度上门走访', 'home', 'payment', 90, 90, 10, 5, true, false, false, 'min_gap', 45, 0, 0, false),
    ('00000000-0000-7000-8000-000000000004', 7, 'spring-festival', 'spring-festival', '春节前走访慰问', 'home', 'spring_festival', -7, 0, 14, 5, true, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000004', 8, 'harvest', 'harvest', '农收季回访', 'phone', 'harvest', 0, 0, 5, 5, false, false, false, 'fixed', 0, 0, 1015, false);

INSERT INTO plan_templates (id, key, version, name, created_at) VALUES
    ('00000000-0000-7000-8000-000000000005', 'H', 1, '高风险关怀', '2026-11-24T00:00:00+08');
INSERT INTO template_steps
    (template_id, position, key, occasion, title, kind, anchor, offset_days, every_days, lead_days, grace_workdays, scored, asks_village, closure,
     policy, gap_days, until_age, yearly_on, real_time) VALUES
    ('00000000-0000-7000-8000-000000000005', 1, 'first-contact', 'first-contact', '24小时内首次安全联系', 'phone', 'chosen', 1, 0, 1, 1, false, false, false, 'fixed', 0, 0, 0, true),
    ('00000000-0000-7000-8000-000000000005', 2, 'baseline', 'baseline', '首次入户了解', 'home', 'start', 14, 0, 10, 1, true, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000005', 3, 'receipt', 'receipt', '核实救助金足额到账', 'phone', 'payment', 7, 0, 5, 1, false, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000005', 4, 'weekly-village', 'weekly-village', '每周村委会或机构询问', 'village', 'start', 7, 7, 3, 1, false, true, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000005', 5, 'monthly-home', 'monthly-home', '每月上门走访', 'home', 'start', 30, 30, 10, 1, true, false, false, 'min_gap', 14, 0, 0, false),
    ('00000000-0000-7000-8000-000000000005', 6, 'spring-festival', 'spring-festival', '春节前走访慰问', 'home', 'spring_festival', -7, 0, 14, 1, true, false, false, 'fixed', 0, 0, 0, false);

INSERT INTO plan_templates (id, key, version, name, created_at) VALUES
    ('00000000-0000-7000-8000-000000000006', 'C', 1, '未成年人关怀', '2026-11-24T00:00:00+08');
INSERT INTO template_steps
    (template_id, position, key, occasion, title, kind, anchor, offset_days, every_days, lead_days, grace_workdays, scored, asks_village, closure,
     policy, gap_days, until_age, yearly_on, real_time) VALUES
    ('00000000-0000-7000-8000-000000000006', 1, 'baseline', 'baseline', '首次入户了解', 'home', 'start', 14, 0, 10, 1, true, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000006', 2, 'receipt', 'receipt', '核实救助金足额到账', 'phone', 'payment', 7, 0, 5, 1, false, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000006', 3, 'monthly-phone-1', 'month-1-of-6', '每月联系电话回访', 'phone', 'payment', 30, 180, 5, 1, false, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000006', 4, 'monthly-village', 'even-month', '每月联系村委会询问', 'village', 'payment', 60, 60, 7, 1, false, true, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000006', 5, 'monthly-phone-5', 'month-5-of-6', '每月联系电话回访', 'phone', 'payment', 150, 180, 5, 1, false, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000006', 6, 'quarterly-home', 'quarterly', '每季度上门走访', 'home', 'payment', 90, 90, 10, 1, true, false, false, 'min_gap', 45, 0, 0, false),
    ('00000000-0000-7000-8000-000000000006', 7, 'spring-festival', 'spring-festival', '春节前走访慰问', 'home', 'spring_festival', -7, 0, 14, 1, true, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000006', 8, 'harvest', 'harvest', '农收季回访', 'phone', 'harvest', 0, 0, 5, 1, false, false, false, 'fixed', 0, 0, 1015, false),
    ('00000000-0000-7000-8000-000000000006', 9, 'school-spring', 'school-spring', '春季开学回访', 'phone', 'school_spring', 0, 0, 5, 1, false, false, false, 'fixed', 0, 18, 0, false),
    ('00000000-0000-7000-8000-000000000006', 10, 'childrens-day', 'childrens-day', '儿童节看望', 'home', 'childrens_day', 0, 0, 10, 1, true, false, false, 'fixed', 0, 18, 0, false),
    ('00000000-0000-7000-8000-000000000006', 11, 'school-autumn', 'school-autumn', '秋季开学回访', 'phone', 'school_autumn', 0, 0, 5, 1, false, false, false, 'fixed', 0, 18, 0, false);

INSERT INTO plan_templates (id, key, version, name, created_at) VALUES
    ('00000000-0000-7000-8000-000000000007', 'R', 1, '转介协调', '2026-11-24T00:00:00+08');
INSERT INTO template_steps
    (template_id, position, key, occasion, title, kind, anchor, offset_days, every_days, lead_days, grace_workdays, scored, asks_village, closure,
     policy, gap_days, until_age, yearly_on, real_time) VALUES
    ('00000000-0000-7000-8000-000000000007', 1, 'baseline', 'baseline', '首次入户了解', 'home', 'start', 14, 0, 10, 10, true, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000007', 2, 'month-1', 'month-1', '满月电话回访', 'phone', 'payment', 30, 0, 5, 10, false, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000007', 3, 'month-3-phone', 'month-3-phone', '三个月电话回访', 'phone', 'payment', 90, 0, 5, 10, false, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000007', 4, 'quarter-after-half-year', 'quarter-after-half-year', '每季度电话回访', 'phone', 'payment', 180, 90, 5, 10, false, false, false, 'fixed', 0, 0, 0, false),
    ('00000000-0000-7000-8000-000000000007', 5, 'spring-festival', 'spring-festival', '春节前走访慰问', 'home', 'spring_festival', -7, 0, 14, 10, false, false, false, 'fixed', 0, 0, 0, false);
