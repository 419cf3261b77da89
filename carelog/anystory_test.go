package carelog_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
)

// Whatever happens in whatever order, the promises hold after every step.
func TestAnyStory(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("KeepsThePromises/", seed), func(t *testing.T) {
			t.Parallel()
			s := &teller{county: newCounty(t), Rand: rand.New(rand.NewPCG(seed, 7)), mayRepeat: map[carelog.MessageID]bool{}, tries: map[carelog.MessageID]int{}, requests: map[string]int{}}
			s.second = s.addUser(s.office, "second", "+8615400000205", carelog.Officer)
			s.phones = []string{contactPhone, "+8615400000102", "+8615400000103"}
			s.contacts = []carelog.ContactID{s.contact, s.addContact("钱某", s.phones[1]), s.addContact("孙某", s.phones[2])}
			for n := range 60 {
				step := s.step()
				s.sweep()
				require.Zero(t, s.forgotten(), "step %d, %s: a plan is forgotten", n, step)
				require.Zero(t, s.promises().DroppedSilently, "step %d, %s: a message was dropped silently", n, step)
				require.Zero(t, s.count(unanswered, s.clock.now()), "step %d, %s: a transfer waits and nobody hears of it", n, step)
			}
			s.keeps()
		})
	}
}

// unanswered are offers to hand plans over that are past their time and nobody's
// task, and plans in transfer that their sender does not hold any more (P1).
const unanswered = `SELECT count(*) FROM transfers t WHERE t.state = 'open' AND
	(t.accept_by <= $1 AND NOT EXISTS (SELECT FROM tasks k WHERE k.cause = 'transfer_overdue:' || t.id)
	OR EXISTS (SELECT FROM transfer_plans h JOIN care_plans p ON p.id = h.plan_id
		WHERE h.transfer_id = t.id AND h.state = 'open' AND (p.officer_id <> h.from_user_id OR p.office_id <> t.office_id OR p.state = 'closed'))
	OR NOT EXISTS (SELECT FROM transfer_plans h WHERE h.transfer_id = t.id AND h.state = 'open'))`

// teller tells a random story to a county.
type teller struct {
	*county
	*rand.Rand
	phones    []string
	contacts  []carelog.ContactID
	people    []carelog.Enrolled
	second    carelog.Actor              // another officer
	mayRepeat map[carelog.MessageID]bool // the carrier said it certainly has it not
	tries     map[carelog.MessageID]int
	requests  map[string]int // texts a number and day
}

// step lets one thing happen and says what.
func (s *teller) step() string {
	if len(s.people) < 2 {
		return s.enrolSomebody()
	}
	steps := []func() string{s.enrolSomebody, s.timePasses, s.timePasses, s.drain, s.drain, s.drain, s.somebodyReplies, s.somebodyReplies, s.officerRecords, s.officerVisits, s.officerCorrects, s.officerCorrects, s.officerAgrees, s.somethingHappens, s.officerMoves, s.planChanges, s.planChanges, s.reportsCome, s.doubtEnds, s.contactsChange, s.contactsChange}
	return steps[s.IntN(len(steps))]()
}

func (s *teller) enrolSomebody() string {
	e := s.enrolment(fmt.Sprint("S-", len(s.people)), s.IntN(800))
	e.Primary, e.Backup = s.contacts[s.IntN(3)], s.contacts[s.IntN(3)]
	e.Draft = s.IntN(5) == 0
	if s.IntN(3) == 0 {
		e.Flags = []carelog.Flag{"elderly_alone"}
	}
	made, err := s.app.EnrolRecipient(s.ctx(), s.officer, e)
	require.NoError(s.t, err)
	s.people = append(s.people, made)
	return "enrol"
}

func (s *teller) timePasses() string {
	spans := []time.Duration{10 * time.Minute, time.Hour, 5 * time.Hour, 24 * time.Hour, 70 * time.Hour, 12 * 24 * time.Hour}
	s.later(spans[s.IntN(len(spans))])
	return "time passes"
}

func (s *teller) sweep() {
	require.NoError(s.t, s.markOverdue())
	require.NoError(s.t, s.roll())
	s.checkNumbers()
	s.plan()
}

// drain hands over what is due, and has the carrier answer as carriers do.
func (s *teller) drain() string {
	now := s.clock.now()
	day := calendar.Of(now).String()
	claimed := s.claim()
	var receipts []carelog.Receipt
	for _, out := range claimed.Send {
		s.handedOver(out, now, day)
		r := carelog.Receipt{Outgoing: out, CarrierMessageID: fmt.Sprint("SM", out.ID, out.Try), Delivery: "queued"}
		switch s.IntN(8) {
		case 0:
			r.Class, r.CarrierMessageID = carelog.Throttled, ""
			s.mayRepeat[out.ID] = true
		case 1:
			r.Class, r.CarrierMessageID = carelog.Ambiguous, ""
		case 2:
			r.Class, r.CarrierMessageID = []carelog.Class{carelog.Refused, carelog.Unreachable, carelog.OptedOut}[s.IntN(3)], ""
		}
		receipts = append(receipts, r)
	}
	require.NoError(s.t, s.work.RecordReceipts(s.ctx(), receipts))
	return "drain"
}

// handedOver asserts what holds of every text that leaves: the hour, the
// budget, and that it was not said before.
func (s *teller) handedOver(out carelog.Outgoing, now time.Time, day string) {
	var purpose string
	var priority int
	var optedOut, mayHear bool
	err := s.pool.QueryRow(s.ctx(), `SELECT m.purpose || CASE m.wording WHEN 'stop_ack' THEN '!' ELSE '' END, m.priority, n.opted_out_at IS NOT NULL,
			m.purpose <> 'village_request' OR n.state = 'verified' AND k.state = 'active' AND n.unreachable_at IS NULL
				AND NOT EXISTS (SELECT FROM contact_conflicts x WHERE x.contact_id = k.id AND x.recipient_id = m.recipient_id AND x.ended_at IS NULL)
		FROM messages m LEFT JOIN village_contacts k ON k.id = m.contact_id LEFT JOIN numbers n ON n.phone_index = k.phone_index WHERE m.id = $1`, out.ID).Scan(&purpose, &priority, &optedOut, &mayHear)
	require.NoError(s.t, err)
	require.False(s.t, optedOut && purpose != "answer!", "a number that asked for no more is texted")
	require.True(s.t, mayHear, "a household is told of to a number or a contact in doubt")
	if s.tries[out.ID]++; s.tries[out.ID] > 1 {
		require.True(s.t, s.mayRepeat[out.ID], "a text the carrier may have went out again")
	}
	s.mayRepeat[out.ID] = false
	if priority == 1 || purpose == "answer" || purpose == "answer!" {
		return
	}
	require.NoError(s.t, mayBeTexted(purpose, now))
	if purpose == "village_request" && s.tries[out.ID] == 1 {
		s.requests[day+out.To]++
		require.LessOrEqual(s.t, s.requests[day+out.To], 3)
	}
}

func (s *teller) somebodyReplies() string {
	from := append(slices.Clone(s.phones), strangerPhone, officerPhone)[s.IntN(5)]
	words := []string{"1", "2 摔了", "3", "4", "平安", "👍", "退订", "恢复", "CODE 1", "CODE 2", "CODE 3", "1 CODE", "CODE 4", "CODE 2 出事了", "救命", "CODE 1 CODE 2"}[s.IntN(16)]
	codes := s.names("SELECT code FROM asks WHERE code IS NOT NULL ORDER BY opened_at DESC, id LIMIT 6")
	for len(codes) > 0 && strings.Contains(words, "CODE") {
		words = strings.Replace(words, "CODE", codes[s.IntN(len(codes))], 1)
	}
	s.reply(from, words)
	return "reply"
}

// allowed takes a verb's refusal for an answer; a fault is none.
func (s *teller) allowed(what string, err error) string {
	s.t.Helper()
	if err != nil {
		require.NotZero(s.t, carelog.KindOf(err), "%s: %v", what, err)
	}
	return what
}

func (s *teller) open() (carelog.CheckIn, bool) {
	checks := s.checkIns(s.people[s.IntN(len(s.people))].Recipient, "open")
	if len(checks) == 0 {
		return carelog.CheckIn{}, false
	}
	return checks[s.IntN(min(len(checks), 3))], true
}

func (s *teller) officerRecords() string {
	check, ok := s.open()
	if !ok {
		return "nothing to record"
	}
	record := carelog.CheckInRecord{Outcome: "reached", Informant: "self", Scores: scoresFor(check), AskedVillage: true}
	if s.IntN(3) == 0 {
		record = carelog.CheckInRecord{Outcome: []string{"no_answer", "no_answer", "moved", "refused", "deceased"}[s.IntN(5)]}
	}
	return s.allowed("record", second(s.app.RecordCheckIn(s.ctx(), s.officer, check.ID, record)))
}

func (s *teller) anybody() carelog.RecipientID { return s.people[s.IntN(len(s.people))].Recipient }

func (s *teller) officerVisits() string {
	record := carelog.CheckInRecord{Outcome: []string{"reached", "reached", "away", "moved"}[s.IntN(4)], Informant: "self"}
	if record.Outcome == "reached" && s.IntN(2) == 0 {
		record.Scores = all(s.IntN(5))
	}
	return s.allowed("visit", second(s.app.NoteVisit(s.ctx(), s.officer, s.anybody(), "home", record)))
}

func (s *teller) officerCorrects() string {
	ids := s.names("SELECT id::text FROM check_in_records WHERE recorded_by IS NOT NULL ORDER BY id DESC LIMIT 6")
	if len(ids) == 0 {
		return "nothing to correct"
	}
	var id carelog.RecordID
	require.NoError(s.t, id.UnmarshalText([]byte(ids[s.IntN(len(ids))])))
	record := carelog.CheckInRecord{Outcome: []string{"reached", "no_answer", "number_dead"}[s.IntN(3)], Informant: "self"}
	if record.Outcome == "reached" && s.IntN(3) > 0 {
		record.Scores = all(s.IntN(5)).With(condition.Housing, condition.NotObserved).With(condition.Care, condition.NotObserved)
	}
	return s.allowed("correct", second(s.app.CorrectRecord(s.ctx(), s.officer, id, record, "看错了")))
}

func (s *teller) officerAgrees() string {
	check, ok := s.open()
	if !ok {
		return "nothing to agree"
	}
	on := calendar.Of(s.clock.now()).AddDays(s.IntN(30))
	return s.allowed("agree", second(s.app.AgreeAppointment(s.ctx(), s.officer, check.ID, carelog.Appointment{On: on, At: "15:00", Reason: "家里有人"})))
}

func (s *teller) somethingHappens() string {
	kind := []string{"hospital", "job_loss", "offender_contact", "moved"}[s.IntN(4)]
	e := carelog.Event{Kind: kind, OccurredOn: calendar.Of(s.clock.now()), Source: "relative"}
	return s.allowed("event", second(s.app.ReportEvent(s.ctx(), s.officer, s.anybody(), e)))
}

func (s *teller) officerMoves() string {
	check, ok := s.open()
	if !ok {
		return "nothing to move"
	}
	due := calendar.Official().RollForward(calendar.Of(s.clock.now()).AddDays(s.IntN(40)))
	return s.allowed("move", second(s.app.RescheduleCheckIn(s.ctx(), s.officer, check.ID, due, "外出")))
}

func (s *teller) planChanges() string {
	made := s.people[s.IntN(len(s.people))]
	plan, review := made.Plan, calendar.Of(s.clock.now()).AddDays(20)
	who := []carelog.Actor{s.officer, s.boss, s.second}[s.IntN(3)]
	switch s.IntN(12) {
	case 0:
		return s.allowed("pause", second(s.app.PausePlan(s.ctx(), s.officer, plan, review, "住院")))
	case 1:
		s.fit(plan)
		return s.allowed("close", second(s.app.ClosePlan(s.ctx(), who, plan, "已脱困")))
	case 2:
		path := []string{"exit", "death", "moved_away", "refusal"}[s.IntN(4)]
		return s.allowed("propose to close", second(s.app.ProposeClosing(s.ctx(), who, plan, carelog.ClosingProposal{Path: path, Reason: "已脱困"})))
	case 3:
		return s.allowed("reject a closing", second(s.app.RejectClosing(s.ctx(), who, plan, "再看看")))
	case 4:
		return s.allowed("reopen", second(s.app.ReopenPlan(s.ctx(), s.officer, plan, "再次困难")))
	case 5:
		return s.allowed("continue", second(s.app.ContinueForHousehold(s.ctx(), s.officer, plan, carelog.Continuation{Reason: "家人"})))
	case 6:
		decision := []string{"go_on", "minimal", "close"}[s.IntN(3)]
		return s.allowed("decide a refusal", second(s.app.DecideRefusal(s.ctx(), who, plan, carelog.RefusalDecision{Decision: decision, Reason: "本人意愿"})))
	case 7:
		other := s.people[s.IntN(len(s.people))]
		s.allowed("join", second(s.app.JoinHousehold(s.ctx(), s.officer, []carelog.RecipientID{made.Recipient, other.Recipient}, "同住")))
		return s.allowed("pause a household", second(s.app.PauseHousehold(s.ctx(), s.officer, plan, review, "外出")))
	case 8:
		return s.allowed("resume a household", second(s.app.ResumeHousehold(s.ctx(), s.officer, plan)))
	case 9:
		return s.planChangesHands(plan, who)
	default:
		return s.allowed("start", second(s.app.StartPlan(s.ctx(), s.officer, plan)))
	}
}

// planChangesHands offers a plan to whoever has it not, or answers an offer.
func (s *teller) planChangesHands(plan carelog.PlanID, who carelog.Actor) string {
	open, err := s.app.Transfers(s.ctx(), s.boss, carelog.Page{Limit: 10})
	require.NoError(s.t, err)
	if len(open) == 0 || s.IntN(3) == 0 {
		to := []string{"li", "second"}[s.IntN(2)]
		return s.allowed("transfer", second(s.app.TransferPlans(s.ctx(), who, carelog.NewTransfer{Plans: []carelog.PlanID{plan}, To: to, Reason: "分工"})))
	}
	id := open[s.IntN(len(open))].ID
	switch s.IntN(4) {
	case 0:
		return s.allowed("decline", second(s.app.DeclineTransfer(s.ctx(), who, id, nil, "太忙")))
	case 1:
		return s.allowed("withdraw", second(s.app.WithdrawTransfer(s.ctx(), who, id, nil, "不移交了")))
	default:
		return s.allowed("accept", second(s.app.AcceptTransfer(s.ctx(), who, id, carelog.Acceptance{})))
	}
}

// contactsChange has something happen to a contact or their number.
func (s *teller) contactsChange() string {
	n := s.IntN(len(s.contacts))
	contact, numbers := s.contacts[n], append(slices.Clone(s.phones), "+8615400000104", "+8615400000105")
	switch s.IntN(7) {
	case 0:
		return s.allowed("change a phone", s.app.ChangePhone(s.ctx(), s.officer, contact, numbers[s.IntN(5)]))
	case 1:
		return s.allowed("allow texts", s.app.AllowTexts(s.ctx(), s.officer, contact, "asked_by_phone"))
	case 2:
		heir := s.addUnverified("周某", numbers[s.IntN(5)])
		s.allowed("replace", second(s.app.ReplaceContact(s.ctx(), s.officer, contact, heir, "换届选举")))
		s.contacts[n] = heir
		return "replace"
	case 3:
		flag := carelog.NewConflict{Contact: contact, Recipient: s.anybody(), Kind: "creditor", Reason: "借过钱"}
		return s.allowed("flag", s.app.FlagConflict(s.ctx(), s.officer, flag))
	case 4:
		return s.allowed("end a conflict", s.app.EndConflict(s.ctx(), s.boss, contact, s.anybody(), "已还清"))
	default:
		return s.allowed("verify", s.app.VerifyNumber(s.ctx(), s.officer, contact, "called"))
	}
}

func (s *teller) reportsCome() string {
	rows := s.names("SELECT carrier_message_id FROM messages WHERE carrier_message_id IS NOT NULL ORDER BY id DESC LIMIT 5")
	for _, id := range rows {
		s.report(id, "", []string{"sent", "delivered", "undelivered", "failed"}[s.IntN(4)])
	}
	s.apply()
	return "reports"
}

func (s *teller) doubtEnds() string {
	s.later(carelog.SettlingTime + carelog.ListLag)
	stuck, err := s.work.StuckMessages(s.ctx(), carelog.Stuck{}, 10)
	require.NoError(s.t, err)
	for _, m := range stuck {
		finding := []carelog.Finding{carelog.Found, carelog.NotThere, carelog.CannotKnow}[s.IntN(3)]
		s.mayRepeat[m.ID] = finding == carelog.NotThere
		var candidates []carelog.Candidate
		if finding == carelog.Found {
			candidates = []carelog.Candidate{{CarrierMessageID: fmt.Sprint("SM", m.ID, m.Try), Delivery: "sent"}}
		}
		require.NoError(s.t, s.work.SettleMessage(s.ctx(), m, finding, candidates...))
	}
	return "doubt ends"
}
