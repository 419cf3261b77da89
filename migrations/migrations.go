// Package migrations is the floor plan: the SQL of the schema, the migrator that
// lays it down, and the database roles it grants to.
package migrations

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed sql/*.sql
var files embed.FS

// RiverSchema is the schema River's tables live in.
const RiverSchema = "river"

// lockID is the advisory lock that keeps two migrators apart.
const lockID = 0x61667465 // "afte"

// ErrNewerSchema says that the database was migrated by a newer binary.
var ErrNewerSchema = errors.New("the database is newer than this binary: install the newer aftercare")

// ErrOlderSchema says that migrations of this binary are still to be applied.
var ErrOlderSchema = errors.New("the database is older than this binary: run `aftercare migrate`")

type migration struct {
	version   int
	name, sql string
}

func (m migration) checksum() string {
	sum := sha256.Sum256([]byte(m.sql))
	return hex.EncodeToString(sum[:])
}

// Up brings the database at ownerURL to this binary's schema: River's own
// migrations first, then ours, each in a transaction, all under one advisory
// lock. It only goes forward; ErrNewerSchema when the database is ahead.
func Up(ctx context.Context, ownerURL string, log *slog.Logger) error {
	conn, err := pgx.Connect(ctx, ownerURL)
	if err != nil {
		return fmt.Errorf("connect as the owner: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", lockID); err != nil {
		return fmt.Errorf("lock migrations: %w", err)
	}
	if err := check(ctx, conn); err != nil && !errors.Is(err, ErrOlderSchema) {
		return err
	}
	if _, err := conn.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+RiverSchema+" AUTHORIZATION "+RoleRiver); err != nil {
		return fmt.Errorf("make river's schema: %w", err)
	}
	if err := upRiver(ctx, ownerURL, log); err != nil {
		return fmt.Errorf("migrate river: %w", err)
	}
	return upOurs(ctx, conn, log)
}

// Check compares the database's schema with the binary's without changing it:
// nil, ErrNewerSchema or ErrOlderSchema. Any of our roles may ask.
func Check(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connect to check the schema: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return check(ctx, conn)
}

func check(ctx context.Context, conn *pgx.Conn) error {
	known, err := load()
	if err != nil {
		return err
	}
	var there bool
	if err := conn.QueryRow(ctx, "SELECT to_regclass('schema_migrations') IS NOT NULL").Scan(&there); err != nil {
		return fmt.Errorf("look for the schema: %w", err)
	}
	if !there {
		return ErrOlderSchema
	}
	applied, err := appliedChecksums(ctx, conn)
	if err != nil {
		return err
	}
	for version := range applied {
		if version > len(known) {
			return ErrNewerSchema
		}
	}
	if len(applied) < len(known) {
		return ErrOlderSchema
	}
	return nil
}

func upRiver(ctx context.Context, ownerURL string, log *slog.Logger) error {
	config, err := pgxpool.ParseConfig(ownerURL)
	if err != nil {
		return err
	}
	// The one who migrates owns the tables; a mere member of the role would own them himself.
	config.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, "SET ROLE "+RoleRiver)
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: RiverSchema, Logger: quiet(log)})
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	_, err = pool.Exec(ctx, riverGrants)
	return err
}

// The application only inserts jobs; UPDATE (kind) is what ON CONFLICT asks for.
const riverGrants = `
	GRANT USAGE ON SCHEMA river TO ` + RoleApp + `, ` + RoleWork + `;
	GRANT USAGE ON SEQUENCE river.river_job_id_seq TO ` + RoleApp + `;
	GRANT INSERT, SELECT, UPDATE (kind) ON river.river_job TO ` + RoleApp

func upOurs(ctx context.Context, conn *pgx.Conn, log *slog.Logger) error {
	known, err := load()
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `CREATE TABLE IF NOT EXISTS schema_migrations
		(version int PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp());
		GRANT SELECT ON schema_migrations TO `+RoleApp+`, `+RoleWork)
	if err != nil {
		return fmt.Errorf("make schema_migrations: %w", err)
	}
	applied, err := appliedChecksums(ctx, conn)
	if err != nil {
		return err
	}
	for _, m := range known {
		if sum, done := applied[m.version]; done {
			if sum != m.checksum() {
				return fmt.Errorf("migration %s was changed after it was applied", m.name)
			}
			continue
		}
		if err := apply(ctx, conn, m); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
		log.Info("migrated", "migration", m.name)
	}
	return nil
}

func apply(ctx context.Context, conn *pgx.Conn, m migration) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, m.sql); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
			m.version, m.name, m.checksum())
		return err
	})
}

func appliedChecksums(ctx context.Context, conn *pgx.Conn) (map[int]string, error) {
	rows, err := conn.Query(ctx, "SELECT version, checksum FROM schema_migrations")
	if err != nil {
		return nil, fmt.Errorf("read schema_migrations: %w", err)
	}
	applied := map[int]string{}
	var version int
	var sum string
	_, err = pgx.ForEachRow(rows, []any{&version, &sum}, func() error {
		applied[version] = sum
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read schema_migrations: %w", err)
	}
	return applied, nil
}

// load reads the embedded files, which are numbered 0001, 0002 … without a gap.
func load() ([]migration, error) {
	names, err := fs.Glob(files, "sql/*.sql")
	if err != nil {
		return nil, err
	}
	var all []migration
	for i, name := range names {
		number, _, _ := strings.Cut(strings.TrimPrefix(name, "sql/"), "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("migration file %s is out of sequence", name)
		}
		body, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		all = append(all, migration{version, strings.TrimSuffix(strings.TrimPrefix(name, "sql/"), ".sql"), string(body)})
	}
	return all, nil
}

// quiet lets River's migrator speak only of what went wrong.
func quiet(log *slog.Logger) *slog.Logger {
	return slog.New(levelAbove{log.Handler()})
}

type levelAbove struct{ slog.Handler }

func (h levelAbove) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}
