package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// adminCommand sets up what the first sign-in needs. It runs where the keys and
// the database are: on the operator's machine.
type adminCommand struct {
	First   adminFirst   `cmd:"" help:"Make the first office and one of its administrators, and print a ticket to set a password with."`
	Office  adminOffice  `cmd:"" help:"Add an office below another."`
	AddUser adminAddUser `cmd:"" help:"Add a person and print a ticket to set a password with, or a program and its access token."`
	Recover adminRecover `cmd:"" help:"Print a ticket for a person who lost the password or the second factor."`
	Unlock  adminUnlock  `cmd:"" help:"Let a person in again whose account is locked after failed sign-ins."`
	Dismiss adminDismiss `cmd:"" help:"Shut a person out who leaves, and hand their plans to a successor."`
	Token   adminToken   `cmd:"" help:"Issue an access token for the API to a person or a program."`
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

	scopes []carelog.Scope
}

// programDays is how long the first token of a program is good.
const programDays = 90

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
	Days  int    `default:"90" help:"How long it is good."`
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

type adminRecover struct {
	databaseFlags
	Login        string `required:""`
	SecondFactor bool   `help:"The second factor is lost; without this the password is."`
}

// Run prints a ticket. A lost password ends at once, with the person's sessions.
func (c *adminRecover) Run(ctx context.Context, out io.Writer) error {
	purpose := carelog.TicketPassword
	if c.SecondFactor {
		purpose = carelog.TicketSecondFactor
	}
	return c.to(ctx, c.Login, func(s *service, user carelog.UserID) error { return s.printTicket(ctx, out, user, purpose) })
}

type adminUnlock struct {
	databaseFlags
	Login string `required:""`
}

// Run lets a person in again.
func (c *adminUnlock) Run(ctx context.Context) error {
	return c.to(ctx, c.Login, func(s *service, user carelog.UserID) error { return s.work.Unlock(ctx, carelog.TheSystem(), user) })
}

type adminDismiss struct {
	databaseFlags
	Login     string `required:""`
	Successor string `help:"Login of the officer who takes their plans over."`
}

// Run shuts a person out and hands their plans on.
func (c *adminDismiss) Run(ctx context.Context, out io.Writer) error {
	return c.to(ctx, c.Login, func(s *service, user carelog.UserID) error {
		done, err := s.work.DismissUser(ctx, carelog.TheSystem(), carelog.Dismissal{User: user, Successor: c.Successor})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%s is shut out: %d plans handed on, %d tokens and sessions ended\n", c.Login, done.Plans, done.Secrets)
		return err
	})
}

// to does something about the account of a login.
func (f databaseFlags) to(ctx context.Context, login string, act func(*service, carelog.UserID) error) error {
	return f.with(ctx, "", func(s *service) error {
		user, err := s.work.UserByLogin(ctx, carelog.TheSystem(), login)
		if err != nil {
			return err
		}
		return act(s, user)
	})
}

// add makes the person and prints the ticket they begin with, which is kept nowhere.
func (p personFlags) add(ctx context.Context, s *service, out io.Writer, office carelog.OfficeID, roles ...carelog.Role) error {
	user, err := s.work.AddUser(ctx, carelog.TheSystem(), carelog.NewUser{Office: office, Login: p.Login, Name: p.Name, Phone: p.Phone, Roles: roles})
	if err != nil {
		return err
	}
	if slices.Contains(roles, carelog.Integration) { // nobody signs in with it
		return s.printToken(ctx, out, user, p.Login, programDays, p.scopes...)
	}
	return s.printTicket(ctx, out, user, carelog.TicketPassword)
}

func (s *service) printTicket(ctx context.Context, out io.Writer, user carelog.UserID, purpose string) error {
	ticket, err := s.work.IssueTicket(ctx, carelog.TheSystem(), user, purpose)
	if err != nil {
		return err
	}
	where := "at /setup"
	if purpose == carelog.TicketSecondFactor {
		where = "in place of the code, after the password"
	}
	_, err = fmt.Fprintf(out, "ticket of %s, to be typed in %s until %s, good once, shown once:\n%s\n",
		ticket.Login, where, ticket.ExpiresAt.In(calendar.Shanghai()).Format("2006-01-02 15:04"), ticket.Secret)
	return err
}

func (s *service) printToken(ctx context.Context, out io.Writer, user carelog.UserID, login string, days int, scopes ...carelog.Scope) error {
	if days < 1 || days > 365 {
		return errors.New("--days must lie between 1 and 365")
	}
	token, err := s.work.IssueToken(ctx, carelog.TheSystem(), user, "command line", s.work.Now().AddDate(0, 0, days), scopes...)
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
