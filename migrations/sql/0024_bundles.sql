-- Requests of one contact for several households that go out as one text: the
-- message on the wire is the head, the others ride with it and end as it ends.
ALTER TABLE messages ADD COLUMN rides_with uuid REFERENCES messages;
CREATE INDEX messages_riding ON messages (rides_with) WHERE rides_with IS NOT NULL;

-- Whether an office's requests to one contact go out in one text.
ALTER TABLE offices ADD COLUMN together boolean NOT NULL DEFAULT true;
GRANT UPDATE (together) ON offices TO aftercare_app, aftercare_work;
