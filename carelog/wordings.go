package carelog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Wording is one text with the facts it is filled with; they stand in it as {name}.
type Wording struct {
	Key          string               `json:"key"`
	Language     string               `json:"language,omitempty"` // empty: zh
	Version      int                  `json:"version"`
	Text         string               `json:"text"`
	Placeholders []WordingPlaceholder `json:"placeholders"`
}

// WordingPlaceholder is a fact a wording needs. Max is its bound in characters.
// Holds narrows it: empty any text, code, codes, number, date, choice, alias.
type WordingPlaceholder struct {
	Name    string   `json:"name"`
	Max     int      `json:"max"`
	Holds   string   `json:"holds,omitempty"`
	Choices []string `json:"choices,omitempty"`
}

// WordingVersion is a version of a wording as lists show it. Its words never change.
type WordingVersion struct {
	Wording
	Segments  int    // at its longest
	State     string // draft, in_force, retired
	SavedAt   time.Time
	SavedBy   UserID // zero: came with the service
	InForceAt *time.Time
	InForceBy UserID
	Approvals []Approval // what each carrier said last
}

// Approval is what a carrier said of a version of a wording.
type Approval struct {
	Carrier    string     `json:"carrier"`
	State      string     `json:"state"`       // draft, submitted, approved, refused
	TemplateID string     `json:"template_id"` // the carrier's, once approved
	Signature  string     `json:"signature"`   // as approved, without brackets; empty: the line's
	Reason     string     `json:"reason"`      // of a refusal
	At         *time.Time `json:"at"`
	By         UserID     `json:"by"`
}

const (
	wordingDraft   = "draft"
	wordingInForce = "in_force"
)

// Wordings lists every version of every wording, the newest of each first.
// Supervisors and administrators may.
func (l *Log) Wordings(ctx context.Context, by Actor) ([]WordingVersion, error) {
	if !by.Holds(SeeWordings) {
		return nil, forbidden("only supervisors and administrators see the wordings")
	}
	return read(ctx, l, by, func(tx txn) ([]WordingVersion, error) { return wordings(ctx, tx, "true") })
}

func wordings(ctx context.Context, tx txn, where string, args ...any) ([]WordingVersion, error) {
	rows, err := tx.Query(ctx, `SELECT w.key, w.language, w.version, w.text, w.placeholders, w.segments, w.state, w.saved_at, w.saved_by, w.in_force_at, w.in_force_by,
			coalesce((SELECT jsonb_agg(jsonb_build_object('carrier', a.carrier, 'state', a.state, 'template_id', a.template_id, 'signature', a.signature,
					'reason', a.reason, 'at', a.at, 'by', a.by) ORDER BY a.carrier)
				FROM (SELECT DISTINCT ON (carrier) * FROM wording_approvals x WHERE (x.key, x.language, x.version) = (w.key, w.language, w.version)
					ORDER BY carrier, step DESC) a), '[]')
		FROM wordings w WHERE `+where+" ORDER BY w.key, w.language, w.version DESC", args...)
	if err != nil {
		return nil, fmt.Errorf("list wordings: %w", err)
	}
	list, err := collect(rows, func(w *WordingVersion) []any {
		return []any{
			&w.Key, &w.Language, &w.Version, &w.Text, &w.Placeholders, &w.Segments, &w.State, &w.SavedAt, &w.SavedBy, &w.InForceAt, &w.InForceBy, &w.Approvals,
		}
	})
	if err != nil {
		return nil, fmt.Errorf("list wordings: %w", err)
	}
	return list, nil
}

func wordingVersion(ctx context.Context, tx txn, key, language string, version int) (WordingVersion, error) {
	found, err := wordings(ctx, tx, "(w.key, w.language, w.version) = ($1, $2, $3)", key, language, version)
	if err == nil && len(found) == 0 {
		err = notFound("version of this wording")
	}
	if err != nil {
		return WordingVersion{}, err
	}
	return found[0], nil
}

// SaveWording keeps a text as the next version of its wording, a draft that nobody
// is sent: everything that is wrong with it is told at once, by field. Without
// placeholders it takes those of the shipped wording that it names; the version
// given is of no account. An administrator of a top office may.
func (l *Log) SaveWording(ctx context.Context, by Actor, w Wording) (WordingVersion, error) {
	if w.Language == "" {
		w.Language = shippedLanguage
	}
	return write(ctx, l, by, func(tx txn) (WordingVersion, error) {
		if err := administersRoot(ctx, tx, KeepWordings, "saves wordings"); err != nil {
			return WordingVersion{}, err
		}
		last, err := lockWording(ctx, tx, w.Key, w.Language)
		if err != nil {
			return WordingVersion{}, err
		}
		w.Version = last + 1
		checked, segments, err := l.checkWording(w)
		if err != nil {
			return WordingVersion{}, err
		}
		_, err = tx.Exec(ctx, `INSERT INTO wordings (key, language, version, text, placeholders, segments, state, saved_at, saved_by)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			checked.Key, checked.Language, checked.Version, checked.Text, listed(checked.Placeholders), segments, wordingDraft, tx.now, by.User)
		if err != nil {
			return WordingVersion{}, fmt.Errorf("insert wording: %w", err)
		}
		tx.audit(by.Office, "wording_saved", anyID{}, named(checked.Key, checked.Language, checked.Version))
		return WordingVersion{Wording: checked, Segments: segments, State: wordingDraft, SavedAt: tx.now, SavedBy: by.User, Approvals: []Approval{}}, nil
	})
}

// checkWording is the wording as it may be kept, and its segments at its longest.
func (l *Log) checkWording(w Wording) (Wording, int, error) {
	var p problems
	if len(w.Text) > 2000 {
		p.add("text", isTooLong)
	}
	if len(w.Placeholders) > 20 {
		p.add("placeholders", isTooLong)
	}
	if err := p.err(); err != nil {
		return w, 0, err
	}
	plain, err := json.Marshal(w)
	if err != nil {
		return w, 0, fmt.Errorf("write down the wording: %w", err)
	}
	saved, segments, wrong := l.words.CheckWording(plain)
	for _, f := range wrong {
		p.add(f[0], reason{f[1], f[2]})
	}
	if err := p.err(); err != nil {
		return w, 0, err
	}
	var checked Wording
	if err := json.Unmarshal(saved, &checked); err != nil {
		return w, 0, fmt.Errorf("read the checked wording: %w", err)
	}
	return checked, segments, nil
}

// lockWording has the transaction be alone with a wording in one language, and
// tells its newest version; 0 when there is none.
func lockWording(ctx context.Context, tx txn, key, language string) (last int, err error) {
	if _, err = tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('wording ' || $1::text || ' ' || $2::text, 0))", key, language); err != nil {
		return 0, fmt.Errorf("lock the wording: %w", err)
	}
	err = tx.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM wordings WHERE (key, language) = ($1, $2)", key, language).Scan(&last)
	if err != nil {
		return 0, fmt.Errorf("find the wording's newest version: %w", err)
	}
	return last, nil
}

func named(key, language string, version int) string {
	return fmt.Sprintf("%s %s version %d", key, language, version)
}

// PutInForce has a version be what is said from now on, and retires the one
// before; a retired one may come back. Where a carrier approves texts, an older
// approved version is said there until it approves this one. An administrator of a
// top office may who did not save it.
func (l *Log) PutInForce(ctx context.Context, by Actor, key, language string, version int) (WordingVersion, error) {
	return write(ctx, l, by, func(tx txn) (WordingVersion, error) {
		if err := administersRoot(ctx, tx, KeepWordings, "puts wordings in force"); err != nil {
			return WordingVersion{}, err
		}
		if _, err := lockWording(ctx, tx, key, language); err != nil {
			return WordingVersion{}, err
		}
		w, err := wordingVersion(ctx, tx, key, language, version)
		if err != nil {
			return w, err
		}
		switch {
		case w.State == wordingInForce:
			return w, conflict("this version is in force already")
		case by.Kind == Person && w.SavedBy == by.User:
			return w, forbidden("whoever saved a wording does not put it in force")
		}
		if _, _, err := l.checkWording(w.Wording); err != nil { // the rules may have grown since
			return w, err
		}
		_, err = tx.Exec(ctx, "UPDATE wordings SET state = 'retired', retired_at = $3 WHERE (key, language) = ($1, $2) AND state = 'in_force'", key, language, tx.now)
		if err != nil {
			return w, fmt.Errorf("retire the wording before: %w", err)
		}
		_, err = tx.Exec(ctx, `UPDATE wordings SET state = 'in_force', in_force_at = $4, in_force_by = $5, retired_at = NULL
			WHERE (key, language, version) = ($1, $2, $3)`, key, language, version, tx.now, by.User)
		if err != nil {
			return w, fmt.Errorf("put the wording in force: %w", err)
		}
		w.State, w.InForceAt, w.InForceBy = wordingInForce, &tx.now, by.User
		tx.audit(by.Office, "wording_put_in_force", anyID{}, named(key, language, version))
		return w, textsChanged(ctx, tx)
	})
}

// What is wrong with what a carrier is said to have said.
var (
	needsTemplate = reason{"is required: an approved text is sent by the carrier's template", "必填\uff1a审核通过的文本须按运营商模板发送"}
	needsNoReview = reason{"approves no texts", "该运营商不审核文本"}
)

// RecordApproval notes what a carrier says of a version, drafts included: submitted,
// approved with its template and, where it names one, the signature, or refused
// with the reason. Every word is kept, the last one holds: approved texts go out at
// once, and a withdrawn approval holds them back. An administrator of a top office may.
func (l *Log) RecordApproval(ctx context.Context, by Actor, key, language string, version int, a Approval) (WordingVersion, error) {
	a.TemplateID, a.Signature, a.Reason = strings.TrimSpace(a.TemplateID), strings.Trim(strings.TrimSpace(a.Signature), "\u3010\u3011"), strings.TrimSpace(a.Reason)
	if err := a.check(); err != nil {
		return WordingVersion{}, err
	}
	return write(ctx, l, by, func(tx txn) (WordingVersion, error) {
		if err := administersRoot(ctx, tx, KeepWordings, "records what carriers say of wordings"); err != nil {
			return WordingVersion{}, err
		}
		if _, err := lockWording(ctx, tx, key, language); err != nil {
			return WordingVersion{}, err
		}
		w, err := wordingVersion(ctx, tx, key, language, version)
		if err != nil {
			return w, err
		}
		if !tx.texts.approves[a.Carrier] {
			return w, invalid("carrier", needsNoReview)
		}
		_, err = tx.Exec(ctx, `INSERT INTO wording_approvals (key, language, version, carrier, step, state, template_id, signature, reason, at, by)
			SELECT $1, $2, $3, $4, coalesce(max(step), 0) + 1, $5, $6, $7, $8, $9, $10 FROM wording_approvals WHERE (key, language, version, carrier) = ($1, $2, $3, $4)`,
			key, language, version, a.Carrier, a.State, a.TemplateID, a.Signature, a.Reason, tx.now, by.User)
		if err != nil {
			return w, fmt.Errorf("insert approval: %w", err)
		}
		if a.State == "approved" {
			if err := l.endTasks(ctx, tx, []string{unapprovedCause(key, language, version, a.Carrier)}, "the carrier approved the wording"); err != nil {
				return w, err
			}
		}
		tx.audit(by.Office, "wording_approval_recorded", anyID{}, named(key, language, version)+" "+a.Carrier+" "+a.State)
		if err := textsChanged(ctx, tx); err != nil {
			return w, err
		}
		return wordingVersion(ctx, tx, key, language, version)
	})
}

func (a Approval) check() error {
	var p problems
	if !slices.Contains([]string{"draft", "submitted", "approved", "refused"}, a.State) {
		p.add("state", isUnknown)
	}
	if a.State == "approved" && a.TemplateID == "" {
		p.add("template_id", needsTemplate)
	}
	if a.State == "refused" && a.Reason == "" {
		p.add("reason", isRequired)
	}
	for field, given := range map[string]string{"template_id": a.TemplateID, "signature": a.Signature, "reason": a.Reason} {
		if most := map[string]int{"template_id": 64, "signature": 14, "reason": 500}[field]; len([]rune(given)) > most {
			p.add(field, isTooLong)
		}
	}
	return p.err()
}

// EnsureWordings keeps what came with the program as a version of each wording:
// called at start. A text that this program says otherwise than the one before
// takes its place, unless a person's is in force: then it waits as a draft.
func (l *Log) EnsureWordings(ctx context.Context, by Actor) (int, error) {
	if by.Kind != System {
		return 0, forbidden("only the operator brings the shipped wordings")
	}
	return write(ctx, l, by, func(tx txn) (int, error) {
		added := 0
		for _, w := range shippedWordings(l.words) {
			w.Language = shippedLanguage
			fresh, err := l.ensureWording(ctx, tx, w)
			if err != nil {
				return 0, err
			}
			if fresh {
				added++
			}
		}
		if added == 0 {
			return 0, nil
		}
		return added, textsChanged(ctx, tx)
	})
}

func (l *Log) ensureWording(ctx context.Context, tx txn, w Wording) (bool, error) {
	var known bool
	const before = "SELECT EXISTS (SELECT FROM wordings WHERE (key, language) = ($1, $2) AND shipped >= $3)"
	if err := tx.QueryRow(ctx, before, w.Key, w.Language, w.Version).Scan(&known); err != nil || known {
		return false, wrapped("look for the shipped wording", err)
	}
	last, err := lockWording(ctx, tx, w.Key, w.Language)
	if err != nil {
		return false, err
	}
	if err := tx.QueryRow(ctx, before, w.Key, w.Language, w.Version).Scan(&known); err != nil || known { // another process starts at the same moment
		return false, wrapped("look for the shipped wording", err)
	}
	_, segments, err := l.checkWording(w)
	if err != nil {
		return false, err
	}
	var persons bool
	err = tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM wordings WHERE (key, language) = ($1, $2) AND state = 'in_force' AND shipped IS NULL)", w.Key, w.Language).Scan(&persons)
	if err != nil {
		return false, fmt.Errorf("look for the wording in force: %w", err)
	}
	state, since := wordingInForce, &tx.now
	if persons {
		state, since = wordingDraft, nil
	}
	batch := &pgx.Batch{}
	if !persons {
		batch.Queue("UPDATE wordings SET state = 'retired', retired_at = $3 WHERE (key, language) = ($1, $2) AND state = 'in_force'", w.Key, w.Language, tx.now)
	}
	batch.Queue(`INSERT INTO wordings (key, language, version, text, placeholders, segments, state, shipped, saved_at, in_force_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		w.Key, w.Language, last+1, w.Text, listed(w.Placeholders), segments, state, w.Version, tx.now, since)
	return true, wrapped("insert the shipped wording", tx.SendBatch(ctx, batch).Close())
}

func wrapped(what string, err error) error {
	if err != nil {
		err = fmt.Errorf("%s: %w", what, err)
	}
	return err
}
