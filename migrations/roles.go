package migrations

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
)

// The database roles. The owner's name is the operator's choice (the user of
// AFTERCARE_MIGRATE_URL); on the embedded server it is RoleOwner.
const (
	RoleOwner = "aftercare_owner" // migrations
	RoleApp   = "aftercare_app"   // the doors, under row-level security
	RoleWork  = "aftercare_work"  // the workers, trusted with every office
	RoleRiver = "aftercare_river" // owns River's schema; nobody signs in as it
	RoleDump  = "aftercare_dump"  // backups: reads past row-level security
)

// Addresses are the database addresses of the two roles a server runs with.
type Addresses struct{ App, Work string }

// CreateRoles makes the roles the schema grants to and returns the addresses of
// the application and the workers, each with a new random password. It needs
// CREATEROLE; a role that exists gets the new password. The dump role needs a
// superuser to be made and is left out without one.
func CreateRoles(ctx context.Context, ownerURL string) (Addresses, error) {
	conn, err := pgx.Connect(ctx, ownerURL)
	if err != nil {
		return Addresses{}, fmt.Errorf("connect as the owner: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	appPassword, workPassword := password(), password()
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if err := makeRoles(ctx, tx, "CURRENT_USER"); err != nil {
			return err
		}
		// A password is base64url: nothing in it to quote.
		_, err := tx.Exec(ctx, fmt.Sprintf("ALTER ROLE %s PASSWORD '%s'; ALTER ROLE %s PASSWORD '%s'",
			RoleApp, appPassword, RoleWork, workPassword))
		return err
	})
	if err != nil {
		return Addresses{}, fmt.Errorf("make roles: %w", err)
	}
	app, err := addressFor(ownerURL, RoleApp, appPassword)
	if err != nil {
		return Addresses{}, err
	}
	work, err := addressFor(ownerURL, RoleWork, workPassword)
	return Addresses{App: app, Work: work}, err
}

// Prepare makes, on a server of our own, the roles and the named database with
// its owner; what exists stays. superURL signs in as a superuser. Passwords are
// not set: the private socket trusts its directory.
func Prepare(ctx context.Context, superURL, database string) error {
	conn, err := pgx.Connect(ctx, superURL)
	if err != nil {
		return fmt.Errorf("connect as superuser: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if err := ensureRole(ctx, tx, RoleOwner, "LOGIN CREATEROLE"); err != nil {
			return err
		}
		return makeRoles(ctx, tx, RoleOwner)
	})
	if err != nil {
		return fmt.Errorf("make roles: %w", err)
	}
	var there bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", database).Scan(&there); err != nil {
		return fmt.Errorf("look for the database: %w", err)
	}
	if there {
		return nil
	}
	// CREATE DATABASE runs outside a transaction and takes no parameters.
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{database}.Sanitize()+" OWNER "+RoleOwner)
	if err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	return nil
}

func makeRoles(ctx context.Context, tx pgx.Tx, owner string) error {
	for role, options := range map[string]string{RoleApp: "LOGIN", RoleWork: "LOGIN", RoleRiver: "NOLOGIN"} {
		if err := ensureRole(ctx, tx, role, options); err != nil {
			return err
		}
	}
	var super bool
	if err := tx.QueryRow(ctx, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user").Scan(&super); err != nil {
		return err
	}
	if super {
		if err := ensureRole(ctx, tx, RoleDump, "LOGIN BYPASSRLS IN ROLE pg_read_all_data"); err != nil {
			return err
		}
	}
	// The workers act as River's owner: leadership, notification and reindexing
	// need it. The owner becomes it to migrate, and makes its schema.
	_, err := tx.Exec(ctx, fmt.Sprintf("GRANT %s TO %s; GRANT %s TO %s", RoleRiver, RoleWork, RoleRiver, owner))
	return err
}

func ensureRole(ctx context.Context, tx pgx.Tx, role, options string) error {
	var there bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role).Scan(&there); err != nil {
		return err
	}
	if there {
		return nil
	}
	_, err := tx.Exec(ctx, "CREATE ROLE "+role+" "+options)
	return err
}

func addressFor(ownerURL, user, password string) (string, error) {
	u, err := url.Parse(ownerURL)
	if err != nil || u.Scheme == "" {
		return "", fmt.Errorf("AFTERCARE_MIGRATE_URL must be a postgres:// address, so that the other two can be made from it")
	}
	// A user named among the parameters would win over the one before the @.
	params := u.Query()
	params.Del("user")
	params.Del("password")
	u.RawQuery, u.User = strings.ReplaceAll(params.Encode(), "+", "%20"), url.UserPassword(user, password)
	return u.String(), nil
}

func password() string {
	secret := make([]byte, 24)
	rand.Read(secret)
	return base64.RawURLEncoding.EncodeToString(secret)
}
