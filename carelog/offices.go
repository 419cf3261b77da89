package carelog

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"aftercare/internal/crypt"
)

// NewOffice describes an office to add.
type NewOffice struct {
	Parent    OfficeID // zero: a root
	Code      string   // administrative division, such as 370323
	Name      string
	Signature string // what stands in 【】 at the head of a text; empty: the name
	Level     string // county, city, province, nation
}

// AddOffice adds an office to the tree. Only the system (the command line and
// the demo) may.
func (l *Log) AddOffice(ctx context.Context, by Actor, o NewOffice) (OfficeID, error) {
	if by.Kind != System {
		return OfficeID{}, forbidden("offices are added by the operator")
	}
	if o.Signature == "" {
		o.Signature = o.Name
	}
	var p problems
	if utf8.RuneCountInString(o.Signature) > 14 {
		p.add("signature", isTooLong)
	}
	if o.Code == "" {
		p.add("code", isRequired)
	}
	if strings.TrimSpace(o.Name) == "" {
		p.add("name", isRequired)
	}
	if o.Level != "county" && o.Level != "city" && o.Level != "province" && o.Level != "nation" {
		p.add("level", isUnknown)
	}
	if err := p.err(); err != nil {
		return OfficeID{}, err
	}
	return write(ctx, l, by, func(tx txn) (OfficeID, error) {
		id := newID[officeKind](tx.now, l.random)
		_, err := tx.Exec(ctx, `INSERT INTO offices (id, parent_id, path, code, name, signature, level, created_at)
			VALUES ($1, $2, coalesce((SELECT path FROM offices WHERE id = $2), '{}') || $1::uuid, $3, $4, $5, $6, $7)`,
			id, o.Parent, o.Code, o.Name, o.Signature, o.Level, tx.now)
		if err != nil {
			return OfficeID{}, fmt.Errorf("insert office: %w", err)
		}
		tx.audit(id, "office_added", anyID(id), "")
		return id, nil
	})
}

// OfficeByCode finds an office by its administrative code.
func (l *Log) OfficeByCode(ctx context.Context, by Actor, code string) (OfficeID, error) {
	return read(ctx, l, by, func(tx txn) (OfficeID, error) {
		var id OfficeID
		err := tx.QueryRow(ctx, "SELECT id FROM offices WHERE code = $1", code).Scan(&id)
		if none(err) {
			return id, notFound("office")
		}
		return id, err
	})
}

// EnsureLine makes sure that the carrier's receiving number (empty: its default)
// is known, and belongs to the office (zero: the oldest root). Called at start.
func (l *Log) EnsureLine(ctx context.Context, by Actor, carrier, number string, office OfficeID) (LineID, error) {
	return write(ctx, l, by, func(tx txn) (LineID, error) {
		var id LineID
		err := tx.QueryRow(ctx, "UPDATE lines SET used_at = $3 WHERE carrier = $1 AND number = $2 RETURNING id", carrier, number, tx.now).Scan(&id)
		if err == nil {
			return id, nil
		}
		if !none(err) {
			return LineID{}, fmt.Errorf("find line: %w", err)
		}
		if office.IsZero() {
			err := tx.QueryRow(ctx, "SELECT id FROM offices WHERE parent_id IS NULL ORDER BY created_at, id LIMIT 1").Scan(&office)
			if none(err) {
				return LineID{}, conflict("no office yet: run `aftercare admin first` before the line is made")
			}
			if err != nil {
				return LineID{}, fmt.Errorf("find the root office: %w", err)
			}
		}
		id = newID[lineKind](tx.now, l.random)
		_, wrapped, err := l.keys.NewDataKey(l.random, id)
		if err != nil {
			return LineID{}, fmt.Errorf("make the line's key: %w", err)
		}
		err = tx.QueryRow(ctx, `INSERT INTO lines (id, office_id, carrier, number, data_key, created_at, used_at)
			VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (carrier, number) DO UPDATE SET used_at = excluded.used_at
			RETURNING id`, id, office, carrier, number, wrapped, tx.now).Scan(&id) // another process may start at the same moment
		if err != nil {
			return LineID{}, fmt.Errorf("insert line: %w", err)
		}
		return id, nil
	})
}

// SpeakFrom moves the texts planned on other lines to this one: the number or the
// carrier in the settings has changed, and nobody drains the old line any more
// (P2). What is planned on lines of other carriers that are served stays. Codes
// that are out are known on the new line too. It tells how many moved.
func (l *Log) SpeakFrom(ctx context.Context, by Actor, line LineID, served ...string) (int, error) {
	if by.Kind != System {
		return 0, forbidden("only the operator changes the sending number")
	}
	return write(ctx, l, by, func(tx txn) (int, error) {
		tag, err := tx.Exec(ctx, `UPDATE messages m SET line_id = $1 FROM lines n
			WHERE m.dispatch = 'planned' AND m.line_id <> $1 AND n.id = m.line_id
				AND (n.carrier = (SELECT carrier FROM lines WHERE id = $1) OR n.carrier <> ALL ($2))`, line, append([]string{}, served...))
		if err != nil {
			return 0, fmt.Errorf("move planned messages: %w", err)
		}
		_, err = tx.Exec(ctx, `INSERT INTO task_codes (line_id, code, ask_id, given_at)
			SELECT $1, code, ask_id, given_at FROM task_codes WHERE line_id <> $1 AND free_from IS NULL ON CONFLICT DO NOTHING`, line)
		if err != nil {
			return 0, fmt.Errorf("make the codes known: %w", err)
		}
		return int(tag.RowsAffected()), nil
	})
}

// lineOf is the number an office speaks from to a contact or a user: by its route
// to their country, or the nearest above, else its own, else the nearest above it.
func (l *Log) lineOf(ctx context.Context, tx txn, office OfficeID, contact ContactID, user UserID) (LineID, error) {
	var id LineID
	country := ""
	if tx.texts.routed {
		var err error
		if country, err = l.partyCountry(ctx, tx, contact, user); err != nil {
			return id, err
		}
	}
	if known, ok := tx.memory.lines[spokenTo{office, country}]; ok {
		return known, nil
	}
	err := tx.QueryRow(ctx, "SELECT speaking_line($1, $2, $3)", office, l.carrier, country).Scan(&id)
	if err != nil {
		return id, fmt.Errorf("find the office's line: %w", err)
	}
	if id.IsZero() {
		return id, conflict("no receiving number is set up for this office: start the server with a carrier first")
	}
	tx.memory.lines[spokenTo{office, country}] = id
	return id, nil
}

// ensureVillage finds or adds a village of the office.
func (l *Log) ensureVillage(ctx context.Context, tx txn, office OfficeID, township, name string) (VillageID, error) {
	var id VillageID
	const find = "SELECT id FROM villages WHERE office_id = $1 AND township = $2 AND name = $3"
	err := tx.QueryRow(ctx, find, office, township, name).Scan(&id)
	if !none(err) {
		return id, err
	}
	_, err = tx.Exec(ctx, `INSERT INTO villages (id, office_id, township, name) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		newID[villageKind](tx.now, l.random), office, township, name)
	if err != nil {
		return id, fmt.Errorf("insert village: %w", err)
	}
	if err := tx.QueryRow(ctx, find, office, township, name).Scan(&id); err != nil {
		return id, fmt.Errorf("find village: %w", err)
	}
	return id, nil
}

// NewUser describes a person who signs in.
type NewUser struct {
	Office OfficeID
	Login  string // lower case
	Name   string
	Phone  string // as people write it; reminders go there
	Roles  []Role // held in Office; none: nobody can sign in yet

	// Position is a supervisor's place on the ladder: head (empty as well), deputy or office.
	Position string
}

// AddUser adds a user. A system administrator of the office may, without roles: a
// security administrator grants those (GrantRole). The operator may both.
func (l *Log) AddUser(ctx context.Context, by Actor, u NewUser) (UserID, error) {
	u.Login = strings.ToLower(strings.TrimSpace(u.Login))
	phone, err := u.check()
	if err != nil {
		return UserID{}, err
	}
	if !by.may(u.Office, AddUserAct) {
		return UserID{}, forbidden("only a system administrator of the office adds people")
	}
	if len(u.Roles) > 0 && !by.may(u.Office, GrantRoles) {
		return UserID{}, forbidden("what somebody may is granted by a security administrator: add them without roles")
	}
	return write(ctx, l, by, func(tx txn) (UserID, error) {
		id := newID[userKind](tx.now, l.random)
		return id, l.insertUser(ctx, tx, id, u, phone)
	})
}

func (l *Log) insertUser(ctx context.Context, tx txn, id UserID, u NewUser, phone string) error {
	key, wrapped, err := l.keys.NewDataKey(l.random, id)
	if err != nil {
		return fmt.Errorf("make the user's key: %w", err)
	}
	sealed, err := crypt.SealJSON(key, personFacts{Name: u.Name, Phone: phone}, "users.sealed")
	if err != nil {
		return fmt.Errorf("seal the user: %w", err)
	}
	_, err = tx.Exec(ctx, "INSERT INTO users (id, office_id, login, data_key, sealed, phone_index, created_at, duty) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		id, u.Office, u.Login, wrapped, sealed, l.phoneIndex(phone), tx.now, dutyOf(u.Roles))
	if err != nil {
		return fmt.Errorf("insert user: %w", err)
	}
	for _, role := range u.Roles {
		_, err := tx.Exec(ctx, "INSERT INTO grants (user_id, office_id, role, granted_at, position) VALUES ($1, $2, $3, $4, $5)",
			id, u.Office, role, tx.now, cmp.Or(u.Position, "head"))
		if err != nil {
			return fmt.Errorf("insert grant: %w", err)
		}
	}
	tx.audit(u.Office, "user_added", anyID(id), "")
	return nil
}

func (u NewUser) check() (phone string, err error) {
	var p problems
	if u.Login == "" {
		p.add("login", isRequired)
	}
	if strings.TrimSpace(u.Name) == "" {
		p.add("name", isRequired)
	}
	if slices.ContainsFunc(u.Roles, func(r Role) bool { return dutyOf([]Role{r}) != dutyOf(u.Roles) }) {
		p.add("roles", areSeparatePeoples)
	}
	for _, role := range u.Roles {
		if !slices.Contains(everyRole, role) {
			p.add("roles", isUnknown)
		}
	}
	if !slices.Contains([]string{"", "head", "deputy", "office"}, u.Position) {
		p.add("position", isUnknown)
	}
	if u.Phone != "" {
		var ok bool
		if phone, _, ok = Phone(u.Phone); !ok {
			p.add("phone", isNotAPhone)
		}
	}
	return phone, p.err()
}

// UserByLogin finds a person of the actor's scope.
func (l *Log) UserByLogin(ctx context.Context, by Actor, login string) (UserID, error) {
	return read(ctx, l, by, func(tx txn) (UserID, error) {
		var id UserID
		err := tx.QueryRow(ctx, "SELECT id FROM users WHERE login = $1", strings.ToLower(login)).Scan(&id)
		if none(err) {
			return id, notFound("user")
		}
		return id, err
	})
}
