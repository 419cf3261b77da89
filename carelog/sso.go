package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Vouched is what a provider of single sign-on says of somebody, checked and mapped.
type Vouched struct {
	Issuer, Subject string
	Login           string // whom an identity that comes for the first time is linked with
	Name            string // of somebody who is made
	Office          string // its administrative code
	Roles           []Role // held there
	Create          bool   // make somebody nobody here knows
	SecondFactor    bool   // the provider says it has seen one
}

// SignInClaimed signs in whom a provider vouches for. An identity that comes for the
// first time is linked with whoever has its login in the office it claims; nobody is
// made unless Create says so. What is granted becomes what is claimed, no more and no
// less; plans of an officer who is one no longer get a task in their office. Roles
// that need a second factor ask for ours where the provider saw none. Unauthorized
// when nobody is meant or they left, Forbidden when the claims map to nothing, or to
// roles of separate people.
func (l *Log) SignInClaimed(ctx context.Context, c Vouched) (Session, error) {
	c.Login = normalLogin(c.Login)
	var office OfficeID
	var name string
	err := l.db.QueryRow(ctx, "SELECT id, name FROM office_by_code($1)", c.Office).Scan(&office, &name)
	if err != nil && !none(err) {
		return Session{}, fmt.Errorf("find the office: %w", err)
	}
	apart := slices.ContainsFunc(c.Roles, func(r Role) bool { return dutyOf([]Role{r}) != dutyOf(c.Roles) || r == Integration })
	if office.IsZero() || len(c.Roles) == 0 || apart {
		if err := l.auditClaim(ctx, Actor{Kind: Person}, "claims_map_to_nothing"); err != nil {
			return Session{}, err
		}
		return Session{}, forbidden("the provider's claims give no role in an office here: ask an administrator")
	}
	p, err := l.whoIsClaimed(ctx, c, office)
	if err != nil {
		return Session{}, err
	}
	by := Actor{Kind: Person, User: p.user, Office: p.office, Login: c.Login, scope: []OfficeID{office}}
	for _, o := range append(p.offices, p.office) {
		if !slices.Contains(by.scope, o) && !o.IsZero() {
			by.scope = append(by.scope, o)
		}
	}
	if p.user.IsZero() && c.Create && c.Login != "" {
		by.User, by.Office = newID[userKind](l.Now(), l.random), office
		return write(ctx, l, by, func(tx txn) (Session, error) {
			n := NewUser{Office: office, Login: c.Login, Name: strings.TrimSpace(c.Name), Roles: c.Roles}
			if n.Name == "" {
				n.Name = c.Login
			}
			if _, err := n.check(); err != nil {
				return Session{}, err
			}
			if err := l.insertUser(ctx, tx, by.User, n, ""); err != nil {
				return Session{}, err
			}
			return l.letInClaimed(ctx, tx, claimedPerson{user: by.User, office: office}, c)
		})
	}
	if p.user.IsZero() || p.state != "active" {
		if err := l.auditClaim(ctx, by, "unknown_identity"); err != nil {
			return Session{}, err
		}
		return Session{}, &Error{Kind: Unauthorized, Message: "sign in: the provider knows you, this service does not: ask an administrator"}
	}
	return write(ctx, l, by, func(tx txn) (Session, error) {
		if err := l.grantClaimed(ctx, tx, p, office, c.Roles); err != nil {
			return Session{}, err
		}
		p.office = office
		return l.letInClaimed(ctx, tx, p, c)
	})
}

func (l *Log) auditClaim(ctx context.Context, by Actor, class string) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		tx.audit(by.Office, "sign_in_failed", anyID(by.User), class)
		return struct{}{}, nil
	})
	return err
}

// claimedPerson is whom an identity means, with all they are granted.
type claimedPerson struct {
	user    UserID
	office  OfficeID
	state   string
	linked  bool
	factor  bool
	offices []OfficeID
	roles   []Role
}

func (l *Log) whoIsClaimed(ctx context.Context, c Vouched, office OfficeID) (claimedPerson, error) {
	var p claimedPerson
	err := l.db.QueryRow(ctx, `SELECT user_id, office_id, state, linked, factor, granted_offices, granted_roles FROM find_identity($1, $2, $3, $4)`,
		c.Issuer, c.Subject, c.Login, office).Scan(&p.user, &p.office, &p.state, &p.linked, &p.factor, &p.offices, &p.roles)
	if err != nil && !none(err) {
		return p, fmt.Errorf("find the identity: %w", err)
	}
	return p, nil
}

func (l *Log) letInClaimed(ctx context.Context, tx txn, p claimedPerson, c Vouched) (Session, error) {
	if !p.linked {
		_, err := tx.Exec(ctx, "INSERT INTO sso_identities (issuer, subject, user_id, linked_at) VALUES ($1, $2, $3, $4)", c.Issuer, c.Subject, p.user, tx.now)
		if err != nil {
			return Session{}, fmt.Errorf("link the identity: %w", err)
		}
		tx.audit(p.office, "identity_linked", anyID(p.user), "")
	}
	if c.SecondFactor {
		return l.openSession(ctx, tx, newSession{user: p.user, office: p.office, strength: "sso"})
	}
	return l.letIn(ctx, tx, signingIn{user: p.user, office: p.office, factor: p.factor, roles: c.Roles}, "sso")
}

// grantClaimed makes what is granted what is claimed.
func (l *Log) grantClaimed(ctx context.Context, tx txn, p claimedPerson, office OfficeID, roles []Role) error {
	changed := p.office != office
	for i, o := range p.offices {
		if o == office && slices.Contains(roles, p.roles[i]) {
			continue
		}
		changed = true
		if _, err := tx.Exec(ctx, "DELETE FROM grants WHERE user_id = $1 AND office_id = $2 AND role = $3", p.user, o, p.roles[i]); err != nil {
			return fmt.Errorf("withdraw grant: %w", err)
		}
	}
	// Who may nothing any more can take up another duty.
	_, err := tx.Exec(ctx, "UPDATE users SET duty = $2 WHERE id = $1 AND duty <> $2 AND NOT EXISTS (SELECT FROM grants WHERE user_id = $1)", p.user, dutyOf(roles))
	if err != nil {
		return fmt.Errorf("change the duty: %w", err)
	}
	for _, role := range roles {
		tag, err := tx.Exec(ctx, "INSERT INTO grants (user_id, office_id, role, granted_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", p.user, office, role, tx.now)
		if err != nil {
			return fmt.Errorf("insert grant: %w", err)
		}
		changed = changed || tag.RowsAffected() > 0
	}
	if !changed {
		return nil
	}
	if _, err := tx.Exec(ctx, "UPDATE users SET office_id = $2 WHERE id = $1", p.user, office); err != nil {
		return fmt.Errorf("move the person: %w", err)
	}
	// A session from before holds the new rights too: authenticating reads them anew.
	tx.audit(office, "grants_claimed", anyID(p.user), fmt.Sprint(roles))
	return l.tellOfOrphans(ctx, tx, p.user)
}

// tellOfOrphans opens a task in each office where somebody who may act there no more
// still has open plans (P1): the ladder reaches others, but somebody has to decide.
func (l *Log) tellOfOrphans(ctx context.Context, tx txn, user UserID) error {
	desks, err := openPlansOf(ctx, tx, user)
	if err != nil {
		return err
	}
	for _, d := range desks {
		if d.mayAct {
			continue
		}
		err := l.openTask(ctx, tx, newTask{
			kind: "officer_withdrawn", cause: "officer_withdrawn:" + user.String() + ":" + d.office.String(), office: d.office,
			reason: "an officer of this office holds the role no more and still has open plans: hand them to somebody else",
			actBy:  officerWindow.closes(tx.cal(d.office).NextWorkday(tx.today())),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// desk is somebody's open plans in an office.
type desk struct {
	office OfficeID
	plans  int
	mayAct bool // they are an officer there
}

func openPlansOf(ctx context.Context, tx txn, user UserID) ([]desk, error) {
	rows, err := tx.Query(ctx, "SELECT office_id, plans, may_act FROM open_plans_of($1) ORDER BY office_id", user)
	if err != nil {
		return nil, fmt.Errorf("count the person's plans: %w", err)
	}
	defer rows.Close()
	var desks []desk
	for rows.Next() {
		var d desk
		if err := rows.Scan(&d.office, &d.plans, &d.mayAct); err != nil {
			return nil, fmt.Errorf("count the person's plans: %w", err)
		}
		desks = append(desks, d)
	}
	return desks, rows.Err()
}
