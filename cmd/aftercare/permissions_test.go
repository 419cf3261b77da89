package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/api"
	"aftercare/carelog"
	"aftercare/web"
)

var update = flag.Bool("update", false, "write docs/permissions.md anew")

// TestPermissionsArePrinted keeps docs/permissions.md what the table says:
// go test ./cmd/aftercare -run Permissions -update
func TestPermissionsArePrinted(t *testing.T) {
	t.Parallel()
	const file = "../../docs/permissions.md"
	printed := printPermissions()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(printed), 0o644))
	}
	kept, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(kept), printed, "run go test ./cmd/aftercare -run Permissions -update")
}

func TestThePermissionTableIsWhole(t *testing.T) {
	t.Parallel()
	led := map[carelog.Act]bool{}
	for _, doors := range []map[string][]carelog.Act{api.Acts(), web.Acts()} {
		for door, acts := range doors {
			for _, act := range acts {
				led[act] = true
				require.True(t, slices.ContainsFunc(carelog.Permissions, func(p carelog.Permission) bool { return p.Act == act }), "%s leads to %s, which stands in no row", door, act)
			}
		}
	}
	rows := map[carelog.Act]int{}
	for _, p := range carelog.Permissions {
		rows[p.Act]++
		require.Equal(t, 1, rows[p.Act], "%s stands in two rows", p.Act)
		require.NotEmpty(t, p.Roles, p.Act)
		if p.Scope == "decide" {
			require.NotContains(t, p.Roles, carelog.Integration, "%s: programs decide nothing", p.Act)
		}
	}
}

func printPermissions() string {
	var b strings.Builder
	b.WriteString(`# Who may what

Printed from ` + "`carelog/permissions.go`" + ` by ` + "`go test ./cmd/aftercare -run Permissions -update`" + `. The verbs ask this table, the API and the console ask it at the door, and tests walk every operation and every page with every role and compare.

An officer may in the office of their grant; supervisors, administrators and programs also in the offices below it. A plan's file can be shared with another office, whose officers and supervisors then read that file and nothing else (joint aid). Officers and supervisors, the three administrators and programs are separate people; the database keeps them apart. Behind the table stands row-level security by office: a query that forgets its condition finds nothing of other offices.

A program's token is let into the scopes it names; a person's without scopes into all that the person may. ` + "`decide`" + ` is never a program's. "No token": only after signing in at the console.

| Act | Scope | ` + header() + ` Notes |
|---|---|` + strings.Repeat(":-:|", len(carelog.Roles())) + "---|\n")
	for _, p := range carelog.Permissions {
		marks := ""
		for _, role := range carelog.Roles() {
			marks += map[bool]string{true: " x |", false: "  |"}[slices.Contains(p.Roles, role)]
		}
		note := p.Note
		if p.Top {
			note = strings.TrimPrefix(note+"; in the top office", "; ")
		}
		fmt.Fprintf(&b, "| %s | %s |%s %s |\n", p.Act, map[carelog.Scope]string{carelog.AnyToken: "any token", carelog.NoToken: "no token"}[p.Scope]+scopeName(p.Scope), marks, note)
	}
	printDoors(&b, "Operations of the API", api.Acts())
	printDoors(&b, "Pages and deeds of the console", web.Acts())
	return b.String()
}

func scopeName(s carelog.Scope) string {
	if s == carelog.AnyToken || s == carelog.NoToken {
		return ""
	}
	return "`" + string(s) + "`"
}

func header() (h string) {
	for _, role := range carelog.Roles() {
		h += strings.ReplaceAll(string(role), "_", " ") + " |"
	}
	return h
}

func printDoors(b *strings.Builder, title string, doors map[string][]carelog.Act) {
	fmt.Fprintf(b, "\n## %s\n\n| | Leads to |\n|---|---|\n", title)
	for _, door := range slices.Sorted(maps.Keys(doors)) {
		acts := make([]string, len(doors[door]))
		for i, act := range doors[door] {
			acts[i] = string(act)
		}
		fmt.Fprintf(b, "| `%s` | %s |\n", door, strings.Join(acts, ", "))
	}
}
