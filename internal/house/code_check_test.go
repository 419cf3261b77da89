package house

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestChecks proves on small snippets that each check finds what it looks for and
// nothing else.
func TestChecks(t *testing.T) {
	t.Parallel()

	const (
		clock   = "reads the machine's clock"
		fresh   = "starts a context of its own"
		screen  = "writes to the terminal"
		unseen  = "init runs unseen"
		skips   = "skips a test"
		dbClock = "reads the database's clock"
	)
	tests := []struct {
		name, file, code string
		line             int // 0 when nothing is to be found
		why              string
	}{
		{"FindsTheClock", "carelog/a.go", "package carelog\nimport \"time\"\nfunc Due() time.Time {\n\treturn time.Now()\n}", 4, clock},
		{"FindsTheClockUnderAnotherName", "carelog/a.go", "package carelog\nimport clock \"time\"\nvar x = clock.Now()", 3, clock},
		{"FindsTheClockPassedOn", "carelog/a.go", "package carelog\nimport \"time\"\nvar now = time.Now", 3, clock},
		{"FindsTheHiddenClock", "jobs/a.go", "package jobs\nimport \"time\"\nfunc age(t time.Time) time.Duration { return time.Since(t) }", 3, clock},
		{"FindsTheClockInAVerbNamedStart", "carelog/a.go", "package carelog\nimport \"time\"\nfunc (l Log) StartPlan() { l.at(time.Now()) }", 3, clock},
		{"FindsTheClockInANewsletter", "notify/a.go", "package notify\nimport \"time\"\nfunc Newsletter() { _ = time.Now() }", 3, clock},
		{"AllowsTheClockInAConstructor", "carelog/a.go", "package carelog\nimport \"time\"\nfunc New() Log { return Log{Now: time.Now} }", 0, ""},
		{"AllowsTheClockInANamedConstructor", "notify/a.go", "package notify\nimport \"time\"\nfunc NewTwilio() T { return T{func() time.Time { return time.Now() }} }", 0, ""},
		{"AllowsTheClockInMain", "cmd/aftercare/a.go", "package main\nimport \"time\"\nvar now = time.Now", 0, ""},
		{"AllowsTheClockInTests", "carelog/a_test.go", "package carelog\nimport \"time\"\nvar now = time.Now", 0, ""},
		{"AllowsANowOfOurs", "carelog/a.go", "package carelog\nfunc (l Log) due() { l.Now() }", 0, ""},

		{"FindsAFreshContext", "jobs/a.go", "package jobs\nimport \"context\"\nvar ctx = context.Background()", 3, fresh},
		{"FindsAToDoContext", "jobs/a.go", "package jobs\nimport \"context\"\nvar ctx = context.TODO()", 3, fresh},
		{"AllowsAFreshContextInMain", "cmd/aftercare/a.go", "package main\nimport \"context\"\nvar ctx = context.Background()", 0, ""},
		{"AllowsAFreshContextInPackagesForTests", "migrations/pgtest/a.go", "package pgtest\nimport (\n\"context\"\n\"testing\"\n)\nfunc New(t testing.TB) { _ = context.Background() }", 0, ""},
		{"FindsAFreshContextBehindAnImportOfTesting", "jobs/a.go", "package jobs\nimport (\n\"context\"\n\"testing\"\n)\nvar on, ctx = testing.Testing(), context.Background()", 6, fresh},
		{"AllowsADetachedContext", "jobs/a.go", "package jobs\nimport \"context\"\nfunc f(ctx context.Context) { context.WithoutCancel(ctx) }", 0, ""},

		{"FindsAPrint", "notify/a.go", "package notify\nimport \"fmt\"\nfunc f() { fmt.Println() }", 3, screen},
		{"AllowsAPrintInCommands", "cmd/aftercare/demo/a.go", "package demo\nimport \"fmt\"\nfunc f() { fmt.Printf(\"\") }", 0, ""},
		{"AllowsAPrintToAWriter", "notify/a.go", "package notify\nimport \"fmt\"\nfunc f(w W) { fmt.Fprintln(w) }", 0, ""},

		{"FindsAnInit", "notify/a.go", "package notify\n\nfunc init() {}", 3, unseen},
		{"FindsAnInitInMain", "cmd/aftercare/a.go", "package main\nfunc init() {}", 2, unseen},
		{"AllowsAMethodNamedInit", "notify/a.go", "package notify\nfunc (x X) init() {}", 0, ""},

		{"FindsASkip", "jobs/a_test.go", "package jobs\nimport \"testing\"\nfunc TestX(t *testing.T) {\n\tif testing.Short() {\n\t\tt.Skip(\"slow\")\n\t}\n}", 5, skips},
		{"FindsASkipInASubtest", "jobs/a_test.go", "package jobs\nimport \"testing\"\nfunc TestX(t *testing.T) {\n\tt.Run(\"A\", func(t *testing.T) { t.SkipNow() })\n}", 4, skips},
		{"FindsASkipInAHelper", "jobs/a_test.go", "package jobs\nimport \"testing\"\nfunc need(tb testing.TB) { tb.Skipf(\"\") }", 3, skips},
		{"AllowsADrawToBeSkipped", "jobs/a_test.go", "package jobs\nimport (\n\"testing\"\n\"pgregory.net/rapid\"\n)\nfunc TestX(t *testing.T) { rapid.Check(t, func(t *rapid.T) { t.Skip() }) }", 0, ""},

		{"FindsNowInSQL", "carelog/a.go", "package carelog\nconst q = `\nselect id from check_ins\nwhere due < now()`", 4, dbClock},
		{"FindsNowInAPieceOfSQL", "carelog/a.go", "package carelog\nconst q = ` and due < now()`", 2, dbClock},
		{"FindsTheCurrentDateInSQL", "jobs/a.go", "package jobs\nconst q = \"update x set y = CURRENT_DATE\"", 2, dbClock},
		{"AllowsNowInAComment", "carelog/a.go", "package carelog\nconst q = `select 1 -- never now()`", 0, ""},
		{"AllowsNowInASentence", "carelog/a.go", "package carelog\nconst q = `the field Now is injected`", 0, ""},
		{"AllowsNowOutsideTheRules", "migrations/a.go", "package migrations\nconst q = `select now()`", 0, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			found := checkCode(parse(t, test.file, test.code))
			if test.line == 0 {
				require.Empty(t, found)
				return
			}
			require.Len(t, found, 1)
			require.Equal(t, test.file, found[0].file)
			require.Equal(t, test.line, found[0].line)
			require.Contains(t, found[0].why, test.why)
		})
	}
}
