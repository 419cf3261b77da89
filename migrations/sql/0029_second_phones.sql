-- A contact may have a second phone: a row of its own beside theirs, so that what is
-- known of a number, what was asked of it and what it answered stand where they
-- stand for every number.
ALTER TABLE village_contacts
    ADD COLUMN phone_of uuid REFERENCES village_contacts,
    ADD CONSTRAINT second_phone_is_not_its_own CHECK (phone_of <> id);
CREATE INDEX village_contacts_by_person ON village_contacts (phone_of) WHERE phone_of IS NOT NULL;
CREATE UNIQUE INDEX one_second_phone_a_contact ON village_contacts (phone_of) WHERE state = 'active';

GRANT UPDATE (language) ON offices TO aftercare_app, aftercare_work;
