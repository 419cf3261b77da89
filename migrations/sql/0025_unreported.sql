-- Texts a carrier took and has not said the last word about: it is asked, hourly.
CREATE INDEX messages_unreported ON messages (claimed_at) WHERE dispatch = 'accepted' AND delivery IN ('none', 'queued', 'sent');
