-- The first version of templates G and K (carelog/schedule holds the same; a test compares them).

INSERT INTO plan_templates (id, key, version, name, created_at) VALUES
    ('00000000-0000-7000-8000-000000000001', 'G', 1, '一般关怀', '2026-11-23T00:00:00+08');
INSERT INTO template_steps
    (template_id, position, key, occasion, title, kind, anchor, offset_days, every_days, lead_days, grace_workdays, scored, asks_village, closure) VALUES
    ('00000000-0000-7000-8000-000000000001', 1, 'baseline', 'baseline', '首次入户了解', 'home', 'start', 14, 0, 10, 10, true, false, false),
    ('00000000-0000-7000-8000-000000000001', 2, 'receipt', 'receipt', '核实救助金足额到账', 'phone', 'payment', 7, 0, 5, 10, false, false, false),
    ('00000000-0000-7000-8000-000000000001', 3, 'month-1', 'month-1', '满月电话回访', 'phone', 'payment', 30, 0, 5, 10, false, false, false),
    ('00000000-0000-7000-8000-000000000001', 4, 'month-3', 'month-3', '三个月上门走访', 'home', 'payment', 90, 0, 10, 10, true, false, false),
    ('00000000-0000-7000-8000-000000000001', 5, 'month-6-village', 'month-6', '半年村委会询问', 'village', 'payment', 180, 0, 7, 10, false, true, false),
    ('00000000-0000-7000-8000-000000000001', 6, 'month-6-phone', 'month-6', '半年电话回访', 'phone', 'payment', 180, 0, 5, 10, false, false, false),
    ('00000000-0000-7000-8000-000000000001', 7, 'month-9', 'month-9', '九个月电话回访', 'phone', 'payment', 270, 0, 5, 10, false, false, false),
    ('00000000-0000-7000-8000-000000000001', 8, 'year-1', 'year-1', '满一年上门走访与结案评估', 'home', 'payment', 365, 0, 10, 10, true, false, true),
    ('00000000-0000-7000-8000-000000000001', 9, 'quarterly-phone', 'quarterly', '每季度电话回访', 'phone', 'payment', 455, 90, 5, 10, false, false, false),
    ('00000000-0000-7000-8000-000000000001', 10, 'yearly-home', 'yearly', '每年上门走访', 'home', 'payment', 730, 365, 10, 10, true, false, true);

INSERT INTO plan_templates (id, key, version, name, created_at) VALUES
    ('00000000-0000-7000-8000-000000000002', 'K', 1, '重点关怀', '2026-11-23T00:00:00+08');
INSERT INTO template_steps
    (template_id, position, key, occasion, title, kind, anchor, offset_days, every_days, lead_days, grace_workdays, scored, asks_village, closure) VALUES
    ('00000000-0000-7000-8000-000000000002', 1, 'baseline', 'baseline', '首次入户了解', 'home', 'start', 14, 0, 10, 5, true, false, false),
    ('00000000-0000-7000-8000-000000000002', 2, 'receipt', 'receipt', '核实救助金足额到账', 'phone', 'payment', 7, 0, 5, 5, false, false, false),
    ('00000000-0000-7000-8000-000000000002', 3, 'monthly-phone', 'odd-month', '每月联系：电话回访', 'phone', 'payment', 30, 60, 5, 5, false, false, false),
    ('00000000-0000-7000-8000-000000000002', 4, 'monthly-village', 'even-month', '每月联系：村委会询问', 'village', 'payment', 60, 60, 7, 5, false, true, false),
    ('00000000-0000-7000-8000-000000000002', 5, 'quarterly-home', 'quarterly', '每季度上门走访', 'home', 'payment', 90, 90, 10, 5, true, false, false);
