package house

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Modules that belong to some rooms only.
const (
	pgx    = "github.com/jackc/pgx"
	sqlDB  = "database/sql" // its driver interfaces (Value, Scan) are free
	river  = "github.com/riverqueue"
	riverU = "riverqueue.com/riverui"
	huma   = "github.com/danielgtaylor/huma"
	twilio = "github.com/twilio/twilio-go"
	aliyun = "github.com/aliyun/alibaba-cloud-sdk-go"
)

// room is one row of the table of arrows in the design.
type room struct {
	path   string   // folder; it covers what is below it, the longest match counts
	ours   []string // what of this module it may import, beside itself; a trailing /... covers what is below
	except []string // of what is outside, what it may import although never names it
	never  []string // what is outside this module and none of its business
}

var pure = []string{"carelog/calendar", "carelog/schedule", "carelog/condition"}

var rooms = []room{
	{
		path: "carelog", ours: append([]string{"internal/crypt"}, pure...),
		never: []string{huma, river, riverU, twilio, aliyun, "net/http"},
	},
	{path: "carelog/calendar", ours: pure, never: []string{huma, river, riverU, twilio, aliyun, pgx, sqlDB, "net", "os"}},
	{path: "carelog/schedule", ours: pure, never: []string{huma, river, riverU, twilio, aliyun, pgx, sqlDB, "net", "os"}},
	{path: "carelog/condition", ours: pure, never: []string{huma, river, riverU, twilio, aliyun, pgx, sqlDB, "net", "os"}},
	{path: "notify", never: []string{huma, river, riverU, pgx, sqlDB}},
	{path: "jobs", ours: []string{"carelog/...", "notify"}, never: []string{huma, riverU, twilio, aliyun}},
	{path: "api", ours: []string{"carelog/...", "notify", "internal/ledger"}, never: []string{river, riverU, pgx, sqlDB, twilio, aliyun}},
	{path: "web", ours: []string{"carelog/...", "internal/ledger"}, never: []string{river, riverU, pgx, sqlDB, huma, twilio, aliyun}},
	{
		path:   "migrations",
		except: []string{river + "/river/rivermigrate", river + "/river/riverdriver/riverpgxv5"},
		never:  []string{river, riverU, huma, twilio, aliyun},
	},
	{
		path: "migrations/pgtest", ours: []string{"migrations", "internal/embeddedpg"},
		except: []string{river + "/river/rivermigrate", river + "/river/riverdriver/riverpgxv5"},
		never:  []string{river, riverU, huma, twilio, aliyun},
	},
	{path: "cmd", ours: []string{"..."}},
	{path: "internal", ours: []string{"internal/..."}, never: []string{huma, river, riverU, twilio, aliyun}},
}

// checkArrows reports every import of a file that the table does not allow.
func checkArrows(s source) []violation {
	if strings.HasSuffix(s.path, "_test.go") {
		return nil
	}
	home, known := roomOf(s.dir())
	if !known {
		return []violation{s.at(s.file.Package, "this folder is no room of the house: give it a row in design.md and in the table of arrows")}
	}
	var found []violation
	for _, spec := range s.file.Imports {
		if why := home.refuses(importOf(spec)); why != "" {
			found = append(found, s.at(spec.Pos(), why))
		}
	}
	return found
}

func roomOf(dir string) (room, bool) {
	var best room
	for _, r := range rooms {
		if covers(r.path, dir) && len(r.path) > len(best.path) {
			best = r
		}
	}
	return best, best.path != ""
}

func (r room) refuses(importPath string) string {
	if ours, is := strings.CutPrefix(importPath, module+"/"); is {
		if r.may(ours) {
			return ""
		}
		return r.path + " may not import " + ours + ": the arrows point down only, so that each room can be read and tested alone"
	}
	if slices.ContainsFunc(r.except, func(p string) bool { return covers(p, importPath) }) {
		return ""
	}
	for _, p := range r.never {
		if p == sqlDB && importPath != sqlDB {
			continue
		}
		if covers(p, importPath) {
			return r.path + " may not import " + importPath + ": that is another room's business"
		}
	}
	return ""
}

// may tells whether a package of this module may be imported. A room may import what is
// below it, except what has a row of its own.
func (r room) may(ours string) bool {
	if target, known := roomOf(ours); known && target.path == r.path {
		return true
	}
	return slices.ContainsFunc(r.ours, func(allowed string) bool {
		below, deep := strings.CutSuffix(allowed, "...")
		if deep {
			return covers(strings.TrimSuffix(below, "/"), ours)
		}
		return allowed == ours
	})
}

// covers is true for the folder itself and everything below it; "" covers all.
func covers(folder, name string) bool {
	return folder == "" || name == folder || strings.HasPrefix(name, folder+"/")
}

func TestArrows(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name, file, imports string
		why                 string // "" when it is allowed
	}{
		{"LetsCarelogUseItsChildren", "carelog/plans.go", "aftercare/carelog/schedule", ""},
		{"LetsCarelogUsePgx", "carelog/plans.go", "github.com/jackc/pgx/v5/pgxpool", ""},
		{"KeepsHumaOutOfCarelog", "carelog/plans.go", "github.com/danielgtaylor/huma/v2", "another room's business"},
		{"KeepsRiverOutOfCarelog", "carelog/plans.go", "github.com/riverqueue/river", "another room's business"},
		{"KeepsTwilioOutOfCarelog", "carelog/plans.go", "github.com/twilio/twilio-go/client", "another room's business"},
		{"KeepsHTTPOutOfCarelog", "carelog/plans.go", "net/http", "another room's business"},
		{"KeepsNotifyOutOfCarelog", "carelog/messages.go", "aftercare/notify", "carelog may not import notify"},
		{"KeepsThePureOnesFromTheirParent", "carelog/schedule/next.go", "aftercare/carelog", "may not import carelog"},
		{"LetsThePureOnesUseEachOther", "carelog/schedule/next.go", "aftercare/carelog/calendar", ""},
		{"KeepsTheDatabaseFromThePureOnes", "carelog/calendar/date.go", "database/sql", "another room's business"},
		{"LetsACalendarDateBeAColumn", "carelog/calendar/date.go", "database/sql/driver", ""},
		{"KeepsFilesFromThePureOnes", "carelog/condition/scale.go", "os", "another room's business"},
		{"KeepsPgxOutOfNotify", "notify/twilio.go", "github.com/jackc/pgx/v5", "another room's business"},
		{"LetsNotifyUseTwilio", "notify/twilio.go", "github.com/twilio/twilio-go/client", ""},
		{"LetsNotifyUseAliyun", "notify/aliyun.go", "github.com/aliyun/alibaba-cloud-sdk-go/sdk", ""},
		{"KeepsAliyunOutOfTheAPI", "api/webhooks.go", "github.com/aliyun/alibaba-cloud-sdk-go/sdk", "another room's business"},
		{"KeepsCarelogOutOfNotify", "notify/twilio.go", "aftercare/carelog/calendar", "notify may not import"},
		{"LetsJobsUseNotify", "jobs/drain.go", "aftercare/notify", ""},
		{"KeepsTheAPIOutOfJobs", "jobs/drain.go", "aftercare/api", "jobs may not import api"},
		{"KeepsPgxOutOfTheAPI", "api/plans.go", "github.com/jackc/pgx/v5", "another room's business"},
		{"LetsTheAPIServeItsDocs", "api/routes.go", "aftercare/api/docs", ""},
		{"LetsTheAPIReadLedgers", "api/imports.go", "aftercare/internal/ledger", ""},
		{"KeepsKeysOutOfTheAPI", "api/plans.go", "aftercare/internal/crypt", "api may not import internal/crypt"},
		{"KeepsRiverUIOutOfTheConsole", "web/routes.go", "riverqueue.com/riverui", "another room's business"},
		{"KeepsNotifyOutOfTheConsole", "web/handsets.go", "aftercare/notify", "web may not import notify"},
		{"LetsMigrationsRunRiversOwn", "migrations/migrate.go", "github.com/riverqueue/river/rivermigrate", ""},
		{"KeepsRiverItselfOutOfMigrations", "migrations/migrate.go", "github.com/riverqueue/river", "another room's business"},
		{"KeepsTheServerOutOfMigrations", "migrations/migrate.go", "aftercare/internal/embeddedpg", "migrations may not import"},
		{"LetsPgtestStartAServer", "migrations/pgtest/pgtest.go", "aftercare/internal/embeddedpg", ""},
		{"KeepsPgtestOutOfMigrations", "migrations/migrate.go", "aftercare/migrations/pgtest", "migrations may not import"},
		{"KeepsTheRoomsOutOfInternal", "internal/ledger/read.go", "aftercare/carelog/calendar", "internal may not import"},
		{"LetsTheCommandUseAll", "cmd/aftercare/serve.go", "aftercare/jobs", ""},
		{"ExemptsTests", "notify/reply_test.go", "aftercare/carelog", ""},
		{"AsksForARowForANewRoom", "helpers/strings.go", "strings", "no room of the house"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			found := checkArrows(parse(t, test.file, "package x\n\nimport _ \""+test.imports+"\"\n"))
			if test.why == "" {
				require.Empty(t, found)
				return
			}
			require.Len(t, found, 1)
			require.Contains(t, found[0].String(), test.file+":")
			require.Contains(t, found[0].why, test.why)
		})
	}
}
