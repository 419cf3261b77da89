package carelog

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
)

// NoteExport puts into the audit that a list left as a file: which, how many rows.
// Whoever may list may have it as a file, masked as the list is.
func (l *Log) NoteExport(ctx context.Context, by Actor, list string, rows int) error {
	_, err := read(ctx, l, by, func(tx txn) (struct{}, error) {
		tx.audit(by.Office, "list_exported", anyID{}, fmt.Sprintf("%s %d", list, rows))
		return struct{}{}, nil
	})
	return err
}

// mostExported bounds a ledger in full; more is exported by village.
const mostExported = 5000

// ExportLedger is the office's ledger in the columns it is imported in, its newest
// facts, in full: what an office keeps beside the service. A supervisor may, with a
// purpose and a reason, which stand in the history of every file in it and in the
// audit. Identity numbers are left out; the names of children, and whatever else is
// theirs, stay masked. Importing it again changes nothing.
func (l *Log) ExportLedger(ctx context.Context, by Actor, office OfficeID, purpose, reason string) (Ledger, error) {
	if office.IsZero() {
		office = by.Office
	}
	var p problems
	if !slices.Contains(unmaskPurposes, purpose) {
		p.add("purpose", isUnknown)
	}
	p.needsReason(reason)
	if err := p.err(); err != nil {
		return Ledger{}, err
	}
	if !by.may(office, ExportLedgerAct) || by.Kind != Person {
		return Ledger{}, forbidden("only a supervisor of the office takes its ledger out in full")
	}
	return write(ctx, l, by, func(tx txn) (Ledger, error) {
		rows, err := tx.Query(ctx, "SELECT id FROM recipients WHERE office_id = $1 AND erased_at IS NULL AND restricted_at IS NULL ORDER BY id LIMIT $2", office, mostExported+1)
		if err != nil {
			return Ledger{}, fmt.Errorf("list recipients: %w", err)
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[RecipientID])
		if err != nil {
			return Ledger{}, fmt.Errorf("list recipients: %w", err)
		}
		if len(ids) > mostExported {
			return Ledger{}, conflict("the office has more than 5000 files: take lists out instead")
		}
		out := Ledger{Header: LedgerColumns()}
		for i, id := range ids {
			cells, err := l.ledgerRow(ctx, tx, id)
			if err != nil {
				return Ledger{}, err
			}
			out.Rows = append(out.Rows, LedgerRow{Number: i + 2, Cells: cells})
			tx.append(happening{recipient: id, kind: "file_unmasked", subject: anyID(by.User), details: map[string]any{"purpose": purpose, "reason": reason}})
		}
		tx.audit(office, "ledger_exported", anyID{}, fmt.Sprintf("%s %d", purpose, len(ids)))
		return out, nil
	})
}

// ledgerRow is a recipient as a row of the ledger that would enrol them.
func (l *Log) ledgerRow(ctx context.Context, tx txn, id RecipientID) (map[string]string, error) {
	var wrapped, sealed, award []byte
	var external, township, village, origin, department, stage, group, hardship string
	var awardID anyID
	var total int64
	var loss, compensation *int64
	var paid calendar.Date
	var tags []string
	var officer, template *string
	err := tx.QueryRow(ctx, `SELECT r.external_id, r.data_key, r.sealed, coalesce(v.township, ''), coalesce(v.name, ''), a.id, a.total_fen, a.loss_fen, a.compensation_fen, a.paid_on,
			a.origin, a.source_department, a.case_stage, a.sealed, coalesce(g.key, ''), coalesce(a.hardship, ''), a.tags, u.login, t.key
		FROM recipients r JOIN aid_awards a ON a.recipient_id = r.id LEFT JOIN case_groups g ON g.id = a.group_id LEFT JOIN villages v ON v.id = r.village_id
		LEFT JOIN LATERAL (SELECT officer_id, template_id FROM care_plans WHERE recipient_id = r.id ORDER BY created_at DESC, id DESC LIMIT 1) p ON true
		LEFT JOIN users u ON u.id = p.officer_id LEFT JOIN plan_templates t ON t.id = p.template_id
		WHERE r.id = $1 ORDER BY a.created_at, a.id LIMIT 1`, id).
		Scan(&external, &wrapped, &sealed, &township, &village, &awardID, &total, &loss, &compensation, &paid, &origin, &department, &stage, &award, &group, &hardship, &tags, &officer, &template)
	if err != nil {
		return nil, fmt.Errorf("read the ledger's row: %w", err)
	}
	key, err := l.keys.Unwrap(id, wrapped)
	if err != nil {
		return nil, fmt.Errorf("open the recipient's key: %w", err)
	}
	facts, err := crypt.OpenJSON[recipientFacts](key, sealed, "recipients.sealed")
	if err != nil {
		return nil, fmt.Errorf("open the recipient: %w", err)
	}
	about, err := crypt.OpenJSON[awardFacts](key, award, "aid_awards.sealed/"+awardID.String())
	if err != nil {
		return nil, fmt.Errorf("open the award: %w", err)
	}
	cells := map[string]string{
		"外部编号": external, "姓名": facts.Name, "性别": facts.Sex, "手机号": facts.Phone, "乡镇": township, "村居": village, "详细住址": facts.Address,
		"困难情形": flagWords(facts.Flags), "来源": wordOf(originWords, origin), "线索部门": department, "案件阶段": stage, "案由": about.Offence, "原案编号": about.CaseNo,
		"救助金额(元)": yuan(total), "困难等级": wordOf(hardships, hardship), "发放日期": paid.String(), "家庭称呼": facts.Alias, "案件组": group, "项目标签": tagText(tags),
	}
	if !facts.BornOn.IsZero() {
		cells["出生日期"] = facts.BornOn.String()
	}
	for column, fen := range map[string]*int64{"损失金额(元)": loss, "已获赔偿(元)": compensation} {
		if fen != nil && *fen != 0 {
			cells[column] = yuan(*fen)
		}
	}
	if officer != nil {
		cells["承办人"], cells["方案"] = *officer, *template
	}
	if facts.isMinor(tx.today()) {
		cells["姓名"], cells["手机号"], cells["详细住址"], cells["案由"] = MaskName(facts.Name), "", "", ""
	}
	return cells, l.ledgerPeople(ctx, tx, id, key, awardID, cells)
}

// ledgerPeople fills in the household, the sources and the contacts.
func (l *Log) ledgerPeople(ctx context.Context, tx txn, id RecipientID, key crypt.DataKey, award anyID, cells map[string]string) error {
	members, err := openMembers(ctx, tx, id, key)
	if err != nil {
		return err
	}
	var parts []string
	for _, m := range members {
		name := m.Name
		if isMinor(m.BornOn, tx.today()) {
			name = MaskName(name)
		}
		part := m.Relation + ":" + name
		if !m.BornOn.IsZero() || len(m.Flags) > 0 {
			part += ":" + m.BornOn.String()
		}
		if len(m.Flags) > 0 {
			part += ":" + flagWords(m.Flags)
		}
		parts = append(parts, part)
	}
	cells["家庭成员"] = strings.Join(parts, "\uff1b")
	rows, err := tx.Query(ctx, "SELECT source, amount_fen FROM aid_sources WHERE award_id = $1 ORDER BY source", award)
	if err != nil {
		return fmt.Errorf("read sources: %w", err)
	}
	parts = nil
	var source string
	var fen int64
	_, err = pgx.ForEachRow(rows, []any{&source, &fen}, func() error {
		parts = append(parts, source+":"+yuan(fen))
		return nil
	})
	if err != nil {
		return fmt.Errorf("read sources: %w", err)
	}
	cells["资金来源"] = strings.Join(parts, "\uff1b")
	contacts, err := l.contactsInFull(ctx, tx, id)
	if err != nil {
		return err
	}
	for _, c := range contacts {
		column := "备用联系人"
		if c.Primary {
			column = "村联系人"
		}
		cells[column], cells[column+"电话"] = c.Name, c.Phone
	}
	return nil
}

var originWords = map[string]string{"依职权": "ex_officio", "依申请": "application", "线索移送": "transferred_clue"}

// wordOf is how the ledger writes a value.
func wordOf(words map[string]string, value string) string {
	for word, v := range words {
		if v == value {
			return word
		}
	}
	return ""
}

func flagWords(found []Flag) string {
	var words []string
	for _, f := range found {
		for word, flag := range flags {
			if flag == f {
				words = append(words, word)
			}
		}
	}
	return strings.Join(words, "\u3001")
}

func tagText(tags []string) string {
	var words []string
	for _, tag := range tags {
		words = append(words, wordOf(tagWords, tag))
	}
	return strings.Join(words, "\u3001")
}

// yuan writes fen as the ledger has it.
func yuan(fen int64) string {
	text := strconv.FormatInt(fen/100, 10)
	if cents := fen % 100; cents != 0 {
		text += fmt.Sprintf(".%02d", cents)
	}
	return text
}

// isAsExported tells whether a row says what the file says now: a ledger that was
// taken out and comes back differs in nothing, whatever was enrolled at first. What
// was left out or masked is not compared.
func (im *importer) isAsExported(ctx context.Context, e Enrolment, row LedgerRow) (bool, error) {
	var id RecipientID
	if err := im.tx.QueryRow(ctx, "SELECT id FROM recipients WHERE office_id = $1 AND external_id = $2 AND erased_at IS NULL", e.Office, e.ExternalID).Scan(&id); err != nil {
		if none(err) {
			return false, nil
		}
		return false, fmt.Errorf("look for the recipient: %w", err)
	}
	now, err := im.log.ledgerRow(ctx, im.tx, id)
	if err != nil {
		return false, err
	}
	for column, cell := range row.Cells {
		switch {
		case column == "身份证号" && strings.TrimSpace(cell) == "", column == verifiedColumn, strings.HasSuffix(column, "职务"):
		case strings.TrimSpace(cell) != now[column]:
			return false, nil
		}
	}
	return true, nil
}
