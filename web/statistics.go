package web

import (
	"fmt"
	"net/http"

	"aftercare/carelog"
)

// statisticsPage is a period's figures, each with its unit.
type statisticsPage struct {
	carelog.Statistics
	Form *form
}

func (s *console) statistics(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	shown := statisticsPage{Form: newForm("period", r.URL.Query())}
	filter := carelog.StatisticsFilter{From: s.date(shown.Form, "from"), Until: s.date(shown.Form, "until")}
	status := http.StatusOK
	found, err := carelog.Statistics{}, error(nil)
	if len(shown.Form.Problems) == 0 {
		found, err = s.Log.Statistics(r.Context(), by, filter)
	}
	if err != nil {
		if err := shown.Form.refused(err); err != nil {
			return err
		}
	}
	if len(shown.Form.Problems) > 0 {
		status = http.StatusUnprocessableEntity
	}
	shown.Statistics = found
	s.show(w, r, &by, status, page{Name: "statistics", Data: shown})
	return nil
}

// amount is a figure as people read it: money in yuan, with the unit named.
func (c *catalogue) amount(n int64, unit carelog.Unit) string {
	if unit == carelog.UnitFen {
		return fmt.Sprintf("%d.%02d %s", n/100, max(n, -n)%100, c.word("unit", "yuan"))
	}
	return fmt.Sprintf("%d %s", n, c.word("unit", unit))
}

// percent is a share in thousandths with one decimal.
func percent(permille *int64) string {
	if permille == nil {
		return ""
	}
	n := *permille
	sign := "+"
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%d%%", sign, n/10, n%10)
}

// rowName says a row of a table: a listed value by its word, else as it was recorded.
func (c *catalogue) rowName(table, key string) string {
	if key == "" {
		return c.text("statistics.unknown")
	}
	switch table {
	case "origin":
		return c.word("origin", key)
	case "template":
		return c.word("template", key)
	case "tag":
		return c.word("tag", key)
	case "tier":
		return c.word("level", key)
	case "measure":
		return carelog.Measure(key).Chinese()
	}
	return key
}
