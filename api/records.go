package api

import (
	"context"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
	"aftercare/carelog/schedule"
)

type recording struct {
	CheckInID carelog.CheckInID `path:"check_in_id" format:"uuid"`
	Body      VisitBody
}

// VisitBody is a record of a try, a visit or a call. Exported because Huma reads
// the fields of embedded structs only then.
type VisitBody struct {
	Outcome      string        `json:"outcome" enum:"reached,refused,no_answer,number_dead,away,moved,deceased,in_custody,suspected_fraud,not_seen" doc:"reached completes the check-in; anything else leaves it open with a next try. not_seen is a village contact's own word: read, and never recorded here"`
	OccurredAt   time.Time     `json:"occurred_at,omitzero" doc:"When it began; now when left out"`
	EndedAt      time.Time     `json:"ended_at,omitzero" doc:"Within a day of its beginning"`
	Informant    string        `json:"informant,omitempty" enum:"self,guardian,relative,village_contact,other"`
	AskedVillage bool          `json:"asked_village,omitempty" doc:"A village informant was heard too"`
	Scores       scoresBody    `json:"scores,omitempty" doc:"By domain; one left out was not observed"`
	Evidence     evidenceBody  `json:"evidence,omitempty" doc:"By domain that was scored: how it is known"`
	Flags        []string      `json:"flags,omitempty" maxItems:"10" enum:"child_harm,self_harm,violence,fund_seizure,missing_person" doc:"Safeguarding concerns, whatever the scores say" nullable:"false"`
	Officers     []string      `json:"officers,omitempty" maxItems:"30" doc:"Logins of who made the visit; whoever records it when left out" nullable:"false"`
	Place        string        `json:"place,omitempty" enum:"home,village_office,hospital,school,workplace,other"`
	Partner      string        `json:"partner,omitempty" maxLength:"200" doc:"Who of a partner body was there"`
	Interpreter  string        `json:"interpreter,omitempty" maxLength:"200" doc:"Or help with the dialect"`
	Receipt      string        `json:"receipt,omitempty" enum:"full,partial,none,not_asked" doc:"Was the money received in full"`
	Demands      string        `json:"demands,omitempty" enum:"none,deducted,demanded,not_asked" doc:"Did anybody deduct or demand some of the money; deducted and demanded raise a red alert, as money that was not received does"`
	UseOfMoney   string        `json:"use_of_money,omitempty" maxLength:"8000"`
	Uses         []useBody     `json:"uses,omitempty" maxItems:"30" doc:"What the money was used for" nullable:"false"`
	Changes      string        `json:"changes,omitempty" maxLength:"8000" doc:"In the household since last time"`
	Income       string        `json:"income,omitempty" maxLength:"8000" doc:"Sources and what changed"`
	Health       string        `json:"health,omitempty" maxLength:"8000" doc:"And treatment"`
	Schooling    []childBody   `json:"schooling,omitempty" maxItems:"30" doc:"Of each child" nullable:"false"`
	Mood         string        `json:"mood,omitempty" maxLength:"8000" doc:"Mood, sleep, stress: no diagnosis"`
	Legal        string        `json:"legal,omitempty" maxLength:"8000" doc:"Compensation, execution, the offender's release, threats"`
	InPlace      string        `json:"assistance_in_place,omitempty" maxLength:"8000"`
	Lapsed       string        `json:"assistance_lapsed,omitempty" maxLength:"8000"`
	Needs        string        `json:"needs,omitempty" maxLength:"8000" doc:"In their own words"`
	Satisfaction int           `json:"satisfaction,omitempty" minimum:"0" maximum:"5" doc:"1-5; never required, 0 when not asked"`
	Confirmed    string        `json:"confirmed,omitempty" enum:"signature,oral" doc:"How the person confirmed the record"`
	Issues       string        `json:"issues,omitempty" maxLength:"8000" doc:"What is to be followed up"`
	NextVisit    string        `json:"next_visit,omitempty" maxLength:"8000" doc:"What should change about the next visit"`
	TierProposal string        `json:"tier_proposal,omitempty" maxLength:"8000"`
	Note         string        `json:"note,omitempty" maxLength:"8000"`
	NextTryOn    calendar.Date `json:"next_try_on,omitzero" format:"date" doc:"Of a try that did not reach them: a working day; two working days when left out"`
}

type useBody struct {
	Category   string `json:"category" enum:"medical,living,education,housing,debt,production,funeral,custody,savings,other"`
	AmountFen  int64  `json:"amount_fen,omitempty" minimum:"0"`
	Evidence   string `json:"evidence,omitempty" enum:"observed,document,told"`
	BalanceFen int64  `json:"balance_fen,omitempty" minimum:"0" doc:"Left of it"`
	Concern    string `json:"concern,omitempty" maxLength:"8000"`
}

type childBody struct {
	Child string `json:"child,omitempty" maxLength:"200"`
	Text  string `json:"text" maxLength:"8000"`
}

type evidenceOf struct {
	Kind      string `json:"kind" enum:"observed,document,told"`
	Informant string `json:"informant,omitempty" enum:"self,guardian,relative,village_contact,other" doc:"The record's informant when left out"`
}

// scoresBody is an object of scores by domain.
type scoresBody map[string]string

// Schema names the ten domains and their scores, so that Huma tells what is wrong
// with them beside all else that is wrong with a record.
func (scoresBody) Schema(huma.Registry) *huma.Schema {
	return byDomain(func(entry condition.Entry) *huma.Schema {
		return &huma.Schema{
			Type: huma.TypeString, Enum: []any{"0", "1", "2", "3", "4", "N", "X"},
			Description: entry.Domain.Code() + " " + entry.English + ": 0 (crisis) to 4 (secure), N not observed, X not applicable",
		}
	})
}

// evidenceBody is how the score of each domain is known.
type evidenceBody map[string]evidenceOf

// Schema names the ten domains.
func (evidenceBody) Schema(r huma.Registry) *huma.Schema {
	one := huma.SchemaFromType(r, reflect.TypeFor[evidenceOf]())
	return byDomain(func(condition.Entry) *huma.Schema { return one })
}

func byDomain(schema func(condition.Entry) *huma.Schema) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: false, Properties: map[string]*huma.Schema{}}
	for _, entry := range condition.Scale() {
		s.Properties[string(entry.Domain)] = schema(entry)
	}
	return s
}

// record is the body as the care log takes it.
func (b VisitBody) record() (carelog.CheckInRecord, error) {
	scores, problems := condition.Parse(b.Scores)
	if len(problems) > 0 {
		return carelog.CheckInRecord{}, badField("scores."+problems[0].Field, "is no score of this scale")
	}
	r := carelog.CheckInRecord{
		Outcome: b.Outcome, OccurredAt: b.OccurredAt, EndedAt: b.EndedAt, Informant: b.Informant, AskedVillage: b.AskedVillage, Scores: scores,
		Officers: b.Officers, Place: b.Place, Partner: b.Partner, Interpreter: b.Interpreter, Receipt: b.Receipt, Demands: b.Demands, UseOfMoney: b.UseOfMoney,
		Changes: b.Changes, Income: b.Income, Health: b.Health, Mood: b.Mood, Legal: b.Legal, InPlace: b.InPlace, Lapsed: b.Lapsed, Needs: b.Needs,
		Satisfaction: b.Satisfaction, Confirmed: b.Confirmed, Issues: b.Issues, NextVisit: b.NextVisit, TierProposal: b.TierProposal,
		Note: b.Note, NextTryOn: b.NextTryOn,
	}
	for _, flag := range b.Flags {
		r.Flags = append(r.Flags, condition.Flag(flag))
	}
	for _, use := range b.Uses {
		r.Uses = append(r.Uses, carelog.MoneyUse(use))
	}
	for _, child := range b.Schooling {
		r.Schooling = append(r.Schooling, carelog.ChildAtSchool(child))
	}
	for domain, e := range b.Evidence {
		if r.Evidence == nil {
			r.Evidence = map[condition.Domain]carelog.Evidence{}
		}
		r.Evidence[condition.Domain(domain)] = carelog.Evidence(e)
	}
	return r, nil
}

type recordedBody struct {
	CheckInID carelog.CheckInID `json:"check_in_id,omitzero" format:"uuid" doc:"None: the visit stands alone"`
	RecordID  carelog.RecordID  `json:"record_id" format:"uuid"`
	State     string            `json:"state" doc:"Of the check-in now"`
	Version   int               `json:"version"`
	Assessed  bool              `json:"assessed" doc:"Something was scored"`
	Index     int               `json:"index" minimum:"0" maximum:"100" doc:"Of the scores, when assessed"`
	Complete  bool              `json:"complete" doc:"Enough domains are scored to compare the index"`
	Counts    bool              `json:"counts" doc:"After the baseline visit and a village informant"`
	Late      bool              `json:"late" doc:"Entered more than a day after it ended"`
	Warnings  []string          `json:"warnings" nullable:"false" doc:"What is out of custom"`
}

func showRecorded(done carelog.Recorded, at string) *made[recordedBody] {
	warnings := done.Warnings
	if warnings == nil {
		warnings = []string{}
	}
	if !done.CheckIn.IsZero() {
		at = "/v1/check-ins/" + done.CheckIn.String()
	}
	return &made[recordedBody]{
		Location: at,
		Body: recordedBody{
			done.CheckIn, done.Record, done.State, done.Version, done.Assessed, done.Index, done.Complete, done.Counts, done.Late, warnings,
		},
	}
}

func (s *server) recordCheckIn(ctx context.Context, by carelog.Actor, in *recording) (*made[recordedBody], error) {
	record, err := in.Body.record()
	if err != nil {
		return nil, err
	}
	done, err := s.Log.RecordCheckIn(ctx, by, in.CheckInID, record)
	if err != nil {
		return nil, err
	}
	return showRecorded(done, ""), nil
}

type noteVisit struct {
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
	Body        notedVisit
}

type notedVisit struct {
	Kind schedule.Kind `json:"kind" enum:"home,phone"`
	VisitBody
}

func (s *server) noteVisit(ctx context.Context, by carelog.Actor, in *noteVisit) (*made[recordedBody], error) {
	record, err := in.Body.record()
	if err != nil {
		return nil, err
	}
	done, err := s.Log.NoteVisit(ctx, by, in.RecipientID, in.Body.Kind, record)
	if err != nil {
		return nil, err
	}
	return showRecorded(done, "/v1/recipients/"+in.RecipientID.String()+"/visits"), nil
}

type correctingRecord struct {
	RecordID carelog.RecordID `path:"record_id" format:"uuid"`
	Body     correctRecordBody
}

type correctRecordBody struct {
	Reason string `json:"reason" maxLength:"2000" doc:"Why the record is corrected"`
	VisitBody
}

func (s *server) correctRecord(ctx context.Context, by carelog.Actor, in *correctingRecord) (*made[recordedBody], error) {
	record, err := in.Body.record()
	if err != nil {
		return nil, err
	}
	done, err := s.Log.CorrectRecord(ctx, by, in.RecordID, record, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return showRecorded(done, ""), nil
}

type noting struct {
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
	Body        notedBody
}

type notedBody struct {
	Kind       string            `json:"kind" enum:"call_received,walk_in,village_answer"`
	OccurredAt time.Time         `json:"occurred_at,omitzero" doc:"Now when left out"`
	Note       string            `json:"note,omitempty" maxLength:"8000"`
	CheckInID  carelog.CheckInID `json:"check_in_id,omitzero" format:"uuid" doc:"Of a village answer given by phone: the check-in it answers"`
	Digit      int               `json:"digit,omitempty" doc:"Of a village answer: 1 safe, 2 difficulty, 3 not seen"`
}

func (s *server) noteContact(ctx context.Context, by carelog.Actor, in *noting) (*made[entryBody], error) {
	b := in.Body
	entry, err := s.Log.NoteContact(ctx, by, in.RecipientID, carelog.UnplannedContact{
		Kind: b.Kind, OccurredAt: b.OccurredAt, Note: b.Note, CheckIn: b.CheckInID, Digit: b.Digit,
	})
	if err != nil {
		return nil, err
	}
	return &made[entryBody]{Location: "/v1/recipients/" + in.RecipientID.String() + "/history", Body: showEntry(entry)}, nil
}
