package carelog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Merges lists the merges that wait for a decision in the actor's offices, oldest
// first. Officers and supervisors may; that they were shown goes into the audit.
func (l *Log) Merges(ctx context.Context, by Actor, page Page) ([]Merge, error) {
	if !by.Holds(ProposeMergeAct) {
		return nil, forbidden("only officers and supervisors list merges")
	}
	return write(ctx, l, by.anew(), func(tx txn) ([]Merge, error) {
		rows, err := tx.Query(ctx, `SELECT m.id, m.kind, m.kept_id, m.gone_id, m.state, m.proposed_by, m.sealed, coalesce(k.data_key, r.data_key)
			FROM merges m LEFT JOIN village_contacts k ON k.id = m.kept_id LEFT JOIN recipients r ON r.id = m.kept_id
			WHERE m.state = 'open' AND m.office_id = ANY ($1) AND m.id > $2 ORDER BY m.id LIMIT $3`, by.officesFor(ProposeMergeAct), page.afterOrFirst(), page.Limit)
		if err != nil {
			return nil, fmt.Errorf("list merges: %w", err)
		}
		found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (m Merge, err error) {
			var sealed, wrapped []byte
			if err := row.Scan(&m.ID, &m.Kind, &m.Kept, &m.Gone, &m.State, &m.ProposedBy, &sealed, &wrapped); err != nil || wrapped == nil {
				return m, err
			}
			key, err := l.keys.Unwrap(m.Kept, wrapped)
			if err != nil {
				return m, fmt.Errorf("open the key of what stays: %w", err)
			}
			plain, err := key.Open(sealed, "merges.sealed/"+m.ID.String())
			m.Reason = string(plain)
			return m, err
		})
		if err != nil {
			return nil, fmt.Errorf("list merges: %w", err)
		}
		tx.audit(by.Office, "merges_read", anyID{}, fmt.Sprint(len(found)))
		return found, nil
	})
}
