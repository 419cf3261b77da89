package carelog

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// catalogue is the texts, and what carriers approved, as one version of the
// database has them. It never changes, so that transactions share it.
type catalogue struct {
	version  int64
	shipped  map[string]int         // by key: spoken while the database has no version of it
	inForce  map[wordingKey]spoken  // where any text may be sent
	approved map[approvalKey]spoken // where only approved ones may
	approves map[string]bool        // the carriers that approve
	routed   bool                   // some office has, or had, a route
}

type wordingKey struct{ key, language string }

type approvalKey struct{ key, language, carrier string }

// spoken is the version of a wording that is spoken now, and the carrier's
// template for it where one is needed.
type spoken struct {
	language            string
	version             int
	template, signature string
}

// shippedLanguage is the language of what came with the program, and of offices
// that name none. Where a wording is not there in an office's own, it is spoken in this.
const shippedLanguage = "zh"

// speaks is the version spoken to a carrier. Where the carrier approves, it is the
// one put in force last of those approved: a newer one that was refused, or waits,
// leaves the older in use. Without one, asked is what has to be approved.
func (c *catalogue) speaks(key, language, carrier string) (s spoken, ok bool, asked spoken) {
	for _, language := range []string{language, shippedLanguage} {
		inForce, known := c.inForce[wordingKey{key, language}]
		if !known && language == shippedLanguage {
			inForce, known = spoken{language: language, version: c.shipped[key]}, c.shipped[key] > 0
		}
		if !c.approves[carrier] {
			if known {
				return inForce, true, spoken{}
			}
			continue
		}
		if s, ok = c.approved[approvalKey{key, language, carrier}]; ok {
			return s, true, spoken{}
		}
		if known && asked.version == 0 {
			asked = inForce
		}
	}
	return spoken{language: shippedLanguage}, !c.approves[carrier], asked // a text nobody knows is refused when it is rendered
}

// shippedTexts is the catalogue before the database was read.
func shippedTexts(words Words) *catalogue {
	c := &catalogue{shipped: map[string]int{}}
	for _, w := range shippedWordings(words) {
		c.shipped[w.Key] = w.Version
	}
	return c
}

func shippedWordings(words Words) []Wording {
	if words == nil {
		return nil
	}
	var list []Wording
	if err := json.Unmarshal(words.Shipped(), &list); err != nil {
		panic(fmt.Sprintf("carelog: read the shipped wordings: %v", err)) // a fault of the build
	}
	return list
}

// currentTexts is the catalogue of a version: the one remembered when nothing
// changed since, else as it is read now. Words learns what was put in force.
func (l *Log) currentTexts(ctx context.Context, tx txn, version int64) (*catalogue, error) {
	known := l.texts.Load()
	if known.version == version {
		return known, nil
	}
	next := &catalogue{version: version, shipped: known.shipped}
	var list []byte
	err := tx.QueryRow(ctx, `SELECT coalesce(jsonb_agg(jsonb_build_object('key', key, 'language', language, 'version', version, 'text', text, 'placeholders', placeholders)), '[]'),
			is_routed() FROM wordings WHERE state <> 'draft'`).Scan(&list, &next.routed)
	if err != nil {
		return nil, fmt.Errorf("read the wordings: %w", err)
	}
	if err := l.words.Load(list); err != nil {
		return nil, fmt.Errorf("learn the wordings: %w", err)
	}
	if err := next.readInForce(ctx, tx); err != nil {
		return nil, err
	}
	if err := next.readApproved(ctx, tx); err != nil {
		return nil, err
	}
	l.texts.Store(next)
	return next, nil
}

func (c *catalogue) readInForce(ctx context.Context, tx txn) error {
	c.inForce, c.approves = map[wordingKey]spoken{}, map[string]bool{}
	rows, err := tx.Query(ctx, "SELECT key, language, version FROM wordings WHERE state = 'in_force'")
	if err != nil {
		return fmt.Errorf("read the wordings in force: %w", err)
	}
	var key string
	var s spoken
	_, err = pgx.ForEachRow(rows, []any{&key, &s.language, &s.version}, func() error {
		c.inForce[wordingKey{key, s.language}] = s
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the wordings in force: %w", err)
	}
	if rows, err = tx.Query(ctx, "SELECT name FROM carriers WHERE needs_approval"); err != nil {
		return fmt.Errorf("read the carriers: %w", err)
	}
	_, err = pgx.ForEachRow(rows, []any{&key}, func() error {
		c.approves[key] = true
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the carriers: %w", err)
	}
	return nil
}

func (c *catalogue) readApproved(ctx context.Context, tx txn) error {
	c.approved = map[approvalKey]spoken{}
	rows, err := tx.Query(ctx, `SELECT w.key, w.language, w.version, a.carrier, a.template_id, a.signature FROM wordings w
		JOIN (SELECT DISTINCT ON (key, language, version, carrier) * FROM wording_approvals ORDER BY key, language, version, carrier, step DESC) a
			ON (a.key, a.language, a.version) = (w.key, w.language, w.version) AND a.state = 'approved'
		WHERE w.state <> 'draft' ORDER BY w.in_force_at, w.version`)
	if err != nil {
		return fmt.Errorf("read what carriers approved: %w", err)
	}
	var key, carrier string
	var s spoken
	_, err = pgx.ForEachRow(rows, []any{&key, &s.language, &s.version, &carrier, &s.template, &s.signature}, func() error {
		c.approved[approvalKey{key, s.language, carrier}] = s // the last put in force stays
		return nil
	})
	if err != nil {
		return fmt.Errorf("read what carriers approved: %w", err)
	}
	return nil
}

// textsChanged tells every process that what it remembers of the texts is old.
func textsChanged(ctx context.Context, tx txn) error {
	if _, err := tx.Exec(ctx, "UPDATE wordings_version SET version = version + 1"); err != nil {
		return fmt.Errorf("tell that the texts changed: %w", err)
	}
	return nil
}

// signs is what stands in the brackets of a text: the signature as the carrier
// approved it, else the line's, which at such a carrier is one, else the office's.
func (s spoken) signs(c claim) string {
	if s.template == "" {
		return c.signature
	}
	line := c.number
	if line != "" && (line[0] == '+' || line[0] >= '0' && line[0] <= '9') {
		line = ""
	}
	return cmp.Or(s.signature, line, c.signature)
}

// notApproved is why a text is not sent.
const notApproved = "the wording is not approved at the carrier"

// askForApproval has the top office's people get a wording approved: one task for
// all the texts that it holds back.
func (l *Log) askForApproval(ctx context.Context, tx txn, c claim, w spoken) error {
	var root OfficeID
	if err := tx.QueryRow(ctx, "SELECT path[1] FROM offices WHERE id = $1", c.office).Scan(&root); err != nil {
		return fmt.Errorf("find the top office: %w", err)
	}
	return l.openTask(ctx, tx, newTask{
		kind: "wording_unapproved", cause: unapprovedCause(c.wording, w.language, w.version, c.carrier), office: root,
		reason: fmt.Sprintf("wording %s version %d is not approved at %s: until it is, its texts are people's work", c.wording, w.version, c.carrier),
		actBy:  officerWindow.closes(tx.cal(root).AddWorkdays(tx.today(), 1)),
	})
}

func unapprovedCause(key, language string, version int, carrier string) string {
	return fmt.Sprintf("wording:%s:%s:%d:%s", key, language, version, carrier)
}
