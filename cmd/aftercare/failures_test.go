package main

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFailuresSayWhy(t *testing.T) {
	for _, name := range []string{"AFTERCARE_MASTER_KEY", "AFTERCARE_INDEX_KEY", "AFTERCARE_CARRIER", "AFTERCARE_DATABASE_URL", "AFTERCARE_WORK_URL", "AFTERCARE_MIGRATE_URL"} {
		t.Setenv(name, "")
	}
	for name, c := range map[string]struct {
		args []string
		env  map[string]string
		says string
	}{
		"ServeWithoutKeys":         {[]string{"serve"}, nil, "aftercare keys"},
		"ServeWithoutACarrier":     {[]string{"serve"}, nil, "AFTERCARE_CARRIER is not set"},
		"ServeWithTheSimulator":    {[]string{"serve", "--carrier", "simulator"}, nil, "works in `aftercare demo` only"},
		"ServeWithAnUnknown":       {[]string{"serve", "--carrier", "pigeon"}, nil, "choose twilio"},
		"AFileThatIsNotThere":      {[]string{"import", "none.csv", "--as", "li"}, nil, "none.csv"},
		"AClockThatIsNone":         {[]string{"demo", "--at", "yesterday"}, nil, "2026-11-24T09:00"},
		"ADemoOnARealDatabase":     {[]string{"demo"}, map[string]string{"AFTERCARE_DATABASE_URL": "postgres:///care"}, "scratch database"},
		"MigratingWithoutTheOwner": {[]string{"migrate"}, map[string]string{"AFTERCARE_DATABASE_URL": "postgres:///care"}, "AFTERCARE_MIGRATE_URL"},
		"AdminWithoutKeys":         {[]string{"admin", "token", "--login", "li"}, nil, "aftercare keys"},
		"AKeyThatIsNone":           {[]string{"doctor"}, map[string]string{"AFTERCARE_MASTER_KEY": "short", "AFTERCARE_INDEX_KEY": "short"}, "AFTERCARE_MASTER_KEY"},
		"AnUnknownFlag":            {[]string{"serve", "--bogus"}, nil, "--bogus"},
	} {
		t.Run(name, func(t *testing.T) {
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			err := run(t.Context(), c.args, io.Discard)
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "short\"", "a secret is not repeated")
		})
	}
}
