package carelog

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
)

// OwnFile is all that is held about a person, for that person (PIPL 45). It holds
// nothing that belongs to others: no phone but their own, no name of an officer or
// contact, and no text that names another household.
type OwnFile struct {
	ExportID    anyID        `json:"export_id"`
	MadeAt      time.Time    `json:"made_at"`
	Office      string       `json:"office"`
	Recipient   RecipientID  `json:"recipient_id"`
	Person      OwnPerson    `json:"person"`
	Household   []Member     `json:"household"`
	Awards      []OwnAward   `json:"awards"`
	Plans       []OwnPlan    `json:"plans"`
	CheckIns    []OwnCheckIn `json:"check_ins"`
	Records     []Record     `json:"records"` // every version: a correction stands beside what it corrected
	Events      []OwnEvent   `json:"events"`
	Alerts      []OwnAlert   `json:"alerts"`
	Referrals   []Referral   `json:"referrals"`
	Texts       []OwnText    `json:"texts"`
	Disclosures []Disclosure `json:"disclosures"`
	Grounds     Grounds      `json:"grounds"`
	History     []OwnEntry   `json:"history"`
	Withheld    []string     `json:"withheld"` // kinds of entries that are kept back, and nothing of them
}

// OwnPerson is who the file is about.
type OwnPerson struct {
	recipientFacts
	Township string `json:"township,omitempty"`
	Village  string `json:"village,omitempty"`
}

// OwnAward is what was paid.
type OwnAward struct {
	TotalFen        int64         `json:"total_fen"`
	PaidOn          calendar.Date `json:"paid_on"`
	LossFen         *int64        `json:"loss_fen"`
	CompensationFen *int64        `json:"compensation_fen"`
	Origin          string        `json:"origin"`
	Department      string        `json:"department"`
	CaseStage       string        `json:"case_stage"`
	Offence         string        `json:"offence"`
}

// OwnPlan is a care plan.
type OwnPlan struct {
	Template  string        `json:"template"`
	State     string        `json:"state"`
	Tier      string        `json:"tier"`
	StartedOn calendar.Date `json:"started_on"`
	ReviewOn  calendar.Date `json:"review_on"`
}

// OwnCheckIn is one check-in, planned or done.
type OwnCheckIn struct {
	ID    CheckInID     `json:"check_in_id"`
	Title string        `json:"title"`
	Kind  string        `json:"kind"`
	Due   calendar.Date `json:"due"`
	State string        `json:"state"`
}

// OwnEvent is what was reported of the household.
type OwnEvent struct {
	Kind       string        `json:"kind"`
	OccurredOn calendar.Date `json:"occurred_on"`
	Source     string        `json:"source"`
	Note       string        `json:"note"`
}

// OwnAlert is an alert and the rule that raised it (PIPL 24: what a machine found).
type OwnAlert struct {
	Rule     string     `json:"rule"`
	Level    string     `json:"level"`
	OpenedAt time.Time  `json:"opened_at"`
	ClosedAt *time.Time `json:"closed_at"`
	Outcome  string     `json:"outcome"`
}

// OwnText is a text about the person, without whom it went to by name.
type OwnText struct {
	Purpose    string    `json:"purpose"`
	To         string    `json:"to"` // contact, officer
	At         time.Time `json:"at"`
	Dispatch   string    `json:"dispatch"`
	Delivery   string    `json:"delivery"`
	WithOthers bool      `json:"with_others"` // it named other households too
}

// OwnEntry is an entry of the history.
type OwnEntry struct {
	Seq        int64           `json:"seq"`
	Kind       string          `json:"kind"`
	What       string          `json:"what"`
	OccurredAt time.Time       `json:"occurred_at"`
	By         ActorKind       `json:"by"`
	Details    json.RawMessage `json:"details"`
}

// OwnFileRequest is who asks for a file, and why it is handed out.
type OwnFileRequest struct {
	Told   string `json:"told"` // self, guardian, relative (of the dead, PIPL 49), agent
	Reason string `json:"reason"`
}

// keptBack are entries that are told to nobody who might be the one they are
// about: a report that a child is in danger (PIPL 18, Minors Law art. 11).
var keptBack = []string{"mandatory_report_opened", "mandatory_report_made"}

// ExportOwnFile puts together everything held about a person, and records that it
// was handed out. A supervisor of the office may, a restricted file's too.
// Refusals: Invalid, NotFound, Forbidden, Conflict for an erased file.
func (l *Log) ExportOwnFile(ctx context.Context, by Actor, recipient RecipientID, r OwnFileRequest) (OwnFile, error) {
	return write(ctx, l, by.anew(), func(tx txn) (OwnFile, error) {
		var p problems
		checkWhy(&p, r.Reason)
		if !slices.Contains(consentingParty, r.Told) {
			p.add("told", isUnknown)
		}
		if err := p.err(); err != nil {
			return OwnFile{}, err
		}
		file, _, err := l.openAnyFile(ctx, tx, recipient, ReadFile)
		if err != nil {
			return OwnFile{}, err
		}
		if !by.may(file.office, HandOwnFile) || by.Kind != Person {
			return OwnFile{}, forbidden("only a supervisor of the office hands a person their own file")
		}
		own, err := l.ownFile(ctx, tx, file)
		if err != nil {
			return own, err
		}
		own.ExportID, own.MadeAt = anyID(newID[plainKind](tx.now, l.random)), tx.now
		tx.audit(file.office, "own_file_exported", anyID(recipient), r.Told)
		tx.append(happening{recipient: recipient, kind: "own_file_exported", subject: own.ExportID, details: map[string]any{"told": r.Told, "reason": r.Reason}})
		return own, disclose(ctx, tx, newDisclosure{
			channel: "export", subject: own.ExportID, recipient: recipient, office: file.office, at: tx.now, told: r.Told, purpose: "own_file", fields: []string{"own_file"}, basis: "legal_duty",
		})
	})
}

func (l *Log) ownFile(ctx context.Context, tx txn, f file) (OwnFile, error) {
	own := OwnFile{Recipient: f.id, Person: OwnPerson{recipientFacts: f.facts}, Withheld: []string{}}
	err := tx.QueryRow(ctx, `SELECT o.name, coalesce(v.township, ''), coalesce(v.name, '') FROM recipients r JOIN offices o ON o.id = r.office_id
		LEFT JOIN villages v ON v.id = r.village_id WHERE r.id = $1`, f.id).Scan(&own.Office, &own.Person.Township, &own.Person.Village)
	if err != nil {
		return own, fmt.Errorf("read the own file: %w", err)
	}
	if own.Household, err = l.openHousehold(ctx, tx, f.id); err != nil {
		return own, err
	}
	own.Household = own.Household[min(1, len(own.Household)):] // the first is the person
	if err := own.readCare(ctx, tx, f); err != nil {
		return own, fmt.Errorf("read the own file: %w", err)
	}
	if err := l.readOwnRecords(ctx, tx, f, &own); err != nil {
		return own, err
	}
	if own.Disclosures, err = l.disclosures(ctx, tx, f.id); err != nil {
		return own, err
	}
	if own.Grounds, err = readGrounds(ctx, tx, f); err != nil {
		return own, err
	}
	return own, l.readOwnHistory(ctx, tx, f, &own)
}

// rowsOf reads a query of one file into its list.
func rowsOf[T any](ctx context.Context, tx txn, into *[]T, scan func(pgx.CollectableRow) (T, error), sql string, f file) error {
	rows, err := tx.Query(ctx, sql, f.id)
	if err != nil {
		return err
	}
	*into, err = pgx.CollectRows(rows, scan)
	return err
}

func (own *OwnFile) readCare(ctx context.Context, tx txn, f file) error {
	err := rowsOf(ctx, tx, &own.Awards, func(row pgx.CollectableRow) (a OwnAward, err error) {
		var id anyID
		var sealed []byte
		if err = row.Scan(&id, &a.TotalFen, &a.PaidOn, &a.LossFen, &a.CompensationFen, &a.Origin, &a.Department, &a.CaseStage, &sealed); err != nil {
			return a, err
		}
		said, err := crypt.OpenJSON[map[string]string](f.key, sealed, "aid_awards.sealed/"+id.String())
		a.Offence = said["offence"]
		return a, err
	}, "SELECT id, total_fen, paid_on, loss_fen, compensation_fen, origin, source_department, case_stage, sealed FROM aid_awards WHERE recipient_id = $1 ORDER BY paid_on", f)
	if err != nil {
		return err
	}
	err = rowsOf(ctx, tx, &own.Plans, func(row pgx.CollectableRow) (p OwnPlan, err error) {
		err = row.Scan(&p.Template, &p.State, &p.Tier, &p.StartedOn, &p.ReviewOn)
		return p, err
	}, "SELECT t.name, p.state, p.tier, p.started_on, p.review_on FROM care_plans p JOIN plan_templates t ON t.id = p.template_id WHERE p.recipient_id = $1 ORDER BY p.id", f)
	if err != nil {
		return err
	}
	err = rowsOf(ctx, tx, &own.CheckIns, func(row pgx.CollectableRow) (c OwnCheckIn, err error) {
		err = row.Scan(&c.ID, &c.Title, &c.Kind, &c.Due, &c.State)
		return c, err
	}, "SELECT id, title, kind, due, state FROM check_ins WHERE recipient_id = $1 ORDER BY due, id", f)
	if err != nil {
		return err
	}
	err = rowsOf(ctx, tx, &own.Events, func(row pgx.CollectableRow) (e OwnEvent, err error) {
		var id anyID
		var sealed []byte
		if err = row.Scan(&id, &e.Kind, &e.OccurredOn, &e.Source, &sealed); err != nil {
			return e, err
		}
		note, err := f.key.Open(sealed, "events.sealed/"+id.String())
		e.Note = withoutNumbers(string(note), f.facts)
		return e, err
	}, "SELECT id, kind, occurred_on, source, sealed FROM events WHERE recipient_id = $1 AND withdrawn_at IS NULL ORDER BY occurred_on, id", f)
	if err != nil {
		return err
	}
	err = rowsOf(ctx, tx, &own.Alerts, func(row pgx.CollectableRow) (a OwnAlert, err error) {
		err = row.Scan(&a.Rule, &a.Level, &a.OpenedAt, &a.ClosedAt, &a.Outcome)
		return a, err
	}, "SELECT rule, level, opened_at, closed_at, coalesce(outcome, '') FROM alerts WHERE recipient_id = $1 AND rule <> 'mandatory_report' ORDER BY opened_at, id", f)
	if err != nil {
		return err
	}
	return rowsOf(ctx, tx, &own.Texts, func(row pgx.CollectableRow) (t OwnText, err error) {
		err = row.Scan(&t.Purpose, &t.To, &t.At, &t.Dispatch, &t.Delivery, &t.WithOthers)
		return t, err
	}, `SELECT m.purpose, CASE WHEN m.contact_id IS NULL THEN 'officer' ELSE 'contact' END, coalesce(m.dispatched_at, m.not_before), m.dispatch, m.delivery,
			m.rides_with IS NOT NULL OR EXISTS (SELECT FROM messages r WHERE r.rides_with = m.id)
		FROM messages m WHERE m.recipient_id = $1 ORDER BY m.id`, f)
}

func (l *Log) readOwnRecords(ctx context.Context, tx txn, f file, own *OwnFile) error {
	rows, err := tx.Query(ctx, selectRecords+"b.recipient_id = $1 ORDER BY b.recorded_at DESC, b.id DESC", f.id)
	if err != nil {
		return fmt.Errorf("read records: %w", err)
	}
	own.Records, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Record, error) {
		r, err := scanRecord(row, f.key)
		r.Officers, r.RecordedBy = nil, UserID{}
		return r, err
	})
	if err != nil {
		return fmt.Errorf("read records: %w", err)
	}
	if err := scrub(&own.Records, f.facts); err != nil {
		return err
	}
	if rows, err = tx.Query(ctx, selectReferrals+"f.recipient_id = $1 ORDER BY f.id", f.id); err != nil {
		return fmt.Errorf("read referrals: %w", err)
	}
	own.Referrals, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Referral, error) { return l.scanReferral(row, tx) })
	if err != nil {
		return fmt.Errorf("read referrals: %w", err)
	}
	if err := readSteps(ctx, tx, f, own.Referrals); err != nil {
		return err
	}
	for i := range own.Referrals {
		for k := range own.Referrals[i].Steps {
			own.Referrals[i].Steps[k].RecordedBy = UserID{}
		}
	}
	return scrub(&own.Referrals, f.facts)
}

func (l *Log) readOwnHistory(ctx context.Context, tx txn, f file, own *OwnFile) error {
	for before := int64(1<<63 - 1); before > 0; {
		page, err := l.readHistory(ctx, tx, []RecipientID{f.id}, before, 500)
		if err != nil {
			return err
		}
		for _, e := range page.Entries {
			if slices.Contains(keptBack, e.Kind) {
				if !slices.Contains(own.Withheld, e.Kind) {
					own.Withheld = append(own.Withheld, e.Kind)
				}
				continue
			}
			if err := scrub(&e.Details, f.facts); err != nil {
				return err
			}
			own.History = append(own.History, OwnEntry{e.Seq, e.Kind, event(e.Kind).Chinese, e.OccurredAt, e.ActorKind, e.Details})
		}
		before = page.Next
	}
	return nil
}

// digits are runs that may be somebody's phone or identity number.
var digits = regexp.MustCompile(`\+?[0-9][0-9 -]{5,}[0-9Xx]`)

// uuidText is an id, which is no number of anybody's; dates and times are none either.
var uuidText = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$|^[0-9]{4}-[0-9]{2}-[0-9]{2}(T.*)?$`)

// withoutNumbers blots out the phones and identity numbers in a text that are not
// the person's own: people note a neighbour's phone in a remark.
func withoutNumbers(text string, own recipientFacts) string {
	if uuidText.MatchString(text) {
		return text
	}
	return digits.ReplaceAllStringFunc(text, func(number string) string {
		if phone, _, ok := Phone(number); number == own.IDNumber || ok && phone == own.Phone || day.MatchString(number) {
			return number
		}
		return "●●●●"
	})
}

// day is a date, and the hour that may follow it.
var day = regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}( [0-9]{1,2})?$`)

// scrub takes others' numbers out of all that v says.
func scrub[T any](v *T, own recipientFacts) error {
	text, err := json.Marshal(*v)
	if err != nil {
		return fmt.Errorf("read the own file: %T cannot be written as JSON", *v)
	}
	var plain any
	if json.Unmarshal(text, &plain) != nil {
		return fmt.Errorf("read the own file: %T is no JSON", *v)
	}
	if text, err = json.Marshal(scrubbed(plain, own)); err != nil {
		return fmt.Errorf("read the own file: %T cannot be written as JSON", *v)
	}
	var clean T
	if json.Unmarshal(text, &clean) != nil {
		return fmt.Errorf("read the own file: %T does not read back", *v)
	}
	*v = clean
	return nil
}

func scrubbed(v any, own recipientFacts) any {
	switch v := v.(type) {
	case string:
		return withoutNumbers(v, own)
	case []any:
		for i := range v {
			v[i] = scrubbed(v[i], own)
		}
		return v
	case map[string]any:
		for k := range v {
			v[k] = scrubbed(v[k], own)
		}
		return v
	default:
		return v
	}
}
