package carelog

import (
	"context"
	"fmt"
	"time"
)

// shownConfirmation is what is known of the confirmation of a visit.
type shownConfirmation struct {
	state, reason string
	bySupervisor  bool
	askedAt       time.Time
	answerBy      *time.Time
	endedAt       *time.Time
}

// readConfirmation reads the confirmation of a visit; no state where there is none.
func readConfirmation(ctx context.Context, tx txn, id CheckInID) (v shownConfirmation, err error) {
	err = tx.QueryRow(ctx, "SELECT state, reason, asked_by IS NOT NULL, asked_at, answer_by, ended_at FROM visit_confirmations WHERE check_in_id = $1", id).
		Scan(&v.state, &v.reason, &v.bySupervisor, &v.askedAt, &v.answerBy, &v.endedAt)
	if err != nil && !none(err) {
		return v, fmt.Errorf("read the confirmation: %w", err)
	}
	return v, nil
}

// explainConfirmation says why the village was asked to confirm a visit, and how
// that ended.
func (l *Log) explainConfirmation(ctx context.Context, tx txn, e *Explanation, id CheckInID) error {
	v, err := readConfirmation(ctx, tx, id)
	if err != nil || v.state == "" {
		return err
	}
	if v.bySupervisor {
		e.add("person", inBoth("a supervisor has this home visit confirmed by the village contact")).about(id.String()).at(v.askedAt)
	} else {
		e.add("rule", inBoth("one home visit in ten is confirmed by the village contact")).about(id.String()).at(v.askedAt)
	}
	if v.state == "asked" {
		e.add("contact", said("%s, until %s", "%s\uff0c\u81f3%s", word("confirmation", v.state), *v.answerBy)).at(v.askedAt)
		return nil
	}
	ended := word("confirmation", v.state)
	if v.reason != "" {
		ended = said("%s: %s", "%s\uff1a%s", ended, inBoth(v.reason))
	}
	e.add("contact", ended).at(*v.endedAt)
	return nil
}
