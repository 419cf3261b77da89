package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCalendarCommand(t *testing.T) {
	r := setUp(t)
	r.admin("first", "--code", "370323", "--office", "沂源县人民检察院", "--signature", "沂源县检察院", "--login", "admin", "--name", "管理员")
	file := filepath.Join(t.TempDir(), "2099.json")
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	calendar := func(args ...string) (string, error) {
		var out strings.Builder
		err := run(t.Context(), append([]string{"calendar"}, args...), &out)
		return out.String(), err
	}
	const good = `{"year":2099,"papers":["https://www.gov.cn/2099.htm"],"days":[{"name":"国庆节","date":"2099-10-01","isOffDay":true}]}`

	write(strings.Replace(good, "true", "1", 1))
	_, err := calendar("import", file)
	require.ErrorContains(t, err, "days[0].isOffDay is not true or false")
	write(good)
	told, err := calendar("import", file, "--preview")
	require.NoError(t, err)
	require.Contains(t, told, "preview, nothing changed")
	told, err = calendar("import", file)
	require.NoError(t, err)
	require.Contains(t, told, "2099: notice ")
	notice := strings.TrimSuffix(strings.Fields(told)[2], ",")
	told, err = calendar("import", file)
	require.NoError(t, err)
	require.Contains(t, told, "nothing was done")
	_, err = calendar("rollback", notice)
	require.NoError(t, err)
	_, err = calendar("rollback", notice)
	require.ErrorContains(t, err, "not in force")
	_, err = calendar("rollback", "the last one")
	require.ErrorContains(t, err, "the id that the import printed")
}
