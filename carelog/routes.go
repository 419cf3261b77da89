package carelog

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/nyaruka/phonenumbers"
)

// Route is the line an office speaks from to numbers of a country.
type Route struct {
	Country string // its calling code, +86; *: every country that has no route of its own
	Line    LineID
	Carrier string
	Ending  string   // the last four digits of the line's number
	Office  OfficeID // that set it: the office itself or one above
	SetAt   time.Time
	Heard   bool // replies from there reach us through the carrier
}

// RoutableLine is a line an office may be routed over.
type RoutableLine struct {
	Line    LineID
	Carrier string
	Ending  string
}

// Routing is how an office's texts go out: where no route names a country, they
// take the office's own line of the default carrier, else the nearest above.
type Routing struct {
	Routes []Route
	Lines  []RoutableLine
}

// Routing reads an office's routes and the lines it may choose from. Its
// supervisors and administrators may.
func (l *Log) Routing(ctx context.Context, by Actor, office OfficeID) (Routing, error) {
	return read(ctx, l, by, func(tx txn) (Routing, error) {
		if !by.may(office, SeeTexting) {
			return Routing{}, forbidden("only supervisors and administrators of the office see its routes")
		}
		var found Routing
		rows, err := tx.Query(ctx, `SELECT country, line_id, carrier, ending, office_id, set_at, CASE country WHEN '*' THEN hears(carrier, '+86') ELSE hears(carrier, country) END
			FROM routes_of($1) ORDER BY country`, office)
		if err != nil {
			return found, fmt.Errorf("list routes: %w", err)
		}
		found.Routes, err = collect(rows, func(r *Route) []any {
			return []any{&r.Country, &r.Line, &r.Carrier, &r.Ending, &r.Office, &r.SetAt, &r.Heard}
		})
		if err != nil {
			return found, fmt.Errorf("list routes: %w", err)
		}
		if rows, err = tx.Query(ctx, "SELECT line_id, carrier, ending FROM lines_for($1)", office); err != nil {
			return found, fmt.Errorf("list the office's lines: %w", err)
		}
		found.Lines, err = collect(rows, func(n *RoutableLine) []any { return []any{&n.Line, &n.Carrier, &n.Ending} })
		if err != nil {
			return found, fmt.Errorf("list the office's lines: %w", err)
		}
		return found, nil
	})
}

var callingCode = regexp.MustCompile(`^(\*|\+[1-9][0-9]{0,2})$`)

var isNotACallingCode = reason{"is not a calling code: write it as +86, or * for every country", "不是国家区号\uff0c请写成 +86\uff0c或以 * 表示所有国家"}

// SetRoute has an office, and those below it without a route of their own, speak
// to numbers of a country from a line of its own or of an office above; the zero
// line ends the route. What is planned already takes the new line when it is due.
// An administrator of the office may.
func (l *Log) SetRoute(ctx context.Context, by Actor, office OfficeID, country string, line LineID) error {
	if !callingCode.MatchString(country) {
		return invalid("country", isNotACallingCode)
	}
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		if !by.may(office, SetTextingAct) {
			return struct{}{}, forbidden("only an administrator of the office routes its texts")
		}
		if line.IsZero() {
			tag, err := tx.Exec(ctx, "UPDATE carrier_routes SET ended_at = $3 WHERE office_id = $1 AND country = $2 AND ended_at IS NULL", office, country, tx.now)
			if err == nil && tag.RowsAffected() == 0 {
				return struct{}{}, notFound("route of this office")
			}
			if err != nil {
				return struct{}{}, fmt.Errorf("end the route: %w", err)
			}
			tx.audit(office, "route_ended", anyID(office), country)
			return struct{}{}, textsChanged(ctx, tx)
		}
		var carrier string
		err := tx.QueryRow(ctx, "SELECT carrier FROM lines_for($1) WHERE line_id = $2", office, line).Scan(&carrier)
		if none(err) {
			return struct{}{}, notFound("line of this office or one above")
		}
		if err != nil {
			return struct{}{}, fmt.Errorf("find the line: %w", err)
		}
		_, err = tx.Exec(ctx, `INSERT INTO carrier_routes (office_id, country, line_id, set_at, set_by) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (office_id, country) DO UPDATE SET line_id = excluded.line_id, set_at = excluded.set_at, set_by = excluded.set_by, ended_at = NULL`,
			office, country, line, tx.now, by.User)
		if err != nil {
			return struct{}{}, fmt.Errorf("set the route: %w", err)
		}
		tx.audit(office, "route_set", anyID(office), country+" over "+carrier)
		return struct{}{}, textsChanged(ctx, tx)
	})
	return err
}

// countryOf is the calling code of a number, +86; empty where it cannot be read.
func countryOf(phone string) string {
	number, err := phonenumbers.Parse(phone, "CN")
	if err != nil {
		return ""
	}
	return "+" + strconv.Itoa(int(number.GetCountryCode()))
}

// partyCountry is the calling code of a contact's or a user's number. It is asked
// for only where some office has routes.
func (l *Log) partyCountry(ctx context.Context, tx txn, contact ContactID, user UserID) (string, error) {
	c := claim{contact: contact, user: user}
	err := tx.QueryRow(ctx, `SELECT data_key, sealed FROM village_contacts WHERE id = $1
		UNION ALL SELECT data_key, sealed FROM users WHERE id = $2`, contact, user).Scan(&c.partyKey, &c.partySealed)
	if none(err) {
		return "", nil // of an office out of sight: when it is due, the workers look again
	}
	if err != nil {
		return "", fmt.Errorf("read the party: %w", err)
	}
	return l.claimCountry(c)
}

func (l *Log) claimCountry(c claim) (string, error) {
	owner, column := [16]byte(c.contact), "village_contacts.sealed"
	if c.contact.IsZero() {
		owner, column = c.user, "users.sealed"
	}
	if c.partyKey == nil || c.partySealed == nil {
		return "", nil // erased
	}
	party, err := l.openPerson(owner, c.partyKey, c.partySealed, column)
	if err != nil {
		return "", err
	}
	return countryOf(party.Phone), nil
}

// reroute moves the claims whose route names another line to it, where they are
// due at once, and leaves those that stay. An answer goes out from the number that
// was written to. Codes given on another line are known on this one too.
func (l *Log) reroute(ctx context.Context, tx txn, claims []claim) (stay []claim, moved int, err error) {
	if !tx.texts.routed || len(claims) == 0 {
		return claims, 0, nil
	}
	lines, left := map[officeCountry]LineID{}, map[LineID][]MessageID{}
	for _, c := range claims {
		at := officeCountry{office: c.office}
		if at.country, err = l.claimCountry(c); err != nil {
			return nil, 0, err
		}
		line, known := lines[at]
		if !known {
			if err := tx.QueryRow(ctx, "SELECT routed_line($1, $2)", at.office, at.country).Scan(&line); err != nil {
				return nil, 0, fmt.Errorf("find the route: %w", err)
			}
			lines[at] = line
		}
		if line.IsZero() || line == c.line || c.purpose == "answer" {
			stay = append(stay, c)
			continue
		}
		left[line] = append(left[line], c.id)
		moved++
	}
	for line, messages := range left {
		if _, err := tx.Exec(ctx, "UPDATE messages SET line_id = $1 WHERE id = ANY ($2)", line, messages); err != nil {
			return nil, 0, fmt.Errorf("move messages to their route: %w", err)
		}
		if err := l.queue.SendDue(ctx, tx, line); err != nil {
			return nil, 0, err
		}
	}
	return stay, moved, shareCodes(ctx, tx, claims[0].line, stay)
}

// shareCodes makes the codes of asks that were sent over another line known on
// this one. Where one is somebody else's here, the ask gets another.
func shareCodes(ctx context.Context, tx txn, line LineID, claims []claim) error {
	var asks []AskID
	var codes []string
	for _, c := range claims {
		if c.code != "" {
			asks, codes = append(asks, c.ask), append(codes, c.code)
		}
	}
	if len(asks) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `INSERT INTO task_codes (line_id, code, ask_id, given_at)
		SELECT DISTINCT $1::uuid, u.code, u.ask, $2::timestamptz FROM unnest($3::text[], $4::uuid[]) AS u (code, ask) ON CONFLICT DO NOTHING`, line, tx.now, codes, asks)
	if err != nil {
		return fmt.Errorf("share the task codes: %w", err)
	}
	rows, err := tx.Query(ctx, "SELECT ask_id FROM task_codes WHERE line_id = $1 AND code = ANY ($2) AND ask_id = ANY ($3)", line, codes, asks)
	if err != nil {
		return fmt.Errorf("look the task codes up: %w", err)
	}
	ours, err := collect(rows, func(id *AskID) []any { return []any{id} })
	if err != nil {
		return fmt.Errorf("look the task codes up: %w", err)
	}
	here := map[AskID]bool{}
	for _, id := range ours {
		here[id] = true
	}
	for i := range claims {
		if claims[i].code != "" && !here[claims[i].ask] {
			claims[i].code = ""
		}
	}
	return nil
}
