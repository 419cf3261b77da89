package carelog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// A number is where a text arrives, and whoever holds the phone reads it. What is
// known of it stands on the number and not on a contact: a contact added later
// with the same phone finds it there.
//
//	unverified   never asked: the confirmation text goes out next
//	asked        the confirmation text went out, and nobody answered yet
//	verified     its owner or an officer said that it is the contact's
//	quarantined  it is somebody else's, or its contact has another one
//	empty        the carrier says that it takes no texts
//
// Only a verified number is texted about a household. A number is locked after
// all else but the heads of the histories.
const (
	numberUnverified  = "unverified"
	numberAsked       = "asked"
	numberVerified    = "verified"
	numberQuarantined = "quarantined"
	numberEmpty       = "empty"
)

// quarantine is how long a number that changed hands is believed by nobody: as
// long as the codes that went there rest.
const quarantine = codeRest

// Why the village is asked by phone about a household.
const (
	numberNotVerified  = "the contact's number is not verified yet: ask the village by phone, and make sure that the number is theirs"
	numberInQuarantine = "the contact's number may be somebody else's: ask the village by phone, and make sure that the number is theirs"
)

// howVerified is how somebody of ours made sure whose a number is.
var howVerified = []string{"called", "met", "official_list"}

// textable is the SQL for a contact who may be texted about households.
func textable(contact, number string) string {
	return fmt.Sprintf("(%[1]s.state = 'active' AND %[2]s.state = 'verified' AND %[2]s.opted_out_at IS NULL AND %[2]s.unreachable_at IS NULL)", contact, number)
}

// textableOf is the SQL for the phone of a contact on which they may be texted about
// households: their own, else their second one.
func textableOf(contact string) string {
	return fmt.Sprintf("(SELECT x.id FROM village_contacts x JOIN numbers xn ON xn.phone_index = x.phone_index WHERE (x.id = %[1]s OR x.phone_of = %[1]s) AND %[2]s ORDER BY x.phone_of IS NOT NULL LIMIT 1)",
		contact, textable("x", "xn"))
}

// stateBefore is the SQL for what a number goes back to when texts arrive again.
const stateBefore = `CASE WHEN state <> 'empty' THEN state WHEN verified_at IS NOT NULL THEN 'verified' WHEN asked_at IS NOT NULL THEN 'asked' ELSE 'unverified' END`

// addNumber brings a contact's number in. One that is known stays what it is,
// but that somebody of ours made sure of a number that was not verified yet.
func addNumber(ctx context.Context, tx txn, index []byte, verified bool) error {
	_, err := tx.Exec(ctx, "INSERT INTO numbers (phone_index, updated_at) VALUES ($1, $2) ON CONFLICT DO NOTHING", index, tx.now)
	if err != nil {
		return fmt.Errorf("insert number: %w", err)
	}
	if !verified {
		return nil
	}
	_, err = tx.Exec(ctx, `UPDATE numbers SET state = 'verified', verified_at = $2, verified_by = $3, reason = 'verified when the contact was added', updated_at = $2
		WHERE phone_index = $1 AND state IN ('unverified', 'asked')`, index, tx.now, tx.by.User)
	if err != nil {
		return fmt.Errorf("mark number verified: %w", err)
	}
	return nil
}

// setVerified makes a number a contact's, whatever was in doubt before. That it
// asked for no more texts stays.
func setVerified(ctx context.Context, tx txn, index []byte, why string) error {
	_, err := tx.Exec(ctx, `UPDATE numbers SET state = 'verified', verified_at = $2, verified_by = $3, unreachable_at = NULL, quarantined_until = NULL,
		reason = $4, updated_at = $2 WHERE phone_index = $1`, index, tx.now, tx.by.User, why)
	if err != nil {
		return fmt.Errorf("verify number: %w", err)
	}
	return nil
}

// setQuarantined keeps a number from being texted and believed.
func setQuarantined(ctx context.Context, tx txn, index []byte, why string) error {
	_, err := tx.Exec(ctx, `UPDATE numbers SET state = 'quarantined', quarantined_until = $2, verified_at = NULL, verified_by = NULL, asked_at = NULL, handed_at = NULL,
		unreachable_at = NULL, reason = $3, updated_at = $4 WHERE phone_index = $1`, index, tx.now.Add(quarantine), why, tx.now)
	if err != nil {
		return fmt.Errorf("quarantine number: %w", err)
	}
	return nil
}

// setOptedOut notes a number's stop, be it one that no contact of ours has.
func setOptedOut(ctx context.Context, tx txn, index []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO numbers (phone_index, opted_out_at, updated_at) VALUES ($1, $2, $2)
		ON CONFLICT (phone_index) DO UPDATE SET opted_out_at = coalesce(numbers.opted_out_at, excluded.opted_out_at), updated_at = excluded.updated_at`, index, tx.now)
	if err != nil {
		return fmt.Errorf("opt out: %w", err)
	}
	return nil
}

func setOptedIn(ctx context.Context, tx txn, index []byte) (was bool, err error) {
	tag, err := tx.Exec(ctx, "UPDATE numbers SET opted_out_at = NULL, updated_at = $2 WHERE phone_index = $1 AND opted_out_at IS NOT NULL", index, tx.now)
	if err != nil {
		return false, fmt.Errorf("opt in: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

// number is what is known of a number.
type number struct {
	state    string
	asked    *time.Time
	verified *time.Time
}

// trusted tells whether what comes from the number comes from its contact. That
// texts do not arrive there makes what comes from there no less true.
func (n number) trusted() bool {
	return n.state == numberVerified || n.state == numberEmpty && n.verified != nil
}

func readNumber(ctx context.Context, tx txn, index []byte) (n number, known bool, err error) {
	err = tx.QueryRow(ctx, "SELECT state, asked_at, verified_at FROM numbers WHERE phone_index = $1", index).Scan(&n.state, &n.asked, &n.verified)
	if none(err) {
		return n, false, nil
	}
	if err != nil {
		return n, false, fmt.Errorf("read number: %w", err)
	}
	return n, true, nil
}

// findSenders are the contacts with a number, and whether it is known to be theirs.
func findSenders(ctx context.Context, tx txn, index []byte) ([]sender, error) {
	rows, err := tx.Query(ctx, `SELECT k.id, coalesce(k.phone_of, k.id), k.office_id, n.state = 'verified' OR n.state = 'empty' AND n.verified_at IS NOT NULL
		FROM village_contacts k JOIN numbers n ON n.phone_index = k.phone_index WHERE k.phone_index = $1 AND k.state = 'active' ORDER BY k.id`, index)
	if err != nil {
		return nil, fmt.Errorf("find senders: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s sender, err error) {
		err = row.Scan(&s.id, &s.person, &s.office, &s.trusted)
		return s, err
	})
}

// trusted are the senders whose number is known to be theirs.
func trusted(senders []sender) []sender {
	return slices.DeleteFunc(slices.Clone(senders), func(s sender) bool { return !s.trusted })
}

// numberOf is the blind index of the number a message went to: its contact may
// have another one by now. Nothing when it went to no contact.
func (l *Log) numberOf(ctx context.Context, tx txn, id MessageID) ([]byte, error) {
	var contact ContactID
	var wrapped, sent []byte
	err := tx.QueryRow(ctx, "SELECT k.id, k.data_key, m.sent_to FROM messages m JOIN village_contacts k ON k.id = m.contact_id WHERE m.id = $1", id).
		Scan(&contact, &wrapped, &sent)
	if none(err) || err == nil && (wrapped == nil || sent == nil) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read where the message went: %w", err)
	}
	key, err := l.keys.Unwrap(contact, wrapped)
	if err != nil {
		return nil, fmt.Errorf("open the contact's key: %w", err)
	}
	phone, err := key.Open(sent, "messages.sent_to/"+id.String())
	if err != nil {
		return nil, fmt.Errorf("open the number: %w", err)
	}
	return l.keys.Index("phone", string(phone)), nil
}

// learnAboutNumber remembers that the number a text went to takes none, and has
// the check-in's texts planned anew: to the backup contact, else to the officer.
func (l *Log) learnAboutNumber(ctx context.Context, tx txn, m messageRef, class Class) error {
	if class != OptedOut && class != Unreachable || m.contact.IsZero() {
		return nil
	}
	if err := l.planAnew(ctx, tx, m.checkIn); err != nil {
		return err
	}
	index, err := l.numberOf(ctx, tx, m.id)
	if err != nil || index == nil {
		return err
	}
	if class == OptedOut {
		return setOptedOut(ctx, tx, index)
	}
	_, err = tx.Exec(ctx, `UPDATE numbers SET unreachable_at = $2, state = CASE state WHEN 'quarantined' THEN state ELSE 'empty' END, updated_at = $2
		WHERE phone_index = $1 AND unreachable_at IS NULL`, index, tx.now)
	if err != nil {
		return fmt.Errorf("mark number empty: %w", err)
	}
	return nil
}

// textArrived ends the work that a text left behind which was thought not to
// have arrived, and takes its number for reachable again.
func (l *Log) textArrived(ctx context.Context, tx txn, r report) error {
	const why = "the text was delivered after all"
	if err := l.endTasks(ctx, tx, []string{"message_failed:" + r.message.id.String(), "message_unknown:" + r.message.id.String()}, why); err != nil {
		return err
	}
	index, err := l.numberOf(ctx, tx, r.message.id)
	if err != nil || index == nil {
		return err
	}
	var healed bool
	err = tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM numbers WHERE phone_index = $1 AND unreachable_at <= $2)", index, r.receivedAt).Scan(&healed)
	if err != nil {
		return fmt.Errorf("read number: %w", err)
	}
	if !healed {
		return nil
	}
	senders, err := findSenders(ctx, tx, index)
	if err != nil {
		return err
	}
	for _, s := range senders {
		if !s.trusted {
			continue
		}
		h := happening{kind: "number_reachable", at: r.receivedAt, actor: Program, subject: anyID(r.message.id)}
		if err := l.askTheContactAgain(ctx, tx, s.id, h); err != nil {
			return err
		}
	}
	if err := l.endContactTasks(ctx, tx, contactIDs(senders), []string{"contact_unreachable"}, why); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "UPDATE numbers SET unreachable_at = NULL, state = "+stateBefore+", updated_at = $2 WHERE phone_index = $1", index, tx.now)
	if err != nil {
		return fmt.Errorf("take number for reachable: %w", err)
	}
	return nil
}

// endContactTasks ends the open tasks of these kinds about the contacts.
func (l *Log) endContactTasks(ctx context.Context, tx txn, contacts []ContactID, kinds []string, why string) error {
	rows, err := tx.Query(ctx, "SELECT cause FROM tasks WHERE contact_id = ANY ($1) AND kind = ANY ($2) AND state = 'open' ORDER BY cause", contacts, kinds)
	if err != nil {
		return fmt.Errorf("find the contact's tasks: %w", err)
	}
	causes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("find the contact's tasks: %w", err)
	}
	return l.endTasks(ctx, tx, slices.Compact(causes), why)
}
