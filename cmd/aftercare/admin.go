package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"aftercare/carelog"
)

// adminCommand sets up what the first sign-in needs. It runs where the keys and
// the database are: on the operator's machine.
type adminCommand struct {
	First   adminFirst   `cmd:"" help:"Make the first office and one of its administrators, and print an access token."`
	Office  adminOffice  `cmd:"" help:"Add an office below another."`
	AddUser adminAddUser `cmd:"" help:"Add a person and print an access token."`
	Token   adminToken   `cmd:"" help:"Issue a new access token for a person or a program."`
	Revoke  adminRevoke  `cmd:"" help:"End every access token and session of a person."`
}

type officeFlags struct {
	Code      string `required:"" help:"Administrative division, such as 370323."`
	Office    string `required:"" help:"Name of the office."`
	Signature string `help:"What stands in 【】 at the head of a text (at most 14 characters)."`
	Level     string `enum:"county,city,province,nation" default:"county"`
}

type scopeFlags struct {
	Scope []carelog.Scope `help:"What the token is let into, such as read:statistics (docs/permissions.md); a program's needs one, a person's without is let into all they may."`
}

type personFlags struct {
	Login string `required:"" help:"Lower case."`
	Name  string `required:""`
	Phone string `help:"Where reminders go."`
	Days  int    `default:"90" help:"How long the access token is good."`

	scopes []carelog.Scope
}

type adminFirst struct {
	databaseFlags
	officeFlags
	personFlags
	Role carelog.Role `enum:"system_administrator,security_administrator,audit_administrator" default:"system_administrator" help:"Which administrator they are; the other two are added with add-user."`
}

// Run makes the first office and an administrator, and says how to add the other
// two: the three are separate people, and each sees to what the others may not.
func (c *adminFirst) Run(ctx context.Context, out io.Writer) error {
	return c.with(ctx, "", func(s *service) error {
		system := carelog.TheSystem()
		if _, err := s.work.OfficeByCode(ctx, system, c.Code); err == nil {
			return fmt.Errorf("an office with code %s exists: add people with `aftercare admin add-user`", c.Code)
		}
		office, err := s.work.AddOffice(ctx, system, carelog.NewOffice{Code: c.Code, Name: c.Office, Signature: c.Signature, Level: c.Level})
		if err != nil {
			return err
		}
		for _, role := range []carelog.Role{carelog.SystemAdministrator, carelog.SecurityAdministrator, carelog.AuditAdministrator} {
			if role == c.Role {
				continue
			}
			if _, err := fmt.Fprintf(out, "next, for somebody else: aftercare admin add-user --office-code %s --role %s --login … --name …\n", c.Code, role); err != nil {
				return err
			}
		}
		return c.add(ctx, s, out, office, c.Role)
	})
}

type adminOffice struct {
	databaseFlags
	officeFlags
	Parent string `required:"" help:"Code of the office above it."`
}

// Run adds an office to the tree.
func (c *adminOffice) Run(ctx context.Context) error {
	return c.with(ctx, "", func(s *service) error {
		system := carelog.TheSystem()
		parent, err := s.work.OfficeByCode(ctx, system, c.Parent)
		if err != nil {
			return fmt.Errorf("--parent: %w", err)
		}
		_, err = s.work.AddOffice(ctx, system, carelog.NewOffice{Parent: parent, Code: c.Code, Name: c.Office, Signature: c.Signature, Level: c.Level})
		return err
	})
}

type adminAddUser struct {
	databaseFlags
	personFlags
	scopeFlags
	OfficeCode string         `required:"" help:"Code of their office."`
	Role       []carelog.Role `required:"" help:"officer, supervisor (both may be given); system_administrator, security_administrator, audit_administrator; integration, a program's account."`
}

// Run adds a person with the roles given.
func (c *adminAddUser) Run(ctx context.Context, out io.Writer) error {
	return c.with(ctx, "", func(s *service) error {
		office, err := s.work.OfficeByCode(ctx, carelog.TheSystem(), c.OfficeCode)
		if err != nil {
			return fmt.Errorf("--office-code: %w", err)
		}
		c.scopes = c.Scope
		return c.add(ctx, s, out, office, c.Role...)
	})
}

type adminToken struct {
	databaseFlags
	scopeFlags
	Login string `required:""`
	Days  int    `default:"90"`
}

// Run issues a token for a person who is there already.
func (c *adminToken) Run(ctx context.Context, out io.Writer) error {
	return c.with(ctx, "", func(s *service) error {
		user, err := s.work.UserByLogin(ctx, carelog.TheSystem(), c.Login)
		if err != nil {
			return err
		}
		return s.printToken(ctx, out, user, c.Login, c.Days, c.Scope...)
	})
}

type adminRevoke struct {
	databaseFlags
	Login string `required:""`
}

// Run ends every token and session of a person.
func (c *adminRevoke) Run(ctx context.Context, out io.Writer) error {
	return c.with(ctx, "", func(s *service) error {
		user, err := s.work.UserByLogin(ctx, carelog.TheSystem(), c.Login)
		if err != nil {
			return err
		}
		ended, err := s.work.RevokeTokens(ctx, carelog.TheSystem(), user)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%d tokens and sessions of %s ended\n", ended, c.Login)
		return err
	})
}

// add makes the person and prints their access token, which is kept nowhere.
func (p personFlags) add(ctx context.Context, s *service, out io.Writer, office carelog.OfficeID, roles ...carelog.Role) error {
	user, err := s.work.AddUser(ctx, carelog.TheSystem(), carelog.NewUser{Office: office, Login: p.Login, Name: p.Name, Phone: p.Phone, Roles: roles})
	if err != nil {
		return err
	}
	return s.printToken(ctx, out, user, p.Login, p.Days, p.scopes...)
}

func (s *service) printToken(ctx context.Context, out io.Writer, user carelog.UserID, login string, days int, scopes ...carelog.Scope) error {
	if days < 1 || days > 365 {
		return errors.New("--days must lie between 1 and 365")
	}
	token, err := s.work.IssueToken(ctx, carelog.TheSystem(), user, carelog.APIToken, "command line", s.work.Now().AddDate(0, 0, days), scopes...)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "access token of %s, good for %d days, shown once:\n%s\n", login, days, token)
	return err
}

// with runs one act on an offline service.
func (f databaseFlags) with(ctx context.Context, carrier string, act func(*service) error) (err error) {
	s, err := f.offline(ctx, carrier)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.end(ctx)) }()
	return act(s)
}
