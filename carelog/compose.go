package carelog

import (
	"context"
	"fmt"
	"time"

	"aftercare/internal/crypt"
)

// sendingRows are the messages of a batch that are committed as sending.
type sendingRows struct {
	ids, heads     []MessageID // a head is zero but for who rides with it
	texts, numbers [][]byte
	segments       []int
	versions       []int // of the wordings
	languages      []string
}

func (r *sendingRows) add(id MessageID, key crypt.DataKey, text, phone string, segments int, say spoken) {
	r.ids, r.heads = append(r.ids, id), append(r.heads, MessageID{})
	r.texts = append(r.texts, key.Seal([]byte(text), "messages.text/"+id.String()))
	r.numbers = append(r.numbers, key.Seal([]byte(phone), "messages.sent_to/"+id.String()))
	r.segments = append(r.segments, segments)
	r.versions, r.languages = append(r.versions, say.version), append(r.languages, say.language)
}

func (r *sendingRows) update(ctx context.Context, tx txn) error {
	if len(r.ids) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `UPDATE messages m SET dispatch = 'sending', claimed_at = $1, tries = tries + 1, text = u.text, sent_to = u.number, segments = u.segments,
			wording_version = u.version, language = u.language, rides_with = nullif(u.head, '00000000-0000-0000-0000-000000000000')
		FROM unnest($2::uuid[], $3::bytea[], $4::bytea[], $5::int[], $6::int[], $7::text[], $8::uuid[]) AS u (id, text, number, segments, version, language, head)
		WHERE m.id = u.id`, tx.now, r.ids, r.texts, r.numbers, r.segments, r.versions, r.languages, r.heads)
	if err != nil {
		return fmt.Errorf("mark messages sending: %w", err)
	}
	// Who rode with one of these before and waits longer is not in its new text, and
	// must not be taken for sent with it.
	_, err = tx.Exec(ctx, "UPDATE messages SET rides_with = NULL WHERE rides_with = ANY ($1) AND id <> ALL ($1) AND dispatch = 'planned'", r.ids)
	if err != nil {
		return fmt.Errorf("part messages: %w", err)
	}
	return nil
}

// compose renders a claim's text and adds its row to those that are sending.
func (l *Log) compose(ctx context.Context, tx txn, c claim, rows *sendingRows) (Outgoing, error) {
	key, party, err := l.partyOf(ctx, tx, c)
	if err != nil {
		return Outgoing{}, err
	}
	say, approved, asked := tx.texts.speaks(c.wording, c.language, c.carrier)
	if !approved {
		if err := l.askForApproval(ctx, tx, c, asked); err != nil {
			return Outgoing{}, err
		}
		return Outgoing{}, refusedText(notApproved)
	}
	facts, err := l.facts(ctx, tx, c)
	if err != nil {
		return Outgoing{}, err
	}
	facts["office"] = say.signs(c)
	text, segments, params, err := l.words.Speak(say.language, c.wording, say.version, facts)
	if err != nil {
		return Outgoing{}, refusedText("the text was held back: " + err.Error())
	}
	rows.add(c.id, key, text, party.Phone, segments, say)
	return outgoing(tx, c, party.Phone, text, say, params), nil
}

func outgoing(tx txn, c claim, phone, text string, say spoken, params map[string]string) Outgoing {
	// Never a reminder at three in the morning because a phone was off.
	valid := min(c.deadline.Sub(tx.now), 4*time.Hour)
	return Outgoing{
		ID: c.id, To: phone, From: c.number, Carrier: c.carrier, Text: text, Try: c.tries + 1,
		ValidFor: max(valid, time.Minute), SendBy: tx.now.Add(sendWithin),
		Template: say.template, Signature: say.signature, Params: params,
	}
}

// partyOf opens who gets a text, and refuses who may not get one.
func (l *Log) partyOf(ctx context.Context, tx txn, c claim) (crypt.DataKey, personFacts, error) {
	owner := [16]byte(c.contact)
	column := "village_contacts.sealed"
	if c.contact.IsZero() {
		owner, column = c.user, "users.sealed"
	}
	key, err := l.keys.Unwrap(owner, c.partyKey)
	if err != nil {
		return key, personFacts{}, fmt.Errorf("open the party's key: %w", err)
	}
	party, err := crypt.OpenJSON[personFacts](key, c.partySealed, column)
	if err != nil {
		return key, personFacts{}, fmt.Errorf("open the party: %w", err)
	}
	if party.Phone == "" {
		return key, party, refusedText("no phone number is known")
	}
	if c.texting == textingPilot {
		if err := l.inPilot(ctx, tx, c.office, party.Phone); err != nil {
			return key, party, err
		}
	}
	return key, party, nil
}

// Error makes a verdict the reason why no text came about. It carries no personal facts.
func (v verdict) Error() string { return v.reason }

// refusedText is a text that may not go out: a person has to do what it was for.
func refusedText(why string) error { return verdict{dispatch: "failed", reason: why} }

// needlessText is a text nobody needs any more.
func needlessText(why string) error { return verdict{dispatch: "cancelled", reason: why} }

func asHeldBack(err error) (verdict, bool) {
	v, ok := err.(verdict) //nolint:errorlint // it is never wrapped
	return v, ok
}
