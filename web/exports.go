package web

import (
	"bytes"
	"context"
	"iter"
	"net/http"
	"time"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/internal/ledger"
)

// sheet is a list that can be taken out as a file: masked, as the list is.
type sheet struct {
	act     carelog.Act
	columns []ledger.Column
	rows    func(s *console, ctx context.Context, by carelog.Actor) iter.Seq2[[]any, error]
}

// exportPage is how many rows are asked for at a time, and mostRows how many leave in
// one file.
const (
	exportPage = 200
	mostRows   = 50_000
)

// paged asks for a list page by page and makes each of it a row.
func paged[T any](list func(carelog.Page) ([]T, error), id func(T) string, row func(T) []any) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		after := ""
		for n := 0; n < mostRows; {
			wanted, err := carelog.PageAfter(after, exportPage)
			if err != nil {
				yield(nil, err)
				return
			}
			found, err := list(wanted)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, one := range found {
				if !yield(row(one), nil) {
					return
				}
				n++
			}
			if len(found) < exportPage {
				return
			}
			after = id(found[len(found)-1])
		}
	}
}

func on(d calendar.Date) any {
	if d.IsZero() {
		return nil
	}
	return time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, time.UTC)
}

func at(t *time.Time) any {
	if t == nil {
		return nil
	}
	return *t
}

func text(titles ...string) (columns []ledger.Column) {
	for _, title := range titles {
		columns = append(columns, ledger.Column{Title: title})
	}
	return columns
}

func dated(columns []ledger.Column, kind ledger.Kind, titles ...string) []ledger.Column {
	for _, title := range titles {
		columns = append(columns, ledger.Column{Title: title, Kind: kind, Width: 18})
	}
	return columns
}

// sheets are the lists there are, by the last part of their address.
func (s *console) sheets() map[string]sheet {
	t, word := s.words.text, s.words.word
	name, township, village, state := t("export.name"), t("export.township"), t("export.village"), t("export.state")
	return map[string]sheet{
		"plans": {carelog.ListWork, dated(text(name, t("export.template"), state, t("export.tier")), ledger.Date, t("export.started"), t("export.review")), func(s *console, ctx context.Context, by carelog.Actor) iter.Seq2[[]any, error] {
			return paged(func(p carelog.Page) ([]carelog.Plan, error) { return s.Log.Plans(ctx, by, carelog.PlanFilter{Page: p}) },
				func(p carelog.Plan) string { return p.ID.String() },
				func(p carelog.Plan) []any {
					return []any{p.MaskedName, word("template", p.Template), word("plan", p.State), word("level", p.Tier), on(p.StartedOn), on(p.ReviewOn)}
				})
		}},
		"check-ins": {carelog.ListWork, dated(text(name, township, village, t("export.what"), state), ledger.Date, t("export.opens"), t("export.due"), t("export.closes")), s.checkInRows},
		"tasks": {carelog.ListWork, dated(text(t("export.kind"), name, township, village, t("export.why")), ledger.Moment, t("export.opened"), t("export.actby")), func(s *console, ctx context.Context, by carelog.Actor) iter.Seq2[[]any, error] {
			return paged(func(p carelog.Page) ([]carelog.Task, error) { return s.Log.Tasks(ctx, by, p) }, func(k carelog.Task) string { return k.ID.String() },
				func(k carelog.Task) []any {
					return []any{word("task", k.Kind), k.MaskedName, k.Township, k.Village, s.words.say(k.Reason), k.OpenedAt, at(k.ActBy)}
				})
		}},
		"alerts": {carelog.ListWork, dated(text(t("export.level"), t("export.rule"), name, township, village, t("export.who")), ledger.Moment, t("export.opened"), t("export.actby")), func(s *console, ctx context.Context, by carelog.Actor) iter.Seq2[[]any, error] {
			return paged(func(p carelog.Page) ([]carelog.Alert, error) {
				return s.Log.Alerts(ctx, by, carelog.AlertFilter{Page: p})
			}, func(a carelog.Alert) string { return a.ID.String() },
				func(a carelog.Alert) []any {
					return []any{word("level", a.Level), a.Rule, a.MaskedName, a.Township, a.Village, a.ResponsibleName, a.OpenedAt, at(a.ActBy)}
				})
		}},
		"referrals": {carelog.ListWork, dated(text(t("export.measure"), t("export.partner"), name, state), ledger.Date, t("export.due"), t("export.decided"), t("export.expires")), func(s *console, ctx context.Context, by carelog.Actor) iter.Seq2[[]any, error] {
			return paged(func(p carelog.Page) ([]carelog.Referral, error) {
				return s.Log.Referrals(ctx, by, carelog.ReferralFilter{Page: p})
			}, func(r carelog.Referral) string { return r.ID.String() },
				func(r carelog.Referral) []any {
					return []any{r.Measure.Chinese(), r.PartnerName, r.MaskedName, word("referral", r.State), on(r.DueOn), on(r.DecidedOn), on(r.ExpiresOn)}
				})
		}},
		"messages": {carelog.ListWork, dated(text(t("export.purpose"), state, t("export.delivery"), t("export.why")), ledger.Moment, t("export.notbefore"), t("export.sent")), func(s *console, ctx context.Context, by carelog.Actor) iter.Seq2[[]any, error] {
			return paged(func(p carelog.Page) ([]carelog.Message, error) {
				return s.Log.Messages(ctx, by, carelog.MessageFilter{Page: p})
			}, func(m carelog.Message) string { return m.ID.String() },
				func(m carelog.Message) []any {
					return []any{word("purpose", m.Purpose), word("dispatch", m.Dispatch), word("delivery", m.Delivery), s.words.say(m.DispatchReason), m.NotBefore, at(m.DispatchedAt)}
				})
		}},
		"contacts": {carelog.ListContacts, text(t("export.name"), t("export.role"), t("export.ending"), t("export.villages"), state), func(s *console, ctx context.Context, by carelog.Actor) iter.Seq2[[]any, error] {
			return paged(func(p carelog.Page) ([]carelog.VillageContact, error) { return s.Log.Contacts(ctx, by, p) }, func(c carelog.VillageContact) string { return c.ID.String() },
				func(c carelog.VillageContact) []any {
					places := ""
					for i, v := range c.Villages {
						if i > 0 {
							places += t("list.comma")
						}
						places += v.Township + " " + v.Name
					}
					return []any{c.Name, word("contactrole", c.Role), c.PhoneEnding, places, word("contactstate", c.State)}
				})
		}},
		"partners": {carelog.ListPartners, text(t("export.partner"), t("export.kind")), func(s *console, ctx context.Context, by carelog.Actor) iter.Seq2[[]any, error] {
			return paged(func(p carelog.Page) ([]carelog.Partner, error) { return s.Log.Partners(ctx, by, p) }, func(p carelog.Partner) string { return p.ID.String() },
				func(p carelog.Partner) []any { return []any{p.Name, word("partnerkind", p.Kind)} })
		}},
		"cases": {carelog.SeeCases, append(dated(text(t("export.number"), state, t("export.origin")), ledger.Date, t("export.opened")), ledger.Column{Title: t("export.persons"), Kind: ledger.Number}, ledger.Column{Title: t("export.late"), Kind: ledger.Number}), func(s *console, ctx context.Context, by carelog.Actor) iter.Seq2[[]any, error] {
			return paged(func(p carelog.Page) ([]carelog.AidCase, error) {
				return s.Log.Cases(ctx, by, carelog.CaseFilter{Page: p})
			}, func(c carelog.AidCase) string { return c.ID.String() },
				func(c carelog.AidCase) []any {
					return []any{c.Number, word("casestate", c.State), word("origin", c.Origin), on(c.OpenedOn), c.Persons, c.Late}
				})
		}},
		"clues": {carelog.SeeCases, append(dated(text(t("export.number"), state, t("export.origin")), ledger.Date, t("export.received"), t("export.actby")), ledger.Column{Title: t("export.persons"), Kind: ledger.Number}), func(s *console, ctx context.Context, by carelog.Actor) iter.Seq2[[]any, error] {
			return paged(func(p carelog.Page) ([]carelog.Clue, error) { return s.Log.Clues(ctx, by, carelog.ClueFilter{Page: p}) }, func(c carelog.Clue) string { return c.ID.String() },
				func(c carelog.Clue) []any {
					return []any{c.Number, word("cluestate", c.State), word("origin", c.Origin), on(c.ReceivedOn), on(c.AnswerBy), c.Persons}
				})
		}},
	}
}

// checkInRows pages by due date, as that list does.
func (s *console) checkInRows(_ *console, ctx context.Context, by carelog.Actor) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		f := carelog.CheckInFilter{Standing: "open", Limit: exportPage}
		for n := 0; n < mostRows; {
			found, err := s.Log.CheckIns(ctx, by, f)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, c := range found {
				if !yield([]any{c.MaskedName, c.Township, c.Village, c.Title, s.words.word("checkin", c.State), on(c.Opens), on(c.Due), on(c.Closes)}, nil) {
					return
				}
				n++
			}
			if len(found) < exportPage {
				return
			}
			f.AfterDue, f.AfterID = found[len(found)-1].Due, found[len(found)-1].ID
		}
	}
}

// exportsPage is what can be taken out.
type exportsPage struct {
	Lists    []string
	InFull   bool
	Purposes []string
	Form     *form
}

// sheetOrder is how they are listed.
var sheetOrder = []string{"plans", "check-ins", "tasks", "alerts", "referrals", "cases", "clues", "contacts", "partners", "messages"}

func (s *console) exports(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	return s.showExports(w, r, by, http.StatusOK, newForm("ledger", nil))
}

func (s *console) showExports(w http.ResponseWriter, r *http.Request, by carelog.Actor, status int, f *form) error {
	shown := exportsPage{InFull: by.Holds(carelog.ExportLedgerAct), Purposes: purposes, Form: f}
	sheets := s.sheets()
	for _, name := range sheetOrder {
		if by.Holds(sheets[name].act) {
			shown.Lists = append(shown.Lists, name)
		}
	}
	s.show(w, r, &by, status, page{Name: "exports", Data: shown})
	return nil
}

// exportList sends a list as a file. It is made whole before the first byte leaves.
func (s *console) exportList(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	name := r.PathValue("list")
	wanted, known := s.sheets()[name]
	if !known || !by.Holds(wanted.act) {
		return errNoPage
	}
	count := 0
	var body bytes.Buffer
	err := ledger.WriteTable(&body, wanted.columns, func(yield func([]any, error) bool) {
		for row, err := range wanted.rows(s, r.Context(), by) {
			if err == nil {
				count++
			}
			if !yield(row, err) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	if err := s.Log.NoteExport(r.Context(), by, name, count); err != nil {
		return err
	}
	return sendSheet(w, name, &body)
}

// exportLedger sends the whole ledger in full, to a supervisor with a reason.
func (s *console) exportLedger(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	out, err := s.Log.ExportLedger(r.Context(), by, carelog.OfficeID{}, r.PostForm.Get("purpose"), r.PostForm.Get("reason"))
	if carelog.KindOf(err) == carelog.Invalid {
		f := newForm("ledger", r.PostForm)
		if err := f.refused(err); err != nil {
			return err
		}
		return s.showExports(w, r, by, http.StatusUnprocessableEntity, f)
	}
	if err != nil {
		return err
	}
	rows := make([][]string, len(out.Rows))
	for i, row := range out.Rows {
		rows[i] = make([]string, len(out.Header))
		for j, column := range out.Header {
			rows[i][j] = row.Cells[column]
		}
	}
	var body bytes.Buffer
	if err := ledger.WriteXLSX(&body, out.Header, rows); err != nil {
		return err
	}
	return sendSheet(w, "ledger", &body)
}

func sendSheet(w http.ResponseWriter, name string, body *bytes.Buffer) error {
	w.Header().Set("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
	w.Header().Set("Content-Disposition", `attachment; filename="aftercare-`+name+`.xlsx"`)
	w.Header().Set("Cache-Control", "no-store")
	_, err := body.WriteTo(w)
	return err
}
