package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
	"aftercare/carelog/schedule"
)

// The choices of the record form, in the order they are offered. The care log
// refuses what it does not know.
var (
	outcomes   = []string{"reached", "refused", "no_answer", "number_dead", "away", "moved", "deceased", "in_custody", "suspected_fraud"}
	informants = []string{"self", "guardian", "relative", "village_contact", "other"}
	receipts   = []string{"full", "partial", "none", "not_asked"}
	demands    = []string{"none", "deducted", "demanded", "not_asked"}
	answers    = []string{"1", "2", "3"}
)

// momentForm is how a browser writes a date with a time.
const momentForm = "2006-01-02T15:04"

// checkInPage is a check-in with what can be done about it.
type checkInPage struct {
	CheckIn                                         carelog.CheckIn
	Open, MayRecord, MayConfirm, IsVillage          bool
	Now                                             string
	Outcomes, Informants, Receipts, Demands, Digits []string
	Domains                                         []condition.Entry
	Visit                                           visitChoices
	Record, Answer, Move, Confirm                   *form
}

// checkIn shows a check-in with the forms to record and to move it.
func (s *console) checkIn(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	shown, err := s.openCheckIn(r, by)
	if err != nil {
		return err
	}
	s.show(w, r, &by, http.StatusOK, page{Name: "checkin", Data: shown})
	return nil
}

func (s *console) openCheckIn(r *http.Request, by carelog.Actor) (checkInPage, error) {
	shown := checkInPage{
		Outcomes: outcomes, Informants: informants, Receipts: receipts, Demands: demands, Digits: answers,
		Visit: visitFields, Record: newForm("record", nil), Answer: newForm("answer", nil), Move: newForm("move", nil), Confirm: newForm("confirm", nil),
	}
	var id carelog.CheckInID
	if err := idIn(r, &id); err != nil {
		return shown, err
	}
	var err error
	if shown.CheckIn, err = s.Log.CheckInOf(r.Context(), by, id); err != nil {
		return shown, err
	}
	shown.Open = shown.CheckIn.Standing != ""
	shown.MayRecord = shown.Open && by.Holds(carelog.RecordCare)
	shown.MayConfirm = by.Holds(carelog.ConfirmVisit) && shown.CheckIn.Kind == schedule.Home && shown.CheckIn.State == "done" &&
		(shown.CheckIn.Confirmation == "" || shown.CheckIn.Confirmation == "not_asked")
	shown.IsVillage = shown.CheckIn.Kind == schedule.Village || shown.CheckIn.ForVillage
	shown.Domains = scorable(shown.CheckIn.Kind)
	shown.Now = s.Log.Now().In(calendar.Shanghai()).Format(momentForm)
	return shown, nil
}

// scorable is the part of the scale that a kind of check-in can see.
func scorable(kind schedule.Kind) []condition.Entry {
	switch kind {
	case schedule.Home:
		return condition.Scale()
	case schedule.Phone:
		return slices.DeleteFunc(condition.Scale(), func(e condition.Entry) bool { return e.HomeOnly })
	default:
		return nil
	}
}

// recordCheckIn records a try. With problems the page comes back as it was typed.
func (s *console) recordCheckIn(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	shown, err := s.openCheckIn(r, by)
	if err != nil {
		return err
	}
	shown.Record = newForm("record", r.PostForm)
	record := s.readRecord(shown.Record, shown.Domains)
	if len(shown.Record.Problems) == 0 {
		result, err := s.Log.RecordCheckIn(r.Context(), by, shown.CheckIn.ID, record)
		if err == nil && result.State == "done" {
			return done(w, r, "/recipients/"+shown.CheckIn.Recipient.String(), "recorded")
		}
		if err == nil {
			return done(w, r, "/check-ins/"+shown.CheckIn.ID.String(), "attempted")
		}
		if err := shown.Record.refused(err); err != nil {
			return err
		}
	}
	s.show(w, r, &by, http.StatusUnprocessableEntity, page{Name: "checkin", Data: shown})
	return nil
}

func (s *console) readRecord(f *form, domains []condition.Entry) carelog.CheckInRecord {
	record := carelog.CheckInRecord{
		Outcome: f.Value("outcome"), Informant: f.Value("informant"), AskedVillage: f.Value("asked_village") != "",
		Receipt: f.Value("receipt"), Demands: f.Value("demands"), OccurredAt: s.moment(f, "occurred_at"), NextTryOn: s.date(f, "next_try_on"),
		UseOfMoney: typedText(f, "use_of_money"), Changes: typedText(f, "changes"), Needs: typedText(f, "needs"), Note: typedText(f, "note"),
	}
	for _, entry := range domains {
		name := "scores." + string(entry.Domain)
		score, err := condition.ParseScore(f.Or(name, condition.NotObserved.String()))
		if err != nil {
			f.add(name, err.Error())
			continue
		}
		record.Scores = record.Scores.With(entry.Domain, score)
		if kind := f.Value("evidence." + string(entry.Domain)); kind != "" {
			if record.Evidence == nil {
				record.Evidence = map[condition.Domain]carelog.Evidence{}
			}
			record.Evidence[entry.Domain] = carelog.Evidence{Kind: kind}
		}
	}
	s.readVisit(f, &record)
	return record
}

// typedText is a text without the carriage returns that browsers add.
func typedText(f *form, name string) string {
	return strings.TrimSpace(strings.ReplaceAll(f.Value(name), "\r\n", "\n"))
}

// moment reads a date with a time as the wall clock in China; an empty one is no time.
func (s *console) moment(f *form, name string) time.Time {
	text := f.Value(name)
	if text == "" {
		return time.Time{}
	}
	at, err := time.ParseInLocation(momentForm, text, calendar.Shanghai())
	if err != nil {
		f.add(name, s.words.text("form.moment"))
	}
	return at
}

// noteAnswer notes what a village contact answered by phone; it counts as the
// same reply by SMS would.
func (s *console) noteAnswer(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	shown, err := s.openCheckIn(r, by)
	if err != nil {
		return err
	}
	shown.Answer = newForm("answer", r.PostForm)
	contact := carelog.UnplannedContact{Kind: "village_answer", CheckIn: shown.CheckIn.ID, Note: typedText(shown.Answer, "note")}
	contact.Digit = slices.Index(answers, shown.Answer.Value("digit")) + 1
	if _, err := s.Log.NoteContact(r.Context(), by, shown.CheckIn.Recipient, contact); err != nil {
		if err := shown.Answer.refused(err); err != nil {
			return err
		}
		s.show(w, r, &by, http.StatusUnprocessableEntity, page{Name: "checkin", Data: shown})
		return nil
	}
	return done(w, r, "/recipients/"+shown.CheckIn.Recipient.String(), "recorded")
}

// requestConfirmation has the village contact confirm a recorded home visit.
func (s *console) requestConfirmation(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	shown, err := s.openCheckIn(r, by)
	if err != nil {
		return err
	}
	shown.Confirm = newForm("confirm", r.PostForm)
	if err := s.Log.RequestVisitConfirmation(r.Context(), by, shown.CheckIn.ID); err != nil {
		if err := shown.Confirm.refused(err); err != nil {
			return err
		}
		s.show(w, r, &by, http.StatusUnprocessableEntity, page{Name: "checkin", Data: shown})
		return nil
	}
	return done(w, r, "/check-ins/"+shown.CheckIn.ID.String(), "confirming")
}

// rescheduleCheckIn moves an open check-in to another working day.
func (s *console) rescheduleCheckIn(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	shown, err := s.openCheckIn(r, by)
	if err != nil {
		return err
	}
	shown.Move = newForm("move", r.PostForm)
	due := s.date(shown.Move, "due")
	if len(shown.Move.Problems) == 0 {
		_, err := s.Log.RescheduleCheckIn(r.Context(), by, shown.CheckIn.ID, due, typedText(shown.Move, "reason"))
		if err == nil {
			return done(w, r, "/check-ins/"+shown.CheckIn.ID.String(), "moved")
		}
		if err := shown.Move.refused(err); err != nil {
			return err
		}
	}
	s.show(w, r, &by, http.StatusUnprocessableEntity, page{Name: "checkin", Data: shown})
	return nil
}
