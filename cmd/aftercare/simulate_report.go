package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog"
)

// report prints the figures of the time and, last, whom the service forgot. All
// but the line of the elapsed time follows from the seed.
func (s *simulation) report(ctx context.Context, out io.Writer, took time.Duration) error {
	last := s.from.AddDays(s.span - 1)
	fmt.Fprintf(out, "%d recipients, %d officers in %d offices, %s to %s, faults %s\n\n",
		s.recipients, s.simulationPlan.officers, len(s.offices), s.from, last, s.faults)
	for _, part := range []func(context.Context, io.Writer) error{s.reportWork, s.reportTexts, s.reportAlerts, s.reportPlans} {
		if err := part(ctx, out); err != nil {
			return fmt.Errorf("read the figures: %w", err)
		}
	}
	s.reportRefusals(out)
	said, night, err := s.otherPromises(ctx)
	if err != nil {
		return err
	}
	found, err := s.work.VerifyAll(ctx, carelog.TheSystem())
	if err != nil {
		return fmt.Errorf("verify the histories: %w", err)
	}
	fmt.Fprintf(out, "\nsaid twice       %d\ntexts at night   %d (red ones apart)\nrecords broken   %d\n", said, night, found.Broken)
	for _, name := range found.Names {
		fmt.Fprintln(out, name)
	}
	for _, what := range slices.Sorted(maps.Keys(s.spoiled)) {
		fmt.Fprintf(out, "%s since %s\n", what, s.spoiled[what])
	}
	fmt.Fprintf(out, "\ntook %s\n", took.Round(time.Second))
	dropped := s.broken.DroppedSilently + s.broken.Unsettled
	fmt.Fprintf(out, "%d forgotten, %d silently dropped, seed %d\n", s.broken.Forgotten, dropped, s.seed)
	if s.broken.Forgotten+dropped+said+night+found.Broken > 0 {
		return fmt.Errorf("promises were broken: %d forgotten, %d silently dropped, %d said twice, %d at night, %d records broken",
			s.broken.Forgotten, dropped, said, night, found.Broken)
	}
	return nil
}

// spread is how a figure lies: mean, 95 of 100, most.
func spread(values []float64) string {
	if len(values) == 0 {
		return "-"
	}
	slices.Sort(values)
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return fmt.Sprintf("mean %.1f, p95 %.0f, max %.0f", sum/float64(len(values)), values[(len(values)*95-1)/100], values[len(values)-1])
}

func (s *simulation) reportWork(ctx context.Context, out io.Writer) error {
	var due, texts []float64
	perDay, err := s.counts(ctx, `SELECT due::text, count(*)::float8 FROM check_ins
		WHERE due BETWEEN $1 AND $2 AND state NOT IN ('cancelled', 'superseded', 'before_enrolment') GROUP BY 1`, s.from, s.from.AddDays(s.span-1))
	if err != nil {
		return err
	}
	sent, err := s.counts(ctx, `SELECT (claimed_at AT TIME ZONE 'Asia/Shanghai')::date::text, count(*)::float8 FROM messages WHERE dispatch = 'accepted' GROUP BY 1`)
	if err != nil {
		return err
	}
	for n := range s.span {
		if day := s.from.AddDays(n); s.days.IsWorkday(day) {
			due, texts = append(due, perDay[day.String()]), append(texts, sent[day.String()])
		}
	}
	fmt.Fprintf(out, "a working day    contacts due: %s\n                 texts: %s\n", spread(due), spread(texts))
	done, err := s.counts(ctx, `SELECT CASE WHEN c.state = 'done' AND w.day <= c.due THEN 'on time' WHEN c.state = 'done' AND w.day <= c.closes THEN 'late'
			WHEN c.state = 'done' THEN 'after grace' ELSE 'open at the end' END, count(*)::float8
		FROM check_ins c LEFT JOIN LATERAL (SELECT (min(b.occurred_at) AT TIME ZONE 'Asia/Shanghai')::date AS day
			FROM check_in_records b WHERE b.check_in_id = c.id AND b.outcome = 'reached') w ON true
		WHERE c.due BETWEEN $1 AND $2 AND c.state NOT IN ('cancelled', 'superseded', 'before_enrolment') GROUP BY 1`, s.from, s.from.AddDays(s.span-1))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "check-ins        %s; %d notices moved %d\n", listed(done), len(s.notices), s.moved)
	return nil
}

func (s *simulation) reportTexts(ctx context.Context, out io.Writer) error {
	ends, err := s.counts(ctx, "SELECT dispatch, count(*)::float8 FROM messages GROUP BY 1")
	if err != nil {
		return err
	}
	var taken, segments, recovered int
	err = s.eyes.QueryRow(ctx, `SELECT count(*), coalesce(sum(segments), 0), count(*) FILTER (WHERE tries > 1) FROM messages WHERE dispatch = 'accepted'`).Scan(&taken, &segments, &recovered)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "texts            %d taken, %d segments, %d after more than one try; %s\n", taken, segments, recovered, listed(ends))
	replies, err := s.counts(ctx, "SELECT state, count(*)::float8 FROM inbound_messages GROUP BY 1")
	fmt.Fprintf(out, "replies          %s\n", listed(replies))
	if err != nil {
		return err
	}
	visits, err := s.counts(ctx, "SELECT state, count(*)::float8 FROM visit_confirmations GROUP BY 1")
	fmt.Fprintf(out, "visits to confirm %s\n", listed(visits))
	return err
}

func (s *simulation) reportAlerts(ctx context.Context, out io.Writer) error {
	for _, level := range []string{"red", "amber", "notice"} {
		counts, err := s.counts(ctx, `SELECT coalesce(p.officer_id::text, ''), count(*)::float8 FROM alerts a LEFT JOIN care_plans p ON p.id = a.plan_id WHERE a.level = $1 GROUP BY 1`, level)
		if err != nil {
			return err
		}
		each := make([]float64, len(s.officers))
		for i, o := range s.officers {
			each[i] = counts[o.User.String()]
		}
		var median, p95 *float64
		var closed, open int
		err = s.eyes.QueryRow(ctx, `SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY hours), percentile_disc(0.95) WITHIN GROUP (ORDER BY hours), count(hours), count(*) - count(hours)
			FROM (SELECT extract(epoch FROM closed_at - opened_at)::float8 / 3600 AS hours FROM alerts WHERE level = $1) a`, level).Scan(&median, &p95, &closed, &open)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%-6s alerts    an officer: %s; to act: median %s, p95 %s; %d closed, %d open\n", level, spread(each), hours(median), hours(p95), closed, open)
	}
	tasks, err := s.counts(ctx, "SELECT kind || ' ' || state, count(*)::float8 FROM tasks GROUP BY 1")
	fmt.Fprintf(out, "tasks            %s\n", listed(tasks))
	return err
}

func hours(h *float64) string {
	if h == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f h", *h)
}

func (s *simulation) reportPlans(ctx context.Context, out io.Writer) error {
	plans, err := s.counts(ctx, "SELECT state, count(*)::float8 FROM care_plans GROUP BY 1")
	if err != nil {
		return err
	}
	tiers, err := s.counts(ctx, "SELECT tier, count(*)::float8 FROM care_plans WHERE state <> 'closed' GROUP BY 1")
	fmt.Fprintf(out, "plans            %s; open ones by tier: %s\n", listed(plans), listed(tiers))
	return err
}

// reportRefusals prints how often a verb said no to somebody, the most frequent first.
func (s *simulation) reportRefusals(out io.Writer) {
	reasons := slices.SortedFunc(maps.Keys(s.refused), func(a, b string) int {
		return cmp.Or(cmp.Compare(s.refused[b], s.refused[a]), cmp.Compare(a, b))
	})
	for _, reason := range reasons[:min(len(reasons), 10)] {
		fmt.Fprintf(out, "refused          %d × %s\n", s.refused[reason], reason)
	}
}

// otherPromises counts what was said twice (P3) and what woke people at night:
// outside 08:30 to 20:00, red alerts apart.
func (s *simulation) otherPromises(ctx context.Context) (said, night int, err error) {
	s.carrier.mu.Lock()
	said = len(s.carrier.twice)
	for _, id := range s.carrier.twice[:min(5, said)] {
		s.spoiled["sent twice "+id] = ""
	}
	s.carrier.mu.Unlock()
	var again int
	err = s.eyes.QueryRow(ctx, `SELECT (SELECT count(*) FROM (SELECT ask_id, round FROM message_asks b JOIN messages m ON m.id = b.message_id
				WHERE m.dispatch = 'accepted' GROUP BY 1, 2 HAVING count(*) > 1) twice)
			+ (SELECT count(*) FROM (SELECT FROM messages WHERE dispatch = 'accepted' AND check_in_id IS NOT NULL
				GROUP BY check_in_id, contact_id, user_id, wording, (claimed_at AT TIME ZONE 'Asia/Shanghai')::date HAVING count(*) > 1) twice),
			(SELECT count(*) FROM messages WHERE dispatch = 'accepted' AND priority <> 1
				AND (claimed_at AT TIME ZONE 'Asia/Shanghai')::time NOT BETWEEN '08:30' AND '20:00')`).Scan(&again, &night)
	if err != nil {
		return 0, 0, fmt.Errorf("count what was said twice or at night: %w", err)
	}
	return said + again, night, nil
}

// counts reads figures by name.
func (s *simulation) counts(ctx context.Context, sql string, args ...any) (map[string]float64, error) {
	rows, err := s.eyes.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	found := map[string]float64{}
	var name string
	var n float64
	_, err = pgx.ForEachRow(rows, []any{&name, &n}, func() error {
		found[name] = n
		return nil
	})
	return found, err
}

// listed writes figures in the order of their names.
func listed(counts map[string]float64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %.0f", name, counts[name]))
	}
	return strings.Join(parts, ", ")
}
