package carelog

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Change tells that something was added to a recipient's history: ids and a kind,
// no fact. Whoever may read the file reads the rest there.
type Change struct {
	Recipient RecipientID `json:"recipient_id"`
	Seq       int64       `json:"seq"` // of the entry in the recipient's history
	Kind      string      `json:"kind"`
	Subject   AnyID       `json:"subject_id,omitzero" format:"uuid"`
	At        time.Time   `json:"at"`
}

// Changes is a piece of the feed and where it goes on.
type Changes struct {
	Items  []Change `json:"items" nullable:"false"`
	Cursor string   `json:"cursor"` // for the next question, when Items is empty too
	More   bool     `json:"more"`   // ask again at once
}

// changesKept is how long the feed goes back.
const changesKept = 90 * 24 * time.Hour

// ChangesSince reads what changed in the actor's offices since a cursor; from the
// beginning of the last 90 days without one. Changes come in an order in which none is
// passed by, however late it commits: those of a transaction that still runs, and all
// that began after it, wait for it. Whoever lists work may. Invalid with a cursor that
// is none; Conflict with one from before a restore, or older than 90 days.
func (l *Log) ChangesSince(ctx context.Context, by Actor, cursor string, limit int) (Changes, error) {
	if !by.Holds(ListWork) {
		return Changes{}, forbidden("only officers, supervisors and programs that list work read the feed")
	}
	return read(ctx, l, by, func(tx txn) (Changes, error) {
		at, err := parseCursor(cursor)
		if err != nil {
			return Changes{}, err
		}
		if err := at.known(ctx, tx, cursor); err != nil {
			return Changes{}, err
		}
		return changesAfter(ctx, tx, at, by.Kind == System, by.officesFor(ListWork), nil, limit)
	})
}

// feedPlace is a place in the feed.
type feedPlace struct {
	xid uint64
	id  int64
}

func (p feedPlace) String() string {
	return strconv.FormatUint(p.xid, 10) + "-" + strconv.FormatInt(p.id, 10)
}

func parseCursor(text string) (p feedPlace, err error) {
	if text == "" {
		return p, nil
	}
	xid, id, ok := strings.Cut(text, "-")
	p.xid, err = strconv.ParseUint(xid, 10, 63)
	if err == nil && ok {
		p.id, err = strconv.ParseInt(id, 10, 64)
	}
	if err != nil || !ok {
		return p, invalid("since", isNoCursor)
	}
	return p, nil
}

// known refuses a cursor this database has not given: from before a restore its
// number lies ahead, and what follows it may be gone.
func (p feedPlace) known(ctx context.Context, tx txn, cursor string) error {
	if cursor == "" {
		return nil
	}
	var ahead, gone bool
	err := tx.QueryRow(ctx, `SELECT $1::text::xid8 > pg_snapshot_xmax(pg_current_snapshot()),
			NOT EXISTS (SELECT FROM changes WHERE xid <= $1::text::xid8) AND EXISTS (SELECT FROM changes)`,
		strconv.FormatUint(p.xid, 10)).Scan(&ahead, &gone)
	if err != nil {
		return fmt.Errorf("look at the cursor: %w", err)
	}
	if ahead || gone && p.xid > 0 {
		return conflict("the cursor is of another database or older than 90 days: read everything anew, and go on without a cursor")
	}
	return nil
}

// changesAfter reads the feed behind a place, before the oldest transaction that runs.
func changesAfter(ctx context.Context, tx txn, at feedPlace, all bool, offices []OfficeID, kinds []string, limit int) (Changes, error) {
	rows, err := tx.Query(ctx, `SELECT xid::text, id, recipient_id, seq, kind, subject_id, at FROM changes
		WHERE ($1 OR office_id = ANY ($2)) AND (xid, id) > ($3::text::xid8, $4) AND xid < pg_snapshot_xmin(pg_current_snapshot())
			AND EXISTS (SELECT FROM recipients r WHERE r.id = changes.recipient_id AND ($1 OR r.office_id = ANY ($2)))
			AND ($5::text[] IS NULL OR cardinality($5::text[]) = 0 OR kind = ANY ($5)) ORDER BY xid, id LIMIT $6`,
		all, offices, strconv.FormatUint(at.xid, 10), at.id, kinds, limit+1)
	if err != nil {
		return Changes{}, fmt.Errorf("read changes: %w", err)
	}
	found := Changes{Items: []Change{}}
	var c Change
	var xid string
	var id int64
	_, err = pgx.ForEachRow(rows, []any{&xid, &id, &c.Recipient, &c.Seq, &c.Kind, &c.Subject, &c.At}, func() error {
		if len(found.Items) == limit {
			found.More = true
			return nil
		}
		found.Items = append(found.Items, c)
		at.xid, err = strconv.ParseUint(xid, 10, 64)
		at.id = id
		return err
	})
	if err != nil {
		return Changes{}, fmt.Errorf("read changes: %w", err)
	}
	found.Cursor = at.String()
	return found, nil
}

// feed adds what was added to histories to the feed of their offices.
func (r *historyRows) feed(ctx context.Context, tx txn) error {
	_, err := tx.Exec(ctx, `INSERT INTO changes (office_id, recipient_id, seq, kind, subject_id, at)
		SELECT f.office_id, u.recipient, u.seq, u.kind, u.subject, $5 FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::uuid[]) AS u (recipient, seq, kind, subject)
		JOIN recipients f ON f.id = u.recipient`, r.recipients, r.seqs, r.kinds, r.subjects, tx.now)
	if err != nil {
		return fmt.Errorf("feed the changes: %w", err)
	}
	return nil
}

// ForgetChanges drops what the feed no longer shows, at most limit.
func (l *Log) ForgetChanges(ctx context.Context, limit int) (int, error) {
	return write(ctx, l, TheSystem(), func(tx txn) (int, error) {
		tag, err := tx.Exec(ctx, "DELETE FROM changes WHERE (xid, id) IN (SELECT xid, id FROM changes WHERE at < $1 ORDER BY at LIMIT $2)", tx.now.Add(-changesKept), limit)
		if err != nil {
			return 0, fmt.Errorf("forget changes: %w", err)
		}
		return int(tag.RowsAffected()), nil
	})
}
