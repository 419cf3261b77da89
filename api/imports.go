package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"aftercare/carelog"
	"aftercare/internal/ledger"
)

const (
	maxLedgerBytes = ledger.MaxBytes + 64<<10 // a form puts some lines around the file
	maxImportField = 10                       // of dry_run and add_villages
	maxTold        = 1000                     // problems told of one ledger: nobody reads more
)

const (
	formType  = "multipart/form-data"
	xlsxType  = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	csvType   = "text/csv"
	bytesType = "application/octet-stream"
)

// isUpload is true for a body that is a file and not JSON.
func isUpload(contentType string) bool {
	kind, _, _ := mime.ParseMediaType(contentType)
	return kind == formType || kind == xlsxType || kind == csvType || kind == bytesType
}

type importQuery struct {
	DryRun      bool `query:"dry_run" doc:"Report what would be done, change nothing"`
	AddVillages bool `query:"add_villages" doc:"Add villages the office does not know, instead of refusing them"`
}

type importBody struct {
	Rows      int              `json:"rows"`
	Enrolled  int              `json:"enrolled"`
	Unchanged int              `json:"unchanged" doc:"Enrolled before: nothing was done"`
	CheckIns  int              `json:"check_ins" doc:"Laid down ahead for the enrolled"`
	DryRun    bool             `json:"dry_run"`
	Problems  []rowProblemBody `json:"problems" nullable:"false"`
	Warnings  []rowProblemBody `json:"warnings" nullable:"false"`
}

type rowProblemBody struct {
	Row    int    `json:"row" doc:"As the sheet shows it; the header is row 1"`
	Column string `json:"column"`
	Reason string `json:"reason"`
}

// importLedger reads the body from the guard, which holds it for the hash: Huma
// would copy the 32 MB once more.
func (s *server) importLedger(ctx context.Context, by carelog.Actor, in *importQuery) (*answer[importBody], error) {
	c := callOf(ctx)
	options := carelog.ImportOptions{DryRun: in.DryRun, AddVillages: in.AddVillages}
	table, err := readUpload(c, &options)
	if err != nil {
		return nil, err
	}
	rows, err := ledgerRows(table)
	if err != nil {
		return nil, err
	}
	report, err := s.Log.ImportLedger(ctx, by, carelog.Ledger{Header: table.Header, Rows: rows}, options)
	if err != nil {
		return nil, err
	}
	if len(report.Problems) > 0 && !options.DryRun {
		return nil, refusedLedger(report.Problems)
	}
	return &answer[importBody]{importBody{
		report.Rows, report.Enrolled, report.Unchanged, report.CheckIns, report.DryRun, showRows(report.Problems), showRows(report.Warnings),
	}}, nil
}

// ledgerRows hands the rows on. A cell with U+0000, which PostgreSQL holds in no
// text, comes of a damaged file.
func ledgerRows(table *ledger.Table) ([]carelog.LedgerRow, error) {
	rows := make([]carelog.LedgerRow, len(table.Rows))
	for i, row := range table.Rows {
		for column, cell := range row.Cells {
			if strings.ContainsRune(cell, 0) {
				fault := &ledger.Problem{Row: row.Number, Column: column, Reason: "含有无法识别的字符"}
				return nil, badField("file", fault.Error())
			}
		}
		rows[i] = carelog.LedgerRow(row)
	}
	return rows, nil
}

func showRows(problems []carelog.RowProblem) []rowProblemBody {
	shown := make([]rowProblemBody, len(problems))
	for i, p := range problems {
		shown[i] = rowProblemBody(p)
	}
	return shown
}

func refusedLedger(problems []carelog.RowProblem) error {
	var details []*huma.ErrorDetail
	for _, p := range problems[:min(len(problems), maxTold)] {
		details = append(details, &huma.ErrorDetail{Location: fmt.Sprintf("body.file[%d].%s", p.Row, p.Column), Message: p.Reason})
	}
	return newProblem(http.StatusUnprocessableEntity, fmt.Sprintf("nothing was imported: problems: %d", len(problems)), details...)
}

// readUpload reads the table that was sent, as it is or in a form.
func readUpload(c call, options *carelog.ImportOptions) (*ledger.Table, error) {
	kind, params, _ := mime.ParseMediaType(c.contentType)
	switch {
	case kind == formType && params["boundary"] != "":
		return readForm(multipart.NewReader(bytes.NewReader(c.body), params["boundary"]), options)
	case isUpload(kind) && kind != formType:
		return readTable(bytes.NewReader(c.body), "")
	default:
		return nil, newProblem(http.StatusUnsupportedMediaType, "send the ledger as "+formType+", "+xlsxType+" or "+csvType)
	}
}

func readForm(form *multipart.Reader, options *carelog.ImportOptions) (*ledger.Table, error) {
	var table *ledger.Table
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, newProblem(http.StatusBadRequest, "the form cannot be read")
		}
		switch part.FormName() {
		case "file":
			if table != nil {
				return nil, badField("file", "is given twice")
			}
			table, err = readTable(part, part.FileName())
		case "dry_run":
			options.DryRun, err = readSwitch(part)
		case "add_villages":
			options.AddVillages, err = readSwitch(part)
		default:
			err = cleanUnknown(part.FormName())
		}
		if err != nil {
			return nil, err
		}
	}
	if table == nil {
		return nil, badField("file", "is required")
	}
	return table, nil
}

// readTable reads a ledger. A fault of the file is told as it is: it names a row
// and a column, and repeats no cell.
func readTable(r io.Reader, name string) (*ledger.Table, error) {
	table, err := ledger.Read(r, name)
	var fault *ledger.Problem
	if errors.As(err, &fault) {
		return nil, badField("file", fault.Error())
	}
	if err != nil {
		return nil, newProblem(http.StatusBadRequest, "the form cannot be read")
	}
	return table, nil
}

func readSwitch(part *multipart.Part) (bool, error) {
	text, err := io.ReadAll(io.LimitReader(part, maxImportField))
	if err != nil {
		return false, newProblem(http.StatusBadRequest, "the form cannot be read")
	}
	on, err := strconv.ParseBool(string(text))
	if err != nil {
		return false, badField(part.FormName(), "must be true or false")
	}
	return on, nil
}

func cleanUnknown(field string) error {
	detail := cleanDetail(&huma.ErrorDetail{Location: "body." + field, Message: "unexpected property"})
	return newProblem(http.StatusUnprocessableEntity, "the request cannot be accepted", detail)
}

func badField(field, why string) error {
	return newProblem(http.StatusUnprocessableEntity, "the request cannot be accepted", &huma.ErrorDetail{Location: "body." + field, Message: why})
}

// describeImport writes down the bodies that Huma does not read itself.
func describeImport(op *huma.Operation) {
	file := &huma.Schema{Type: huma.TypeString, Format: "binary", Description: "The ledger, xlsx or csv"}
	toggle := &huma.Schema{Type: huma.TypeBoolean}
	form := &huma.Schema{
		Type: huma.TypeObject, Required: []string{"file"}, AdditionalProperties: false,
		Properties: map[string]*huma.Schema{"file": file, "dry_run": toggle, "add_villages": toggle},
	}
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		formType: {Schema: form}, xlsxType: {Schema: file}, csvType: {Schema: file},
	}}
}
