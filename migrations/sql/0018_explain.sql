-- Every time a text was put off, and why: the reason beside it is only the last one (P8).
ALTER TABLE messages ADD COLUMN deferrals jsonb NOT NULL DEFAULT '[]';
