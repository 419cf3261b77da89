package carelog

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// Alert is an alert as lists show it.
type Alert struct {
	ID           AlertID
	Recipient    RecipientID
	Plan         PlanID
	CheckIn      CheckInID
	Rule         string
	RuleVersion  int
	Level        string // red, amber, notice
	State        string // open, acknowledged, closed
	Outcome      string // of a closed one: resolved, false, superseded
	ActBy        *time.Time
	OpenedAt     time.Time
	ClosedAt     *time.Time
	Late         bool // open, and its time to act is over
	SnoozedUntil *time.Time

	Responsible    UserID // whoever acts for the plan's officer now
	Acknowledged   UserID // who acknowledged it first
	AcknowledgedAt *time.Time
	Rung           string     // the highest that was told: officer, head, deputy, office
	NextRungAt     *time.Time // when somebody is told next; none: no ladder runs

	MaskedName, Township, Village     string
	ResponsibleName, AcknowledgedName string
}

// AlertFilter chooses alerts. Zero fields choose all that are not closed.
type AlertFilter struct {
	Recipient RecipientID
	Level     string
	State     string // open, acknowledged or closed; empty: not closed
	Page      Page
}

// Alerts lists the alerts of the actor's offices, red first, then the oldest, with
// the clock, who is responsible now and how far up the ladder it has come. That
// they were read goes into the audit.
func (l *Log) Alerts(ctx context.Context, by Actor, f AlertFilter) ([]Alert, error) {
	if !by.Holds(ListWork) {
		return nil, forbidden("only officers and supervisors list alerts")
	}
	if f.State != "" && !slices.Contains([]string{"open", "acknowledged", "closed"}, f.State) {
		return nil, invalid("state", isUnknown)
	}
	if f.Level != "" && !slices.Contains([]string{"red", "amber", "notice"}, f.Level) {
		return nil, invalid("level", isUnknown)
	}
	return write(ctx, l, by.anew(), func(tx txn) ([]Alert, error) {
		rows, err := tx.Query(ctx, selectAlerts, by.Kind == System, by.officesFor(ListWork), f.Recipient, f.Level, f.State,
			f.Page.afterOrFirst(), f.Page.Limit, tx.now)
		if err != nil {
			return nil, fmt.Errorf("list alerts: %w", err)
		}
		alerts, err := pgx.CollectRows(rows, l.scanAlert)
		if err != nil {
			return nil, fmt.Errorf("list alerts: %w", err)
		}
		for i := range alerts {
			if err := l.nameResponsible(ctx, tx, &alerts[i]); err != nil {
				return nil, err
			}
		}
		tx.audit(by.Office, "alerts_read", anyID(f.Recipient), strconv.Itoa(len(alerts)))
		return alerts, nil
	})
}

// selectAlerts pages by (level, id): ids grow with time.
const selectAlerts = `WITH ranked AS (
		SELECT a.*, array_position(ARRAY['red', 'amber', 'notice'], a.level) AS rank FROM alerts a
		WHERE ($1 OR a.office_id = ANY ($2)) AND ($3::uuid IS NULL OR a.recipient_id = $3) AND ($4 = '' OR a.level = $4)
			AND (a.state = $5 OR $5 = '' AND a.state <> 'closed'))
	SELECT a.id, a.recipient_id, a.plan_id, a.check_in_id, a.rule, a.rule_version, a.level, a.state, coalesce(a.outcome, ''), a.act_by, a.opened_at, a.closed_at,
		a.state <> 'closed' AND coalesce(a.act_by < $8, false), a.snoozed_until, p.officer_id, a.acknowledged_by, a.acknowledged_at,
		coalesce((SELECT r.role FROM ladder_rungs r WHERE r.template_key IN (e.ladder, '*') AND r.subject = e.subject AND r.rung = e.rung
			ORDER BY r.template_key = '*' LIMIT 1), ''), e.next_at,
		h.data_key, h.sealed, coalesce(v.township, ''), coalesce(v.name, ''), k.data_key, k.sealed
	FROM ranked a LEFT JOIN care_plans p ON p.id = a.plan_id
	LEFT JOIN escalations e ON e.alert_id = a.id AND e.state = 'running'
	LEFT JOIN recipients h ON h.id = a.recipient_id LEFT JOIN villages v ON v.id = h.village_id
	LEFT JOIN users k ON k.id = a.acknowledged_by
	WHERE (a.rank, a.id) > (coalesce((SELECT array_position(ARRAY['red', 'amber', 'notice'], level) FROM alerts WHERE id = $6), 0), $6::uuid)
	ORDER BY a.rank, a.id LIMIT $7`

func (l *Log) scanAlert(row pgx.CollectableRow) (Alert, error) {
	var a Alert
	var fileKey, fileSealed, ackKey, ackSealed []byte
	err := row.Scan(&a.ID, &a.Recipient, &a.Plan, &a.CheckIn, &a.Rule, &a.RuleVersion, &a.Level, &a.State, &a.Outcome, &a.ActBy, &a.OpenedAt, &a.ClosedAt,
		&a.Late, &a.SnoozedUntil, &a.Responsible, &a.Acknowledged, &a.AcknowledgedAt, &a.Rung, &a.NextRungAt,
		&fileKey, &fileSealed, &a.Township, &a.Village, &ackKey, &ackSealed)
	if err != nil {
		return a, err
	}
	file, err := l.openRecipient(a.Recipient, fileKey, fileSealed)
	if err != nil {
		return a, err
	}
	person, err := l.openPerson(a.Acknowledged, ackKey, ackSealed, "users.sealed")
	a.MaskedName, a.AcknowledgedName = MaskName(file.Name), person.Name
	return a, err
}

// nameResponsible says who acts for the plan's officer now, by name where the
// reader may see it.
func (l *Log) nameResponsible(ctx context.Context, tx txn, a *Alert) error {
	if a.Responsible.IsZero() {
		return nil
	}
	user, _, err := l.standIn(ctx, tx, a.Responsible)
	if err != nil {
		return err
	}
	a.Responsible = user
	var key, sealed []byte
	err = tx.QueryRow(ctx, "SELECT data_key, sealed FROM users WHERE id = $1", user).Scan(&key, &sealed)
	if none(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read who is responsible: %w", err)
	}
	person, err := l.openPerson(user, key, sealed, "users.sealed")
	a.ResponsibleName = person.Name
	return err
}
