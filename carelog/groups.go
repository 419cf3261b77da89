package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// CaseGroup is households that the same thing happened to (L14): 18 fruit growers who
// were defrauded together. Each keeps a file and a plan of their own.
type CaseGroup struct {
	ID         AnyID    `json:"group_id" format:"uuid"`
	Office     OfficeID `json:"office_id"`
	Key        string   `json:"key"` // as ledgers name it; names nobody
	Name       string   `json:"name"`
	Cause      string   `json:"cause"`
	Season     string   `json:"season"`    // when their income comes
	Sensitive  bool     `json:"sensitive"` // the villages talk about it
	Persons    int      `json:"persons"`
	Households int      `json:"households"`
	Townships  int      `json:"townships"`
	Villages   int      `json:"villages"`
	OpenPlans  int      `json:"open_plans"`
	Red        int      `json:"red"`
	Amber      int      `json:"amber"`
}

// SaveGroup says what a group has in common; it is made where there is none of that
// key. Officers and supervisors of the office may.
func (l *Log) SaveGroup(ctx context.Context, by Actor, g CaseGroup) error {
	if g.Office.IsZero() {
		g.Office = by.Office
	}
	g.Key = strings.TrimSpace(g.Key)
	var p problems
	p.needsText("key", g.Key, 60)
	for field, text := range map[string]string{"name": g.Name, "cause": g.Cause, "season": g.Season} {
		if len(text) > 300 {
			p.add(field, isTooLong)
		}
	}
	if err := p.err(); err != nil {
		return err
	}
	if !by.may(g.Office, KeepCases) {
		return forbidden("only officers and supervisors of the office work with cases")
	}
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		id, err := l.groupOf(ctx, tx, g.Office, g.Key)
		if err != nil {
			return struct{}{}, err
		}
		_, err = tx.Exec(ctx, "UPDATE case_groups SET name = $2, cause = $3, season = $4, sensitive = $5 WHERE id = $1", id, g.Name, g.Cause, g.Season, g.Sensitive)
		if err != nil {
			return struct{}{}, fmt.Errorf("save group: %w", err)
		}
		tx.audit(g.Office, "group_saved", id, "")
		return struct{}{}, nil
	})
	return err
}

// groupOf is the group of a key, made where there is none: a ledger that names it is enough.
func (l *Log) groupOf(ctx context.Context, tx txn, office OfficeID, key string) (anyID, error) {
	_, err := tx.Exec(ctx, "INSERT INTO case_groups (id, office_id, key, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", newID[plainKind](tx.now, l.random), office, key, tx.now)
	if err != nil {
		return anyID{}, fmt.Errorf("make group: %w", err)
	}
	var id anyID
	if err := tx.QueryRow(ctx, "SELECT id FROM case_groups WHERE office_id = $1 AND key = $2", office, key).Scan(&id); err != nil {
		return id, fmt.Errorf("find group: %w", err)
	}
	return id, nil
}

// Groups lists the groups of the actor's offices with how many there are, each in its unit.
func (l *Log) Groups(ctx context.Context, by Actor) ([]CaseGroup, error) {
	if !by.Holds(ListWork) {
		return nil, forbidden("only officers and supervisors list groups")
	}
	return read(ctx, l, by, func(tx txn) ([]CaseGroup, error) {
		rows, err := tx.Query(ctx, `SELECT g.id, g.office_id, g.key, g.name, g.cause, g.season, g.sensitive,
				count(DISTINCT r.id), count(DISTINCT CASE WHEN r.id IS NOT NULL THEN `+household+` END), count(DISTINCT v.township), count(DISTINCT v.id),
				count(DISTINCT p.id), count(DISTINCT p.id) FILTER (WHERE p.tier = 'red'), count(DISTINCT p.id) FILTER (WHERE p.tier = 'amber')
			FROM case_groups g LEFT JOIN aid_awards a ON a.group_id = g.id LEFT JOIN recipients r ON r.id = a.recipient_id
			LEFT JOIN villages v ON v.id = r.village_id LEFT JOIN care_plans p ON p.recipient_id = r.id AND p.state <> 'closed'
			WHERE $1 OR g.office_id = ANY ($2) GROUP BY g.id ORDER BY g.id`, by.Kind == System, by.officesFor(ListWork))
		if err != nil {
			return nil, fmt.Errorf("list groups: %w", err)
		}
		return pgx.CollectRows(rows, pgx.RowToStructByPos[CaseGroup])
	})
}

// RouteFilter chooses what a trip is for. Zero fields: everybody's, a week ahead.
type RouteFilter struct {
	Officer UserID
	Until   calendar.Date
	Group   string // only those of the group with this key
}

// RouteStop is a village on the way and whom to see there.
type RouteStop struct {
	Township   string           `json:"township"`
	Village    string           `json:"village"`
	Households []RouteHousehold `json:"households" nullable:"false"`
}

// RouteHousehold is a household with what is due there.
type RouteHousehold struct {
	Recipients []RecipientID `json:"recipient_ids" nullable:"false"`
	CheckIns   []CheckIn     `json:"check_ins" nullable:"false"`
}

// mostOnRoute bounds a route; nobody drives to more.
const mostOnRoute = 500

// Route lists what is late or due until a day, by township and village and
// household, so that one trip covers neighbours (L14). Officers and supervisors may;
// names are masked.
func (l *Log) Route(ctx context.Context, by Actor, f RouteFilter) ([]RouteStop, error) {
	if !by.Holds(ListWork) {
		return nil, forbidden("only officers and supervisors list check-ins")
	}
	return read(ctx, l, by, func(tx txn) ([]RouteStop, error) {
		if f.Until.IsZero() {
			f.Until = tx.today().AddDays(7)
		}
		list, err := l.listCheckIns(ctx, tx, CheckInFilter{Standing: "open", Officer: f.Officer, DueUntil: f.Until, Group: f.Group, Limit: mostOnRoute})
		if err != nil {
			return nil, err
		}
		homes, err := householdsOf(ctx, tx, list)
		if err != nil {
			return nil, err
		}
		slices.SortStableFunc(list, func(a, b CheckIn) int {
			return slices.Compare([]string{a.Township, a.Village, homes[a.Recipient].String()}, []string{b.Township, b.Village, homes[b.Recipient].String()})
		})
		stops := []RouteStop{}
		var last HouseholdID
		for _, c := range list {
			if n := len(stops); n == 0 || stops[n-1].Township != c.Township || stops[n-1].Village != c.Village {
				stops, last = append(stops, RouteStop{Township: c.Township, Village: c.Village}), HouseholdID{}
			}
			stop := &stops[len(stops)-1]
			if home := homes[c.Recipient]; home != last {
				stop.Households, last = append(stop.Households, RouteHousehold{}), home
			}
			there := &stop.Households[len(stop.Households)-1]
			there.CheckIns = append(there.CheckIns, c)
			if !slices.Contains(there.Recipients, c.Recipient) {
				there.Recipients = append(there.Recipients, c.Recipient)
			}
		}
		return stops, nil
	})
}

// householdsOf is the household of everybody on a list.
func householdsOf(ctx context.Context, tx txn, list []CheckIn) (map[RecipientID]HouseholdID, error) {
	homes := map[RecipientID]HouseholdID{}
	var ids []RecipientID
	for _, c := range list {
		ids = append(ids, c.Recipient)
	}
	rows, err := tx.Query(ctx, "SELECT r.id, "+household+" FROM recipients r WHERE r.id = ANY ($1)", ids)
	if err != nil {
		return nil, fmt.Errorf("read households: %w", err)
	}
	var id RecipientID
	var home HouseholdID
	_, err = pgx.ForEachRow(rows, []any{&id, &home}, func() error {
		homes[id] = home
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read households: %w", err)
	}
	return homes, nil
}
