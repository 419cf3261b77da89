package carelog

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"aftercare/internal/crypt"
)

// sealedTable is a table with ciphertext: whose keys open it, and what it is bound to.
type sealedTable struct {
	name    string
	columns []string
	key     []keyColumn // its primary key
	joins   string      // to the owners of the keys; the table itself is t
	owners  string      // SQL: the ids whose keys were laid around it, the innermost first
	keys    string      // SQL: their wrapped keys
	bound   string      // SQL: what follows table.column in the context
	atOnce  int         // rows that are opened together; 0: as many as are asked for
}

type keyColumn struct{ name, kind string }

var byID = []keyColumn{{"id", "uuid"}}

// sealedTables are all tables with ciphertext. A test compares them with the schema.
var sealedTables = []sealedTable{
	ofItself("users"), ofItself("village_contacts"), ofItself("recipients"), ofItself("partners"), ofItself("clues"), ofItself("aid_cases"), ofItself("meetings"), ofItself("subscriptions"),
	ofOther("meeting_decisions", "meeting_id", "meetings", "sealed"),
	ofOther("partner_contacts", "partner_id", "partners", "sealed"),
	ofOther("condition_answers", "clue_id", "clues", "sealed"),
	ofOther("case_entries", "case_id", "aid_cases", "sealed"),
	large(ofOther("case_files", "case_id", "aid_cases", "sealed", "body")),
	ofRecipient("household_members", "'/' || t.id", byID, "sealed"),
	ofRecipient("aid_awards", "'/' || t.id", byID, "sealed"),
	ofRecipient("history", "''", []keyColumn{{"recipient_id", "uuid"}, {"seq", "bigint"}}, "payload"),
	ofRecipient("fund_agreements", "'/' || t.id", byID, "sealed"),
	ofRecipient("instalments", "'/' || t.id", byID, "sealed"),
	ofRecipient("fund_uses", "'/' || t.id", byID, "sealed"),
	ofRecipient("check_in_records", "'/' || t.id", byID, "sealed"),
	ofRecipient("events", "'/' || t.id", byID, "sealed"),
	ofRecipient("consents", "'/' || t.id", byID, "sealed"),
	ofRecipient("restrictions", "'/' || t.id", byID, "sealed"),
	ofRecipient("legal_holds", "'/' || t.id", byID, "sealed"),
	ofRecipient("rule_hits", "'/' || t.id", byID, "sealed"),
	ofRecipient("minor_openings", "'/' || t.id", byID, "sealed"),
	ofRecipient("mandatory_reports", "'/' || t.id", byID, "sealed"),
	ofRecipient("referral_steps", "'/' || t.referral_id || '/' || t.n", []keyColumn{{"referral_id", "uuid"}, {"n", "int"}}, "sealed"),
	ofRecipient("transfer_plans", "'/' || t.transfer_id || '/' || t.plan_id", []keyColumn{{"transfer_id", "uuid"}, {"plan_id", "uuid"}}, "sealed", "answer"),
	{
		name: "merges", columns: []string{"sealed"}, key: byID, bound: "'/' || t.id",
		joins:  "LEFT JOIN village_contacts k ON k.id = t.kept_id LEFT JOIN recipients r ON r.id = t.kept_id",
		owners: "ARRAY[t.kept_id]", keys: "ARRAY[coalesce(k.data_key, r.data_key)]",
	},
	ofUser("tasks", "done_by", "'/' || t.id", byID, "outcome"),
	ofUser("idempotency_keys", "user_id", "'/' || t.key", []keyColumn{{"user_id", "uuid"}, {"key", "text"}}, "answer"),
	ofUser("credentials", "user_id", "''", []keyColumn{{"user_id", "uuid"}}, "totp", "totp_pending"),
	{
		name: "messages", columns: []string{"sent_to", "text"}, key: byID, bound: "'/' || t.id",
		joins:  "LEFT JOIN village_contacts k ON k.id = t.contact_id LEFT JOIN users u ON u.id = t.user_id",
		owners: "ARRAY[coalesce(t.contact_id, t.user_id)]", keys: "ARRAY[coalesce(k.data_key, u.data_key)]",
	},
	{
		name: "inbound_messages", columns: []string{"sealed"}, key: byID, bound: "'/' || t.id",
		joins:  strings.ReplaceAll(replyKeys, "i.", "t."),
		owners: "coalesce(owners.ids, ARRAY[t.line_id])", keys: "CASE WHEN owners.ids IS NULL THEN ARRAY[n.data_key] ELSE owners.keys END",
	},
}

func ofItself(table string) sealedTable {
	return sealedTable{name: table, columns: []string{"sealed"}, key: byID, owners: "ARRAY[t.id]", keys: "ARRAY[t.data_key]", bound: "''"}
}

func ofRecipient(table, bound string, key []keyColumn, columns ...string) sealedTable {
	return sealedTable{
		name: table, columns: columns, key: key, bound: bound,
		joins: "LEFT JOIN recipients r ON r.id = t.recipient_id", owners: "ARRAY[t.recipient_id]", keys: "ARRAY[r.data_key]",
	}
}

// large is a table whose values are documents: few are in memory together.
func large(s sealedTable) sealedTable {
	s.atOnce = 2
	return s
}

// ofOther is a table of rows by id, sealed under the key of what they belong to.
func ofOther(table, to, owner string, columns ...string) sealedTable {
	return sealedTable{
		name: table, columns: columns, key: byID, bound: "'/' || t.id",
		joins: "LEFT JOIN " + owner + " o ON o.id = t." + to, owners: "ARRAY[t." + to + "]", keys: "ARRAY[o.data_key]",
	}
}

func ofUser(table, who, bound string, key []keyColumn, columns ...string) sealedTable {
	return sealedTable{
		name: table, columns: columns, key: key, bound: bound,
		joins: "LEFT JOIN users u ON u.id = t." + who, owners: "ARRAY[t." + who + "]", keys: "ARRAY[u.data_key]",
	}
}

// afterKey is the condition of the rows after a key, $1, and their order. The first rows
// have a condition of their own: with both in one, a plan made for any parameter would
// walk the index from its beginning each time.
func afterKey(after []string, key []keyColumn) string {
	var order, given []string
	for i, k := range key {
		order = append(order, k.name)
		given = append(given, fmt.Sprintf("($1::text[])[%d]::%s", i+1, k.kind))
	}
	by := strings.Join(order, ", ")
	if len(after) == 0 {
		return "$1::text[] IS NOT NULL ORDER BY " + by
	}
	return fmt.Sprintf("(%s) > (%s) ORDER BY %s", by, strings.Join(given, ", "), by)
}

// query reads rows after a key, in the order of the primary key.
func (s sealedTable) query(after []string) string {
	var texts, columns []string
	key := make([]keyColumn, len(s.key))
	for i, k := range s.key {
		key[i] = keyColumn{"t." + k.name, k.kind}
		texts = append(texts, "t."+k.name+"::text")
	}
	for _, c := range s.columns {
		columns = append(columns, "t."+c)
	}
	list := func(parts []string) string { return strings.Join(parts, ", ") }
	return fmt.Sprintf("SELECT ARRAY[%s], %s, %s, %s, ARRAY[%s] FROM %s t %s WHERE %s LIMIT $2",
		list(texts), s.owners, s.keys, s.bound, list(columns), s.name, s.joins, afterKey(after, key))
}

// look opens the values of the next rows and names those that do not open. A value
// whose key is destroyed is counted; one whose key does not open is passed over, for
// the key is named itself.
func (s sealedTable) look(ctx context.Context, l *Log, tx txn, after []string, limit int) (looked, error) {
	if s.atOnce > 0 {
		limit = min(limit, s.atOnce)
	}
	rows, err := tx.Query(ctx, s.query(after), after, limit)
	if err != nil {
		return looked{}, fmt.Errorf("read %s: %w", s.name, err)
	}
	var found looked
	var key []string
	var owners []anyID
	var wrapped, values [][]byte
	var bound string
	_, err = pgx.ForEachRow(rows, []any{&key, &owners, &wrapped, &bound, &values}, func() error {
		found.rows++
		found.after = key
		for i, value := range values {
			if value == nil {
				continue
			}
			err := l.openNested(owners, wrapped, value, s.name+"."+s.columns[i]+bound)
			switch {
			case errors.Is(err, crypt.ErrDestroyed):
				found.Erased++
			case err != nil:
				found.name("%s.%s %s: %s", s.name, s.columns[i], strings.Join(key, "/"), plainly(err))
			}
		}
		return nil
	})
	if err != nil {
		return looked{}, fmt.Errorf("read %s: %w", s.name, err)
	}
	found.ended = found.rows < limit
	return found, nil
}

// openNested opens a value under one key, or under several laid around each other.
func (l *Log) openNested(owners []anyID, wrapped [][]byte, value []byte, context string) error {
	for i := len(owners) - 1; i >= 0; i-- {
		if owners[i].IsZero() {
			return errors.New("sealed with nobody's key")
		}
		key, err := l.keys.Unwrap(owners[i], wrapped[i])
		if errors.Is(err, crypt.ErrDestroyed) {
			return err
		}
		if err != nil {
			return nil //nolint:nilerr // lookAtKeys names the key
		}
		if value, err = key.Open(value, context); err != nil {
			return err
		}
	}
	return nil
}

// lookAtKeys unwraps the data keys of the next rows of a table.
func lookAtKeys(table string) look {
	return func(ctx context.Context, l *Log, tx txn, after []string, limit int) (looked, error) {
		rows, err := tx.Query(ctx, "SELECT id, data_key FROM "+table+" WHERE "+afterKey(after, byID)+" LIMIT $2", after, limit)
		if err != nil {
			return looked{}, fmt.Errorf("read the keys of %s: %w", table, err)
		}
		var found looked
		var id anyID
		var wrapped []byte
		_, err = pgx.ForEachRow(rows, []any{&id, &wrapped}, func() error {
			found.rows++
			found.after = []string{id.String()}
			_, err := l.keys.Unwrap(id, wrapped)
			switch {
			case errors.Is(err, crypt.ErrDestroyed):
				found.Erased++
			case err != nil:
				found.name("%s.data_key %s: %s", table, id, plainly(err))
			}
			return nil
		})
		if err != nil {
			return looked{}, fmt.Errorf("read the keys of %s: %w", table, err)
		}
		found.ended = found.rows < limit
		return found, nil
	}
}

// plainly is why an envelope does not open, without where.
func plainly(err error) string {
	for _, known := range []error{crypt.ErrTampered, crypt.ErrWrongKey, crypt.ErrUnknownKey} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return err.Error()
}
