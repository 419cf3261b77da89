package carelog

import (
	"context"
	"fmt"
	"slices"
)

// A contact may be kept from a kind of household: not asked about any with a
// child that was hurt, say. The topics are the circumstances a file knows. What
// they bar is looked at when a contact is named, when the topics change, and when
// a request is claimed; where the last finds something it becomes a conflict of
// interest, so that no plan asks again.

// topicBarred is why a contact is not texted about a household.
const topicBarred = "what this household is about is barred for this contact"

// isTopicBarred says that the contact may not be named.
var isTopicBarred = reason{
	"may not be named: what this household is about is barred for this contact",
	"不得指定\uff1a不向该联系人了解此类家庭",
}

// BarTopics sets about which circumstances of a household a contact is never
// asked (the flags of a file); an empty list bars none. The contact is taken off
// every open plan of such a household, and who is named beside is asked instead,
// else the officer phones. Officers and supervisors of the office may. It tells
// off how many plans the contact was taken. Refusals: Invalid, NotFound,
// Forbidden, Conflict when the contact has resigned.
func (l *Log) BarTopics(ctx context.Context, by Actor, id ContactID, topics []Flag) (int, error) {
	return write(ctx, l, by, func(tx txn) (int, error) {
		var probs problems
		checkFlags(&probs, "topics", topics)
		if err := probs.err(); err != nil {
			return 0, err
		}
		c, err := contactToChange(ctx, tx, id, ChangeContact)
		if err != nil {
			return 0, err
		}
		plans, err := l.lockPlansNaming(ctx, tx, id, RecipientID{})
		if err != nil {
			return 0, err
		}
		if _, err := tx.Exec(ctx, "UPDATE village_contacts SET barred_topics = $2 WHERE id = $1 OR phone_of = $1", id, listed(topics)); err != nil {
			return 0, fmt.Errorf("bar topics: %w", err)
		}
		off := 0
		for _, p := range plans {
			barred, err := l.topicsBar(ctx, tx, id, p.recipient)
			if err != nil {
				return 0, err
			}
			if !barred {
				continue
			}
			off++
			if err := l.putInPlace(ctx, tx, p, id, ContactID{}, topicBarred); err != nil {
				return 0, err
			}
			tx.append(happening{recipient: p.recipient, kind: "contact_topic_barred", subject: anyID(p.id), details: map[string]any{"contact_id": id}})
		}
		tx.audit(c.office, "topics_barred", anyID(id), fmt.Sprintf("%d topics, %d plans", len(topics), off))
		return off, nil
	})
}

// topicsBar tells whether a contact's barred topics keep them from a household.
// The file is opened for contacts who have any.
func (l *Log) topicsBar(ctx context.Context, tx txn, contact ContactID, recipient RecipientID) (bool, error) {
	var topics []Flag
	err := tx.QueryRow(ctx, "SELECT barred_topics FROM village_contacts WHERE id = $1", contact).Scan(&topics)
	if none(err) || err == nil && len(topics) == 0 {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read barred topics: %w", err)
	}
	household, err := l.openHousehold(ctx, tx, recipient)
	return meetsTopics(topics, household), err
}

func meetsTopics(topics []Flag, household []Member) bool {
	return slices.ContainsFunc(household, func(m Member) bool {
		return slices.ContainsFunc(m.Flags, func(f Flag) bool { return slices.Contains(topics, f) })
	})
}

// checkTopics refuses contacts of an enrolment whose barred topics it meets.
func (e *prepared) checkTopics(ctx context.Context, tx txn, p *problems) error {
	household := append([]Member{{Flags: e.Flags}}, e.Household...)
	for field, contact := range map[string]ContactID{"primary_contact_id": e.Primary, "backup_contact_id": e.Backup} {
		if contact.IsZero() {
			continue
		}
		topics, known := tx.memory.topics[contact]
		if !known {
			err := tx.QueryRow(ctx, "SELECT barred_topics FROM village_contacts WHERE id = $1", contact).Scan(&topics)
			if err != nil && !none(err) {
				return fmt.Errorf("read barred topics: %w", err)
			}
			tx.memory.topics[contact] = topics
		}
		if meetsTopics(topics, household) {
			p.add(field, isTopicBarred)
		}
	}
	return nil
}

// noteBarredTopic keeps a claimed request's contact from the household for good.
func noteBarredTopic(ctx context.Context, tx txn, c claim) error {
	_, err := tx.Exec(ctx, `INSERT INTO contact_conflicts (contact_id, recipient_id, kind, at) VALUES ($1, $2, 'barred_topic', $3)
		ON CONFLICT (contact_id, recipient_id) WHERE ended_at IS NULL DO NOTHING`, c.person, c.recipient, tx.now)
	if err != nil {
		return fmt.Errorf("note the barred topic: %w", err)
	}
	return nil
}
