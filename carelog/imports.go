package carelog

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// Ledger is a table of recipients, one row each, as the offices keep them (台账).
type Ledger struct {
	Header []string
	Rows   []LedgerRow
}

// LedgerRow is one row; Number is the row as the user sees it in the sheet.
type LedgerRow struct {
	Number int
	Cells  map[string]string
}

// LedgerColumns is the documented column set (docs/ledger.md), in its usual order.
func LedgerColumns() []string {
	return slices.Clone(ledgerColumns)
}

var ledgerColumns = []string{
	"外部编号", "姓名", "性别", "身份证号", "出生日期", "手机号", "乡镇", "村居", "详细住址", "困难情形", "家庭成员", "来源", "线索部门", "案件阶段", "案由", "原案编号",
	"损失金额(元)", "已获赔偿(元)", "救助金额(元)", "困难等级", "资金来源", "发放日期", "承办人", "方案", "村联系人", "村联系人职务", "村联系人电话",
	"备用联系人", "备用联系人电话", "号码已核实", "家庭称呼", "案件组", "项目标签",
}

var requiredColumns = []string{"外部编号", "姓名", "乡镇", "村居", "救助金额(元)", "发放日期", "承办人"}

// columnOf says which column a field of an enrolment came from.
var columnOf = map[string]string{
	"external_id": "外部编号", "name": "姓名", "id_number": "身份证号", "born_on": "出生日期", "phone": "手机号", "village": "村居", "flags": "困难情形",
	"award.total_fen": "救助金额(元)", "award.loss_fen": "损失金额(元)", "award.compensation_fen": "已获赔偿(元)", "award.paid_on": "发放日期",
	"award.case_no": "原案编号", "award.hardship": "困难等级",
	"award.origin": "来源", "award.sources": "资金来源", "officer": "承办人", "template": "方案", "household_alias": "家庭称呼",
	"primary_contact_id": "村联系人", "backup_contact_id": "备用联系人", "household": "家庭成员", "award.group": "案件组", "award.tags": "项目标签",
}

// ImportOptions say how a ledger is taken in.
type ImportOptions struct {
	Office      OfficeID // zero: the actor's
	DryRun      bool     // report what would be done, change nothing
	AddVillages bool     // a village the office does not know is added, not refused

	// Progress is told after each row how many are done; nil: nobody is told. What
	// is told of may still come to nothing: it commits with the last row.
	Progress func(done, rows int)
}

// RowProblem is what is wrong with one cell.
type RowProblem struct {
	Row    int    `json:"row"`
	Column string `json:"column"`
	Reason string `json:"reason"`
}

// ImportReport is what an import did, or would do.
type ImportReport struct {
	Rows      int          `json:"rows"`
	Enrolled  int          `json:"enrolled"`
	Unchanged int          `json:"unchanged"`
	CheckIns  int          `json:"check_ins"` // laid down ahead for the enrolled
	DryRun    bool         `json:"dry_run"`
	Problems  []RowProblem `json:"problems"` // any of them: nothing was imported
	Warnings  []RowProblem `json:"warnings"`
}

// nothingImportedError rolls an import back: a dry run, or bad rows.
type nothingImportedError struct{ report ImportReport }

func (nothingImportedError) Error() string { return "nothing was imported" }

// ImportLedger enrols a ledger's recipients, all or none: with any bad row the
// report lists every problem and nothing is imported. A row whose external id is
// enrolled already changes nothing (a second run is a no-op); where its facts
// differ a warning says so. Officers of the office may.
func (l *Log) ImportLedger(ctx context.Context, by Actor, ledger Ledger, o ImportOptions) (ImportReport, error) {
	if o.Office.IsZero() {
		o.Office = by.Office
	}
	if !by.may(o.Office, Enrol) {
		return ImportReport{}, forbidden("only an officer of the office imports its ledger")
	}
	report, err := write(ctx, l, by, func(tx txn) (ImportReport, error) {
		im := importer{log: l, tx: tx, options: o, seen: map[string]int{}, digests: map[string][]byte{}, contacts: map[namedContact]ContactID{}, report: ImportReport{
			Rows: len(ledger.Rows), DryRun: o.DryRun, Problems: []RowProblem{}, Warnings: []RowProblem{},
		}}
		if err := im.run(ctx, ledger); err != nil {
			return ImportReport{}, err
		}
		if len(im.report.Problems) > 0 || o.DryRun {
			return ImportReport{}, nothingImportedError{im.report}
		}
		tx.audit(o.Office, "ledger_imported", anyID{}, fmt.Sprintf("%d enrolled, %d unchanged", im.report.Enrolled, im.report.Unchanged))
		return im.report, nil
	})
	if none, ok := err.(nothingImportedError); ok { //nolint:errorlint // it is never wrapped
		if len(none.report.Problems) > 0 {
			none.report.Enrolled, none.report.CheckIns = 0, 0
		}
		return none.report, nil
	}
	return report, err
}

type importer struct {
	log      *Log
	tx       txn
	options  ImportOptions
	seen     map[string]int
	digests  map[string][]byte // of who was enrolled before this ledger came, by external id
	contacts map[namedContact]ContactID
	plans    []PlanID // of the enrolled
	told     int      // of how many of them the texts are planned
	report   ImportReport
}

func (im *importer) problem(row int, column string, r reason) {
	im.report.Problems = append(im.report.Problems, RowProblem{row, column, r.chinese})
}

func (im *importer) run(ctx context.Context, ledger Ledger) error {
	for _, column := range requiredColumns {
		if !slices.Contains(ledger.Header, column) {
			im.problem(1, column, isMissingColumn)
		}
	}
	for _, column := range ledger.Header {
		if column != "" && !slices.Contains(ledgerColumns, column) {
			im.problem(1, column, isUnknownColumn)
		}
	}
	if len(im.report.Problems) > 0 {
		return nil
	}
	if err := im.readDigests(ctx, ledger); err != nil {
		return err
	}
	for i, row := range ledger.Rows {
		if err := im.row(ctx, row); err != nil {
			return fmt.Errorf("row %d: %w", row.Number, err)
		}
		if err := im.planTexts(ctx, i+1 == len(ledger.Rows)); err != nil {
			return err
		}
		if im.options.Progress != nil {
			im.options.Progress(i+1, len(ledger.Rows))
		}
	}
	slices.SortStableFunc(im.report.Problems, func(a, b RowProblem) int { return cmp.Compare(a.Row, b.Row) })
	err := im.tx.QueryRow(ctx, "SELECT count(*) FROM check_ins WHERE plan_id = ANY ($1) AND state = 'planned'", im.plans).Scan(&im.report.CheckIns)
	if err != nil {
		return fmt.Errorf("count check-ins: %w", err)
	}
	return nil
}

// textsTogether is of how many enrolled the texts are planned together.
const textsTogether = 100

// planTexts plans the texts of those enrolled since the last time, when they are
// enough or the ledger is at its end. A ledger with problems comes to nothing anyway.
func (im *importer) planTexts(ctx context.Context, atEnd bool) error {
	untold := im.plans[im.told:]
	if len(untold) == 0 || len(untold) < textsTogether && !atEnd || len(im.report.Problems) > 0 {
		return nil
	}
	im.told = len(im.plans)
	return im.log.planDueMessagesOf(ctx, im.tx, untold)
}

// readDigests finds who of the ledger is enrolled already.
func (im *importer) readDigests(ctx context.Context, ledger Ledger) error {
	ids := make([]string, len(ledger.Rows))
	for i, row := range ledger.Rows {
		ids[i] = strings.TrimSpace(row.Cells["外部编号"])
	}
	rows, err := im.tx.Query(ctx, "SELECT external_id, facts_digest FROM recipients WHERE office_id = $1 AND external_id = ANY ($2)", im.options.Office, ids)
	if err != nil {
		return fmt.Errorf("look for recipients enrolled before: %w", err)
	}
	var id string
	var digest []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &digest}, func() error {
		im.digests[id] = bytes.Clone(digest)
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for recipients enrolled before: %w", err)
	}
	return nil
}

func (im *importer) row(ctx context.Context, row LedgerRow) error {
	before := len(im.report.Problems)
	e := im.enrolment(row)
	first, twice := im.seen[e.ExternalID]
	if twice = twice && e.ExternalID != ""; twice {
		im.report.Problems = append(im.report.Problems, RowProblem{row.Number, "外部编号", fmt.Sprintf("%s(第%d行)", isRepeated.chinese, first)})
	}
	im.seen[e.ExternalID] = row.Number
	e.Office = im.options.Office
	digest := im.digests[e.ExternalID]
	if err := im.people(ctx, row, &e, digest != nil); err != nil {
		return err
	}
	if digest != nil {
		im.report.Unchanged++
		same := bytes.Equal(digest, im.log.digest(e))
		if !same {
			var err error
			if same, err = im.isAsExported(ctx, e, row); err != nil {
				return err
			}
		}
		if !same {
			im.report.Warnings = append(im.report.Warnings, RowProblem{row.Number, "外部编号", differs.chinese})
		}
		return nil
	}
	ready, err := im.log.prepareEnrolment(ctx, im.tx, e)
	if err := im.gather(row.Number, before, err); err != nil {
		return err
	}
	if len(im.report.Problems) > before {
		return nil
	}
	made, err := im.log.enrol(ctx, im.tx, ready)
	if err != nil {
		return err
	}
	im.plans = append(im.plans, made.Plan)
	im.report.Enrolled++
	for _, r := range ready.remarks {
		im.report.Warnings = append(im.report.Warnings, RowProblem{row.Number, columnOf[r.field], r.chinese})
	}
	return nil
}

// gather turns the field errors of an enrolment into problems of the row's columns.
func (im *importer) gather(row, before int, err error) error {
	refused, ok := err.(*Error) //nolint:errorlint // it is never wrapped here
	if err == nil || !ok {
		return err
	}
	for _, f := range refused.Fields {
		field := f.Field
		if strings.HasPrefix(field, "household[") {
			field = "household"
		}
		if strings.HasPrefix(field, "award.sources") {
			field = "award.sources"
		}
		if strings.HasPrefix(field, "award.tags") {
			field = "award.tags"
		}
		problem := RowProblem{row, columnOf[field], f.Chinese}
		if !slices.Contains(im.report.Problems[before:], problem) {
			im.report.Problems = append(im.report.Problems, problem)
		}
	}
	return nil
}

// enrolment reads a row's cells. What cannot be read is a problem of its column.
func (im *importer) enrolment(row LedgerRow) Enrolment {
	cell := func(column string) string { return strings.TrimSpace(row.Cells[column]) }
	e := Enrolment{
		ExternalID: cell("外部编号"), Name: cell("姓名"), Sex: cell("性别"), IDNumber: cell("身份证号"), Phone: cell("手机号"),
		Village: VillageName{cell("乡镇"), cell("村居")}, Address: cell("详细住址"), Officer: cell("承办人"),
		Template: strings.ToUpper(cell("方案")), Alias: cell("家庭称呼"),
		BornOn: im.date(row, "出生日期"),
		Award: Award{
			TotalFen: im.fen(row, "救助金额(元)"), PaidOn: im.date(row, "发放日期"), LossFen: im.fen(row, "损失金额(元)"), CompensationFen: im.fen(row, "已获赔偿(元)"),
			Department: cell("线索部门"), CaseStage: cell("案件阶段"), Offence: cell("案由"), CaseNo: cell("原案编号"),
		},
	}
	if e.Officer == "" {
		im.problem(row.Number, "承办人", isRequired)
	}
	origins := map[string]string{"": "ex_officio", "依职权": "ex_officio", "依申请": "application", "线索移送": "transferred_clue"}
	if e.Award.Origin = origins[cell("来源")]; e.Award.Origin == "" {
		im.problem(row.Number, "来源", isUnknown)
		e.Award.Origin = "ex_officio"
	}
	if grade, known := hardships[cell("困难等级")]; known {
		e.Award.Hardship = grade
	} else {
		im.problem(row.Number, "困难等级", isUnknown)
	}
	e.Flags = im.flags(row.Number, "困难情形", cell("困难情形"))
	e.Household = im.household(row.Number, cell("家庭成员"))
	e.Award.Sources = im.sources(row.Number, cell("资金来源"))
	e.Award.Group, e.Award.Tags = cell("案件组"), im.tags(row.Number, cell("项目标签"))
	return e
}

func (im *importer) date(row LedgerRow, column string) calendar.Date {
	text := strings.TrimSpace(row.Cells[column])
	if text == "" {
		return calendar.Date{}
	}
	d, err := calendar.Parse(text)
	if err != nil {
		im.problem(row.Number, column, isNotADate)
	}
	return d
}

// fen reads yuan with at most two decimals.
func (im *importer) fen(row LedgerRow, column string) int64 {
	text := strings.TrimSpace(strings.NewReplacer(",", "", "\uff0c", "").Replace(row.Cells[column]))
	if text == "" {
		return 0
	}
	fen, ok := parseYuan(text)
	if !ok {
		im.problem(row.Number, column, isNotAnAmount)
	}
	return fen
}

func parseYuan(text string) (int64, bool) {
	whole, part, _ := strings.Cut(text, ".")
	if len(part) > 2 || len(whole) > 12 {
		return 0, false
	}
	yuan, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return 0, false
	}
	cents := int64(0)
	if part != "" {
		parsed, err := strconv.ParseUint(part+strings.Repeat("0", 2-len(part)), 10, 8)
		if err != nil {
			return 0, false
		}
		cents = int64(parsed)
	}
	if strings.HasPrefix(whole, "-") {
		cents = -cents
	}
	return yuan*100 + cents, true
}

func (im *importer) flags(row int, column, text string) []Flag {
	var found []Flag
	for _, word := range splitList(text) {
		flag, ok := flags[word]
		if !ok {
			im.problem(row, column, isUnknown)
			continue
		}
		found = append(found, flag)
	}
	return found
}

// household reads 关系:姓名:出生日期[:困难情形] separated by semicolons.
func (im *importer) household(row int, text string) []Member {
	var members []Member
	for _, part := range strings.FieldsFunc(text, isSemicolon) {
		fields := strings.Split(strings.ReplaceAll(part, "\uff1a", ":"), ":")
		if len(fields) < 2 || len(fields) > 4 {
			im.problem(row, "家庭成员", isMisshapen)
			continue
		}
		m := Member{Relation: strings.TrimSpace(fields[0]), Name: strings.TrimSpace(fields[1])}
		if len(fields) > 2 && strings.TrimSpace(fields[2]) != "" {
			born, err := calendar.Parse(strings.TrimSpace(fields[2]))
			if err != nil {
				im.problem(row, "家庭成员", isNotADate)
			}
			m.BornOn = born
		}
		if len(fields) > 3 {
			m.Flags = im.flags(row, "家庭成员", fields[3])
		}
		members = append(members, m)
	}
	return members
}

// sources reads 来源:金额 separated by semicolons.
// tagWords are how a ledger writes the programmes an award is reported under.
var tagWords = map[string]string{
	"乡村振兴": "rural_revitalisation", "妇女": "women", "未成年人": "minors", "残疾人": "disabled", "退役军人": "veterans", "涉访": "petition",
}

func (im *importer) tags(row int, text string) (tags []string) {
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune("、,，;； ", r) }) {
		tag := tagWords[word]
		if tag == "" {
			im.problem(row, "项目标签", isUnknown)
			continue
		}
		tags = append(tags, tag)
	}
	return tags
}

func (im *importer) sources(row int, text string) []Source {
	var sources []Source
	for _, part := range strings.FieldsFunc(text, isSemicolon) {
		name, amount, ok := strings.Cut(strings.ReplaceAll(part, "\uff1a", ":"), ":")
		fen, readable := parseYuan(strings.TrimSpace(amount))
		if !ok || !readable {
			im.problem(row, "资金来源", isMisshapen)
			continue
		}
		sources = append(sources, Source{Name: strings.TrimSpace(name), AmountFen: fen})
	}
	return sources
}

func splitList(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("\u3001\uff0c\uff1b,; ", r) })
}

// isSemicolon knows the ASCII and the full-width one.
func isSemicolon(r rune) bool { return r == ';' || r == '\uff1b' }
