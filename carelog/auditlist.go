package carelog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// AnyID is an id of whatever it is.
type AnyID = anyID

// AuditFilter asks for entries of the audit, the newest first.
type AuditFilter struct {
	Act     string // empty: every act
	Person  UserID // who did it
	Subject AnyID  // whom or what it was done to
	Before  int64  // a seq to go on below; 0: from the newest
	Limit   int
}

// AuditEntry is an act of a person or a program.
type AuditEntry struct {
	Seq       int64     `json:"seq"`
	At        time.Time `json:"at"`
	Office    OfficeID  `json:"office_id,omitzero"`
	ActorKind ActorKind `json:"actor_kind"`
	Actor     AnyID     `json:"actor_id,omitzero" format:"uuid"`
	Act       string    `json:"act"`
	Subject   AnyID     `json:"subject_id,omitzero" format:"uuid"`
	Detail    string    `json:"detail" doc:"Ids, counts and listed reasons, never personal facts"`
}

// Audit reads the audit of the actor's offices, newest first; those of a top office
// read what belongs to none too, such as failed sign-ins under unknown logins. Audit
// administrators may, and the reading stands in the audit itself.
func (l *Log) Audit(ctx context.Context, by Actor, f AuditFilter) ([]AuditEntry, error) {
	if !by.Holds(ReadAudit) {
		return nil, forbidden("only an audit administrator reads the audit")
	}
	return read(ctx, l, by, func(tx txn) ([]AuditEntry, error) {
		rows, err := tx.Query(ctx, `SELECT seq, at, office_id, actor_kind, actor_id, act, subject_id, detail FROM audit
			WHERE ($1 OR office_id = ANY ($2) OR office_id IS NULL AND EXISTS (SELECT FROM offices WHERE parent_id IS NULL AND id = ANY ($2))) AND ($3 = '' OR act = $3) AND ($4::uuid IS NULL OR actor_id = $4)
				AND ($5::uuid IS NULL OR subject_id = $5) AND ($6 = 0 OR seq < $6) ORDER BY seq DESC LIMIT $7`,
			by.Kind == System, by.officesFor(ReadAudit), f.Act, f.Person, f.Subject, f.Before, f.Limit)
		if err != nil {
			return nil, fmt.Errorf("read the audit: %w", err)
		}
		list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e AuditEntry, err error) {
			err = row.Scan(&e.Seq, &e.At, &e.Office, &e.ActorKind, &e.Actor, &e.Act, &e.Subject, &e.Detail)
			return e, err
		})
		if err != nil {
			return nil, fmt.Errorf("read the audit: %w", err)
		}
		tx.audit(by.Office, "audit_read", anyID(f.Person), f.Act)
		return list, nil
	})
}
