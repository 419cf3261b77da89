package api

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

type addingDepartment struct {
	Body struct {
		OfficeID carelog.OfficeID `json:"office_id,omitzero" format:"uuid" doc:"Default: yours"`
		Name     string           `json:"name" maxLength:"100"`
		Kind     string           `json:"kind" enum:"lead,criminal,civil,public_interest,other" doc:"One leads at a time"`
	}
}

func (s *server) addDepartment(ctx context.Context, by carelog.Actor, in *addingDepartment) (*answer[carelog.Department], error) {
	d, err := s.Log.AddDepartment(ctx, by, carelog.Department{Office: in.Body.OfficeID, Name: in.Body.Name, Kind: in.Body.Kind})
	return &answer[carelog.Department]{d}, err
}

type departmentPath struct {
	DepartmentID carelog.DepartmentID `path:"department_id" format:"uuid"`
}

func (s *server) endDepartment(ctx context.Context, by carelog.Actor, in *departmentPath) (*struct{}, error) {
	return nil, s.Log.EndDepartment(ctx, by, in.DepartmentID)
}

func (s *server) listDepartments(ctx context.Context, by carelog.Actor, _ *struct{}) (*answer[listBody[carelog.Department]], error) {
	found, err := s.Log.Departments(ctx, by)
	return &answer[listBody[carelog.Department]]{listBody[carelog.Department]{Items: notNil(found)}}, err
}

type recordingClue struct {
	Body struct {
		OfficeID         carelog.OfficeID     `json:"office_id,omitzero" format:"uuid" doc:"Default: yours"`
		Number           string               `json:"number" maxLength:"100" doc:"The office's own; names nobody"`
		ReceivedOn       calendar.Date        `json:"received_on" format:"date"`
		Origin           string               `json:"origin" enum:"ex_officio,application,transferred_clue"`
		CaseStage        string               `json:"case_stage" enum:"arrest_review,prosecution_review,trial,closed,other" doc:"Of the original case"`
		FromDepartmentID carelog.DepartmentID `json:"from_department_id,omitzero" format:"uuid" doc:"This, or a partner"`
		FromPartnerID    carelog.PartnerID    `json:"from_partner_id,omitzero" format:"uuid"`
		ToDepartmentID   carelog.DepartmentID `json:"to_department_id" format:"uuid" doc:"Who hands to themself has accepted"`
		Persons          int                  `json:"persons" doc:"How many people it is about"`
		Subject          string               `json:"subject" maxLength:"2000" doc:"Who it is about and what is known; sealed"`
	}
}

func (s *server) recordClue(ctx context.Context, by carelog.Actor, in *recordingClue) (*answer[carelog.Clue], error) {
	b := in.Body
	c, err := s.Log.RecordClue(ctx, by, carelog.Clue{
		Office: b.OfficeID, Number: b.Number, ReceivedOn: b.ReceivedOn, Origin: b.Origin, CaseStage: b.CaseStage,
		FromDepartment: b.FromDepartmentID, FromPartner: b.FromPartnerID, ToDepartment: b.ToDepartmentID, Persons: b.Persons, Subject: b.Subject,
	})
	return &answer[carelog.Clue]{c}, err
}

type clueQuery struct {
	PageParams
	State string `query:"state" enum:"open,handed,accepted,returned,not_taken,opened,merged" doc:"open: handed or accepted"`
}

func (s *server) listClues(ctx context.Context, by carelog.Actor, in *clueQuery) (*listed[carelog.Clue], error) {
	const list = "clues"
	rows, err := in.after(list)
	if err != nil {
		return nil, err
	}
	found, err := s.Log.Clues(ctx, by, carelog.ClueFilter{State: in.State, Page: rows})
	if err != nil {
		return nil, err
	}
	return page(&in.PageParams, found, itself[carelog.Clue], func(last carelog.Clue) position { return position{List: list, After: last.ID.String()} }), nil
}

type cluePath struct {
	ClueID carelog.ClueID `path:"clue_id" format:"uuid"`
}

func (s *server) readClue(ctx context.Context, by carelog.Actor, in *cluePath) (*answer[carelog.Clue], error) {
	c, err := s.Log.ReadClue(ctx, by, in.ClueID)
	return &answer[carelog.Clue]{c}, err
}

type answeringClue struct {
	ClueID carelog.ClueID `path:"clue_id" format:"uuid"`
	Body   struct {
		Answer     string         `json:"answer" enum:"accepted,returned,not_taken,merged"`
		Reason     string         `json:"reason,omitempty" maxLength:"2000" doc:"Needed but for accepted; sealed"`
		IntoClueID carelog.ClueID `json:"into_clue_id,omitzero" format:"uuid" doc:"Of merged: the other clue"`
	}
}

func (s *server) answerClue(ctx context.Context, by carelog.Actor, in *answeringClue) (*answer[carelog.Clue], error) {
	c, err := s.Log.AnswerClue(ctx, by, in.ClueID, carelog.ClueAnswer{Answer: in.Body.Answer, Why: in.Body.Reason, Into: in.Body.IntoClueID})
	return &answer[carelog.Clue]{c}, err
}

func (s *server) readConditions(ctx context.Context, by carelog.Actor, in *cluePath) (*answer[listBody[carelog.ConditionCheck]], error) {
	found, err := s.Log.Conditions(ctx, by, in.ClueID)
	return &answer[listBody[carelog.ConditionCheck]]{listBody[carelog.ConditionCheck]{Items: notNil(found)}}, err
}

type answeringCondition struct {
	ClueID carelog.ClueID `path:"clue_id" format:"uuid"`
	Item   string         `path:"item" maxLength:"60"`
	Body   struct {
		Answer string `json:"answer" enum:"met,not_met,unknown"`
		Note   string `json:"note,omitempty" maxLength:"2000" doc:"On what; sealed"`
	}
}

func (s *server) answerCondition(ctx context.Context, by carelog.Actor, in *answeringCondition) (*struct{}, error) {
	return nil, s.Log.AnswerCondition(ctx, by, in.ClueID, in.Item, in.Body.Answer, in.Body.Note)
}

func (s *server) listRules(ctx context.Context, by carelog.Actor, _ *struct{}) (*answer[listBody[carelog.RuleVersion]], error) {
	found, err := s.Log.RuleVersions(ctx, by)
	return &answer[listBody[carelog.RuleVersion]]{listBody[carelog.RuleVersion]{Items: notNil(found)}}, err
}

type addingRule struct {
	Rule string `path:"rule" maxLength:"60"`
	Body struct {
		Title         string        `json:"title" maxLength:"300"`
		EffectiveFrom calendar.Date `json:"effective_from" format:"date"`
	}
}

func (s *server) addRule(ctx context.Context, by carelog.Actor, in *addingRule) (*answer[carelog.RuleVersion], error) {
	r, err := s.Log.AddRuleVersion(ctx, by, in.Rule, in.Body.Title, in.Body.EffectiveFrom)
	return &answer[carelog.RuleVersion]{r}, err
}

type openingCase struct {
	ClueID carelog.ClueID `path:"clue_id" format:"uuid"`
	Body   struct {
		Number       string        `json:"number" maxLength:"100" doc:"The office's own; names nobody"`
		OriginalCase string        `json:"original_case,omitempty" maxLength:"200" doc:"The original case's number; sealed"`
		OpenedOn     calendar.Date `json:"opened_on,omitzero" format:"date" doc:"Default: today; earlier for what began before it was recorded here"`
	}
}

func (s *server) openCase(ctx context.Context, by carelog.Actor, in *openingCase) (*answer[carelog.CaseFile], error) {
	f, err := s.Log.OpenCase(ctx, by, carelog.NewCase{Clue: in.ClueID, Number: in.Body.Number, OriginalCase: in.Body.OriginalCase, OpenedOn: in.Body.OpenedOn})
	return &answer[carelog.CaseFile]{f}, err
}

type caseQuery struct {
	PageParams
	State  string `query:"state" enum:"open,approved,paid,refused,debt" doc:"debt: paid, and not approved yet"`
	Late   bool   `query:"late" doc:"Only those with a clock past its day"`
	Number string `query:"number" maxLength:"100"`
}

func (s *server) listCases(ctx context.Context, by carelog.Actor, in *caseQuery) (*listed[carelog.AidCase], error) {
	const list = "cases"
	rows, err := in.after(list)
	if err != nil {
		return nil, err
	}
	found, err := s.Log.Cases(ctx, by, carelog.CaseFilter{State: in.State, Late: in.Late, Number: in.Number, Page: rows})
	if err != nil {
		return nil, err
	}
	return page(&in.PageParams, found, itself[carelog.AidCase], func(last carelog.AidCase) position { return position{List: list, After: last.ID.String()} }), nil
}

type casePath struct {
	CaseID carelog.CaseID `path:"case_id" format:"uuid"`
}

func (s *server) readCase(ctx context.Context, by carelog.Actor, in *casePath) (*answer[carelog.CaseFile], error) {
	f, err := s.Log.ReadCase(ctx, by, in.CaseID)
	return &answer[carelog.CaseFile]{f}, err
}

type addingEntry struct {
	CaseID carelog.CaseID `path:"case_id" format:"uuid"`
	Body   struct {
		Kind      string        `json:"kind" enum:"evidence,home_visit,village_heard,review_report,sent_for_approval,approved,refused,documents_served,funds_arrived,paid,notified,partner_told,stage_changed,paid_first,note"`
		DoneOn    calendar.Date `json:"done_on" format:"date"`
		Number    string        `json:"number,omitempty" maxLength:"100" doc:"Of the document; names nobody"`
		FileHash  string        `json:"file_hash,omitempty" maxLength:"64" doc:"SHA-256 in hex of a document kept elsewhere"`
		FileID    carelog.AnyID `json:"file_id,omitzero" format:"uuid" doc:"Of a document kept in the case"`
		CaseStage string        `json:"case_stage,omitempty" enum:"arrest_review,prosecution_review,trial,closed,other" doc:"Of stage_changed"`
		Note      string        `json:"note,omitempty" maxLength:"2000" doc:"Sealed"`
	}
}

func (s *server) addCaseEntry(ctx context.Context, by carelog.Actor, in *addingEntry) (*answer[carelog.CaseFile], error) {
	b := in.Body
	f, err := s.Log.AddCaseEntry(ctx, by, in.CaseID, carelog.CaseEntry{
		Kind: b.Kind, DoneOn: b.DoneOn, Number: b.Number, FileHash: b.FileHash, File: b.FileID, CaseStage: b.CaseStage, Note: b.Note,
	})
	return &answer[carelog.CaseFile]{f}, err
}

type joiningCase struct {
	CaseID carelog.CaseID `path:"case_id" format:"uuid"`
	Body   struct {
		RecipientID carelog.RecipientID `json:"recipient_id" format:"uuid"`
	}
}

func (s *server) joinCase(ctx context.Context, by carelog.Actor, in *joiningCase) (*answer[carelog.CaseFile], error) {
	f, err := s.Log.JoinCase(ctx, by, in.CaseID, in.Body.RecipientID)
	return &answer[carelog.CaseFile]{f}, err
}

func (s *server) listCaseFiles(ctx context.Context, by carelog.Actor, in *casePath) (*answer[listBody[carelog.Attachment]], error) {
	found, err := s.Log.CaseFiles(ctx, by, in.CaseID)
	return &answer[listBody[carelog.Attachment]]{listBody[carelog.Attachment]{Items: notNil(found)}}, err
}

type caseFilePath struct {
	CaseID carelog.CaseID `path:"case_id" format:"uuid"`
	FileID carelog.AnyID  `path:"file_id" format:"uuid"`
}

func (s *server) readCaseFile(ctx context.Context, by carelog.Actor, in *caseFilePath) (*ownFileBody, error) {
	a, body, err := s.Log.CaseFileBody(ctx, by, in.CaseID, in.FileID)
	if err != nil {
		return nil, err
	}
	// Named by the browser as people named it; never shown in place.
	return &ownFileBody{
		ContentType: a.MediaType, CacheControl: "no-store", Body: body,
		Disposition: mime.FormatMediaType("attachment", map[string]string{"filename": a.Name}),
	}, nil
}

// maxAttachmentBytes leaves a form's own lines room around the file.
const maxAttachmentBytes = carelog.MaxCaseFile + 64<<10

type addingCaseFile struct {
	CaseID  carelog.CaseID `path:"case_id" format:"uuid"`
	RawBody huma.MultipartFormFiles[caseFileForm]
}

type caseFileForm struct {
	File huma.FormFile `form:"file" required:"true" doc:"PDF, JPEG, PNG, DOCX or XLSX, at most 10 MiB"`
}

func (s *server) addCaseFile(ctx context.Context, by carelog.Actor, in *addingCaseFile) (*answer[carelog.Attachment], error) {
	file := in.RawBody.Data().File
	if !file.IsSet {
		return nil, huma.NewError(http.StatusUnprocessableEntity, "the request cannot be accepted", &huma.ErrorDetail{Location: "body.file", Message: "is required"})
	}
	defer file.Close()
	body, err := io.ReadAll(io.LimitReader(file, carelog.MaxCaseFile+1))
	if err != nil {
		return nil, errors.Join(errors.New("read the upload"), err)
	}
	a, err := s.Log.AddCaseFile(ctx, by, in.CaseID, file.Filename, body)
	return &answer[carelog.Attachment]{a}, err
}

// notNil is a list that is never null.
func notNil[Of any](list []Of) []Of {
	if list == nil {
		return []Of{}
	}
	return list
}

func itself[Of any](one Of) Of { return one }
