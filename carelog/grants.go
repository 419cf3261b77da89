package carelog

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// programDuty is the duty of accounts that no person signs in with.
const programDuty = "program"

// dutyOf is the one duty that the roles belong to: of the first, where they differ.
func dutyOf(roles []Role) string {
	if len(roles) == 0 {
		return "care"
	}
	switch roles[0] {
	case SystemAdministrator:
		return "system"
	case SecurityAdministrator:
		return "security"
	case AuditAdministrator:
		return "audit"
	case Integration:
		return programDuty
	}
	return "care"
}

// NewGrant is a role in an office for a person.
type NewGrant struct {
	User     UserID
	Office   OfficeID
	Role     Role
	Position string // a supervisor's place on the ladder: head (empty as well), deputy or office
}

// GrantRole lets a person do what the role may in an office. A security
// administrator of the office may, never for themself. Who looks after households
// and the three administrators are separate people: a person of another duty is a
// Conflict. A repeat changes nothing.
func (l *Log) GrantRole(ctx context.Context, by Actor, g NewGrant) error {
	var p problems
	if !slices.Contains(everyRole, g.Role) {
		p.add("role", isUnknown)
	}
	if !slices.Contains([]string{"", "head", "deputy", "office"}, g.Position) {
		p.add("position", isUnknown)
	}
	if err := p.err(); err != nil {
		return err
	}
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		if err := mayGrant(ctx, tx, g); err != nil {
			return struct{}{}, err
		}
		// Whoever may nothing any more can take up another duty.
		_, err := tx.Exec(ctx, "UPDATE users SET duty = $2 WHERE id = $1 AND duty <> $2 AND NOT EXISTS (SELECT FROM grants WHERE user_id = $1)",
			g.User, dutyOf([]Role{g.Role}))
		if err != nil {
			return struct{}{}, fmt.Errorf("change the duty: %w", err)
		}
		_, err = tx.Exec(ctx, "INSERT INTO grants (user_id, office_id, role, granted_at, position) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
			g.User, g.Office, g.Role, tx.now, cmp.Or(g.Position, "head"))
		if err != nil {
			return struct{}{}, fmt.Errorf("insert grant: %w", err)
		}
		tx.audit(g.Office, "role_granted", anyID(g.User), string(g.Role))
		return struct{}{}, nil
	})
	return err
}

// WithdrawRole takes a role in an office away. A security administrator of the
// office may, never their own. An officer who answers for open plans there hands
// them over first (Conflict): nobody's plans are left to somebody who may not.
func (l *Log) WithdrawRole(ctx context.Context, by Actor, g NewGrant) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		if err := mayGrant(ctx, tx, g); err != nil {
			return struct{}{}, err
		}
		var answers bool
		err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM care_plans WHERE officer_id = $1 AND office_id = $2 AND state <> 'closed')", g.User, g.Office).Scan(&answers)
		if err != nil {
			return struct{}{}, fmt.Errorf("look for the officer's plans: %w", err)
		}
		if g.Role == Officer && answers {
			return struct{}{}, conflict("the officer answers for open plans of the office: hand them over first")
		}
		tag, err := tx.Exec(ctx, "DELETE FROM grants WHERE user_id = $1 AND office_id = $2 AND role = $3", g.User, g.Office, g.Role)
		if err != nil {
			return struct{}{}, fmt.Errorf("delete grant: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return struct{}{}, notFound("grant")
		}
		tx.audit(g.Office, "role_withdrawn", anyID(g.User), string(g.Role))
		return struct{}{}, nil
	})
	return err
}

// mayGrant refuses whoever grants no roles in the office, or to that person.
func mayGrant(ctx context.Context, tx txn, g NewGrant) error {
	var home OfficeID
	err := tx.QueryRow(ctx, "SELECT office_id FROM users WHERE id = $1 AND state = 'active'", g.User).Scan(&home)
	switch {
	case none(err):
		return notFound("user")
	case err != nil:
		return fmt.Errorf("read user: %w", err)
	case !tx.by.may(g.Office, GrantRoles) || !tx.by.may(home, GrantRoles):
		return forbidden("only a security administrator of the office grants roles")
	case tx.by.User == g.User:
		return forbidden("nobody grants a role to themself")
	}
	return nil
}
