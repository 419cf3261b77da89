package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"aftercare/migrations"
)

// migrateCommand brings the database up, forward only.
type migrateCommand struct {
	databaseFlags
	CreateRoles bool `help:"First make the roles of the application and the workers, and print their addresses."`
}

// Run migrates and exits.
func (c *migrateCommand) Run(ctx context.Context, out io.Writer) (err error) {
	log := newLogger(slog.LevelInfo)
	if c.MigrateURL == "" && c.DatabaseURL != "" {
		return errors.New("AFTERCARE_MIGRATE_URL is not set: migrations need the owner's address")
	}
	if c.MigrateURL != "" {
		if c.CreateRoles {
			made, err := migrations.CreateRoles(ctx, c.MigrateURL)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "AFTERCARE_DATABASE_URL=%s\nAFTERCARE_WORK_URL=%s\n", made.App, made.Work)
		}
		return migrations.Up(ctx, c.MigrateURL, log)
	}
	dir, err := c.dataDir()
	if err != nil {
		return err
	}
	db, err := c.openDatabase(ctx, dir, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close(ctx)) }()
	return db.migrate(ctx)
}
