package house

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHouse(t *testing.T) {
	t.Parallel()

	tree := sources(t)
	require.NotEmpty(t, tree)

	t.Run("ArrowsPointDown", func(t *testing.T) {
		t.Parallel()
		var found []violation
		for _, s := range tree {
			found = append(found, checkArrows(s)...)
		}
		requireNone(t, found)
	})
	t.Run("CodeKeepsTheRules", func(t *testing.T) {
		t.Parallel()
		var found []violation
		for _, s := range tree {
			found = append(found, checkCode(s)...)
		}
		requireNone(t, found)
	})
	t.Run("SQLFilesKeepTheRules", func(t *testing.T) {
		t.Parallel()
		var found []violation
		for _, name := range files(t, ".sql") {
			if covers("carelog", name) || covers("jobs", name) {
				found = append(found, clockInSQL(name, read(t, name), 1)...)
			}
		}
		requireNone(t, found)
	})
	t.Run("NoFileHoldsAPhoneSomebodyMayOwn", func(t *testing.T) {
		t.Parallel()
		var found []violation
		for _, name := range files(t, ".go", ".md", ".csv", ".tsv", ".json", ".sql", ".html", ".txt", ".yaml", ".yml") {
			found = append(found, checkPhones(name, []byte(read(t, name)))...)
		}
		requireNone(t, found)
	})
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(name)))
	require.NoError(t, err)
	return string(text)
}
