// Package pgtest gives every test a real PostgreSQL database of its own, cloned
// from a migrated template on one private server a test process.
package pgtest

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"aftercare/internal/embeddedpg"
	"aftercare/migrations"
)

const template = "aftercare_template"

// cluster is the server of this test process, started by the first test that asks.
var cluster struct {
	sync.Mutex
	server *embeddedpg.Server
	dir    string
	count  atomic.Int64
}

// Main runs a package's tests and stops the server afterwards. A package that
// calls New has `func TestMain(m *testing.M) { pgtest.Main(m) }`.
func Main(m *testing.M) {
	code := m.Run()
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// DB is one test's database, with an address for each role.
type DB struct {
	Owner, App, Work string
	Super            string
}

// New clones a migrated database for t and drops it when t ends.
func New(t testing.TB) *DB {
	t.Helper()
	cluster.Lock()
	defer cluster.Unlock()
	ctx := context.Background()
	if cluster.server == nil {
		require.NoError(t, start(ctx))
	}
	name := fmt.Sprintf("t%d", cluster.count.Add(1))
	exec(t, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s OWNER %s", name, template, migrations.RoleOwner))
	t.Cleanup(func() { exec(t, fmt.Sprintf("DROP DATABASE %s WITH (FORCE)", name)) })
	s := cluster.server
	return &DB{
		Owner: s.URL(migrations.RoleOwner, name), App: s.URL(migrations.RoleApp, name),
		Work: s.URL(migrations.RoleWork, name), Super: s.URL(embeddedpg.Superuser, name),
	}
}

// Pool opens a small pool at url and closes it when t ends.
func Pool(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	require.NoError(t, err)
	config.MaxConns = 8
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// Server is the address of the process's own server as superuser, with an empty
// database of the given name made for tests of the migrator itself.
func Server(t testing.TB, database string) (url func(user string) string) {
	t.Helper()
	New(t) // the server is up and its roles exist
	cluster.Lock()
	defer cluster.Unlock()
	exec(t, fmt.Sprintf("CREATE DATABASE %s OWNER %s", database, migrations.RoleOwner))
	t.Cleanup(func() { exec(t, fmt.Sprintf("DROP DATABASE %s WITH (FORCE)", database)) })
	s := cluster.server
	return func(user string) string { return s.URL(user, database) }
}

func start(ctx context.Context) error {
	// Not below a test's own directory: an unprivileged server must be able to enter it.
	dir, err := os.MkdirTemp(memory(), "aftercare-test-")
	if err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	cluster.dir = dir
	server, err := embeddedpg.Start(ctx, embeddedpg.Options{
		DataDir: dir,
		Settings: map[string]string{
			"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_connections": "300",
			"wal_level": "minimal", "max_wal_senders": "0", "autovacuum": "off", "jit": "off",
		},
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	cluster.server = server
	if err := migrations.Prepare(ctx, server.URL(embeddedpg.Superuser, "postgres"), template); err != nil {
		return err
	}
	return migrations.Up(ctx, server.URL(migrations.RoleOwner, template), slog.New(slog.DiscardHandler))
}

func stop() error {
	cluster.Lock()
	defer cluster.Unlock()
	if cluster.server == nil {
		return nil
	}
	err := cluster.server.Stop(context.Background())
	cluster.server = nil
	if removed := os.RemoveAll(cluster.dir); err == nil {
		err = removed
	}
	return err
}

func exec(t testing.TB, sql string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), cluster.server.URL(embeddedpg.Superuser, "postgres"))
	require.NoError(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(context.Background(), sql)
	require.NoError(t, err)
}
