package carelog

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// Files of one person, after a merge: the one that stays and those that point at it.
// Each keeps its own chain and key; who reads one is shown all of them.

// whole are the files of the recipient's person, the one that stays first; beside the
// one asked for not those that were erased or are shut to the actor.
func (l *Log) whole(ctx context.Context, tx txn, recipient RecipientID) ([]RecipientID, error) {
	rows, err := tx.Query(ctx, `SELECT r.id FROM recipients r JOIN recipients asked ON asked.id = $1
		WHERE (r.id = $1 OR r.merged_into = coalesce(asked.merged_into, $1) OR r.id = asked.merged_into) AND (r.id = $1 OR r.data_key IS NOT NULL AND (r.restricted_at IS NULL
			OR EXISTS (SELECT FROM restricted_views v WHERE v.recipient_id = r.id AND v.user_id = $2 AND v.until > $3)))
		ORDER BY r.merged_into IS NOT NULL, r.id`, recipient, tx.by.User, tx.now)
	if err != nil {
		return nil, fmt.Errorf("read the files of one person: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[RecipientID])
}

// ofWhole reads something of every file of the person.
func ofWhole[T any](ctx context.Context, l *Log, tx txn, recipient RecipientID, read func(RecipientID) ([]T, error)) ([]T, error) {
	files, err := l.whole(ctx, tx, recipient)
	if err != nil {
		return nil, err
	}
	if len(files) < 2 {
		return read(recipient)
	}
	all := []T{}
	for _, id := range files {
		some, err := read(id)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// ofTheFileThatStays is a check-in of a merged file as the other's: what is told under
// an old code concerns the plan that goes on.
func ofTheFileThatStays(ctx context.Context, tx txn, c checkIn) (checkIn, error) {
	err := tx.QueryRow(ctx, `SELECT p.recipient_id, p.id, p.office_id FROM recipients r JOIN care_plans p ON p.recipient_id = r.merged_into AND p.state <> 'closed'
		WHERE r.id = $1`, c.recipient).Scan(&c.recipient, &c.plan, &c.office)
	if err != nil && !none(err) {
		return c, fmt.Errorf("find the file that stays: %w", err)
	}
	return c, nil
}

// wholeMembers are the household's members as every file of the person names them,
// each once.
func (l *Log) wholeMembers(ctx context.Context, tx txn, recipient RecipientID) ([]Member, error) {
	named, err := ofWhole(ctx, l, tx, recipient, func(id RecipientID) ([]Member, error) {
		key, err := l.recipientKey(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		return openMembers(ctx, tx, id, key)
	})
	var members []Member
	for _, m := range named {
		if !slices.ContainsFunc(members, func(k Member) bool { return k.Name == m.Name && k.BornOn == m.BornOn }) {
			members = append(members, m)
		}
	}
	return members, err
}
