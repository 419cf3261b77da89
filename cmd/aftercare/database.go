package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"aftercare/internal/embeddedpg"
	"aftercare/migrations"
)

const databaseName = "aftercare"

// database is PostgreSQL as the service uses it: one address a role, and the
// private server where we run one.
type database struct {
	app, work, owner, super string
	server                  *embeddedpg.Server
	log                     *slog.Logger
}

// openDatabase uses the server the operator named, or starts a private one in
// dir. It does not migrate.
func (f databaseFlags) openDatabase(ctx context.Context, dir string, log *slog.Logger) (*database, error) {
	if f.DatabaseURL != "" {
		if f.WorkURL == "" {
			return nil, errors.New("AFTERCARE_WORK_URL is not set: `aftercare migrate --create-roles` prints it beside AFTERCARE_DATABASE_URL")
		}
		return &database{app: f.DatabaseURL, work: f.WorkURL, owner: f.MigrateURL, log: log}, nil
	}
	return startDatabase(ctx, embeddedpg.Options{DataDir: dir, BinDir: f.PgBin, Log: log})
}

// startDatabase starts a private server with our database and its roles.
func startDatabase(ctx context.Context, o embeddedpg.Options) (*database, error) {
	server, err := embeddedpg.Start(ctx, o)
	if errors.Is(err, embeddedpg.ErrInUse) {
		return nil, fmt.Errorf("%w: stop it first, or use its API", err)
	}
	if err != nil {
		return nil, err
	}
	db := &database{server: server, log: o.Log, super: server.URL(embeddedpg.Superuser, "postgres")}
	db.app, db.work, db.owner = server.URL(migrations.RoleApp, databaseName), server.URL(migrations.RoleWork, databaseName), server.URL(migrations.RoleOwner, databaseName)
	if err := migrations.Prepare(ctx, db.super, databaseName); err != nil {
		return nil, errors.Join(err, db.close(ctx))
	}
	return db, nil
}

// migrate brings the schema up where the owner's address is known, and otherwise
// only checks that it fits.
func (d *database) migrate(ctx context.Context) error {
	if d.owner == "" {
		return migrations.Check(ctx, d.app)
	}
	return migrations.Up(ctx, d.owner, d.log)
}

// close stops the private server, if there is one. It works after ctx has ended.
func (d *database) close(ctx context.Context) error {
	if d.server == nil {
		return nil
	}
	stop, done := context.WithTimeout(context.WithoutCancel(ctx), 8*time.Second)
	defer done()
	if err := d.server.Stop(stop); err != nil {
		return fmt.Errorf("stop the private PostgreSQL: %w", err)
	}
	return nil
}

// openPool opens a pool with the limits every connection of ours has.
func openPool(ctx context.Context, url, name string, conns int32) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the %s database address: %w", name, err)
	}
	config.MaxConns = conns
	config.ConnConfig.RuntimeParams["application_name"] = "aftercare " + name
	config.ConnConfig.RuntimeParams["statement_timeout"] = "30s"
	config.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = "30s"
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the %s pool: %w", name, err)
	}
	return pool, nil
}
