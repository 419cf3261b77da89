package main

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/internal/crypt"
)

func TestFailuresSayWhy(t *testing.T) {
	for _, name := range []string{"AFTERCARE_MASTER_KEY", "AFTERCARE_INDEX_KEY", "AFTERCARE_CARRIER", "AFTERCARE_DATABASE_URL", "AFTERCARE_WORK_URL", "AFTERCARE_MIGRATE_URL"} {
		t.Setenv(name, "")
	}
	master, index, err := crypt.GenerateKeys(nil)
	require.NoError(t, err)
	aliyun := func(settings ...string) map[string]string {
		env := map[string]string{
			"AFTERCARE_MASTER_KEY": master, "AFTERCARE_INDEX_KEY": index, "AFTERCARE_LISTEN": "127.0.0.1:0", "AFTERCARE_ALIYUN_ACCESS_KEY_ID": "LTAI",
			"AFTERCARE_ALIYUN_ACCESS_KEY_SECRET": "short\"er", "AFTERCARE_ALIYUN_SIGN_NAME": "沂源县检察院", "AFTERCARE_DATA_DIR": t.TempDir(),
		}
		for i := 0; i < len(settings); i += 2 {
			env[settings[i]] = settings[i+1]
		}
		return env
	}
	onAliyun := []string{"serve", "--carrier", "aliyun"}
	for name, c := range map[string]struct {
		args []string
		env  map[string]string
		says string
	}{
		"ServeWithoutKeys":         {[]string{"serve"}, nil, "aftercare keys"},
		"ServeWithoutACarrier":     {[]string{"serve"}, nil, "AFTERCARE_CARRIER is not set"},
		"ServeWithTheSimulator":    {[]string{"serve", "--carrier", "simulator"}, nil, "works in `aftercare demo` only"},
		"ServeWithAnUnknown":       {[]string{"serve", "--carrier", "pigeon"}, nil, "choose twilio"},
		"AliyunWithoutASignature":  {onAliyun, aliyun("AFTERCARE_ALIYUN_SIGN_NAME", ""), "AFTERCARE_ALIYUN_SIGN_NAME"},
		"AliyunWithoutAKey":        {onAliyun, aliyun("AFTERCARE_ALIYUN_TRUST", "pull", "AFTERCARE_ALIYUN_ACCESS_KEY_SECRET", ""), "access key"},
		"AliyunWithoutTrust":       {onAliyun, aliyun(), "name what to trust"},
		"AliyunWithoutASecret":     {onAliyun, aliyun("AFTERCARE_ALIYUN_TRUST", "header"), "push secret"},
		"AliyunWithoutAddresses":   {onAliyun, aliyun("AFTERCARE_ALIYUN_TRUST", "addresses"), "push addresses"},
		"AliyunPrintingNumbers":    {onAliyun, aliyun("AFTERCARE_ALIYUN_TRUST", "pull", "DEBUG", "x,sdk"), "DEBUG=sdk"},
		"ASecondCarrierByHalves":   {[]string{"serve", "--carrier", "twilio"}, aliyun(), "name what to trust"},
		"AFileThatIsNotThere":      {[]string{"import", "none.csv", "--as", "li"}, nil, "none.csv"},
		"AClockThatIsNone":         {[]string{"demo", "--at", "yesterday"}, nil, "2026-11-24T09:00"},
		"ADemoOnARealDatabase":     {[]string{"demo"}, map[string]string{"AFTERCARE_DATABASE_URL": "postgres:///care"}, "scratch database"},
		"MigratingWithoutTheOwner": {[]string{"migrate"}, map[string]string{"AFTERCARE_DATABASE_URL": "postgres:///care"}, "AFTERCARE_MIGRATE_URL"},
		"AdminWithoutKeys":         {[]string{"admin", "token", "--login", "li"}, nil, "aftercare keys"},
		"AKeyThatIsNone":           {[]string{"doctor"}, map[string]string{"AFTERCARE_MASTER_KEY": "short", "AFTERCARE_INDEX_KEY": "short"}, "AFTERCARE_MASTER_KEY"},
		"APasswordInTheArguments":  {[]string{"doctor", "--database-url", "postgres://u:short\"@h/care"}, nil, "AFTERCARE_DATABASE_URL"},
		"ARangeThatIsNone":         {onAliyun, aliyun("AFTERCARE_ALIYUN_TRUST", "pull", "AFTERCARE_TRUSTED_PROXIES", "ten"), "AFTERCARE_TRUSTED_PROXIES"},
		"ASuiteThatIsNone":         {[]string{"doctor"}, map[string]string{"AFTERCARE_CRYPTO": "des"}, "--crypto"},
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
