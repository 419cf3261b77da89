package carelog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/condition"
	"aftercare/internal/crypt"
)

// ExplainAlert says which rule raised an alert and on what, by when somebody has
// to act, who of the ladder has been told and who is told next, and how it ended.
// It shows what the household was found to be, so it is read like a file: by
// officers and supervisors of its office, and the read goes into the audit.
func (l *Log) ExplainAlert(ctx context.Context, by Actor, id AlertID) (Explanation, error) {
	return write(ctx, l, by.anew(), func(tx txn) (Explanation, error) {
		a, err := readAlert(ctx, tx, id)
		if err != nil {
			return Explanation{}, err
		}
		if err := mayAsk(by, a.office); err != nil {
			return Explanation{}, err
		}
		e := Explanation{Subject: "alert", ID: id.String()}
		if err := l.explainRule(ctx, tx, &e, a); err != nil {
			return e, err
		}
		e.Answer = e.Because[0].Sentence
		if err := l.explainLadder(ctx, tx, &e, "alert_id", anyID(id)); err != nil {
			return e, err
		}
		events, err := l.entriesAbout(ctx, tx, a.recipient, anyID(id))
		if err != nil {
			return e, err
		}
		e.Because = append(e.Because, events...)
		if a.outcome != "" {
			e.add("event", said("it ended as %s: %s", "\u7ed3\u679c\uff1a%s\uff0c%s", word("ended", a.outcome), inBoth(a.why)))
		}
		tx.audit(a.office, "alert_explained", anyID(id), "")
		return e, nil
	})
}

// alertRow is an alert as it is explained.
type alertRow struct {
	office                           OfficeID
	recipient                        RecipientID
	checkIn                          CheckInID
	rule, level, cause, outcome, why string
	openedAt                         time.Time
	actBy                            *time.Time
}

func readAlert(ctx context.Context, tx txn, id AlertID) (alertRow, error) {
	var a alertRow
	err := tx.QueryRow(ctx, `SELECT office_id, recipient_id, check_in_id, rule, level, cause, coalesce(outcome, ''), why, opened_at, act_by
		FROM alerts WHERE id = $1`, id).
		Scan(&a.office, &a.recipient, &a.checkIn, &a.rule, &a.level, &a.cause, &a.outcome, &a.why, &a.openedAt, &a.actBy)
	if none(err) {
		return a, notFound("alert")
	}
	if err != nil {
		return a, fmt.Errorf("read alert: %w", err)
	}
	return a, nil
}

// explainRule gives the sentence of the hit an alert came from, where the reader
// may see what it rests on.
func (l *Log) explainRule(ctx context.Context, tx txn, e *Explanation, a alertRow) error {
	s := said("a %s alert of rule %s", "%s\u9884\u8b66\uff0c\u89c4\u5219%s", word("level", a.level), word("rule", a.rule))
	hit, found, err := l.hitOf(ctx, tx, a)
	if err != nil {
		return err
	}
	if found {
		s.Chinese, s.English = condition.Explain(hit)
	}
	e.add("rule", s).about(a.rule).at(a.openedAt)
	if a.actBy != nil {
		e.add("rule", said("somebody has to act by %s", "\u987b\u5728%s\u524d\u5904\u7f6e", *a.actBy)).at(*a.actBy)
	}
	return nil
}

func (l *Log) hitOf(ctx context.Context, tx txn, a alertRow) (condition.Hit, bool, error) {
	var hit condition.Hit
	since, err := withheldSince(ctx, tx, a.recipient)
	if err != nil || (since != nil && !a.openedAt.Before(*since) && slices.Contains(restsOnScores, a.rule)) {
		return hit, false, err
	}
	var id anyID
	var sealed []byte
	err = tx.QueryRow(ctx, `SELECT id, sealed FROM rule_hits WHERE recipient_id = $1 AND cause = $2 ORDER BY found_at DESC, id DESC LIMIT 1`,
		a.recipient, a.cause).Scan(&id, &sealed)
	if none(err) {
		return hit, false, nil
	}
	if err != nil {
		return hit, false, fmt.Errorf("read hit: %w", err)
	}
	key, err := l.recipientKey(ctx, tx, a.recipient)
	if err != nil {
		return hit, false, err
	}
	hit, err = crypt.OpenJSON[condition.Hit](key, sealed, "rule_hits.sealed/"+id.String())
	if err != nil {
		return hit, false, fmt.Errorf("open hit: %w", err)
	}
	return hit, true, nil
}

// explainLadder says how far up the ladder somebody has been told of what is
// late, and when somebody is told next, or why nobody is.
func (l *Log) explainLadder(ctx context.Context, tx txn, e *Explanation, column string, subject anyID) error {
	rows, err := tx.Query(ctx, `SELECT e.state, e.rung, e.told_at, e.next_at, e.stopped_at, e.stopped_why,
			coalesce((SELECT r.role FROM ladder_rungs r WHERE r.template_key = e.ladder AND r.subject = e.subject AND r.rung = e.rung),
				(SELECT r.role FROM ladder_rungs r WHERE r.template_key = '*' AND r.subject = e.subject AND r.rung = e.rung), '')
		FROM escalations e WHERE e.`+column+" = $1 ORDER BY e.started_at, e.id", subject)
	if err != nil {
		return fmt.Errorf("read the ladder: %w", err)
	}
	var state, why, role string
	var rung int
	var next time.Time
	var told, stopped *time.Time
	_, err = pgx.ForEachRow(rows, []any{&state, &rung, &told, &next, &stopped, &why, &role}, func() error {
		if told != nil && role != "" {
			e.add("ladder", said("rung %d of the ladder (%s) was told on %s", "\u7763\u529e\u7b2c%d\u7ea7\uff08%s\uff09\u5df2\u4e8e%s\u544a\u77e5", rung, word("rung", role), *told)).at(*told)
		}
		if state == "running" {
			e.add("ladder", said("somebody is told next on %s, unless the deed is done before", "\u5982\u672a\u529e\u7406\uff0c%s\u518d\u6b21\u544a\u77e5", next)).at(next)
			return nil
		}
		e.add("ladder", said("the ladder stopped on %s: %s", "%s\u505c\u6b62\u7763\u529e\uff1a%s", *stopped, inBoth(why))).at(*stopped)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the ladder: %w", err)
	}
	return nil
}
