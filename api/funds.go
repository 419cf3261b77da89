package api

import (
	"context"
	"encoding/hex"
	"time"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// Amounts are in fen throughout.
type fundsBody struct {
	TotalFen        int64            `json:"total_fen"`
	PaidOn          calendar.Date    `json:"paid_on" format:"date"`
	LossFen         int64            `json:"loss_fen"`
	CompensationFen int64            `json:"compensation_fen"`
	Hardship        string           `json:"hardship" doc:"ordinary, great, extreme; empty: not graded"`
	CaseNo          string           `json:"case_no" doc:"Of the original case"`
	Sources         []sourceBody     `json:"sources" nullable:"false"`
	Agreement       *supervisionBody `json:"agreement,omitempty" doc:"Absent: the award was paid at once"`
	Instalments     []instalmentBody `json:"instalments" nullable:"false"`
	ReleasedFen     int64            `json:"released_fen" doc:"The award without the instalments that wait"`
	UsedFen         int64            `json:"used_fen" doc:"Of the uses that stand"`
	LeftFen         int64            `json:"left_fen" doc:"Released and not accounted for; below 0: more was used than released"`
	Uses            []fundUseBody    `json:"uses" nullable:"false"`
}

type supervisionBody struct {
	SignedOn      calendar.Date  `json:"signed_on" format:"date"`
	RecipientSide string         `json:"recipient_side"`
	Village       string         `json:"village"`
	Office        string         `json:"office"`
	Document      string         `json:"document"`
	DocumentHash  string         `json:"document_hash" doc:"SHA-256 of the signed paper, in hex"`
	DrawnUpBy     carelog.UserID `json:"drawn_up_by" format:"uuid"`
}

type instalmentBody struct {
	InstalmentID carelog.InstalmentID `json:"instalment_id" format:"uuid"`
	N            int                  `json:"n"`
	AmountFen    int64                `json:"amount_fen"`
	DueOn        calendar.Date        `json:"due_on" format:"date"`
	Condition    string               `json:"condition"`
	CheckInID    carelog.CheckInID    `json:"check_in_id,omitzero" format:"uuid" doc:"Whose questions about the money are answered before it is released"`
	State        string               `json:"state" enum:"waiting,released"`
	Late         bool                 `json:"late"`
	ReleasedBy   carelog.UserID       `json:"released_by,omitzero" format:"uuid"`
}

type fundUseBody struct {
	FundUseID    carelog.FundUseID `json:"fund_use_id" format:"uuid"`
	UsedOn       calendar.Date     `json:"used_on" format:"date"`
	AmountFen    int64             `json:"amount_fen"`
	Category     string            `json:"category"`
	ToldBy       string            `json:"told_by"`
	Evidence     string            `json:"evidence"`
	Reference    string            `json:"reference"`
	EvidenceHash string            `json:"evidence_hash"`
	Note         string            `json:"note"`
	CheckInID    carelog.CheckInID `json:"check_in_id,omitzero" format:"uuid"`
	RecordedBy   carelog.UserID    `json:"recorded_by,omitzero" format:"uuid"`
	RecordedAt   time.Time         `json:"recorded_at"`
	Withdrawn    bool              `json:"withdrawn" doc:"A mistake: it counts no more"`
}

func showFunds(f carelog.Funds, err error) (*answer[fundsBody], error) {
	if err != nil {
		return nil, err
	}
	b := fundsBody{
		TotalFen: f.TotalFen, PaidOn: f.PaidOn, LossFen: f.LossFen, CompensationFen: f.CompensationFen, Hardship: f.Hardship, CaseNo: f.CaseNo,
		Sources: []sourceBody{}, Instalments: []instalmentBody{}, ReleasedFen: f.ReleasedFen, UsedFen: f.UsedFen, LeftFen: f.LeftFen, Uses: []fundUseBody{},
	}
	for _, s := range f.Sources {
		b.Sources = append(b.Sources, sourceBody(s))
	}
	if a := f.Agreement; a != nil {
		b.Agreement = &supervisionBody{a.SignedOn, a.RecipientSide, a.Village, a.Office, a.Document, hex.EncodeToString(a.DocumentHash), a.DrawnUpBy}
	}
	for _, n := range f.Instalments {
		b.Instalments = append(b.Instalments, instalmentBody{n.ID, n.N, n.AmountFen, n.DueOn, n.Condition, n.CheckIn, n.State, n.Late, n.ReleasedBy})
	}
	for _, u := range f.Uses {
		b.Uses = append(b.Uses, fundUseBody{
			u.ID, u.UsedOn, u.AmountFen, u.Category, u.ToldBy, u.Evidence, u.Reference, hex.EncodeToString(u.EvidenceHash), u.Note, u.CheckIn, u.RecordedBy, u.RecordedAt, u.Withdrawn,
		})
	}
	return &answer[fundsBody]{b}, nil
}

func (s *server) readFunds(ctx context.Context, by carelog.Actor, in *recipientPath) (*answer[fundsBody], error) {
	return showFunds(s.Log.FundsOf(ctx, by, in.RecipientID))
}

type agreeingSupervision struct {
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
	Body        struct {
		SignedOn      calendar.Date `json:"signed_on" format:"date"`
		RecipientSide string        `json:"recipient_side" maxLength:"200" doc:"Who signed for the household, and as what"`
		Village       string        `json:"village" maxLength:"200"`
		Office        string        `json:"office" maxLength:"200"`
		Document      string        `json:"document,omitempty" maxLength:"200" doc:"Number of the paper"`
		DocumentHash  string        `json:"document_hash,omitempty" pattern:"^[0-9a-f]{64}$" doc:"Its SHA-256, in hex"`
		Instalments   []struct {
			AmountFen int64             `json:"amount_fen" maximum:"1000000000000"`
			DueOn     calendar.Date     `json:"due_on" format:"date"`
			Condition string            `json:"condition" maxLength:"2000"`
			CheckInID carelog.CheckInID `json:"check_in_id,omitzero" format:"uuid"`
		} `json:"instalments" nullable:"false" minItems:"1" maxItems:"36"`
	}
}

func (s *server) agreeSupervision(ctx context.Context, by carelog.Actor, in *agreeingSupervision) (*answer[fundsBody], error) {
	b := in.Body
	hash, err := sha256Of("document_hash", b.DocumentHash)
	if err != nil {
		return nil, err
	}
	a := carelog.SupervisionAgreement{SignedOn: b.SignedOn, RecipientSide: b.RecipientSide, Village: b.Village, Office: b.Office, Document: b.Document, DocumentHash: hash}
	for _, n := range b.Instalments {
		a.Instalments = append(a.Instalments, carelog.NewInstalment{AmountFen: n.AmountFen, DueOn: n.DueOn, Condition: n.Condition, CheckIn: n.CheckInID})
	}
	return showFunds(s.Log.AgreeSupervision(ctx, by, in.RecipientID, a))
}

// sha256Of reads a hash in hex; nil for none.
func sha256Of(field, written string) ([]byte, error) {
	if written == "" {
		return nil, nil
	}
	hash, err := hex.DecodeString(written)
	if err != nil {
		return nil, badField(field, "is no hex")
	}
	return hash, nil
}

type instalmentPath struct {
	InstalmentID carelog.InstalmentID `path:"instalment_id" format:"uuid"`
}

type tyingInstalment struct {
	InstalmentID carelog.InstalmentID `path:"instalment_id" format:"uuid"`
	Body         struct {
		CheckInID carelog.CheckInID `json:"check_in_id,omitzero" format:"uuid" doc:"Open, of the same household, a visit or call"`
		DueOn     calendar.Date     `json:"due_on,omitzero" format:"date"`
		Reason    string            `json:"reason" maxLength:"2000"`
	}
}

func (s *server) tieInstalment(ctx context.Context, by carelog.Actor, in *tyingInstalment) (*answer[fundsBody], error) {
	return showFunds(s.Log.TieInstalment(ctx, by, in.InstalmentID, carelog.InstalmentChange{CheckIn: in.Body.CheckInID, DueOn: in.Body.DueOn, Reason: in.Body.Reason}))
}

func (s *server) releaseInstalment(ctx context.Context, by carelog.Actor, in *instalmentPath) (*answer[fundsBody], error) {
	return showFunds(s.Log.ReleaseInstalment(ctx, by, in.InstalmentID))
}

type recordingUse struct {
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
	Body        struct {
		UsedOn       calendar.Date     `json:"used_on" format:"date"`
		AmountFen    int64             `json:"amount_fen" maximum:"1000000000000"`
		Category     string            `json:"category" enum:"medical,living,education,housing,debt,production,funeral,custody,savings,other"`
		ToldBy       string            `json:"told_by" enum:"self,guardian,relative,village_contact,other"`
		Evidence     string            `json:"evidence" enum:"observed,document,told"`
		Reference    string            `json:"reference,omitempty" maxLength:"200" doc:"Number or place of the paper; a document has this or its hash"`
		EvidenceHash string            `json:"evidence_hash,omitempty" pattern:"^[0-9a-f]{64}$" doc:"SHA-256 of the paper, in hex"`
		Note         string            `json:"note,omitempty" maxLength:"2000"`
		CheckInID    carelog.CheckInID `json:"check_in_id,omitzero" format:"uuid" doc:"At which it was told"`
	}
}

func (s *server) recordFundUse(ctx context.Context, by carelog.Actor, in *recordingUse) (*answer[fundsBody], error) {
	b := in.Body
	hash, err := sha256Of("evidence_hash", b.EvidenceHash)
	if err != nil {
		return nil, err
	}
	return showFunds(s.Log.RecordFundUse(ctx, by, in.RecipientID, carelog.FundUse{
		UsedOn: b.UsedOn, AmountFen: b.AmountFen, Category: b.Category, ToldBy: b.ToldBy, Evidence: b.Evidence, Reference: b.Reference, EvidenceHash: hash, Note: b.Note, CheckIn: b.CheckInID,
	}))
}

type withdrawingUse struct {
	FundUseID carelog.FundUseID `path:"fund_use_id" format:"uuid"`
	Body      reasonBody
}

func (s *server) withdrawFundUse(ctx context.Context, by carelog.Actor, in *withdrawingUse) (*answer[fundsBody], error) {
	return showFunds(s.Log.WithdrawFundUse(ctx, by, in.FundUseID, in.Body.Reason))
}
